"""Whether focal lengths that were taken as right explain what the cameras saw."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.points.adjustment import FocalPrior
from diffbio.cameras.calibration.points.certainty import certainty
from diffbio.cameras.calibration.points.equations import FOCAL
from diffbio.cameras.calibration.points.solve import PointsCalibration, refined_cameras
from diffbio.cameras.calibration.points.tracks import Tracks

LOOSE = 0.1
"""Standard deviation of focal lengths' logarithms that leaves them free but for their common
part, which pictures hardly tell."""


class LensTest(NamedTuple):
    """By what factor focal lengths would fit better.

    Attributes:
        change: of their logarithms.
        sd: of that.
    """

    change: Float[np.ndarray, "camera"]
    sd: Float[np.ndarray, "camera"]


def lens_test(found: PointsCalibration, tracks: Tracks) -> LensTest:
    """Seek focal lengths that were held, from cameras that were found with them."""
    given = jnp.log(found.rig.focal_px[:, 0])
    free = found.free.copy()
    free[:, FOCAL] = True
    prior = FocalPrior(given, jnp.asarray(LOOSE, given.dtype))
    sought = refined_cameras(found.rig, tracks, found.times, found.offset, free, prior=prior)
    change = np.log(np.asarray(sought.rig.focal_px, float)[:, 0]) - np.asarray(given, float)
    return LensTest(change, certainty(sought).log_focal)
