import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.geometry import quaternion_multiply, rotation_vector_from_quaternion
from diffbio.trajectories import SplineTrajectory
from diffbio.trajectories.reference import fit_root_reference
from diffbio.trajectories.spline import fit_spline_trajectory, frames_per_knot

N_JOINTS = 4
TIME = 2.0 + np.arange(240) / 60.0


def coordinates(frequency_hz: float = 1.0) -> np.ndarray:
    """Sines of one frequency, with every amplitude and phase."""
    phase = 2 * np.pi * frequency_hz * TIME[:, None] + np.arange(6 + N_JOINTS)[None]
    return np.sin(phase) * np.linspace(0.05, 0.4, 6 + N_JOINTS)[None]


def spline_of(
    samples: np.ndarray, frames: int = 4, dtype: type = np.float64, valid: np.ndarray | None = None
) -> SplineTrajectory:
    turn = 0.8 * (TIME - TIME[0])
    position = np.stack([TIME, np.sin(TIME), 0.9 + 0 * TIME], axis=1)
    quaternion = np.stack([np.cos(turn / 2), 0 * turn, 0 * turn, np.sin(turn / 2)], axis=1)
    everywhere = np.ones(len(TIME), bool)
    reference = fit_root_reference(TIME, position, quaternion, everywhere, 30, dtype)
    return fit_spline_trajectory(
        reference,
        TIME,
        samples,
        everywhere if valid is None else valid,
        spacing=frames / 60.0,
        n_control=len(TIME) // frames + 4,
    )


def test_it_follows_what_its_knots_can_carry():
    samples = coordinates()
    found = spline_of(samples).coordinates(jnp.asarray(TIME))
    # Relative to amplitudes of 0.4: the smoothing of the fit.
    assert_allclose(found, samples, rtol=0, atol=5e-3)


def test_the_root_turns_about_its_reference_on_the_left():
    trajectory = spline_of(coordinates())
    time = jnp.asarray(TIME)
    pose = eqx.filter_jit(trajectory)(time)
    position, quaternion = trajectory.reference(time)
    departure = trajectory.coordinates(time)
    back = quaternion * jnp.asarray([[1.0, -1, -1, -1]])
    turn = rotation_vector_from_quaternion(quaternion_multiply(pose.root_quaternion, back))
    assert_allclose(turn, departure[:, 3:6], rtol=0, atol=1e-12)
    assert_allclose(pose.root_position - position, departure[:, :3], rtol=0, atol=1e-12)
    assert_allclose(pose.joints, departure[:, 6:], rtol=0, atol=1e-12)
    assert_allclose(np.linalg.norm(pose.root_quaternion, axis=1), 1.0, rtol=0, atol=1e-14)


def test_velocity_and_acceleration_equal_central_differences():
    trajectory = spline_of(coordinates())
    time, step = jnp.asarray(np.random.default_rng(3).uniform(2.1, 5.8, 40)), 1e-5

    @eqx.filter_jit
    def motion(at: jax.Array):
        return trajectory(at), trajectory.velocity(at), trajectory.acceleration(at)

    around = zip(motion(time + step)[:2], motion(time - step)[:2], motion(time)[1:], strict=True)
    for there, back, exact in around:
        for a, b, found in zip(*map(jax.tree.leaves, (there, back, exact)), strict=True):
            # Relative to the fastest; the third derivative of a cubic jumps at its knots.
            assert_allclose(found, (a - b) / (2 * step), rtol=0, atol=1e-4 * np.abs(found).max())


def test_a_control_point_is_felt_for_four_intervals():
    trajectory = spline_of(coordinates())
    moved = eqx.tree_at(lambda t: t.control, trajectory, trajectory.control.at[20].add(1.0))
    time = jnp.asarray(TIME)
    felt = np.flatnonzero(np.abs(moved.coordinates(time) - trajectory.coordinates(time)).max(1))
    assert len(felt) == 15  # 4 intervals of 4 frames; at both their ends it is zero


def test_samples_that_are_not_valid_are_not_looked_at():
    samples = coordinates()
    valid = np.arange(len(TIME)) % 5 != 2
    hidden = np.where(valid[:, None], samples, np.nan)
    found = spline_of(hidden, valid=valid).coordinates(jnp.asarray(TIME))
    assert_allclose(found, samples, rtol=0, atol=1e-2)


@pytest.mark.parametrize(
    ("rate_hz", "bandwidth_hz", "frames"),
    [(60.0, 7.5, 4), (60.0, 12.0, 2), (100.0, 12.0, 4), (25.0, 20.0, 1)],
)
def test_knots_sample_the_bandwidth_at_nyquists_rate(rate_hz, bandwidth_hz, frames):
    assert frames_per_knot(1 / rate_hz, bandwidth_hz) == frames


def test_precision_is_that_of_the_reference():
    trajectory = spline_of(coordinates(), dtype=np.float32)
    pose = trajectory(jnp.linspace(2.0, 5.0, 10, dtype=np.float32))
    for leaf in jax.tree.leaves((eqx.filter(trajectory, eqx.is_array), pose)):
        assert leaf.dtype == np.float32
