"""OpenCap's `cameraIntrinsicsExtrinsics.pickle`: one file per camera, in millimetres.

The file lies in a folder named like the camera (`Videos/Cam0/`). It holds `intrinsicMat`,
`distortion` (1 x 5, OpenCV's), `imageSize` (height, width), `rotation` (camera from world) and
`translation` in millimetres. OpenCap's own converter from Vicon writes `imageSize` the other way
round; the principal point, which lies near the middle, tells. The world is the frame of the
checkerboard, whose axes depend on how the board was put up.
"""

import pathlib
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
    unit_of,
)
from diffbio.io.rigs.fields import CameraFields
from diffbio.io.rigs.numeric_pickle import read_numbers, write_numbers

FILE_NAME = "cameraIntrinsicsExtrinsics.pickle"

_MILLIMETRE = 1e-3

_OFF_CENTRE = 0.25
"""Of the width or height: how far off the middle a principal point is believed."""

_LAYOUT = (
    "Expected: `intrinsicMat` (3 x 3), `distortion` (5), `imageSize` (height, width), `rotation` "
    "(3 x 3, camera from world) and `translation` (3, millimetres)."
)

_CALLED = {"size": "imageSize", "matrix": "intrinsicMat", "distortions": "distortion"}

_SHAPES = {
    "intrinsicMat": (3, 3),
    "distortion": (-1,),
    "imageSize": (2,),
    "rotation": (3, 3),
    "translation": (3,),
}


def camera_files(path: pathlib.Path) -> list[pathlib.Path]:
    """The cameras' files of a session, of its `Videos`, or the one that was named."""
    if path.is_file():
        return [path]
    return sorted([*path.glob(f"*/{FILE_NAME}"), *path.glob(f"Videos/*/{FILE_NAME}")])


def read_opencap(path: pathlib.Path, stated: StatedRig) -> tuple[list[FileCamera], tuple[str, ...]]:
    """Read the cameras of a session, or one camera.

    Raises:
        InputError: a file cannot be read, holds more than numbers, or is incomplete.
    """
    unit_of(path, _MILLIMETRE, stated)
    cameras, notes = [], []
    for file in camera_files(path):
        camera, more = _camera(file)
        cameras.append(camera)
        notes += more
    if path.is_file():
        notes.append(f"This is one camera, {cameras[0].name}; give the session's folder for all.")
    return cameras, tuple(notes)


def _camera(path: pathlib.Path) -> tuple[FileCamera, list[str]]:
    content = read_numbers(path)
    if not isinstance(content, dict):
        raise InputError(str(path), f"It holds a {type(content).__name__}.", _LAYOUT)
    name = path.resolve().parent.name
    table = {key: _shaped(path, content, key) for key in _SHAPES}
    if table["rotation"] is None and table["intrinsicMat"] is not None:
        raise InputError(
            str(path),
            "It holds intrinsics only: `rotation` and `translation` are missing.",
            "Calibrate the extrinsics, and give that file.",
        )
    size, notes = _size(path, name, table["imageSize"], table["intrinsicMat"])
    fields = CameraFields(
        str(path),
        {
            "size": size,
            "matrix": table["intrinsicMat"],
            "distortions": table["distortion"],
            "rotation": table["rotation"],
            "translation": table["translation"],
        },
        _LAYOUT,
        _CALLED,
    )
    return fields.camera(name, metres_per_unit=_MILLIMETRE), notes


def _shaped(path: pathlib.Path, content: dict[Any, Any], key: str) -> np.ndarray | None:
    """A field without the axes of length one that OpenCap leaves."""
    if key not in content:
        return None
    try:
        return np.asarray(content[key], dtype=float).reshape(_SHAPES[key])
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}, {key}", f"Found {content[key]!r}.", _LAYOUT) from error


def _size(
    path: pathlib.Path, name: str, stored: np.ndarray | None, matrix: np.ndarray | None
) -> tuple[np.ndarray | None, list[str]]:
    """Width and height, and a note where they were stored in that order."""
    if stored is None or matrix is None or not np.all(stored > 0.0):
        return stored, []  # which is complained of in its turn
    principal = matrix[:2, 2]
    for size, note in (
        (stored[::-1], []),
        (stored, [f"{name}: `imageSize` was taken as width, height, as its principal point asks."]),
    ):
        if np.all(np.abs(principal / size - 0.5) < _OFF_CENTRE):
            return size, note
    raise InputError(
        f"{path}, imageSize",
        f"A picture of {stored[1]:g} x {stored[0]:g} pixels does not go with the principal point "
        f"({principal[0]:.0f}, {principal[1]:.0f}).",
        "Calibrate the camera again, in the orientation of the recording.",
    )


def write_opencap(rig: CameraRig) -> dict[str, bytes]:
    """The files, by their path in the session. OpenCap itself wants cameras called Cam0, Cam1...

    Raises:
        InputError: a lens is a fisheye, or a name cannot be that of a folder.
    """
    refuse_fisheye(rig, "OpenCap")
    files = {}
    for camera in cameras_of(rig):
        if camera.name != pathlib.PurePath(camera.name).name or "\\" in camera.name:
            raise InputError(
                f"camera {camera.name}",
                "Its name cannot be that of a folder.",
                "Rename the camera; OpenCap calls them Cam0, Cam1 and so on.",
            )
        files[f"Videos/{camera.name}/{FILE_NAME}"] = write_numbers(
            {
                "distortion": camera.distortion[None],
                "intrinsicMat": camera.matrix,
                "imageSize": np.array([[float(camera.size[1])], [float(camera.size[0])]]),
                "rotation": camera.rotation,
                "rotation_EulerAngles": Rotation.from_matrix(camera.rotation).as_rotvec()[:, None],
                "translation": camera.translation[:, None] / _MILLIMETRE,
            }
        )
    return files
