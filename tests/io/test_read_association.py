"""The person of interest among several, simulated and recorded."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.io.association import associate
from diffbio.io.openpose import CameraDetections, read_camera_folder
from diffbio.io.rigs import read_rig


def cameras_of(tmp_path, people) -> tuple[CameraDetections, ...]:
    """Detections from people[camera][time] = list of (keypoint, 3)."""
    return tuple(
        CameraDetections(
            tmp_path, 0, tuple(np.stack(f) if len(f) else np.zeros((0, 17, 3)) for f in frames)
        )
        for frames in people
    )


@pytest.fixture
def bystander(three_cameras, walker) -> np.ndarray:
    """Somebody else, 1.2 m to the side and facing elsewhere."""
    other = walker[..., [1, 0, 2]] + np.array([0.0, 1.2, 0.0])
    pixels = np.asarray(three_cameras.project(jnp.asarray(other[::-1].copy())))
    return np.concatenate([pixels, np.full((*pixels.shape[:-1], 1), 0.95)], axis=-1)


def test_one_person_per_frame_is_that_person(tmp_path, three_cameras, detections):
    cameras = cameras_of(tmp_path, detections[:, :, None])
    found = associate(three_cameras, cameras, 50.0)
    assert_allclose(found.detections, detections)
    assert found.notes == ()


def test_bystander_seen_by_two_cameras_is_told_apart_in_any_order(
    tmp_path, three_cameras, detections, bystander
):
    random = np.random.default_rng(0)
    noise = random.normal(scale=3.0, size=detections[..., :2].shape)
    detections = np.concatenate([detections[..., :2] + noise, detections[..., 2:]], axis=-1)
    people = [[[d] for d in camera] for camera in detections]
    first = np.zeros((3, detections.shape[1]), int)
    for c in (0, 1):
        for t, frame in enumerate(people[c]):
            first[c, t] = random.integers(2)
            frame.insert(1 - first[c, t], bystander[c, t])
    found = associate(three_cameras, cameras_of(tmp_path, people), 50.0)
    assert np.array_equal(found.chosen, first)
    assert_allclose(found.detections, detections)
    assert "most per frame: cam1 2, cam2 2, cam3 1" in found.notes[0]
    assert "Of 2 tracked in space" in found.notes[0]
    assert "in 100% of the frames, by 3.0 cameras" in found.notes[0]


def test_the_same_person_is_kept_when_the_bystander_is_seen_better_for_a_while(
    tmp_path, three_cameras, detections, bystander
):
    people = [
        [[w, b] for w, b in zip(seen, other, strict=True)]
        for seen, other in zip(detections, bystander, strict=True)
    ]
    for t in (4, 5, 6):
        people[0][t] = [bystander[0, t]]  # the walker is hidden from the first camera
    for t in range(8, len(people[2])):
        people[2][t] = [detections[2, t]]
        people[1][t] = [detections[1, t]]
    found = associate(three_cameras, cameras_of(tmp_path, people), 50.0)
    chosen = np.zeros_like(found.chosen)
    chosen[0, 4:7] = -1
    assert np.array_equal(found.chosen, chosen)
    assert_allclose(found.detections[0, 4:7], 0.0)


def test_a_wrong_person_alone_in_one_image_is_left_out(
    tmp_path, three_cameras, detections, bystander
):
    people = [[[d] for d in camera] for camera in detections]
    people[2][3] = [bystander[2, 3]]
    people[0][0].append(bystander[0, 0])
    found = associate(three_cameras, cameras_of(tmp_path, people), 50.0)
    assert found.chosen[2, 3] == -1 and (found.chosen >= 0).sum() == found.chosen.size - 1


def test_nobody_cameras_agree_on_is_said(tmp_path, three_cameras, detections):
    scattered = np.random.default_rng(1).uniform(0, 900, (3, 12, 2, 17, 3))
    scattered[..., 2] = 0.9
    found = associate(three_cameras, cameras_of(tmp_path, scattered), 50.0)
    assert (found.chosen == -1).mean() > 0.9


def test_raw_detections_of_the_balancing_trial_agree_with_the_published_choice(shared_data):
    folder = shared_data / "pose2sim-demo"
    rig = read_rig(folder / "calibration" / "calib.toml")

    def read(kind: str) -> tuple[CameraDetections, ...]:
        names = [f"cam0{number}" for number in range(1, 5)]
        return tuple(read_camera_folder(folder / "balancing" / kind / name) for name in names)

    found = associate(rig, read("pose"), 60.0)
    same = [
        np.allclose(frame[0], found.detections[c, t])
        for c, camera in enumerate(read("pose-associated"))
        for t, frame in enumerate(camera.people)
        if len(frame) and found.chosen[c, t] >= 0
    ]
    assert len(same) > 390 and np.mean(same) >= 0.95
    assert "most per frame: cam_01 3, cam_02 2, cam_03 1, cam_04 1" in found.notes[0]
