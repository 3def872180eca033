"""Detected against projected keypoints."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffbio.fitting.residuals.base import AbstractResidual, Estimate

HUBER_TAIL, CAUCHY_TAIL = 1.0, 2.0
"""How fast the trust in a detection falls with its distance beyond the threshold: as the
inverse (Huber 1964), or as the inverse square, so that the far ones no longer pull."""


class Reprojection(AbstractResidual):
    """Robust loss of the distance between detected and projected keypoints.

    Attributes:
        u_px: detections, to the right; any finite value where the weight is zero.
        v_px: detections, downwards.
        weight: information of each detection in units of one independent detection of full
            confidence; zero where nothing was detected.
        sigma_px: standard deviation of a detection along one image axis, per camera.
        threshold: distance, in standard deviations, up to which the loss is quadratic.
        tail: how fast the trust falls beyond; see `HUBER_TAIL` and `CAUCHY_TAIL`.
    """

    u_px: Float[Array, "camera time marker"]
    v_px: Float[Array, "camera time marker"]
    weight: Float[Array, "camera time marker"]
    sigma_px: Float[Array, "camera"]
    threshold: Float[Array, ""]
    tail: Float[Array, ""]

    def __call__(self, estimate: Estimate) -> Float[Array, ""]:
        """The term's cost, unitless."""
        squared = self._squared_px(estimate) / self.sigma_px[:, None, None] ** 2
        return 0.5 * (self.weight * robust(squared, self.threshold, self.tail)).sum()

    def median_px(self, estimate: Estimate) -> Float[Array, ""]:
        """Median distance of the detections from their projected markers, in pixels."""
        squared = self._squared_px(estimate)
        return jnp.sqrt(jnp.nanmedian(jnp.where(self.weight > 0, squared, jnp.nan)))

    def information(
        self, u: Float[Array, "camera time marker"], v: Float[Array, "camera time marker"]
    ) -> Float[Array, "camera time marker"]:
        """Inverse variance the loss leaves each detection, per squared pixel (IRLS).

        Args:
            u: projected markers, to the right, in pixels.
            v: projected markers, downwards.
        """
        sd = self.sigma_px[:, None, None]
        u, v = (u - self.u_px) / sd, (v - self.v_px) / sd
        beyond = jnp.log(jnp.maximum(u * u + v * v, self.threshold**2) / self.threshold**2)
        return self.weight * jnp.exp(-0.5 * self.tail * beyond) / (sd * sd)

    def _squared_px(self, estimate: Estimate) -> Float[Array, "camera time marker"]:
        u, v = estimate.project()
        u, v = u - self.u_px, v - self.v_px
        return u * u + v * v


def robust(
    squared: Float[Array, "*batch"], threshold: Float[Array, ""], tail: Float[Array, ""]
) -> Float[Array, "*batch"]:
    """A squared distance up to a threshold, less beyond.

    Its derivative by the squared distance is `(threshold / distance) ** tail` beyond: Huber's
    function for a tail of 1, a logarithm for 2. The gradient is finite at zero.
    """
    limit = threshold * threshold
    outside = squared > limit
    stretch = 0.5 * jnp.log(jnp.where(outside, squared, limit) / limit)
    x = (2 - tail) * stretch
    small = jnp.abs(x) < 1e-4
    grown = jnp.where(
        small, 1 + x / 2, jnp.expm1(jnp.where(small, 1.0, x)) / jnp.where(small, 1.0, x)
    )
    return jnp.where(outside, limit + 2 * limit * stretch * grown, squared)
