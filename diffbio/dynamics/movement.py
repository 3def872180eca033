"""How a person moves: poses with their first and second derivatives, from a spline of time."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body import Pose
from diffbio.dynamics.smoothing import smoothing_spline
from diffbio.errors import InputError
from diffbio.geometry import quaternion_multiply, rotation_vector_from_quaternion
from diffbio.trajectories import SplineTrajectory, Trajectory
from diffbio.trajectories.reference import KNOT_SPACING, fit_root_reference

BANDWIDTH_HZ = 6.0
"""Of walking, 6 Hz hold all but noise (Winter, Sidwall and Hobson 1974, J. Biomech. 7:157).
Acceleration multiplies noise by the square of its frequency, so that what a fit follows besides,
a fraction of a millimetre, is worth tens of newtons."""

SHORTEST = 2.0
"""Periods of the bandwidth a motion must last: below, its acceleration is that of its ends."""


class Movement(eqx.Module):
    """Poses over time with their derivatives.

    Attributes:
        pose: generalised positions.
        velocity: first time derivative of every component, the root's quaternion included.
        acceleration: second time derivative of every component.
    """

    pose: Pose
    velocity: Pose
    acceleration: Pose


@dataclasses.dataclass(frozen=True)
class FilteredMotion:
    """A movement at sample times, and what was left of its frequencies.

    Attributes:
        time: sample times, in seconds.
        movement: at those times.
        bandwidth_hz: highest frequency that is left; there is no other filter.
        source: for messages.
    """

    time: Float[np.ndarray, "time"]
    movement: Movement
    bandwidth_hz: float
    source: str

    def cut(self, start: float, end: float) -> "FilteredMotion":
        """The samples from one time to another, in seconds, both included."""
        kept = np.flatnonzero((self.time >= start - 1e-9) & (self.time <= end + 1e-9))
        movement = jax.tree.map(lambda x: x[kept], self.movement)
        return dataclasses.replace(self, time=self.time[kept], movement=movement)


def motion_along(
    trajectory: Trajectory,
    time: Float[np.ndarray, "time"],
    *,
    zero: float = 0.0,
    source: str = "trajectory",
) -> FilteredMotion:
    """A fitted trajectory at some times with its own derivatives, nothing filtered besides.

    Args:
        trajectory: of a fit.
        time: in seconds, on the recording's clock.
        zero: time of the recording at which the trajectory's own time is zero, in seconds.
        source: for messages.
    """
    dtype = jnp.zeros(()).dtype
    exact = jax.tree.map(lambda x: x.astype(dtype) if eqx.is_inexact_array(x) else x, trajectory)
    if isinstance(trajectory, SplineTrajectory):
        bandwidth_hz = 0.5 / float(trajectory.spacing)
    else:
        bandwidth_hz = float(trajectory.frequency.max())
    movement = _along(exact, jnp.asarray(time - zero, dtype))
    return FilteredMotion(np.asarray(time, float), movement, bandwidth_hz, source)


@eqx.filter_jit
def _along(trajectory: Trajectory, time: Float[Array, "time"]) -> Movement:
    return Movement(trajectory(time), trajectory.velocity(time), trajectory.acceleration(time))


def motion_through(
    time: Float[np.ndarray, "time"],
    pose: Pose,
    *,
    bandwidth_hz: float = BANDWIDTH_HZ,
    source: str = "motion",
) -> FilteredMotion:
    """A smoothing spline through given poses, with its derivatives.

    Args:
        time: sample times, in seconds, evenly spaced.
        pose: at those times.
        bandwidth_hz: frequency of which half the amplitude is kept; see `smoothing_spline`.
        source: for messages.

    Raises:
        InputError: the motion is shorter than two periods of the bandwidth, has fewer than four
            samples in one, or holds numbers that are not finite.
    """
    time = np.asarray(time, float)
    parts = (pose.root_position, pose.root_quaternion, pose.joints)
    root, quaternion, joints = (np.asarray(part, float) for part in parts)
    _check_samples(source, time, bandwidth_hz)
    if not all(np.isfinite(part).all() for part in (root, quaternion, joints)):
        raise InputError(source, "A pose is not a number.", "Cut the motion to where it is known.")
    everywhere = np.ones(len(time), bool)
    n_reference = int((time[-1] - time[0]) / KNOT_SPACING) + 4
    dtype = jnp.zeros(()).dtype
    reference = fit_root_reference(time, root, quaternion, everywhere, n_reference, dtype)
    position, turn = (np.asarray(part, float) for part in reference(jnp.asarray(time, dtype)))
    back = jnp.asarray(turn * np.array([1.0, -1.0, -1.0, -1.0]), dtype)
    turned = quaternion_multiply(jnp.asarray(quaternion, dtype), back)
    away = np.asarray(rotation_vector_from_quaternion(turned), float)
    smooth = smoothing_spline(
        time, np.concatenate([root - position, away, joints], axis=1), bandwidth_hz
    )
    control, start, spacing = (jnp.asarray(part, dtype) for part in smooth)
    spline = SplineTrajectory(control, reference, start, spacing)
    movement = _along(spline, jnp.asarray(time, dtype))
    return FilteredMotion(time, movement, bandwidth_hz, source)


def _check_samples(source: str, time: Float[np.ndarray, "time"], bandwidth_hz: float) -> None:
    length = float(np.ptp(time)) if len(time) else 0.0
    if length * bandwidth_hz < SHORTEST or len(time) < 4 * length * bandwidth_hz:
        raise InputError(
            f"{source}, time",
            f"{len(time)} samples over {length:.3g} s are too few to follow {bandwidth_hz:g} Hz.",
            f"Give at least {SHORTEST / bandwidth_hz:.2g} s at {4 * bandwidth_hz:g} Hz or more, or "
            "ask for a lower bandwidth.",
        )
