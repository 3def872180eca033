"""OpenCV's YAML: the field names of its calibration sample, for one camera or a list of them.

OpenCV itself fixes how a matrix is written, not what a rig looks like. Read are `image_width`,
`image_height`, `camera_matrix`, `distortion_coefficients` and `fisheye_model`, as its sample
writes them, with `rotation` (3 x 3 or Rodrigues vector, camera from world) and `translation`:
all in one file per camera, a folder of which is a rig, or several cameras in a list `cameras`,
each with a `name`. `length_unit` ("m", "cm", "mm") says the unit; without it, it must be stated.
"""

import pathlib
from typing import Any

import numpy as np

from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.rigs.camera import FileCamera, StatedRig, cameras_of, unit_of
from diffbio.io.rigs.fields import CameraFields
from diffbio.io.rigs.opencv_yaml import HEAD, matrix_text, quoted, read_yaml

UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
"""Metres in what a file may call its unit."""

_ALIASES = {
    "matrix": ("camera_matrix", "cameraMatrix", "K"),
    "distortions": ("distortion_coefficients", "distCoeffs", "D", "dist"),
    "rotation": ("rotation", "rotation_matrix", "R", "rvec"),
    "translation": ("translation", "translation_vector", "T", "tvec"),
}
"""Names under which OpenCV's samples and those who follow them store a field."""

_LAYOUT = (
    "Expected of a camera: `image_width`, `image_height`, `camera_matrix`, "
    "`distortion_coefficients`, `rotation` (camera from world) and `translation`."
)


def camera_files(path: pathlib.Path) -> list[pathlib.Path]:
    """The YAML files of a folder, or the one that was named."""
    if path.is_file():
        return [path]
    return sorted([*path.glob("*.yml"), *path.glob("*.yaml")])


def read_opencv(path: pathlib.Path, stated: StatedRig) -> tuple[list[FileCamera], tuple[str, ...]]:
    """Read the cameras of a file or a folder.

    Raises:
        InputError: a file cannot be read, its unit is unknown, or a camera is incomplete.
    """
    cameras = []
    for file in camera_files(path):
        content = read_yaml(file)
        unit = unit_of(file, _known_unit(file, content), stated)
        tables = content.get("cameras", [{"name": file.stem} | content])
        if not isinstance(tables, list):
            raise InputError(f"{file}, cameras", "It is not a list.", _LAYOUT)
        for row, table in enumerate(tables):
            if not isinstance(table, dict):
                raise InputError(f"{file}, cameras", f"Found {table!r} in it.", _LAYOUT)
            name = table.get("name", f"cam_{row}")
            name = name if isinstance(name, str) else f"{name:g}"
            cameras.append(_camera(f"{file}, camera {name}", name, table, unit, stated))
    return cameras, ()


def _known_unit(file: pathlib.Path, content: dict[str, Any]) -> float | None:
    unit = content.get("length_unit")
    if unit is not None and unit not in UNITS:
        known = ", ".join(UNITS)
        raise InputError(f"{file}, length_unit", f"Found {unit!r}.", f"Known are {known}.")
    return None if unit is None else UNITS[unit]


def _camera(
    where: str, name: str, table: dict[str, Any], unit: float, stated: StatedRig
) -> FileCamera:
    found = {field: _first(table, names) for field, names in _ALIASES.items()}
    if found["matrix"] is not None and found["rotation"] is None:
        raise InputError(
            where,
            "It holds intrinsics only: `rotation` and `translation` are missing.",
            "Calibrate the extrinsics, and give that file.",
        )
    called = {field: names[0] for field, names in _ALIASES.items()}
    size = (table.get("image_width"), table.get("image_height"))
    if None in size:
        size, called["size"] = stated.image_size, "image_width` and `image_height"
    elif stated.image_size not in (None, size):
        raise InputError(
            where,
            f"A picture of {stated.image_size} was stated, and the file says {size}.",
            "Leave out the size it was calibrated at.",
        )
    return CameraFields(where, {"size": size} | found, _LAYOUT, called).camera(
        name, metres_per_unit=unit, fisheye=bool(table.get("fisheye_model", 0))
    )


def _first(table: dict[str, Any], names: tuple[str, ...]) -> np.ndarray | None:
    """A field under the first of its names that is there, without axes of length one."""
    value = next((table[name] for name in names if name in table), None)
    return None if value is None else np.squeeze(value)


def write_opencv(rig: CameraRig) -> dict[str, str]:
    """One file with a list of all cameras."""
    text = f'{HEAD}length_unit: "m"\ncameras:\n'
    indent = "     "
    for camera in cameras_of(rig):
        lens = camera.distortion[:4] if camera.fisheye else camera.distortion
        text += (
            f"   -\n{indent}name: {quoted(camera.name)}\n"
            f"{indent}image_width: {camera.size[0]}\n{indent}image_height: {camera.size[1]}\n"
            f"{indent}fisheye_model: {int(camera.fisheye)}\n"
        )
        text += matrix_text("camera_matrix", camera.matrix, indent)
        text += matrix_text("distortion_coefficients", lens[None], indent)
        text += matrix_text("rotation", camera.rotation, indent)
        text += matrix_text("translation", camera.translation[:, None], indent)
    return {"": text}
