"""Where a fit begins: close to the truth, or a message."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.body.jacobian import marker_jacobian, twist_kinematics
from diffbio.errors import FitError
from diffbio.fitting.inverse_kinematics import _normal_equations, rigid_roots, solve_poses
from diffbio.fitting.start import _sampled_markers, find_start
from diffbio.geometry import (
    matrix_from_quaternion,
    quaternion_from_rotation_vector,
    quaternion_multiply,
)


@pytest.fixture(scope="module")
def start(exact_recording):
    rig = exact_recording.rig.astype(np.float32)
    return find_start(exact_recording.body, rig, exact_recording.keypoints)


def test_points_of_a_perfect_detector_are_the_markers(start, exact_recording):
    error = np.linalg.norm(start.points - exact_recording.markers, axis=-1)
    assert np.nanmax(error) < 0.002  # m; single precision at 5 m


def test_every_frame_is_posed_near_the_truth(start, exact_recording):
    assert start.posed.all()
    names = exact_recording.body.joint_names
    for joint in ("knee_angle_r", "knee_angle_l", "hip_adduction_r"):
        column = names.index(joint)
        error = (
            np.asarray(start.pose.joints)[:, column]
            - np.asarray(exact_recording.pose.joints)[:, column]
        )
        assert np.abs(np.rad2deg(error)).max() < 12.0  # deg; markers are still at their anchors


def test_first_size_is_near_the_truth(start, exact_recording):
    names = exact_recording.body.segment_names
    for segment in ("thigh_r", "shank_r", "thigh_l", "shank_l"):
        column = names.index(segment)
        ours = float(start.parameters.log_scale[column])
        assert_allclose(ours, float(exact_recording.parameters.log_scale[column]), atol=0.05)


def test_depth_is_the_distance_of_the_person(start, exact_recording):
    depth = np.asarray(exact_recording.rig.depth(jnp.asarray(exact_recording.markers)))
    assert_allclose(start.depth, np.median(depth, axis=(1, 2)), atol=0.05)


def test_nothing_to_start_from_is_said(exact_recording):
    blind = dataclasses.replace(
        exact_recording.keypoints, confidence=np.zeros_like(exact_recording.keypoints.confidence)
    )
    with pytest.raises(FitError, match="No frame has 4 keypoints seen by two cameras"):
        find_start(exact_recording.body, exact_recording.rig, blind)


def test_wrong_points_lose_their_say(exact_recording):
    """A fifth of the points off by a third of a metre, legs swapped in one frame in eight."""
    body, rng = exact_recording.body, np.random.default_rng(1)
    markers = np.array(exact_recording.markers)
    wrong = rng.random(markers.shape[:2]) < 0.2
    markers[wrong] += rng.normal(size=(int(wrong.sum()), 3)) * 0.3
    columns = [body.marker_names.index(f"{side}Knee") for side in "RL"]
    markers[::8, columns] = markers[::8, columns[::-1]]
    root = exact_recording.pose
    quaternion, truth = root.root_quaternion, np.asarray(root.joints)
    found, distance = solve_poses(
        body,
        exact_recording.parameters,
        root.root_position + 0.1,
        matrix_from_quaternion(quaternion_multiply(_turn(0.3, len(truth)), quaternion)),
        jnp.asarray(markers),
        jnp.ones(markers.shape[:2]),
    )
    error = np.rad2deg(np.asarray(found.joints) - truth)
    for joint in ("knee_angle_r", "knee_angle_l", "hip_adduction_r"):
        assert np.median(np.abs(error[:, body.joint_names.index(joint)])) < 4.0  # deg
    assert np.isfinite(np.asarray(distance)).all()


def _turn(angle: float, n: int) -> jax.Array:
    return quaternion_from_rotation_vector(jnp.tile(jnp.asarray([0.0, 0.0, angle]), (n, 1)))


def test_a_frame_without_points_stays_finite(exact_recording):
    body, pose = exact_recording.body, exact_recording.pose
    two = jax.tree.map(lambda x: x[:2].astype(jnp.float32), pose)
    weight = np.ones((2, len(body.marker_names)))
    weight[0], weight[1, 2:] = 0.0, 0.0
    found, distance = solve_poses(
        body,
        body.default_parameters(np.float32),
        two.root_position,
        matrix_from_quaternion(two.root_quaternion),
        jnp.asarray(exact_recording.markers[:2], jnp.float32),
        jnp.asarray(weight, jnp.float32),
    )
    assert all(np.isfinite(np.asarray(x)).all() for x in jax.tree.leaves(found))
    assert distance[0] == 0.0 and distance[1] < 0.05


def test_normal_equations_are_those_of_all_markers_one_by_one(exact_recording):
    body, parameters = exact_recording.body, exact_recording.parameters
    pose = jax.tree.map(lambda x: x[5:7], exact_recording.pose)
    rng = np.random.default_rng(0)
    n_marker = len(body.marker_names)
    error, weight = rng.normal(size=(2, n_marker, 3)), rng.random((2, n_marker))
    # Itself tested against automatic differentiation, in tests/body.
    slope = np.asarray(jax.jit(marker_jacobian, static_argnums=0)(body, parameters, pose)[0])
    kinematics = twist_kinematics(body)
    normal, gradient = _normal_equations(
        kinematics, kinematics(parameters, pose), jnp.asarray(error), jnp.asarray(weight)
    )
    expected = np.einsum("tmia,tmib,tm->tab", slope, slope, weight)
    assert_allclose(normal, expected, atol=1e-9 * np.abs(expected).max())
    assert_allclose(gradient, np.einsum("tmia,tmi,tm->ta", slope, error, weight), atol=1e-9)


def test_scales_move_the_markers_of_the_neutral_pose(exact_recording):
    body = exact_recording.body
    base, neutral = body.default_parameters(np.float64), body.neutral_pose(dtype=np.float64)
    samples, slope = _sampled_markers(body, base)
    assert_allclose(samples[-1], jax.jit(body.marker_positions)(base, neutral)[0], atol=1e-9)
    exact = jax.jit(marker_jacobian, static_argnums=0)(body, base, neutral)
    assert_allclose(slope, exact.log_scale[0], atol=1e-9)


def test_rigid_roots_recover_a_rigid_motion():
    rng = np.random.default_rng(0)
    neutral = rng.normal(size=(6, 3))
    rotation = Rotation.random(5, rng=rng).as_matrix()
    position = rng.normal(size=(5, 3))
    points = np.einsum("tij,mj->tmi", rotation, neutral) + position[:, None]
    weight = np.ones((5, 6))
    weight[0, 0] = 0.0
    points[0, 0] = 1e3
    found_position, found_rotation = rigid_roots(neutral, np.ones(6), points, weight)
    assert_allclose(found_position, position, atol=1e-9)
    assert_allclose(found_rotation, rotation, atol=1e-9)
