"""A given calibration is nearly right: the prior that holds the gauge of bundle adjustment."""

import numpy as np
from jaxtyping import Array, Float

from diffbio.fitting.residuals.base import AbstractPrior, Curvature, Estimate

ROTATION_SD = float(np.deg2rad(0.5))
POSITION_SD = 0.015
"""In metres. Both are what a careful board calibration leaves."""

LOG_FOCAL_SD = 0.01
DISTORTION_SD = (0.03, 0.05)
"""Of k1 and k2. With the focal length they are what seven views of a board leave uncertain."""

CLOCK_OFFSET_SD = 0.03
"""In seconds: about a frame, after a coarse search."""

CLOCK_DRIFT_SD = 1e-4
"""In seconds per second: two cheap crystals of 50 ppm each."""

REFERENCE_CLOCK_SD = (1e-5, 1e-7)
"""Of offset and drift: the clock the others are measured against stays where it is."""


class CameraPrior(AbstractPrior):
    """Gaussian prior on the corrections of every camera. It also fixes the gauge.

    Attributes:
        sd: of every correction, columns as in `CameraAdjustment`.
    """

    sd: Float[Array, "camera 11"]

    def __call__(self, estimate: Estimate) -> Float[Array, ""]:
        """The term's cost, unitless."""
        z = estimate.cameras.columns() / self.sd
        return 0.5 * (z * z).sum()

    def curvature(self, estimate: Estimate) -> Curvature:
        """Constant."""
        return Curvature(cameras=1 / (self.sd * self.sd))


def camera_sd(n_cameras: int, reference_clock: int) -> Float[np.ndarray, "camera 11"]:
    """Prior standard deviations of the corrections of every camera.

    Args:
        n_cameras: how many.
        reference_clock: the camera whose clock is right by definition.
    """
    poses = [ROTATION_SD] * 3 + [POSITION_SD] * 3
    each = [*poses, LOG_FOCAL_SD, *DISTORTION_SD, CLOCK_OFFSET_SD, CLOCK_DRIFT_SD]
    sd = np.tile(each, (n_cameras, 1))
    # A slice, for there may be no camera at all.
    sd[reference_clock : reference_clock + 1, 9:] = REFERENCE_CLOCK_SD
    return sd
