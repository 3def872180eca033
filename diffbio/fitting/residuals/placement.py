"""Measured against modelled marker positions: optical motion capture."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffbio.fitting.residuals.base import AbstractResidual, Estimate
from diffbio.fitting.residuals.reprojection import robust


class Placement(AbstractResidual):
    """Robust loss of the distance between measured and modelled markers.

    Attributes:
        positions: measured, in metres; any finite value where the weight is zero.
        weight: information of each in units of one independent measurement; zero where the
            marker was not seen.
        sd: standard deviation of a marker along one axis, in metres: mostly of skin on bone.
        threshold: distance, in standard deviations, up to which the loss is quadratic.
        tail: how fast the trust falls beyond; see `HUBER_TAIL` and `CAUCHY_TAIL`.
    """

    positions: Float[Array, "time marker 3"]
    weight: Float[Array, "time marker"]
    sd: Float[Array, ""]
    threshold: Float[Array, ""]
    tail: Float[Array, ""]

    def __call__(self, estimate: Estimate) -> Float[Array, ""]:
        """The term's cost, unitless."""
        away = (estimate.markers - self.positions) / self.sd
        squared = (away * away).sum(-1)
        return 0.5 * (self.weight * robust(squared, self.threshold, self.tail)).sum()

    def information(
        self, markers: Float[Array, "time marker 3"]
    ) -> tuple[Float[Array, "time marker"], Float[Array, "time marker 3"]]:
        """Inverse variance that the loss leaves each marker along every axis, and its pull.

        Args:
            markers: of the model, in metres.

        Returns:
            Per square metre (IRLS), and the gradient of the cost with respect to the marker.
        """
        away = markers - self.positions
        squared = (away * away).sum(-1) / (self.sd * self.sd)
        limit = self.threshold * self.threshold
        beyond = jnp.log(jnp.maximum(squared, limit) / limit)
        weight = self.weight * jnp.exp(-0.5 * self.tail * beyond) / (self.sd * self.sd)
        return weight, weight[..., None] * away
