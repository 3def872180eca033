"""Teach a network the motion of the start before it sees an image."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from diffbio.fitting.adamw import train
from diffbio.fitting.problem import Problem
from diffbio.fitting.start import Start
from diffbio.geometry import quaternion_multiply, rotation_vector_from_quaternion
from diffbio.trajectories import ImplicitTrajectory
from diffbio.trajectories.implicit import make_implicit_trajectory
from diffbio.trajectories.reference import KNOT_SPACING, fit_root_reference

STEPS = 500

HINGE_SPREAD, SLIDE_SPREAD = 0.5, 0.02
"""One network unit of a joint, in radians and metres: about the range of a movement."""

ROOT_SPREAD, TURN_SPREAD = 0.1, 0.2
"""One network unit of the root's departure from its reference, in metres and radians."""


def start_trajectory(
    problem: Problem, start: Start, bandwidth_hz: float, key: PRNGKeyArray
) -> ImplicitTrajectory:
    """A trajectory trained on the poses of the start.

    Args:
        problem: its times and body.
        start: poses to imitate, where it has any.
        bandwidth_hz: highest frequency among the trajectory's features.
        key: randomness of the network's first weights.
    """
    dtype = np.dtype(problem.time.dtype)
    trajectory = _untrained(problem, start, bandwidth_hz, key)
    target = _departures(trajectory, start) / np.asarray(trajectory.spread, float)
    padding = len(problem.time) - len(start.posed)
    weight = np.pad(start.posed.astype(float), (0, padding))
    target = np.where(weight[:, None] > 0, np.pad(target, ((0, padding), (0, 0))), 0.0)
    lesson = (problem.time, jnp.asarray(target, dtype), jnp.asarray(weight, dtype))
    frozen = jax.tree.map(lambda x: jnp.zeros((), x.dtype), eqx.filter(trajectory, eqx.is_array))
    trained = jax.tree.map(jnp.ones_like, frozen.network)
    sizes = eqx.tree_at(lambda t: t.network, frozen, trained)
    return train(_imitation, lesson, trajectory, sizes, steps=STEPS).unknowns


def _untrained(
    problem: Problem, start: Start, bandwidth_hz: float, key: PRNGKeyArray
) -> ImplicitTrajectory:
    """A fresh network about the start's root path and median joint coordinates."""
    time = np.asarray(problem.time, float)
    n = len(start.posed)
    # A function of the padded length alone, so that trials of one bucket share a program: one
    # control point every knot spacing, were they recorded at 25 Hz or less.
    n_control = min(max(8, int(len(time) / 25 / KNOT_SPACING) + 4), 400)
    reference = fit_root_reference(
        time[:n],
        np.asarray(start.pose.root_position, float),
        np.asarray(start.pose.root_quaternion, float),
        start.posed,
        n_control,
        np.dtype(problem.time.dtype),
    )
    hinge = np.asarray([kind == "hinge" for kind in problem.body.joint_kinds])
    joints = np.where(hinge, HINGE_SPREAD, SLIDE_SPREAD)
    return make_implicit_trajectory(
        reference,
        np.median(np.asarray(start.pose.joints, float)[start.posed], axis=0),
        np.concatenate([np.full(3, ROOT_SPREAD), np.full(3, TURN_SPREAD), joints]),
        float(time[0]),
        float(time[-1] - time[0]),
        bandwidth_hz=bandwidth_hz,
        key=key,
    )


def _departures(
    trajectory: ImplicitTrajectory, start: Start
) -> Float[np.ndarray, "time coordinate"]:
    """The start's poses relative to the trajectory's reference and centre, in SI units."""
    time = trajectory.start + jnp.asarray(start.elapsed, trajectory.start.dtype)
    position, quaternion = trajectory.reference(time)
    back = quaternion * jnp.asarray([1, -1, -1, -1], quaternion.dtype)[None]
    turn = rotation_vector_from_quaternion(quaternion_multiply(start.pose.root_quaternion, back))
    parts = (
        start.pose.root_position - position,
        turn,
        start.pose.joints - trajectory.centre[None],
    )
    return np.concatenate([np.asarray(part, float) for part in parts], axis=1)


def _imitation(
    lesson: tuple[Array, Array, Array], trajectory: ImplicitTrajectory
) -> Float[Array, ""]:
    """Mean squared distance from the poses to imitate, in network units."""
    time, target, weight = lesson
    error = (trajectory.coordinates(time) - target) * weight[:, None]
    return (error * error).sum() / weight.sum()
