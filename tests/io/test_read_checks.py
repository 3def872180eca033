"""What a trial must be before anything is computed from it."""

import dataclasses
import pathlib

import equinox as eqx
import numpy as np
import pytest

from diffbio.body import load_keypoint_set
from diffbio.errors import InputError
from diffbio.io.checks import check_trial
from diffbio.io.trial import Trial
from diffbio.observations import Keypoints


@pytest.fixture
def trial(three_cameras, detections) -> Trial:
    keypoints = Keypoints(
        pixels=detections[..., :2].copy(),
        confidence=detections[..., 2].copy(),
        time=np.arange(12) / 50.0,
        names=load_keypoint_set("coco_17").keypoints,
        set_name="coco_17",
        camera_names=three_cameras.names,
    )
    return Trial("walk", pathlib.Path("walk"), three_cameras, keypoints, 50.0)


def with_keypoints(trial: Trial, **fields) -> Trial:
    return dataclasses.replace(trial, keypoints=dataclasses.replace(trial.keypoints, **fields))


def test_a_good_trial_passes_unchanged(trial):
    checked = check_trial(trial)
    assert checked.notes == ()
    assert np.array_equal(checked.keypoints.pixels, trial.keypoints.pixels)


@pytest.mark.parametrize("nothing", [np.nan, np.inf, 0.0])
def test_what_is_not_a_number_or_zero_is_missing(trial, nothing):
    pixels = np.array(trial.keypoints.pixels)
    pixels[0, 3, 2] = nothing
    confidence = np.array(trial.keypoints.confidence)
    confidence[1, 4, 5] = nothing if np.isnan(nothing) else -1.0
    checked = check_trial(with_keypoints(trial, pixels=pixels, confidence=confidence)).keypoints
    assert checked.confidence[0, 3, 2] == checked.confidence[1, 4, 5] == 0.0
    assert np.isfinite(checked.pixels).all() and np.all(checked.pixels[0, 3, 2] == 0.0)
    assert (np.asarray(checked.confidence) == 0.0).sum() == 2


def test_keypoints_and_frames_never_seen_are_noted(trial):
    confidence = np.array(trial.keypoints.confidence)
    confidence[:, :, 4] = 0.0
    confidence[:, [2, 7]] = 0.0
    checked = check_trial(with_keypoints(trial, confidence=confidence))
    assert checked.notes == (
        "Never detected, and therefore not fitted: right_ear.",
        "2 of 12 frames have no detection in any camera; the motion is interpolated there.",
    )


def test_a_camera_that_sees_nothing_is_left_out_and_said(trial):
    confidence = np.array(trial.keypoints.confidence)
    confidence[1] = 0.1
    checked = check_trial(with_keypoints(trial, confidence=confidence))
    assert checked.rig.names == checked.keypoints.camera_names == ("cam1", "cam3")
    assert checked.keypoints.pixels.shape[0] == 2
    assert checked.notes == ("Left out cam2: no detection with confidence 0.3 or more.",)


def test_one_camera_is_not_enough(trial):
    confidence = np.array(trial.keypoints.confidence)
    confidence[1:] = 0.0
    message = r"Only one camera sees the person \(cam1\). Depth and size cannot be identified"
    with pytest.raises(InputError, match=message):
        check_trial(with_keypoints(trial, confidence=confidence))


def test_no_detection_at_all_is_refused(trial):
    confidence = np.zeros_like(trial.keypoints.confidence)
    with pytest.raises(InputError, match=r"No camera has a single detection with confidence 0.3"):
        check_trial(with_keypoints(trial, confidence=confidence))


def test_confidence_slightly_above_one_is_cut_and_percentages_are_refused(trial):
    confidence = np.array(trial.keypoints.confidence)
    confidence[0, 0, 0] = 1.04
    checked = check_trial(with_keypoints(trial, confidence=confidence))
    assert checked.keypoints.confidence[0, 0, 0] == 1.0
    assert checked.notes == ("1 confidences above 1 were set to 1.",)
    with pytest.raises(InputError, match=r"Most confidences exceed 1 \(the largest is 104\)"):
        check_trial(with_keypoints(trial, confidence=100.0 * confidence))


def test_detections_of_another_resolution_are_refused(trial):
    pixels = 3.0 * np.asarray(trial.keypoints.pixels)
    message = r"camera cam1: \d+% of its detections lie outside its image of 1280 x 960 pixels"
    with pytest.raises(InputError, match=message):
        check_trial(with_keypoints(trial, pixels=pixels))


@pytest.mark.parametrize(("factor", "size"), [(1000.0, r"1\.\d+ km"), (0.1, r"0\.1\d+ m")])
def test_person_of_impossible_size_is_refused(trial, factor, size):
    rig = eqx.tree_at(
        lambda r: r.camera_from_world_translation, trial.rig, replace_fn=lambda t: factor * t
    )
    message = f"The person would be {size} across. Check the units of the rig .*millimetres"
    with pytest.raises(InputError, match=message):
        check_trial(dataclasses.replace(trial, rig=rig))


def upward_and_downward(pixels: np.ndarray, keypoints: slice) -> np.ndarray:
    """Detections at the bottom of the first image and the top of the others: no ray meets."""
    pixels = np.array(pixels)
    pixels[0, :, keypoints, 1] = 950.0
    pixels[1:, :, keypoints, 1] = 10.0
    return pixels


def test_cameras_that_agree_on_nothing_are_refused(trial):
    two = dataclasses.replace(trial, rig=trial.rig.subset(("cam1", "cam2")))
    scattered = with_keypoints(
        two,
        pixels=upward_and_downward(trial.keypoints.pixels, slice(None))[:2],
        confidence=np.asarray(trial.keypoints.confidence)[:2],
        camera_names=("cam1", "cam2"),
    )
    with pytest.raises(
        InputError, match=r"No keypoint could be triangulated: no two cameras agree"
    ):
        check_trial(scattered)


def test_cameras_that_hardly_agree_are_noted(trial):
    two = dataclasses.replace(trial, rig=trial.rig.subset(("cam1", "cam2")))
    scattered = with_keypoints(
        two,
        pixels=upward_and_downward(trial.keypoints.pixels, slice(6, None))[:2],
        confidence=np.asarray(trial.keypoints.confidence)[:2],
        camera_names=("cam1", "cam2"),
    )
    message = "Only 35% of the detections agree with those of other cameras"
    assert any(message in note for note in check_trial(scattered).notes)


def test_rig_and_keypoints_must_be_of_the_same_cameras(trial):
    other = with_keypoints(trial, camera_names=("cam2", "cam1", "cam3"))
    with pytest.raises(InputError, match=r"The keypoints are of cam2, cam1, cam3, the rig is of"):
        check_trial(other)


def test_a_trial_without_frames_is_refused(trial):
    with pytest.raises(InputError, match=r"It has no camera, no frame or no keypoint"):
        check_trial(
            with_keypoints(
                trial,
                pixels=np.zeros((3, 0, 17, 2)),
                confidence=np.zeros((3, 0, 17)),
                time=np.zeros(0),
            )
        )
