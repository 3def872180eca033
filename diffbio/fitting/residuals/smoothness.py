"""People accelerate within limits."""

from jaxtyping import Array, Float

from diffbio.fitting.residuals.base import AbstractResidual, Estimate

JOINT_ACCELERATION_SD = 50.0
"""In rad/s^2; the root mean square of a knee in walking is about 35, at heel strike it is more."""

ROOT_ACCELERATION_SD = 10.0
"""In m/s^2; about that of the pelvis in running."""


class Smoothness(AbstractResidual):
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
