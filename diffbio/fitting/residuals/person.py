"""Priors on a person's proportions and on where keypoints sit."""

import numpy as np
from jaxtyping import Array, Float

from diffbio.body import BodyModel
from diffbio.body.keypoint_set import AnchorClass
from diffbio.fitting.residuals.base import AbstractPrior, Curvature, Estimate

# Standard deviations of the natural logarithm of size. Stature of adults of both sexes varies by
# about 5 % (ANSUR II, Gordon 2014); the margin above it admits children and the base model's own
# stature. Segment length relative to stature varies by 3 to 5 % (Drillis and Contini 1966); left
# and right of one person by about 1 to 2 % (Auerbach and Ruff 2006).
SIZE_SD = 0.12
PROPORTION_SD = 0.05
SIDE_SD = 0.015

# Per axis, in metres: joint centres as detectors place them against anatomy (hips up to 3 cm,
# others about 1 cm); palpated landmarks; points on soft tissue defined by the eye; markers
# that were put anywhere on a segment.
MARKER_SD = {
    AnchorClass.JOINT_CENTRE: 0.012,
    AnchorClass.BONY_LANDMARK: 0.012,
    AnchorClass.SOFT_TISSUE: 0.025,
    AnchorClass.CLUSTER: 0.060,
}


class ScalePrior(AbstractPrior):
    """Gaussian prior on log scales: one size for all, a proportion each, sides nearly equal.

    Attributes:
        whitener: turns log scales into independent standard deviations.
    """

    whitener: Float[Array, "segment segment"]

    def __call__(self, estimate: Estimate) -> Float[Array, ""]:
        """The term's cost, unitless."""
        z = self.whitener @ estimate.parameters.log_scale
        return 0.5 * (z * z).sum()

    def curvature(self, estimate: Estimate) -> Curvature:
        """Constant."""
        return Curvature(log_scale=self.whitener.T @ self.whitener)


class MarkerPrior(AbstractPrior):
    """Gaussian prior on the distance of markers from their anchors.

    Attributes:
        sd: per marker and axis, in metres.
    """

    sd: Float[Array, "marker"]

    def __call__(self, estimate: Estimate) -> Float[Array, ""]:
        """The term's cost, unitless."""
        z = estimate.parameters.marker_offset / self.sd[:, None]
        return 0.5 * (z * z).sum()

    def curvature(self, estimate: Estimate) -> Curvature:
        """Constant."""
        return Curvature(marker_offset=1 / (self.sd * self.sd))


def scale_covariance(names: tuple[str, ...]) -> Float[np.ndarray, "segment segment"]:
    """Covariance of the log scales of named segments; `_r` and `_l` make a pair."""
    stem = [name.removesuffix("_r").removesuffix("_l") for name in names]
    same = np.asarray([[a == b for b in stem] for a in stem], float)
    return SIZE_SD**2 + PROPORTION_SD**2 * same + SIDE_SD**2 / 2 * np.eye(len(names))


def marker_sd(body: BodyModel) -> Float[np.ndarray, "marker"]:
    """Prior standard deviation of every marker's offset, in metres."""
    return np.asarray([MARKER_SD[kind] for kind in body.marker_kind])
