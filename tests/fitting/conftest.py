"""One small simulated walk, shared by the tests of fitting."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.body import BodyParameters
from diffbio.cameras.adjustment import WIDTH, adjustment_of, no_adjustment
from diffbio.fitting.distil import start_spline
from diffbio.fitting.problem import Problem, Unknowns, make_problem
from diffbio.fitting.residuals.cameras import camera_sd
from diffbio.fitting.solvers import basis_of
from diffbio.fitting.spline_basis import SplineBasis
from diffbio.fitting.start import find_start
from diffbio.fitting.system import State
from diffbio.simulation import SimulatedRecording
from diffbio.trajectories import SplineTrajectory
from diffbio.trajectories.implicit import make_implicit_trajectory
from diffbio.trajectories.reference import fit_root_reference
from tests.fitting.small_walks import EXACT, first_frames, simulated


@pytest.fixture(scope="session")
def recording() -> SimulatedRecording:
    """With noise, outliers and dropped views."""
    return simulated()


@pytest.fixture(scope="session")
def exact_recording() -> SimulatedRecording:
    """With a perfect detector."""
    return simulated(EXACT)


@pytest.fixture(scope="session")
def late_recording() -> tuple[SimulatedRecording, np.ndarray]:
    """Noisy as the first, by cameras that take their pictures late; and by how much, in s."""
    late = (0.0, 0.1, -0.12, 0.043)
    return simulated(None, late), np.asarray(late)


@pytest.fixture(scope="session")
def problem(recording) -> Problem:
    """In double precision."""
    depth = np.full(len(recording.rig.names), 5.0)
    return make_problem(recording.body, recording.rig, recording.keypoints, depth, dtype=np.float64)


@pytest.fixture(scope="session")
def unknowns(recording, problem) -> Unknowns:
    """A state away from any optimum, everything moved a little."""
    rng = np.random.default_rng(0)
    n = len(recording.keypoints.time)
    quaternion = np.asarray(recording.pose.root_quaternion)
    reference = fit_root_reference(
        np.asarray(recording.keypoints.time),
        np.asarray(recording.pose.root_position),
        quaternion,
        np.ones(n, bool),
        12,
        np.dtype(np.float64),
    )
    n_joint = len(recording.body.joint_names)
    trajectory = make_implicit_trajectory(
        reference,
        np.full(n_joint, 0.1),
        np.full(6 + n_joint, 0.3),
        0.0,
        2.0,
        bandwidth_hz=12.0,
        key=jax.random.key(0),
    )
    parameters = jax.tree.map(
        lambda x: jnp.asarray(rng.normal(size=x.shape) * 0.02),
        recording.body.default_parameters(np.float64),
    )
    cameras = jnp.asarray(rng.normal(size=(len(recording.rig.names), WIDTH)) * 0.01)
    return Unknowns(trajectory, parameters, adjustment_of(cameras))


class Small(NamedTuple):
    """Eight frames, in double precision, and a state away from the optimum."""

    problem: Problem
    basis: SplineBasis
    trajectory: SplineTrajectory
    state: State


def _eight_frames(recording: SimulatedRecording, timed: bool) -> Small:
    few = first_frames(recording.keypoints, 8)
    start = find_start(recording.body, recording.rig, few)
    problem = make_problem(
        recording.body, recording.rig, few, start.depth, timed=timed, dtype=np.float64
    )
    trajectory = start_spline(problem, start, 6.0)
    nothing = no_adjustment(len(recording.rig.names), np.float64)
    basis = basis_of(problem, Unknowns(trajectory, start.parameters, nothing))
    rng = np.random.default_rng(0)
    moved = trajectory.control + rng.normal(size=trajectory.control.shape) * 0.05
    parameters = BodyParameters(
        start.parameters.log_scale + 0.02,
        jnp.asarray(rng.normal(size=start.parameters.marker_offset.shape) * 0.01),
    )
    sd = np.asarray(camera_sd(len(recording.rig.names), 0))
    cameras = rng.normal(size=sd.shape) * sd * 2
    # Clocks are right: there the approximation that leaves out how bodies turn is exact.
    cameras[:, 9:] = 0.0
    return Small(problem, basis, trajectory, State(moved, parameters, jnp.asarray(cameras)))


@pytest.fixture(scope="session")
def small(recording) -> Small:
    """Cameras at the sample times."""
    return _eight_frames(recording, timed=False)


@pytest.fixture(scope="session")
def timed(recording) -> Small:
    """Cameras with instants of their own, which are the sample times still."""
    return _eight_frames(recording, timed=True)
