"""Detected against projected keypoints."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffbio.fitting.residuals.base import AbstractResidual, Estimate


class Reprojection(AbstractResidual):
    """Huber loss of the distance between detected and projected keypoints.

    Attributes:
        u_px: detections, to the right; any finite value where the weight is zero.
        v_px: detections, downwards.
        weight: information of each detection in units of one independent detection of full
            confidence; zero where nothing was detected.
        sigma_px: standard deviation of a detection along one image axis, per camera.
        huber: distance, in standard deviations, beyond which the loss grows linearly.
    """

    u_px: Float[Array, "camera time marker"]
    v_px: Float[Array, "camera time marker"]
    weight: Float[Array, "camera time marker"]
    sigma_px: Float[Array, "camera"]
    huber: float

    def __call__(self, estimate: Estimate) -> Float[Array, ""]:
        """The term's cost, unitless."""
        squared = self._squared_px(estimate) / self.sigma_px[:, None, None] ** 2
        return 0.5 * (self.weight * huber(squared, self.huber)).sum()

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
        distance = jnp.sqrt(jnp.maximum(u * u + v * v, self.huber * self.huber))
        return self.weight * (self.huber / distance) / (sd * sd)

    def _squared_px(self, estimate: Estimate) -> Float[Array, "camera time marker"]:
        u, v = estimate.rig.project_components(estimate.markers)
        u, v = u - self.u_px, v - self.v_px
        return u * u + v * v


def huber(squared: Float[Array, "*batch"], threshold: float) -> Float[Array, "*batch"]:
    """Huber's function of a squared distance: quadratic up to a threshold, then linear.

    Equal to `squared` below `threshold ** 2` (Huber 1964). Its gradient is finite at zero.
    """
    limit = threshold * threshold
    distance = jnp.sqrt(jnp.maximum(squared, limit))
    return jnp.where(squared <= limit, squared, 2 * threshold * distance - limit)
