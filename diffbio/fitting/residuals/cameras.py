"""A given calibration is nearly right: the prior that holds the gauge of bundle adjustment."""

import numpy as np
from jaxtyping import Array, Float

from diffbio.fitting.residuals.base import AbstractPrior, Curvature, Estimate

ROTATION_SD = float(np.deg2rad(0.5))
POSITION_SD = 0.015
"""In metres. Both are what a careful board calibration leaves."""


class CameraPrior(AbstractPrior):
    """Gaussian prior on the adjustment of every camera. It also fixes the rigid gauge.

    Attributes:
        weight: one number, so that the term has an array and shapes are known.
    """

    weight: Float[Array, ""]

    def __call__(self, estimate: Estimate) -> Float[Array, ""]:
        """The term's cost, unitless."""
        turn = estimate.camera_rotation / ROTATION_SD
        shift = estimate.camera_shift / POSITION_SD
        return 0.5 * self.weight * ((turn * turn).sum() + (shift * shift).sum())

    def curvature(self, estimate: Estimate) -> Curvature:
        """Constant."""
        return Curvature(
            camera_rotation=self.weight / ROTATION_SD**2, camera_shift=self.weight / POSITION_SD**2
        )
