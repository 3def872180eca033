"""One small simulated walk, shared by the tests of fitting."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.body import load_keypoint_set
from diffbio.cameras.adjustment import WIDTH, adjustment_of
from diffbio.fitting.problem import Problem, Unknowns, make_problem
from diffbio.simulation import SimulatedRecording, simulate_walking
from diffbio.simulation.detector import DetectorErrors
from diffbio.trajectories.implicit import make_implicit_trajectory
from diffbio.trajectories.reference import fit_root_reference

EXACT = DetectorErrors(noise_px=0.0, outlier_share=0.0, drop_share=1e-9)


@functools.cache
def simulated(errors: DetectorErrors | None = None) -> SimulatedRecording:
    """Two seconds at 24 Hz, four cameras, 26 keypoints."""
    keypoints = load_keypoint_set("halpe_26")
    return simulate_walking(
        keypoints, seed=3, duration=2.0, frame_rate_hz=24.0, n_cameras=4, errors=errors
    )


@pytest.fixture(scope="session")
def recording() -> SimulatedRecording:
    """With noise, outliers and dropped views."""
    return simulated()


@pytest.fixture(scope="session")
def exact_recording() -> SimulatedRecording:
    """With a perfect detector."""
    return simulated(EXACT)


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
