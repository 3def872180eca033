"""Where a fit begins: close to the truth, or a message."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.errors import FitError
from diffbio.fitting.inverse_kinematics import rigid_roots
from diffbio.fitting.start import find_start


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
