"""EasyMocap's `intri.yml` and `extri.yml`: two files, fields named after the camera, in metres.

`names`; for each, in the one file `K_NAME` (3 x 3), `dist_NAME` (4 or 5) and perhaps `H_NAME`
and `W_NAME`, and in the other `R_NAME` (Rodrigues vector, camera from world), `Rot_NAME` (the
same as a matrix) and `T_NAME`. Most files do not say how large the picture is: it must be stated.
Lengths are in the unit of the board, which EasyMocap takes to be metres.
"""

import pathlib
import re
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.rigs.camera import (
    FileCamera,
    StatedRig,
    cameras_of,
    refuse_fisheye,
)
from diffbio.io.rigs.fields import CameraFields
from diffbio.io.rigs.opencv_yaml import HEAD, matrix_text, quoted, read_yaml

INTRINSICS, EXTRINSICS = "intri.yml", "extri.yml"

_SAME_ROTATION = 1e-3
"""Radians; EasyMocap writes six digits."""

_LAYOUT = (
    f"Expected: `names` in {INTRINSICS} and {EXTRINSICS}; `K_NAME`, `dist_NAME`, `H_NAME` and "
    "`W_NAME` in the former, `R_NAME` and `T_NAME` in the latter."
)


def read_easymocap(
    path: pathlib.Path, stated: StatedRig
) -> tuple[list[FileCamera], tuple[str, ...]]:
    """Read the cameras; the path is that of the folder, or of either file.

    Raises:
        InputError: a file is missing or cannot be read, the image size is unknown, or a camera
            is incomplete or impossible.
    """
    folder = path if path.is_dir() else path.parent
    inner, outer = (read_yaml(folder / name) for name in (INTRINSICS, EXTRINSICS))
    names = inner.get("names")
    if not isinstance(names, list) or not all(isinstance(n, str | float) for n in names):
        raise InputError(f"{folder / INTRINSICS}, names", f"Found {names!r}.", _LAYOUT)
    unit, notes = stated.metres_per_unit, []
    if unit is None:
        unit, notes = 1.0, ["EasyMocap writes positions in metres; they were read as such."]
    cameras = []
    for name in (_text(name) for name in names):
        where = f"{folder}, camera {name}"
        fields = CameraFields(
            where,
            {
                "size": _size(where, name, inner, stated),
                "matrix": inner.get(f"K_{name}"),
                "distortions": _flat(inner.get(f"dist_{name}", inner.get(f"D_{name}"))),
                "rotation": _rotation(where, name, outer),
                "translation": _flat(outer.get(f"T_{name}")),
            },
            _LAYOUT,
            {
                "matrix": f"K_{name}",
                "distortions": f"dist_{name}",
                "rotation": f"R_{name}",
                "translation": f"T_{name}",
            },
        )
        cameras.append(fields.camera(name, metres_per_unit=unit))
    return cameras, tuple(notes)


def _text(name: Any) -> str:
    """A name; one made of digits may have been written without quotation marks."""
    return name if isinstance(name, str) else f"{name:g}"


def _flat(found: Any) -> Any:
    """A matrix as a vector; anything else as it is, to be complained of in its turn."""
    return found.ravel() if isinstance(found, np.ndarray) else found


def _size(
    where: str, name: str, inner: dict[str, Any], stated: StatedRig
) -> tuple[float, float] | tuple[int, int]:
    width, height = inner.get(f"W_{name}"), inner.get(f"H_{name}")
    if isinstance(width, float) and isinstance(height, float) and min(width, height) > 0:
        if stated.image_size not in (None, (width, height)):
            raise InputError(
                where,
                f"A picture of {stated.image_size} was stated, and the file says {width:g} x "
                f"{height:g}.",
                "Leave out the size it was calibrated at.",
            )
        return width, height
    if stated.image_size is None:
        raise InputError(
            where,
            f"`W_{name}` and `H_{name}` are missing: the file does not say how large the picture "
            "is.",
            "State the size it was calibrated at: `diffbio convert ... --calibrated-at 1920x1080`.",
        )
    return stated.image_size


def _rotation(where: str, name: str, outer: dict[str, Any]) -> Any:
    """The Rodrigues vector, which is what EasyMocap reads, once the matrix agrees."""
    vector: Any = _flat(outer.get(f"R_{name}"))
    matrix: Any = outer.get(f"Rot_{name}")
    if np.shape(vector) != (3,) or np.shape(matrix) != (3, 3):
        return matrix if vector is None else vector
    apart = np.abs(Rotation.from_rotvec(vector).as_matrix() - matrix).max()
    if not apart < _SAME_ROTATION:
        raise InputError(
            f"{where}, Rot_{name}",
            f"It is another rotation than `R_{name}` (by {apart:.2g}).",
            "Remove the one that is wrong.",
        )
    return vector


def write_easymocap(rig: CameraRig) -> dict[str, str]:
    """Both files, with the size of the pictures.

    Raises:
        InputError: a lens is a fisheye, or a name cannot be part of a field's.
    """
    refuse_fisheye(rig, "EasyMocap")
    names = "".join(f"  - {quoted(name)}\n" for name in rig.names)
    inner = outer = f"{HEAD}names:\n{names}"
    for camera in cameras_of(rig):
        name = camera.name
        if not re.fullmatch(r"\w+", name, re.ASCII):
            raise InputError(
                f"camera {name}",
                "EasyMocap's names are made of letters, digits and underscores.",
                "Rename the camera.",
            )
        inner += matrix_text(f"K_{name}", camera.matrix)
        inner += matrix_text(f"dist_{name}", camera.distortion[None])
        inner += f"H_{name}: {camera.size[1]}\nW_{name}: {camera.size[0]}\n"
        vector = Rotation.from_matrix(camera.rotation).as_rotvec()
        outer += matrix_text(f"R_{name}", vector[:, None])
        outer += matrix_text(f"Rot_{name}", camera.rotation)
        outer += matrix_text(f"T_{name}", camera.translation[:, None])
    return {INTRINSICS: inner, EXTRINSICS: outer}
