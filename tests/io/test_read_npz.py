"""Keypoints in a NumPy archive."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.read import read_trial


def test_archive_is_read_with_the_rig_beside_it(write_npz, detections):
    trial = read_trial(write_npz())
    assert trial.name == "walk" and trial.frame_rate_hz == 50.0 and trial.notes == ()
    assert trial.keypoints.set_name == "coco_17"
    assert trial.keypoints.camera_names == trial.rig.names == ("cam1", "cam2", "cam3")
    assert_allclose(trial.keypoints.pixels, detections[..., :2])
    assert_allclose(trial.keypoints.time, np.arange(12) / 50.0)


def test_clock_of_the_archive_is_kept(write_npz):
    time = 3.41 + np.arange(12) / 100.0
    trial = read_trial(write_npz(time=time, fps=None))
    assert trial.frame_rate_hz == pytest.approx(100.0)
    assert_allclose(trial.keypoints.time, time)


def test_cameras_with_times_of_their_own_are_brought_onto_the_fastest(write_npz, detections):
    taken = np.stack([np.arange(12) / 50.0, 0.004 + np.arange(12) / 50.0, np.arange(12) / 25.0])
    taken[2, 6:] = np.nan
    trial = read_trial(write_npz(camera_time=taken, fps=None))
    assert trial.frame_rate_hz == pytest.approx(50.0)
    assert_allclose(trial.keypoints.time, np.arange(12) / 50.0)
    assert trial.keypoints.lag is not None
    assert_allclose(trial.keypoints.lag[1], 0.004)
    assert_allclose(trial.keypoints.pixels[2, ::2], detections[2, :6, :, :2])
    assert_allclose(trial.keypoints.confidence[2, 1::2], 0.0)


def test_cameras_may_come_in_any_order_and_be_fewer(write_npz, detections):
    order = [2, 0]
    trial = read_trial(
        write_npz(
            pixels=detections[order][..., :2],
            confidence=detections[order][..., 2],
            camera_names=np.asarray(["cam3", "cam1"]),
        )
    )
    assert trial.rig.names == trial.keypoints.camera_names == ("cam3", "cam1")
    assert_allclose(trial.keypoints.pixels, detections[order][..., :2])
    assert "Left out cam2: in the rig, but without keypoints in" in trial.notes[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pixels": None}, "The array `pixels` is missing. The archive needs"),
        ({"camera_names": None}, "The array `camera_names` is missing"),
        ({"fps": None}, "fps: The frame rate is unknown"),
        ({"fps": np.asarray(0.0)}, "fps: The frame rate is unknown"),
        ({"time": np.arange(5.0)}, "time: It holds 5 values for 12 frames"),
        ({"time": np.zeros(12)}, "time: .* does not increase"),
        ({"camera_time": np.zeros((3, 4))}, r"camera_time: Its shape is \(3, 4\)"),
        ({"camera_time": np.zeros((3, 12))}, "camera_time: The times of cam1 do not increase"),
        ({"time": np.arange(12.0) ** 2}, "time: The frames are not evenly spaced"),
        ({"time": np.arange(12.0) * 20.0}, "says 0.05 Hz, but the frame rate is given as 50 Hz"),
        ({"confidence": np.ones((3, 11, 17))}, r"confidence: Its shape is \(3, 11, 17\)"),
        ({"pixels": np.ones((3, 12, 17))}, r"pixels: Its shape is \(3, 12, 17\)"),
        (
            {"camera_names": np.asarray(["cam1", "cam2", "kitchen"])},
            "keypoints of kitchen, which is not in the rig .it has cam1, cam2, cam3.",
        ),
        (
            {"keypoint_names": np.asarray(["knie", *"abcdefghijklmnop"])},
            "No keypoint set knows all names; the closest is .*knie.*State the keypoint set",
        ),
        ({"keypoint_set": np.asarray("halpe_62")}, "No keypoint set is called 'halpe_62'"),
        ({"keypoint_set": np.asarray("falisse_markers")}, "falisse_markers does not know nose"),
        ({"pixels": np.asarray([None])}, "not a complete NumPy archive of plain arrays"),
    ],
)
def test_bad_archive_is_refused(write_npz, changes, message):
    with pytest.raises(InputError, match=message):
        read_trial(write_npz(**changes))


def test_truncated_archive_is_refused(write_npz):
    path = write_npz()
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"walk\.npz: It is not a complete NumPy archive"):
        read_trial(path)


def test_missing_rig_is_refused(write_npz, tmp_path):
    path = write_npz()
    (tmp_path / "rig.toml").unlink()
    with pytest.raises(InputError, match=r"There is no rig: .*rig\.toml does not exist and none"):
        read_trial(path)


@pytest.mark.parametrize(
    ("kind", "count", "keypoint_set"),
    [("body", 20, "falisse_body"), ("markers", 59, "falisse_markers")],
)
def test_virtual_cameras_are_read_as_they_lie_there(shared_data, kind, count, keypoint_set):
    trial = read_trial(
        shared_data / "falisse-virtual-cameras" / f"gait-14-{kind}.npz",
        rig=shared_data / "rigs" / "ring-8cam.toml",
    )
    assert trial.keypoints.set_name == keypoint_set and trial.frame_rate_hz == 100.0
    assert trial.keypoints.pixels.shape == (8, 246, count, 2)
    assert np.isfinite(trial.keypoints.pixels).all()
    assert trial.keypoints.time[0] == pytest.approx(2.55)
