"""Kinematic codes of made-up motions, against MuJoCo's own state and closed forms."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.errors import InputError
from diffbio.features import CoordinateMotion, finger_less_layout, kinematic_code
from tests.features.test_phase_code import walk
from tests.walking_figure import SPEED, STRIDE_HZ, walking_fit

TIME = np.arange(0.0, 5.0, 0.01)
RATE = 2 * np.pi
"""Of the swings below: once in each cycle of a second."""

NAMES = ("knee_angle_r", "lumbar_extension", "neck_rotation")


@pytest.fixture
def motion():
    """Forward at 1.2 m/s, rolling by 0.1 rad, with a knee, a spine and a neck that swing."""
    phase = RATE * (TIME - 0.3)
    zero = np.zeros_like(TIME)
    swings = np.stack([0.5 - 0.4 * np.cos(phase), 0.1 * np.sin(phase), 0.2 * np.sin(phase)], 1)
    rates = RATE * np.stack([0.4 * np.sin(phase), 0.1 * np.cos(phase), 0.2 * np.cos(phase)], 1)
    roll = Rotation.from_rotvec(np.stack([0.1 * np.sin(phase), zero, zero], 1))
    # The neutral body looks along -y of its root: a quarter turn makes it look along +x.
    roll = roll * Rotation.from_euler("z", np.pi / 2)
    position = np.stack([1.2 * TIME, zero, 1.0 + 0.02 * np.sin(phase)], 1)
    return CoordinateMotion(TIME, position, roll.as_quat(scalar_first=True), swings, rates, NAMES)


def column(code, name):
    return code.mean[:, code.names.index(name)]


def test_the_code_has_5310_numbers_in_the_order_of_qpos_and_qvel():
    layout = finger_less_layout()
    assert layout.n_coordinates == 89
    assert len(layout.names) == len(set(layout.names)) == 177
    assert 30 * len(layout.names) == 5310
    assert layout.names[:8] == (
        *("root_x", "root_y", "root_z", "root_qw", "root_qx", "root_qy", "root_qz"),
        "lumbar_extension",
    )
    assert layout.names[89:96] == (
        *("root_x_velocity", "root_y_velocity", "root_z_velocity"),
        *("root_angular_x_velocity", "root_angular_y_velocity", "root_angular_z_velocity"),
        "lumbar_extension_velocity",
    )
    assert not [name for name in layout.names if "mcp" in name or "md2" in name]


def test_coordinates_are_found_by_name(motion):
    code = kinematic_code(motion, walk())
    phase = RATE * np.arange(30) / 30
    # Straight lines between samples 10 ms apart leave 0.4 RATE^2 dt^2 / 8 rad, RATE times a rate.
    assert_allclose(column(code, "knee_angle_r"), 0.5 - 0.4 * np.cos(phase), atol=2.1e-4)
    rate = 0.4 * RATE * np.sin(phase)
    assert_allclose(column(code, "knee_angle_r_velocity"), rate, atol=1.3e-3)
    assert_allclose(column(code, "hip_flexion_r"), 0.0, atol=1e-12)
    assert "hip_flexion_r" in code.at_reference and "knee_angle_r" not in code.at_reference
    assert code.left_out == ("neck_rotation",)
    assert (code.mean.shape, code.n_cycles, code.side) == ((30, 177), 3, "r")


def test_coupled_joints_follow(motion):
    """MyoFullBody's lumbar joints each take a fixed share of the trunk's extension."""
    code = kinematic_code(motion, walk())
    layout = {joint.name: joint for joint in finger_less_layout().joints}
    coupling = layout["L4_L5_FE"].coupling
    assert coupling is not None and coupling.source == "lumbar_extension"
    share = coupling.polynomial[1]
    assert coupling.polynomial[2:] == (0.0, 0.0, 0.0) and share != 0.0
    leader = column(code, "lumbar_extension")
    assert_allclose(column(code, "L4_L5_FE"), share * leader + coupling.polynomial[0], atol=1e-12)
    rate = column(code, "lumbar_extension_velocity")
    assert_allclose(column(code, "L4_L5_FE_velocity"), share * rate, atol=1e-12)
    # The knee slides as it bends, and the velocity is the slope of the curve.
    slide = column(code, "knee_angle_translation1_r")
    slope = np.gradient(np.tile(slide, 3), 1 / 30)[30:60]
    assert np.ptp(slide) > 1e-3
    assert_allclose(column(code, "knee_angle_translation1_r_velocity"), slope, atol=3e-3)


def test_the_root_moves_in_the_world_of_the_cycle(motion):
    code = kinematic_code(motion, walk())
    assert_allclose(column(code, "root_x"), 1.2 * (np.arange(30) - 14.5) / 30, atol=1e-9)
    assert_allclose(column(code, "root_x_velocity"), 1.2, atol=1e-9)
    phase = RATE * np.arange(30) / 30
    assert_allclose(column(code, "root_z"), 1.0 + 0.02 * np.sin(phase), atol=2e-5)
    assert_allclose(column(code, "root_qx"), np.sqrt(0.5) * np.sin(0.05 * np.sin(phase)), atol=1e-4)
    assert_allclose(column(code, "root_qw"), np.sqrt(0.5) * np.cos(0.05 * np.sin(phase)), atol=1e-4)
    # The world's x is the root's -y.
    turning = -0.1 * RATE * np.cos(phase)
    # Central differences over 20 ms leave RATE^2 dt^2 / 6 of the rate.
    assert_allclose(column(code, "root_angular_y_velocity"), turning, atol=1e-3)


def test_place_direction_and_sign_do_not_matter(motion):
    turn = Rotation.from_euler("z", 2.3)
    rotation = turn * Rotation.from_quat(motion.root_quaternion, scalar_first=True)
    signs = np.where(np.arange(len(TIME)) % 7 < 3, 1.0, -1.0)[:, None]
    elsewhere = dataclasses.replace(
        motion,
        root_position=turn.apply(motion.root_position) + [3.0, -4.0, 0.0],
        root_quaternion=rotation.as_quat(scalar_first=True) * signs,
    )
    here, there = (kinematic_code(one, walk()) for one in (motion, elsewhere))
    assert_allclose(there.mean, here.mean, atol=1e-9)
    assert_allclose(there.sd, here.sd, atol=1e-7)


def test_a_fit_is_coded_with_its_own_velocities():
    fit = walking_fit()
    motion = CoordinateMotion.of_fit(fit)
    cycles = walk(start=0.1, duration=1.0 / STRIDE_HZ, n=2)
    code = kinematic_code(motion, cycles)
    # A mean heading 0.1 rad beside the direction of walking would cost 0.006 m/s.
    assert_allclose(column(code, "root_x_velocity"), SPEED, atol=0.006)
    assert np.ptp(column(code, "knee_angle_r")) > 0.1
    assert code.left_out == ("neck_extension", "neck_bending", "neck_rotation")
    bare = CoordinateMotion.of_samples(
        motion.time,
        motion.root_position,
        motion.root_quaternion,
        motion.joints,
        motion.joint_names,
    )
    # Central differences of samples at 60 Hz, in radians per second; speeds reach several.
    assert_allclose(kinematic_code(bare, cycles).mean, code.mean, atol=0.1)


def test_no_complete_cycle_is_refused(motion):
    with pytest.raises(InputError, match="right leg: It has no complete cycle within the motion"):
        kinematic_code(motion, walk(n=1))
    with pytest.raises(InputError, match="left leg"):
        kinematic_code(motion, walk(start=10.0), side="l")
