"""Derivatives of motion from smoothing splines: sines in closed form, and a filter's response."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import Pose
from diffbio.dynamics import Movement, motion_along, motion_through
from diffbio.dynamics.chain import root_turning
from diffbio.dynamics.smoothing import smoothing_spline
from diffbio.errors import InputError
from diffbio.geometry import quaternion_from_rotation_vector
from diffbio.trajectories import SplineTrajectory
from diffbio.trajectories.reference import fit_root_reference

TIME = np.arange(300) / 100.0
MIDDLE = slice(60, 240)


def turning_pose(time: np.ndarray) -> Pose:
    """A person who walks a circle once every four seconds and nods, with one joint."""
    angle = 0.5 * np.pi * time
    position = np.stack([np.cos(angle), np.sin(angle), 1.0 + 0.02 * np.sin(4 * np.pi * time)], 1)
    turn = quaternion_from_rotation_vector(
        jnp.asarray(np.stack([0 * angle, 0 * angle, angle], axis=1))
    )
    joint = 0.5 * np.sin(2 * np.pi * time)[:, None]
    return Pose(jnp.asarray(position), turn, jnp.asarray(joint))


def test_derivatives_are_those_of_the_motion():
    found = motion_through(TIME, turning_pose(TIME), bandwidth_hz=12.0)
    w = 2 * np.pi
    rate, second = found.movement.velocity.joints, found.movement.acceleration.joints
    time = TIME[MIDDLE]
    assert_allclose(rate[MIDDLE, 0], 0.5 * w * np.cos(w * time), rtol=0, atol=2e-3)
    # A cubic's acceleration is straight between knots, 0.2 % of 20 rad/s^2 off.
    assert_allclose(second[MIDDLE, 0], -0.5 * w**2 * np.sin(w * time), rtol=0, atol=0.05)
    turning, turning_rate = root_turning(found.movement)
    expected = np.tile([[0.0], [0.0], [np.pi / 2]], (1, len(time)))
    assert_allclose(turning[:, MIDDLE], expected, rtol=0, atol=1e-3)
    assert_allclose(turning_rate[:, MIDDLE], 0.0, rtol=0, atol=0.02)
    centripetal = np.hypot(*np.asarray(found.movement.acceleration.root_position)[MIDDLE, :2].T)
    assert_allclose(centripetal, (np.pi / 2) ** 2, rtol=0, atol=0.02)


def test_angular_acceleration_is_the_change_of_angular_velocity():
    movement = motion_through(TIME, turning_pose(TIME), bandwidth_hz=6.0).movement

    def turning(shift):
        q = movement.pose.root_quaternion + shift * movement.velocity.root_quaternion
        dq = movement.velocity.root_quaternion + shift * movement.acceleration.root_quaternion
        pose = Pose(movement.pose.root_position, q, movement.pose.joints)
        velocity = Pose(movement.velocity.root_position, dq, movement.velocity.joints)
        return root_turning(Movement(pose, velocity, movement.acceleration))[0]

    change = jax.jvp(turning, (0.0,), (1.0,))[1]
    assert_allclose(root_turning(movement)[1], change, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("frequency", "left"), [(1.0, 1.0), (3.0, 0.985), (6.0, 0.5), (12.0, 0.015)]
)
def test_half_the_amplitude_is_left_at_the_bandwidth(frequency, left):
    time = np.arange(2000) / 500.0
    wave = np.exp(2j * np.pi * frequency * time)
    samples = np.stack([wave.real, wave.imag], axis=1)
    smooth = smoothing_spline(time, samples, 6.0)(time)
    middle = slice(500, 1500)
    response = np.mean(((smooth[:, 0] + 1j * smooth[:, 1]) / wave)[middle])
    assert_allclose(response.real, left, rtol=0, atol=0.02)
    assert_allclose(response.imag, 0.0, rtol=0, atol=1e-3)  # no lag


def test_noise_of_any_rate_is_smoothed_alike():
    """The bandwidth says it, not the sampling."""
    rng = np.random.default_rng(0)
    coarse, fine = np.arange(401) / 100.0, np.arange(4001) / 1000.0
    wave = (np.sin(2 * np.pi * 5.0 * t)[:, None] + 0.0 * rng.normal() for t in (coarse, fine))
    one, two = (
        smoothing_spline(t, w, 6.0)(coarse) for t, w in zip((coarse, fine), wave, strict=True)
    )
    assert_allclose(one[50:-50], two[50:-50], rtol=0, atol=0.01)


def test_a_fitted_spline_keeps_its_own_derivatives():
    control = jnp.asarray(np.random.default_rng(1).normal(size=(20, 7)))
    pose = turning_pose(TIME)
    reference = fit_root_reference(
        TIME, np.asarray(pose.root_position), np.asarray(pose.root_quaternion),
        np.ones(300, bool), 12, np.float64,
    )  # fmt: skip
    spline = SplineTrajectory(control, reference, jnp.asarray(0.0), jnp.asarray(0.1))
    found = motion_along(spline, TIME[:100] + 7.0, zero=7.0)
    assert found.bandwidth_hz == pytest.approx(5.0)
    velocity = spline.velocity(jnp.asarray(TIME[:100]))
    assert_allclose(found.movement.velocity.joints, velocity.joints, rtol=0, atol=1e-9)
    part = found.cut(7.2, 7.3)
    assert_allclose(part.time, 7.2 + 0.01 * np.arange(11), rtol=0, atol=1e-12)
    assert part.movement.pose.joints.shape == (11, 1)


def test_motion_that_says_too_little_is_refused():
    pose = turning_pose(TIME[:20])
    with pytest.raises(InputError, match=r"20 samples over 0\.19 s are too few to follow 6 Hz"):
        motion_through(TIME[:20], pose, bandwidth_hz=6.0)
    slow = np.arange(20) / 10.0
    with pytest.raises(InputError, match="ask for a lower bandwidth"):
        motion_through(slow, pose, bandwidth_hz=6.0)
    whole = turning_pose(TIME)
    missing = Pose(whole.root_position.at[3, 0].set(jnp.nan), whole.root_quaternion, whole.joints)
    with pytest.raises(InputError, match="A pose is not a number"):
        motion_through(TIME, missing)
