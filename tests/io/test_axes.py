"""OpenSim's axes: the transform, and pelvis angles of known rotations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.io.axes import opensim_from_world, pelvis_angles, world_from_opensim

UPRIGHT = world_from_opensim(np.eye(3)).T  # columns: the pelvis axes in the world


def test_named_directions():
    forward, left, up = np.eye(3)
    assert_allclose(opensim_from_world(forward), [1, 0, 0])
    assert_allclose(opensim_from_world(up), [0, 1, 0])
    assert_allclose(opensim_from_world(left), [0, 0, -1])  # OpenSim's Z points right


def test_transform_is_a_rotation_and_returns():
    points = np.random.default_rng(0).normal(size=(4, 5, 3))
    assert_allclose(world_from_opensim(opensim_from_world(points)), points, atol=1e-15)
    assert np.linalg.det(opensim_from_world(np.eye(3))) == pytest.approx(1.0)


def test_upright_facing_forward_is_zero():
    assert_allclose(pelvis_angles(UPRIGHT[None]), [[0, 0, 0]], atol=1e-15)


@pytest.mark.parametrize(
    ("axis_world", "index"),
    [
        ((0, -1, 0), 0),  # about the axis to the right: leaning back is positive tilt
        ((1, 0, 0), 1),  # about the axis forward: right side down is positive list
        ((0, 0, 1), 2),  # about the vertical: turning left is positive rotation
    ],
)
def test_one_known_turn_moves_one_angle(axis_world, index):
    turn = Rotation.from_rotvec(0.3 * np.array(axis_world)).as_matrix()
    expected = np.zeros(3)
    expected[index] = 0.3
    assert_allclose(pelvis_angles((turn @ UPRIGHT)[None])[0], expected, atol=1e-14)


@given(st.integers(0, 2**32 - 1))
def test_agrees_with_scipy(seed):
    low, high = np.array([-3.0, -1.4, -3.0]), np.array([3.0, 1.4, 3.0])
    angles = np.random.default_rng(seed).uniform(low, high)
    opensim_from_pelvis = Rotation.from_euler("ZXY", angles).as_matrix()
    world_from_pelvis = world_from_opensim(opensim_from_pelvis.T).T
    assert_allclose(pelvis_angles(world_from_pelvis[None])[0], angles, atol=1e-9)  # rad


def test_turning_round_is_continuous():
    heading = np.linspace(0.0, 4 * np.pi, 200)
    turns = Rotation.from_rotvec(heading[:, None] * np.array([[0.0, 0.0, 1.0]])).as_matrix()
    assert_allclose(pelvis_angles(turns @ UPRIGHT)[:, 2], heading, atol=1e-12)
