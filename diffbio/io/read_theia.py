"""Segments of a body as Theia3D writes them into C3D files: 4 x 4 matrices, group ROTATION.

The matrices place each segment in the laboratory (`l_thigh_4X4`, `pelvis_4X4`, ...). Their origins
are points of the body, those of thigh, shank and foot the centres of hip, knee and ankle, and are
read as markers named like the segments. Theia3D estimates no heels: events of gait need a fit of a
body, or heels from elsewhere.

Source: Theia3D's documentation (C3D export); the C3D format's group ROTATION.
"""

import pathlib

import ezc3d
import numpy as np

from diffbio.errors import InputError
from diffbio.io.axes import world_from_opensim
from diffbio.io.c3d_parameters import C3dParameters
from diffbio.io.c3d_structure import check_structure
from diffbio.io.lengths import check_lengths, metres_per
from diffbio.observations.markers import Markers, check_unique

_FORMAT = "Give a C3D file that Theia3D wrote, with segment poses."


def is_theia(path: pathlib.Path) -> bool:
    """Whether a file is a C3D file with segment poses."""
    if path.suffix.lower() != ".c3d" or not path.is_file():
        return False
    with path.open("rb") as file:
        return b"ROTATION" in file.read(65_536)


def read_theia(path: pathlib.Path) -> Markers:
    """Read the origins of the segments, in the world frame.

    Raises:
        InputError: the file is unreadable, holds no poses, or contradicts itself; the unit of
            lengths or the vertical axis is missing.
    """
    check_structure(path)
    try:
        content = ezc3d.c3d(str(path))
        matrices = np.asarray(content["data"]["rotations"], float)
    except (OSError, RuntimeError, ValueError, IndexError, KeyError, MemoryError) as error:
        raise InputError(
            str(path), f"It is not a complete C3D file ({str(error).strip()}).", _FORMAT
        ) from error
    parameters = C3dParameters(path, content["parameters"])
    if matrices.ndim != 4 or 0 in matrices.shape:
        raise InputError(f"{path}, ROTATION:USED", "It holds no pose of a segment.", _FORMAT)
    labels = parameters.texts("ROTATION", "LABELS")[: matrices.shape[2]]
    if len(labels) != matrices.shape[2]:
        raise InputError(
            f"{path}, ROTATION:LABELS",
            f"There are {len(labels)} labels for {matrices.shape[2]} poses.",
            _FORMAT,
        )
    names = tuple(label.removesuffix("_4X4").removesuffix("_4x4") for label in labels)
    check_unique(f"{path}, ROTATION:LABELS", "label", names)
    rate = parameters.number("ROTATION", "RATE")
    if not rate > 0.0:
        raise InputError(f"{path}, ROTATION:RATE", f"It says {rate:g} Hz.", _FORMAT)
    units = parameters.texts("POINT", "UNITS")
    metres = metres_per(units[0] if units else None, f"{path}, POINT:UNITS")
    origins = metres * matrices[:3, 3].transpose(2, 1, 0)
    origins[(origins == 0.0).all(axis=2)] = np.nan
    check_lengths(origins, f"{path}, POINT:UNITS", f"The unit is {units[0]}")
    up = parameters.texts("POINT", "Y_SCREEN")
    axis = up[0].upper().replace("+", "").lower() if up and up[0] else ""
    if axis not in ("y", "z"):
        raise InputError(
            f"{path}, POINT:Y_SCREEN", "The vertical axis is missing.", "Export with Z or Y up."
        )
    time = np.arange(len(origins)) / rate
    world = origins if axis == "z" else world_from_opensim(origins)
    return Markers(names, world, time, str(path))
