"""Where trajectories begin: on the poses of the start. A network has to be taught them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from diffbio.body import Pose
from diffbio.fitting.adamw import train
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.start import Start
from diffbio.geometry import quaternion_multiply, rotation_vector_from_quaternion
from diffbio.trajectories import ImplicitTrajectory, RootReference, SplineTrajectory
from diffbio.trajectories.implicit import make_implicit_trajectory
from diffbio.trajectories.reference import KNOT_SPACING, fit_root_reference
from diffbio.trajectories.spline import fit_spline_trajectory, frames_per_knot

STEPS = 500

DISTIL_STEPS = 3000
"""A network that shall continue from a solution has to learn it to a milliradian."""

HINGE_SPREAD, SLIDE_SPREAD = 0.5, 0.02
"""One network unit of a joint, in radians and metres: about the range of a movement."""

ROOT_SPREAD, TURN_SPREAD = 0.1, 0.2
"""One network unit of the root's departure from its reference, in metres and radians."""


def start_trajectory(
    problem: Problem, start: Start, bandwidth_hz: float, key: PRNGKeyArray
) -> ImplicitTrajectory:
    """A network trained on the poses of the start.

    Args:
        problem: its times and body.
        start: poses to imitate, where it has any.
        bandwidth_hz: highest frequency among the trajectory's features.
        key: randomness of the network's first weights.
    """
    reference = start_reference(problem, start)
    centre = np.median(np.asarray(start.pose.joints, float)[start.posed], axis=0)
    trajectory = _untrained(problem, reference, centre, bandwidth_hz, key)
    target = _departures(reference, start)
    padding = len(problem.time) - len(start.posed)
    weight = np.pad(start.posed.astype(float), (0, padding))
    target = np.where(weight[:, None] > 0, np.pad(target, ((0, padding), (0, 0))), 0.0)
    return _taught(trajectory, problem, target, weight, STEPS)


def distilled(
    problem: Problem, unknowns: Unknowns, bandwidth_hz: float, key: PRNGKeyArray
) -> Unknowns:
    """The same motion in a network instead of a spline.

    Args:
        problem: its times and body.
        unknowns: with a spline for trajectory.
        bandwidth_hz: highest frequency among the trajectory's features.
        key: randomness of the network's first weights.
    """
    spline = unknowns.trajectory
    assert isinstance(spline, SplineTrajectory)
    target = np.asarray(spline.coordinates(problem.time), float)
    weight = (np.arange(len(target)) < int(problem.n_frames)).astype(float)
    centre = np.median(target[weight > 0, 6:], axis=0)
    trajectory = _untrained(problem, spline.reference, centre, bandwidth_hz, key)
    trajectory = _taught(trajectory, problem, target, weight, DISTIL_STEPS)
    return Unknowns(trajectory, unknowns.parameters, unknowns.cameras)


def _taught(
    trajectory: ImplicitTrajectory,
    problem: Problem,
    target: Float[np.ndarray, "time coordinate"],
    weight: Float[np.ndarray, "time"],
    steps: int,
) -> ImplicitTrajectory:
    """A network trained to return root departures and joint coordinates."""
    dtype = np.dtype(problem.time.dtype)
    centre = np.concatenate([np.zeros(6), np.asarray(trajectory.centre, float)])
    target = np.where(weight[:, None] > 0, target - centre, 0.0)
    target = target / np.asarray(trajectory.spread, float)
    lesson = (problem.time, jnp.asarray(target, dtype), jnp.asarray(weight, dtype))
    frozen = jax.tree.map(lambda x: jnp.zeros((), x.dtype), eqx.filter(trajectory, eqx.is_array))
    trained = jax.tree.map(jnp.ones_like, frozen.network)
    sizes = eqx.tree_at(lambda t: t.network, frozen, trained)
    return train(_imitation, lesson, trajectory, sizes, steps=steps).unknowns


def _untrained(
    problem: Problem,
    reference: RootReference,
    centre: Float[np.ndarray, "joint"],
    bandwidth_hz: float,
    key: PRNGKeyArray,
) -> ImplicitTrajectory:
    """A fresh network about a root path and joint coordinates."""
    time = np.asarray(problem.time, float)
    hinge = np.asarray([kind == "hinge" for kind in problem.body.joint_kinds])
    joints = np.where(hinge, HINGE_SPREAD, SLIDE_SPREAD)
    return make_implicit_trajectory(
        reference,
        centre,
        np.concatenate([np.full(3, ROOT_SPREAD), np.full(3, TURN_SPREAD), joints]),
        float(time[0]),
        float(time[-1] - time[0]),
        bandwidth_hz=bandwidth_hz,
        key=key,
    )


def start_reference(problem: Problem, start: Start) -> RootReference:
    """A smooth path through the roots of the start."""
    n = len(start.posed)
    # A function of the padded length alone, so that trials of one bucket share a program: one
    # control point every knot spacing, were they recorded at 25 Hz or less.
    n_control = min(max(8, int(len(problem.time) / 25 / KNOT_SPACING) + 4), 400)
    return fit_root_reference(
        np.asarray(problem.time, float)[:n],
        np.asarray(start.pose.root_position, float),
        np.asarray(start.pose.root_quaternion, float),
        start.posed,
        n_control,
        np.dtype(problem.time.dtype),
    )


def start_spline(problem: Problem, start: Start, bandwidth_hz: float) -> SplineTrajectory:
    """A spline through the poses of the start.

    Args:
        problem: its times and body.
        start: poses to follow, where it has any.
        bandwidth_hz: highest frequency the spline must follow.
    """
    reference = start_reference(problem, start)
    return _spline_through(
        problem, reference, _departures(reference, start), start.posed, bandwidth_hz
    )


def as_spline(problem: Problem, unknowns: Unknowns, bandwidth_hz: float) -> Unknowns:
    """The same motion as a spline; unchanged where it is one.

    Args:
        problem: its times.
        unknowns: with any trajectory.
        bandwidth_hz: highest frequency the spline must follow.
    """
    network = unknowns.trajectory
    if isinstance(network, SplineTrajectory):
        return unknowns
    n = int(problem.n_frames)
    departures = np.array(network.coordinates(problem.time) * network.spread[None], float)[:n]
    departures[:, 6:] += np.asarray(network.centre, float)
    posed = np.ones(n, bool)
    spline = _spline_through(problem, network.reference, departures, posed, bandwidth_hz)
    return Unknowns(spline, unknowns.parameters, unknowns.cameras)


def _spline_through(
    problem: Problem,
    reference: RootReference,
    departures: Float[np.ndarray, "time coordinate"],
    valid: Bool[np.ndarray, "time"],
    bandwidth_hz: float,
) -> SplineTrajectory:
    """A spline through root departures and joint coordinates at the real samples."""
    time, n = np.asarray(problem.time, float), len(departures)
    interval = float(np.median(np.diff(time[:n]))) if n > 1 else 1.0
    frames = frames_per_knot(interval, bandwidth_hz)
    # Intervals for the padded length, so that trials of one bucket share a program; more only
    # where the samples have gaps.
    spacing = frames * interval
    spanned = int((time[-1] - time[0]) / spacing + 1e-6) + 1
    return fit_spline_trajectory(
        reference,
        time[:n],
        departures,
        valid,
        spacing=spacing,
        n_control=max(-(-len(time) // frames), spanned) + 3,
    )


def _departures(reference: RootReference, start: Start) -> Float[np.ndarray, "time coordinate"]:
    """The start's poses relative to the reference of the root, in SI units."""
    time = reference.start + jnp.asarray(start.elapsed, reference.start.dtype)
    parts = _relative(reference, start.pose, time)
    return np.concatenate([np.asarray(part, float) for part in parts], axis=1)


@jax.jit
def _relative(
    reference: RootReference, pose: Pose, time: Float[Array, "time"]
) -> tuple[Float[Array, "time 3"], Float[Array, "time 3"], Float[Array, "time joint"]]:
    position, quaternion = reference(time)
    back = quaternion * jnp.asarray([1, -1, -1, -1], quaternion.dtype)[None]
    turn = rotation_vector_from_quaternion(quaternion_multiply(pose.root_quaternion, back))
    return pose.root_position - position, turn, pose.joints


def _imitation(
    lesson: tuple[Array, Array, Array], trajectory: ImplicitTrajectory
) -> Float[Array, ""]:
    """Mean squared distance from the poses to imitate, in network units."""
    time, target, weight = lesson
    error = (trajectory.coordinates(time) - target) * weight[:, None]
    return (error * error).sum() / weight.sum()
