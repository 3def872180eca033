"""Camera rigs as Pose2Sim and aniposelib write them: one TOML table per camera."""

import json
import math
import os
import pathlib
import re
import tomllib
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from diffbio.cameras import CameraRig
from diffbio.errors import InputError

_NOT_A_CAMERA = "metadata"

_ROTATION_TOLERANCE = 1e-4
"""Largest deviation of `R R^T` from the identity: matrices are written with 5 digits or more."""

_FARTHEST_CAMERA = 200.0
"""In metres from the middle of the rig. Beyond it the rig is taken to be in millimetres."""

_FORMAT = (
    "A camera is a table with `size` [width, height] in pixels, `matrix` (3 x 3), `distortions` "
    "(k1, k2, p1, p2 and perhaps k3), `rotation` (Rodrigues vector, world to camera) and "
    "`translation` (metres)."
)


def read_rig(path: pathlib.Path) -> CameraRig:
    """Read a calibrated rig.

    Args:
        path: TOML file with one table per camera: `size` [width, height], `matrix`,
            `distortions` (4 or 5 numbers; 4 for a fisheye), `rotation` (Rodrigues vector or
            orthonormal matrix, camera from world), `translation` in metres, and optionally
            `name` (else the table's) and `fisheye` (else a pinhole). `[metadata]` is ignored.

    Raises:
        InputError: the file cannot be read or parsed, or a camera is incomplete or
            impossible; the message names the camera and the field.
    """
    cameras = [_Camera(f"{path}, camera {key}", key, table) for key, table in _tables(path).items()]
    names = tuple(camera.name for camera in cameras)
    for name in names:
        if names.count(name) > 1:
            raise InputError(str(path), f"Two cameras are called {name!r}.", "Rename one of them.")
    rotation = np.stack([camera.rotation() for camera in cameras])
    translation = np.stack([camera.numbers("translation", 3) for camera in cameras])
    _check_metres(path, names, -np.einsum("cji,cj->ci", rotation, translation))
    matrices = np.stack([camera.matrix() for camera in cameras])
    return CameraRig(
        focal_px=jnp.asarray(matrices[:, [0, 1], [0, 1]]),
        principal_px=jnp.asarray(matrices[:, :2, 2]),
        distortion=jnp.asarray(np.stack([camera.distortion() for camera in cameras])),
        camera_from_world_rotation=jnp.asarray(rotation),
        camera_from_world_translation=jnp.asarray(translation),
        names=names,
        image_size=tuple(camera.size() for camera in cameras),
        fisheye=tuple(camera.fisheye for camera in cameras),
    )


def write_rig(rig: CameraRig, path: pathlib.Path) -> None:
    """Write a rig in the same convention, in one step: the old file stays until it is done.

    Raises:
        InputError: the folder cannot be written.
    """
    text = "\n".join(_camera_text(rig, camera) for camera in range(len(rig.names)))
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)
    except OSError as error:
        raise InputError(
            str(path),
            f"The rig cannot be written ({error.strerror}).",
            "Choose a folder that exists and may be written.",
        ) from error
    finally:
        draft.unlink(missing_ok=True)


class _Camera:
    """One table, read field by field; every complaint says which."""

    def __init__(self, where: str, key: str, table: dict[str, Any]) -> None:
        self.where, self.table = where, table
        self.name = str(table.get("name", key))
        fisheye = table.get("fisheye", False)
        if not isinstance(fisheye, bool):
            raise InputError(f"{where}, fisheye", f"Found {fisheye!r}.", "Write true or false.")
        self.fisheye = fisheye

    def numbers(self, field: str, *shape: int) -> Float[np.ndarray, "..."]:
        """A field as finite numbers, of a given shape unless none is given."""
        if field not in self.table:
            raise InputError(self.where, f"The field `{field}` is missing.", _FORMAT)
        try:
            value = np.asarray(self.table[field], dtype=float)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{self.where}, {field}", f"Found {self.table[field]!r}.", _FORMAT
            ) from error
        if shape and value.shape != shape:
            raise InputError(
                f"{self.where}, {field}",
                f"Found {' x '.join(map(str, value.shape)) or 'one'} numbers instead of "
                f"{' x '.join(map(str, shape))}.",
                _FORMAT,
            )
        if not np.all(np.isfinite(value)):
            raise InputError(
                f"{self.where}, {field}",
                "It holds a number that is not finite (NaN or infinity).",
                "Calibrate this camera again, or remove it from the rig.",
            )
        return value

    def size(self) -> tuple[int, int]:
        """Width and height of the image."""
        width, height = self.numbers("size", 2)
        if min(width, height) < 1 or width != int(width) or height != int(height):
            raise InputError(
                f"{self.where}, size",
                f"Found {width:g} x {height:g} pixels.",
                "Give the width and height of the image in whole pixels.",
            )
        return int(width), int(height)

    def matrix(self) -> Float[np.ndarray, "3 3"]:
        """Focal lengths and principal point as a camera matrix without skew."""
        matrix = self.numbers("matrix", 3, 3)
        if matrix[0, 1] != 0.0:
            raise InputError(
                f"{self.where}, matrix",
                f"The skew is {matrix[0, 1]:g}, and cameras with skew are not supported.",
                "Calibrate the camera without skew (OpenCV's usual model).",
            )
        if matrix[0, 0] <= 0.0 or matrix[1, 1] <= 0.0:
            raise InputError(
                f"{self.where}, matrix",
                f"The focal lengths are {matrix[0, 0]:g} and {matrix[1, 1]:g} px.",
                "They must be positive; check the sign convention of the calibration.",
            )
        lower = matrix[[1, 2, 2], [0, 0, 1]]
        if np.any(lower != 0.0) or matrix[2, 2] != 1.0:
            raise InputError(
                f"{self.where}, matrix",
                "It is not of the form [[fx, 0, cx], [0, fy, cy], [0, 0, 1]].",
                "Write it row by row, in pixels.",
            )
        return matrix

    def distortion(self) -> Float[np.ndarray, "5"]:
        """Lens coefficients, filled up to five."""
        found = self.numbers("distortions")
        allowed = (4,) if self.fisheye else (4, 5)
        if found.ndim != 1 or found.size not in allowed:
            raise InputError(
                f"{self.where}, distortions",
                f"Found {found.size} numbers.",
                "A fisheye lens has 4 (k1, k2, k3, k4)."
                if self.fisheye
                else "A pinhole lens has 4 (k1, k2, p1, p2) or 5 (and k3).",
            )
        return np.pad(found, (0, 5 - found.size))

    def rotation(self) -> Float[np.ndarray, "3 3"]:
        """Rotation matrix, camera from world."""
        found = self.numbers("rotation")
        if found.shape == (3,):
            return np.asarray(_in_double(found))
        if found.shape != (3, 3):
            raise InputError(
                f"{self.where}, rotation",
                f"Found {found.size} numbers.",
                "Give a Rodrigues vector (3 numbers) or a rotation matrix (3 x 3).",
            )
        away = np.abs(found @ found.T - np.eye(3)).max()
        if away > _ROTATION_TOLERANCE or np.linalg.det(found) < 0.0:
            raise InputError(
                f"{self.where}, rotation",
                f"The matrix is not orthonormal with determinant 1 (R R^T is {away:.2g} off the "
                f"identity, the determinant is {np.linalg.det(found):.3g}).",
                "Give the rotation from world to camera as a Rodrigues vector or a rotation "
                "matrix.",
            )
        return found


def _in_double(vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Rodrigues' formula, in double precision whatever JAX is set to."""
    angle = math.sqrt(float(vector @ vector))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = vector / angle
    turn = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + math.sin(angle) * turn + (1.0 - math.cos(angle)) * turn @ turn


def _tables(path: pathlib.Path) -> dict[str, dict[str, Any]]:
    """The camera tables of a file."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            str(path),
            f"The rig cannot be read ({error.strerror}).",
            "Give the path of the calibration, a TOML file with one table per camera.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"It is not TOML ({error}).", _FORMAT) from error
    tables = {k: v for k, v in content.items() if k != _NOT_A_CAMERA and isinstance(v, dict)}
    if not tables:
        raise InputError(str(path), "It holds no camera.", _FORMAT)
    return tables


def _check_metres(
    path: pathlib.Path, names: tuple[str, ...], centres: Float[np.ndarray, "camera 3"]
) -> None:
    away = np.linalg.norm(centres - centres.mean(axis=0), axis=1)
    if away.max() > _FARTHEST_CAMERA:
        raise InputError(
            f"{path}, translation",
            f"Camera {names[int(away.argmax())]} stands {away.max():.0f} m from the middle of "
            "the rig, which looks like millimetres.",
            "Write translations in metres.",
        )


def _camera_text(rig: CameraRig, camera: int) -> str:
    """One TOML table, every number with all its digits."""
    name, (width, height) = rig.names[camera], rig.image_size[camera]
    (fx, fy), (cx, cy) = np.asarray(rig.focal_px[camera]), np.asarray(rig.principal_px[camera])
    lens = np.asarray(rig.distortion[camera], float).tolist()
    turn = np.asarray(rig.camera_from_world_rotation[camera], float)
    vector = Rotation.from_matrix(turn).as_rotvec()
    translation = np.asarray(rig.camera_from_world_translation[camera], float)
    key = name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
    matrix = [[float(fx), 0.0, float(cx)], [0.0, float(fy), float(cy)], [0.0, 0.0, 1.0]]
    return "\n".join(
        [
            f"[{key}]",
            f"name = {json.dumps(name)}",
            f"size = [{width}.0, {height}.0]",
            f"matrix = {matrix}",
            f"distortions = {lens[:4] if rig.fisheye[camera] else lens}",
            f"rotation = {vector.tolist()}",
            f"translation = {translation.tolist()}",
            f"fisheye = {'true' if rig.fisheye[camera] else 'false'}",
            "",
        ]
    )
