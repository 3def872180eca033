"""A trajectory of cubic B-splines: few unknowns per second, each felt only for a moment."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from diffbio.body import Pose
from diffbio.geometry import quaternion_from_rotation_vector, quaternion_multiply
from diffbio.signals import evaluate, fit_control_points
from diffbio.trajectories.reference import RootReference


class SplineTrajectory(eqx.Module):
    """Pose as a uniform cubic B-spline of time.

    Knots `1 / (2 * bandwidth)` apart sample a motion of that bandwidth at Nyquist's rate. The
    spline has local support, so the unknowns of distant moments meet in no residual.

    Attributes:
        control: control points of the root's departure from its reference (position in metres,
            rotation vector in radians, applied on the left in the world frame) and of the
            independent joint coordinates.
        reference: path of the root about which its control points are expressed.
        start: time of the first knot, in seconds.
        spacing: time between knots, in seconds.
    """

    control: Float[Array, "control coordinate"]
    reference: RootReference
    start: Float[Array, ""]
    spacing: Float[Array, ""]

    def __call__(self, time: Float[Array, "time"]) -> Pose:
        """Pose at any times, in seconds."""
        return pose_about(self.reference(time), self.coordinates(time))

    def coordinates(self, time: Float[Array, "time"]) -> Float[Array, "time coordinate"]:
        """Root departures and joint coordinates, in metres and radians."""
        return evaluate(self.control, self.start, self.spacing, time)

    def velocity(self, time: Float[Array, "time"]) -> Pose:
        """Time derivative of every component of the pose, analytic.

        The root's orientation is returned as the derivative of its quaternion.
        """
        return jax.jvp(self.__call__, (time,), (jnp.ones_like(time),))[1]

    def acceleration(self, time: Float[Array, "time"]) -> Pose:
        """Second time derivative of every component of the pose, analytic."""
        return jax.jvp(self.velocity, (time,), (jnp.ones_like(time),))[1]


def pose_about(
    reference: tuple[Float[Array, "time 3"], Float[Array, "time 4"]],
    coordinates: Float[Array, "time coordinate"],
) -> Pose:
    """The pose at given departures from the root's reference.

    Args:
        reference: position of the root, in metres, and unit `world_from_root`.
        coordinates: departure of the root's position, rotation vector on the left of its
            orientation, joint coordinates.
    """
    position, quaternion = reference
    turn = quaternion_from_rotation_vector(coordinates[:, 3:6])
    return Pose(
        position + coordinates[:, :3],
        quaternion_multiply(turn, quaternion),
        coordinates[:, 6:],
    )


def frames_per_knot(interval: float, bandwidth_hz: float) -> int:
    """Samples from one knot to the next: as many as fit into `1 / (2 * bandwidth)`, at least one.

    A whole number, so that every knot interval holds as many samples as the others.

    Args:
        interval: time between samples, in seconds.
        bandwidth_hz: highest frequency the spline must follow.
    """
    return max(1, int(0.5 / (bandwidth_hz * interval) + 1e-6))


def fit_spline_trajectory(
    reference: RootReference,
    time: Float[np.ndarray, "time"],
    coordinates: Float[np.ndarray, "time coordinate"],
    valid: Bool[np.ndarray, "time"],
    *,
    spacing: float,
    n_control: int,
) -> SplineTrajectory:
    """A trajectory through the valid samples; the first knot lies at the first sample.

    Args:
        time: in seconds.
        coordinates: root departures and joint coordinates; any number where not valid.
        spacing: time between knots, in seconds.
        n_control: number of control points, three more than knot intervals.
    """
    dtype = reference.start.dtype
    start = float(time[0])
    samples = np.where(valid[:, None], coordinates, 0.0)
    control = fit_control_points(time, samples, valid, start, spacing, n_control)
    return SplineTrajectory(
        jnp.asarray(control, dtype),
        reference,
        jnp.asarray(start, dtype),
        jnp.asarray(spacing, dtype),
    )
