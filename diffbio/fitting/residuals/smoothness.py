"""People accelerate within limits."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffbio.fitting.residuals.base import AbstractPrior, Curvature, Estimate

JOINT_ACCELERATION_SD = 50.0
"""In rad/s^2; the root mean square of a knee in walking is about 35, at heel strike it is more."""

ROOT_ACCELERATION_SD = 10.0
"""In m/s^2; about that of the pelvis in running."""


class Smoothness(AbstractPrior):
    """Gaussian prior on joint and root acceleration, by central differences of the samples.

    Attributes:
        interval: time between samples, in seconds.
        weight: information per frame, in units of one independent frame; zero for padding.
    """

    interval: Float[Array, ""]
    weight: Float[Array, "time"]

    def __call__(self, estimate: Estimate) -> Float[Array, ""]:
        """The term's cost, unitless."""
        joints = self._second(estimate.pose.joints) / JOINT_ACCELERATION_SD
        turn = self._second(estimate.pose.root_quaternion) * (2 / JOINT_ACCELERATION_SD)
        root = self._second(estimate.pose.root_position) / ROOT_ACCELERATION_SD
        squared = (joints * joints).sum(-1) + (turn * turn).sum(-1) + (root * root).sum(-1)
        return 0.5 * (self.weight[1:-1] * squared).sum()

    def _second(self, x: Float[Array, "time channel"]) -> Float[Array, "inner channel"]:
        return (x[2:] - 2 * x[1:-1] + x[:-2]) / (self.interval * self.interval)

    def curvature(self, estimate: Estimate) -> Curvature:
        """As if of the acceleration itself, which central differences never exceed."""
        n_joint = estimate.pose.joints.shape[1]
        weight = self.weight.at[jnp.asarray([0, -1])].set(0.0)
        each = [1 / ROOT_ACCELERATION_SD**2] * 3 + [1 / JOINT_ACCELERATION_SD**2] * (3 + n_joint)
        return Curvature(acceleration=weight[:, None] * jnp.asarray(each, weight.dtype)[None])
