"""Joint angles of a fit against those of another program, from its motion file."""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.fitting import Fit
from diffbio.io.axes import PELVIS_ANGLES
from diffbio.io.coordinates import coordinates_of

ANGLES = ("hip_flexion", "knee_angle", "ankle_angle")
INCLINATION = "pelvis_inclination"


@dataclasses.dataclass(frozen=True)
class MotionFile:
    """Columns of an OpenSim motion file (`.mot`), angles in degrees.

    Attributes:
        time: in seconds, on the file's own clock.
        columns: values over time, by coordinate.
    """

    time: Float[np.ndarray, "time"]
    columns: dict[str, Float[np.ndarray, "time"]]


def read_motion(path: pathlib.Path) -> MotionFile:
    """Read an OpenSim motion file in degrees.

    Raises:
        InputError: it cannot be read, or its angles are not in degrees.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(
            str(path), f"It cannot be read ({error.strerror}).", "Give the folder of recordings."
        ) from error
    header = [line.strip().replace(" ", "").lower() for line in lines[:20]]
    if "indegrees=yes" not in header or "endheader" not in header:
        raise InputError(
            str(path), "It is no motion file in degrees.", "Write it with inDegrees=yes."
        )
    table = [line for line in lines[header.index("endheader") + 1 :] if line.strip()]
    names = table[0].split("\t")
    values = np.asarray([line.split() for line in table[1:]], float)
    columns = dict(zip(names[1:], values[:, 1:].T, strict=True))
    return MotionFile(values[:, 0], columns)


def agreement(
    fit: Fit, reference: MotionFile, signs: dict[str, float]
) -> dict[str, dict[str, float]]:
    """How a fit's sagittal angles differ from a reference's, over the reference's own span.

    Args:
        fit: its sample times are on the reference's clock.
        reference: another program's coordinates.
        signs: -1 for coordinates that count the other way in the reference.

    Returns:
        For each side of hip flexion, knee and ankle: `rmse_deg` with means removed, and
        `bias_deg`, fit minus reference. `pelvis_inclination` as well, whatever the heading: what
        it lacks, a hip's flexion has too much.
    """
    ours = coordinates_of(fit).in_degrees()
    fitted = dict(zip(ours.names, ours.values.T, strict=True))
    fitted[INCLINATION], columns = inclination_deg(fitted), dict(reference.columns)
    columns[INCLINATION] = inclination_deg(columns)
    span = (reference.time >= fit.motion.time[0] - 1e-6) & (
        reference.time <= fit.motion.time[-1] + 1e-6
    )
    compared = {}
    for name in (INCLINATION, *(f"{angle}_{side}" for angle in ANGLES for side in "rl")):
        sampled = np.interp(reference.time[span], fit.motion.time, fitted[name])
        difference = sampled - signs.get(name, 1.0) * columns[name][span]
        compared[name] = {
            "rmse_deg": float(difference.std()),
            "bias_deg": float(difference.mean()),
        }
    return compared


def inclination_deg(
    columns: Mapping[str, Float[np.ndarray, "time"]],
) -> Float[np.ndarray, "time"]:
    """How far the pelvis's forward axis points above the horizontal, in degrees.

    Tilt is the first of the pelvis's three rotations, about an axis fixed in the ground, and so
    depends on where the person walks; this does not.
    """
    tilt, roll, heading = (np.deg2rad(columns[name]) for name in PELVIS_ANGLES)
    # Second row (up), first column (forward) of the intrinsic Z-X-Y rotation.
    up = np.sin(tilt) * np.cos(heading) + np.cos(tilt) * np.sin(roll) * np.sin(heading)
    return np.rad2deg(np.arcsin(up))


def both_sides(compared: dict[str, dict[str, float]], angle: str) -> tuple[float, float]:
    """RMSE and bias of an angle in degrees, root mean square and mean over right and left."""
    sides = [compared[f"{angle}_{side}"] for side in "rl"]
    rmse = float(np.sqrt(np.mean([side["rmse_deg"] ** 2 for side in sides])))
    return rmse, float(np.mean([side["bias_deg"] for side in sides]))
