"""Pose2Sim's and aniposelib's camera rigs: TOML, one table per camera, in metres.

A table has `size` [width, height], `matrix`, `distortions` (4 or 5 numbers; 4 for a fisheye),
`rotation` (Rodrigues vector or orthonormal matrix, camera from world), `translation` in metres,
and optionally `name` (else the table's) and `fisheye` (else a pinhole). `[metadata]` is ignored.
"""

import json
import pathlib
import re
import tomllib
from typing import Any

from scipy.spatial.transform import Rotation

from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.rigs.camera import FileCamera, StatedRig, cameras_of, unreadable
from diffbio.io.rigs.fields import CameraFields

METADATA = "metadata"
"""The one table that is no camera."""

LAYOUT = (
    "A camera is a table with `size` [width, height] in pixels, `matrix` (3 x 3), `distortions` "
    "(k1, k2, p1, p2 and perhaps k3), `rotation` (Rodrigues vector, world to camera) and "
    "`translation` (metres)."
)


def read_pose2sim(
    path: pathlib.Path, stated: StatedRig
) -> tuple[list[FileCamera], tuple[str, ...]]:
    """Read the cameras.

    Raises:
        InputError: the file cannot be read or parsed, or a camera is incomplete or
            impossible; the message names the camera and the field.
    """
    content = tables_of(path)
    tables = {k: v for k, v in content.items() if k != METADATA and isinstance(v, dict)}
    unit = 1.0 if stated.metres_per_unit is None else stated.metres_per_unit
    return cameras_of_tables(path, tables, unit), ()


def write_pose2sim(rig: CameraRig) -> dict[str, str]:
    """The file, every number with all its digits."""
    return {"": "\n".join(camera_text(camera, camera.name) for camera in cameras_of(rig))}


def tables_of(path: pathlib.Path) -> dict[str, Any]:
    """Content of a TOML file.

    Raises:
        InputError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise unreadable(path, error) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"It is not TOML ({error}).", LAYOUT) from error


def cameras_of_tables(
    path: pathlib.Path, tables: dict[str, dict[str, Any]], metres_per_unit: float
) -> list[FileCamera]:
    """The cameras of tables in aniposelib's layout.

    Raises:
        InputError: there is none, or one is incomplete or impossible.
    """
    if not tables:
        raise InputError(str(path), "It holds no camera.", LAYOUT)
    cameras = []
    for key, table in tables.items():
        where, fisheye = f"{path}, camera {key}", table.get("fisheye", False)
        if not isinstance(fisheye, bool):
            raise InputError(f"{where}, fisheye", f"Found {fisheye!r}.", "Write true or false.")
        fields = CameraFields(where, table, LAYOUT)
        name = str(table.get("name", key))
        cameras.append(fields.camera(name, metres_per_unit=metres_per_unit, fisheye=fisheye))
    return cameras


def camera_text(camera: FileCamera, key: str, *, units_per_metre: float = 1.0) -> str:
    """One TOML table.

    Args:
        camera: what it says.
        key: name of the table; parts of a dotted name are quoted where they must be.
        units_per_metre: 1000 for a file in millimetres.
    """
    parts = key.split(".") if re.fullmatch(r"cameras\.\d+", key) else [key]
    quoted = ".".join(p if re.fullmatch(r"[A-Za-z0-9_-]+", p) else json.dumps(p) for p in parts)
    lens = camera.distortion.tolist()
    return "\n".join(
        [
            f"[{quoted}]",
            f"name = {json.dumps(camera.name)}",
            f"size = [{camera.size[0]}.0, {camera.size[1]}.0]",
            f"matrix = {camera.matrix.tolist()}",
            f"distortions = {lens[:4] if camera.fisheye else lens}",
            f"rotation = {Rotation.from_matrix(camera.rotation).as_rotvec().tolist()}",
            f"translation = {(camera.translation * units_per_metre).tolist()}",
            f"fisheye = {'true' if camera.fisheye else 'false'}",
            "",
        ]
    )
