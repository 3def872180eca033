"""The implicit trajectory: derivatives, bandwidth, its start, and one program per bucket."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import Pose
from diffbio.geometry import quaternion_multiply, rotation_vector_from_quaternion
from diffbio.trajectories import ImplicitTrajectory
from diffbio.trajectories.implicit import make_implicit_trajectory
from diffbio.trajectories.reference import fit_root_reference

N_JOINTS = 5
SPREAD = np.concatenate([np.full(3, 0.1), np.full(3, 0.2), np.full(N_JOINTS, 0.5)])
CENTRE = np.linspace(-0.4, 0.6, N_JOINTS)


@functools.cache
def trajectory_of(
    duration: float, n_control: int, seed: int = 0, dtype: type = np.float64
) -> ImplicitTrajectory:
    """A fresh trajectory about a person who walks and turns."""
    time = 2.0 + np.linspace(0.0, duration, 200)
    turn = 0.8 * (time - time[0])
    position = np.stack([time, np.sin(time), 0.9 + 0 * time], axis=1)
    quaternion = np.stack([np.cos(turn / 2), 0 * turn, 0 * turn, np.sin(turn / 2)], axis=1)
    reference = fit_root_reference(
        time, position, quaternion, np.ones(len(time), bool), n_control, dtype
    )
    return make_implicit_trajectory(
        reference, CENTRE, SPREAD, 2.0, duration, bandwidth_hz=12.0, key=jax.random.key(seed)
    )


def grown(trajectory: ImplicitTrajectory) -> ImplicitTrajectory:
    """The trajectory far from its start: a last layer ten times as large."""
    return eqx.tree_at(
        lambda t: t.network.layers[-1].weight, trajectory, replace_fn=lambda w: 10 * w
    )


@pytest.mark.parametrize("duration", [6.0, 60.0])
def test_highest_frequency_is_the_bandwidth_whatever_the_duration(duration: float):
    frequency = np.asarray(trajectory_of(duration, 40).frequency)
    # Hz; rounding alone.
    assert frequency.max() == pytest.approx(12.0, abs=1e-9)
    assert frequency.min() == pytest.approx(0.5 / duration, abs=1e-9)
    ratios = frequency[1:] / frequency[:-1]
    assert_allclose(ratios, ratios[0], rtol=1e-9)


def test_shortest_trial_keeps_its_features_below_the_bandwidth():
    frequency = np.asarray(trajectory_of(0.02, 8).frequency)
    assert frequency.min() == pytest.approx(6.0)
    assert frequency.max() == pytest.approx(12.0)


def test_it_starts_near_its_reference():
    trajectory = trajectory_of(6.0, 30)
    time = jnp.linspace(2.0, 8.0, 300)
    pose = eqx.filter_jit(trajectory)(time)
    position, quaternion = trajectory.reference(time)
    away = quaternion_multiply(pose.root_quaternion, quaternion * jnp.asarray([[1.0, -1, -1, -1]]))
    # Metres and radians: well within the noise of a first guess.
    assert_allclose(pose.root_position, position, rtol=0, atol=0.02)
    assert_allclose(rotation_vector_from_quaternion(away), 0.0, rtol=0, atol=0.04)
    assert_allclose(pose.joints, np.tile(CENTRE, (300, 1)), rtol=0, atol=0.1)
    # But it is not dead: every coordinate answers to the network.
    assert np.all(np.ptp(np.asarray(trajectory.coordinates(time)), axis=0) > 1e-3)


def test_velocity_and_acceleration_equal_central_differences():
    trajectory = grown(trajectory_of(6.0, 30))
    time = jnp.asarray(np.random.default_rng(3).uniform(2.1, 7.9, 40))
    step = 1e-5

    @eqx.filter_jit
    def motion(at: jax.Array) -> tuple[Pose, Pose, Pose]:
        return trajectory(at), trajectory.velocity(at), trajectory.acceleration(at)

    around = zip(motion(time + step)[:2], motion(time - step)[:2], motion(time)[1:], strict=True)
    for there, back, exact in around:
        for a, b, found in zip(*map(jax.tree.leaves, (there, back, exact)), strict=True):
            # Relative to the fastest; truncation grows with (2 pi 12 Hz step)^2 = 6e-7.
            assert_allclose(found, (a - b) / (2 * step), rtol=0, atol=1e-5 * np.abs(found).max())


def test_orientation_is_a_unit_quaternion():
    pose = eqx.filter_jit(grown(trajectory_of(6.0, 30)))(jnp.linspace(2.0, 8.0, 100))
    # Unitless; rounding alone.
    assert_allclose(np.linalg.norm(pose.root_quaternion, axis=1), 1.0, rtol=0, atol=1e-14)


def test_precision_is_that_of_the_reference():
    trajectory = trajectory_of(6.0, 30, dtype=np.float32)
    pose = trajectory(jnp.linspace(2.0, 8.0, 10, dtype=np.float32))
    for leaf in jax.tree.leaves((eqx.filter(trajectory, eqx.is_array), pose)):
        assert leaf.dtype == np.float32


def test_two_trials_of_one_bucket_share_a_program():
    @eqx.filter_jit
    @eqx.debug.assert_max_traces(max_traces=1)
    def poses(trajectory: ImplicitTrajectory, time: jax.Array):
        return trajectory(time), trajectory.velocity(time)

    for duration, seed in ((6.0, 0), (6.3, 1)):
        poses(trajectory_of(duration, 40, seed), 2.0 + jnp.linspace(0.0, duration, 360))
