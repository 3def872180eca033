"""People accelerate within limits."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.fitting.residuals.base import AbstractPrior, Curvature, Estimate

JOINT_ACCELERATION_SD = 50.0
"""In rad/s^2; the root mean square of a knee in walking is about 35, at heel strike it is more."""

ROOT_ACCELERATION_SD = 10.0
"""In m/s^2; about that of the pelvis in running."""

PLANE, ELEVATION = "elv_angle", "shoulder_elv"
"""Coordinates of an upper arm that is turned by an angle about an axis in a plane (Wu 2005)."""


class Smoothness(AbstractPrior):
    """Gaussian prior on joint and root acceleration, by central differences of the samples.

    The plane of an upper arm's elevation turns at any rate while the arm hangs, and says nothing
    there. Counted as it is, it would have trunk and pelvis lean so that arms keep off that pole.
    So plane and elevation count as what they are polar coordinates of: a vector of rotation.

    Attributes:
        interval: time between samples, in seconds.
        weight: information per frame, in units of one independent frame; zero from the last
            real sample on, since only what has neighbours has an acceleration.
        elevations: indices of the coordinates of plane and angle of every elevation (static).
    """

    interval: Float[Array, ""]
    weight: Float[Array, "time"]
    elevations: tuple[tuple[int, int], ...] = eqx.field(static=True, default=())

    def __call__(self, estimate: Estimate) -> Float[Array, ""]:
        """The term's cost, unitless."""
        joints = self._second(self._without_poles(estimate.pose.joints)) / JOINT_ACCELERATION_SD
        turn = self._second(estimate.pose.root_quaternion) * (2 / JOINT_ACCELERATION_SD)
        root = self._second(estimate.pose.root_position) / ROOT_ACCELERATION_SD
        squared = (joints * joints).sum(-1) + (turn * turn).sum(-1) + (root * root).sum(-1)
        return 0.5 * (self.weight[1:-1] * squared).sum()

    def _without_poles(self, joints: Float[Array, "time joint"]) -> Float[Array, "time joint"]:
        plane, angle = (np.asarray(self.elevations, int).reshape(-1, 2)).T
        turned, raised = joints[:, plane], joints[:, angle]
        flat = joints.at[:, plane].set(raised * jnp.sin(turned))
        return flat.at[:, angle].set(raised * jnp.cos(turned))

    def _second(self, x: Float[Array, "time channel"]) -> Float[Array, "inner channel"]:
        return (x[2:] - 2 * x[1:-1] + x[:-2]) / (self.interval * self.interval)

    def curvature(self, estimate: Estimate) -> Curvature:
        """As if of the acceleration itself, which central differences never exceed.

        Of a plane of elevation it grows with the square of the angle; that both are felt together
        where they change fast is left out.
        """
        n_joint = estimate.pose.joints.shape[1]
        weight = self.weight.at[jnp.asarray([0, -1])].set(0.0)
        each = [1 / ROOT_ACCELERATION_SD**2] * 3 + [1 / JOINT_ACCELERATION_SD**2] * (3 + n_joint)
        spread = weight[:, None] * jnp.asarray(each, weight.dtype)[None]
        plane, angle = (np.asarray(self.elevations, int).reshape(-1, 2)).T
        raised = estimate.pose.joints[:, angle]
        return Curvature(acceleration=spread.at[:, 6 + plane].multiply(raised * raised))


def elevations_of(joint_names: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Indices of the coordinates of plane and angle of the elevations among these coordinates."""
    sides = [name.removeprefix(PLANE) for name in joint_names if name.startswith(PLANE)]
    pairs = [(PLANE + side, ELEVATION + side) for side in sides]
    known = [pair for pair in pairs if pair[1] in joint_names]
    return tuple((joint_names.index(plane), joint_names.index(angle)) for plane, angle in known)
