"""The simulated walk is a walk, and its joint curves are those of the published table."""

import dataclasses
import tomllib

import numpy as np
import pytest
from numpy.testing import assert_allclose

import diffbio.simulation.walking as walking
from diffbio.body import default_body, load_keypoint_set
from diffbio.errors import InputError
from diffbio.fitting import Fit, Motion, Outcome, ReprojectionError
from diffbio.simulation import differences, simulate_walking

TIME = np.arange(0, 3, 0.01)


@pytest.fixture(scope="module")
def body():
    return default_body(load_keypoint_set("halpe_26"))


@pytest.fixture(scope="module")
def pose(body):
    return walking.walking_pose(body, body.default_parameters(np.float64), TIME)


@pytest.mark.parametrize(
    ("joint", "curve", "shift_deg"),
    [
        ("knee_angle_r", "knee_flexion", 0.0),
        ("ankle_angle_r", "ankle_dorsiflexion", 0.0),
        ("hip_flexion_r", "hip_flexion", np.rad2deg(walking.PELVIS_INCLINATION)),
    ],
)
def test_curves_follow_the_table(body, pose, joint, curve, shift_deg):
    with open(walking.__file__.replace("walking.py", "normal_gait.toml"), "rb") as file:
        table = tomllib.load(file)
    phase = np.arange(0, 1, 0.04)
    column = body.joint_names.index(joint)
    ours = np.interp(phase / walking.CADENCE_HZ, TIME, np.rad2deg(pose.joints[:, column]))
    # Rounded to whole degrees and without its harmonics above 6.7 Hz.
    assert_allclose(ours + shift_deg, table[curve], atol=2.0)


def test_left_is_half_a_stride_behind(body, pose):
    half = round(0.5 / walking.CADENCE_HZ / 0.01)
    right, left = (
        np.asarray(pose.joints)[:, body.joint_names.index(f"knee_angle_{s}")] for s in "rl"
    )
    assert_allclose(left[: -half - 1], right[half:-1], atol=np.deg2rad(1.5))


def test_feet_stand_on_the_floor_and_do_not_slide_much(body, pose):
    parameters = body.default_parameters(np.float64)
    positions, rotations = (np.asarray(x) for x in body.body_poses(parameters, pose))
    soles = walking._soles(body, parameters, positions, rotations)
    lowest = soles[..., 2].min(1)
    assert np.abs(lowest).max() < 0.02  # m
    stands = soles[..., 2].argmin(1)
    speed = np.gradient(soles[..., 0], TIME, axis=0)[np.arange(len(TIME)), stands]
    assert abs(np.mean(speed)) < 0.02  # m/s
    forward = np.gradient(np.asarray(pose.root_position)[:, 0], TIME)
    assert 0.9 < forward.mean() < 1.7  # m/s


def test_no_joint_passes_its_range_by_much(body, pose):
    low, high = body.joint_range.T
    joints = np.asarray(pose.joints)
    assert (joints > low - np.deg2rad(6)).all()
    assert (joints < high + np.deg2rad(6)).all()


def test_a_body_without_feet_cannot_walk():
    head = load_keypoint_set("halpe_26")
    upper = dataclasses.replace(head, anchors=tuple(a for a in head.anchors if a.body == "head"))
    body = default_body(upper)
    stripped = dataclasses.replace(
        body, skeleton=dataclasses.replace(body.skeleton, body_names=("x",) * len(body.body_names))
    )
    with pytest.raises(InputError, match="It has no body 'pelvis'"):
        walking.walking_pose(stripped, body.default_parameters(), TIME)


def test_a_recording_is_reproducible_and_seeds_differ():
    keypoints = load_keypoint_set("body_25")
    short = {"duration": 0.5, "frame_rate_hz": 20.0, "n_cameras": 3}
    first, again, other = (simulate_walking(keypoints, seed=s, **short) for s in (1, 1, 2))
    assert_allclose(first.keypoints.pixels, again.keypoints.pixels)
    assert not np.allclose(first.parameters.log_scale, other.parameters.log_scale)
    assert first.keypoints.confidence.shape == (3, 10, 25)


@pytest.fixture(scope="module")
def recording():
    return simulate_walking(load_keypoint_set("halpe_26"), seed=4, duration=0.5, n_cameras=2)


def fit_with(recording, joints):
    """A fit that equals the truth but for its joint coordinates."""
    n_time, n_body = len(joints), len(recording.body.body_names)
    none = np.zeros((n_time, 0))
    projected = np.zeros((1, n_time, 0, 2))
    error = ReprojectionError(none[None], projected, none[None], ("cam",))
    motion = Motion(
        time=np.asarray(recording.keypoints.time),
        root_position=np.asarray(recording.pose.root_position),
        root_quaternion=np.asarray(recording.pose.root_quaternion),
        joints=joints,
        joint_velocity=np.zeros_like(joints),
        joint_acceleration=np.zeros_like(joints),
        markers=recording.markers,
        body_positions=np.zeros((n_time, n_body, 3)),
        body_rotations=np.zeros((n_time, n_body, 3, 3)),
        seen=np.ones(n_time, bool),
    )
    return Fit(
        body=recording.body,
        parameters=recording.parameters,
        motion=motion,
        rig=recording.rig,
        rig_before=recording.rig,
        error=error,
        solver="none",
        iterations=0,
        cost=0.0,
        outcome=Outcome.CONVERGED,
        time_s={},
    )


def test_the_truth_differs_from_itself_by_nothing(recording):
    rows = differences(fit_with(recording, np.asarray(recording.pose.joints)), recording)
    assert len(rows) > 20
    assert max(abs(row.error) for row in rows) < 1e-9


def test_a_constant_error_vanishes_with_the_means(recording):
    joints = np.asarray(recording.pose.joints).copy()
    joints[:, recording.body.joint_names.index("knee_angle_r")] += np.deg2rad(2.0)
    named = {row.name: row.error for row in differences(fit_with(recording, joints), recording)}
    assert_allclose(named["knee_angle_r, RMS"], 2.0)
    assert_allclose(named["knee_angle_r, RMS with means removed"], 0.0, atol=1e-9)
    assert_allclose(named["knee_angle_l, RMS"], 0.0, atol=1e-9)
