"""`covariance.npz`: how certain a calibration is of all unknowns of its cameras at once."""

import pathlib

import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.lens_unknowns import LENS, WIDTH
from diffbio.cameras.rig import CameraRig
from diffbio.errors import InputError

COVARIANCE_FILE = "covariance.npz"

COLUMNS = ("turn_x", "turn_y", "turn_z", "shift_x", "shift_y", "shift_z", *LENS)
"""Unknowns of each camera: its turn about its own centre in its own axes (radians), the shift of
the centre along the axes of the world (metres), and the lens (`LENS`)."""

_SAME_PLACE = 1e-5
"""Metres: rig files keep more digits than that."""


def write_covariance(
    path: pathlib.Path,
    rig: CameraRig,
    covariance: Float[np.ndarray, "unknown unknown"],
) -> None:
    """Write the covariance of the unknowns of all cameras, in `COLUMNS` of each.

    The centres of the cameras go with it: by them it is told from that of another calibration.
    """
    draft = path.with_name(f".{path.name}.partial")
    with draft.open("wb") as file:
        np.savez_compressed(
            file,
            cameras=rig.names,
            columns=COLUMNS,
            covariance=covariance,
            centres=np.asarray(rig.centres),
        )
    draft.replace(path)


def read_covariance(path: pathlib.Path, rig: CameraRig) -> Float[np.ndarray, "unknown unknown"]:
    """Read the covariance of the cameras of a rig.

    Raises:
        InputError: the file is not what `write_covariance` wrote, or is of another rig.
    """
    remedy = "Calibrate again, or remove the file: the calibration then counts as exact."
    try:
        with np.load(path, allow_pickle=False) as archive:
            found = tuple(str(name) for name in archive["cameras"])
            columns = tuple(str(name) for name in archive["columns"])
            covariance = np.asarray(archive["covariance"], float)
            centres = np.asarray(archive["centres"], float)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(str(path), f"It cannot be read ({error}).", remedy) from error
    size = len(found) * WIDTH
    if columns != COLUMNS or covariance.shape != (size, size):
        raise InputError(str(path), "It is of another version of diffbio.", remedy)
    if found != rig.names:
        raise InputError(
            str(path),
            f"It is of the cameras {', '.join(found)}, and the rig has {', '.join(rig.names)}.",
            remedy,
        )
    if not np.allclose(centres, rig.centres, atol=_SAME_PLACE):
        raise InputError(
            str(path), "It is of another calibration: the cameras stood elsewhere.", remedy
        )
    return covariance


def remove_covariance(folder: pathlib.Path) -> bool:
    """Remove the covariance of the rig that was in a folder before; whether there was one."""
    path = folder / COVARIANCE_FILE
    found = path.is_file()
    path.unlink(missing_ok=True)
    return found
