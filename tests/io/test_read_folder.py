"""Plain folders, and how a trial is recognised."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.camera_folders import frame_rate_of, match_cameras
from diffbio.io.read import read_trial
from diffbio.io.rigs import write_rig


def test_folder_of_json_is_read(plain_folder, detections):
    trial = read_trial(plain_folder, frame_rate_hz=25.0)
    assert trial.name == "walk" and trial.frame_rate_hz == 25.0 and trial.videos == {}
    assert trial.keypoints.set_name == "coco_17" and trial.rig.names == ("cam1", "cam2", "cam3")
    assert_allclose(trial.keypoints.pixels, detections[..., :2])
    assert_allclose(trial.keypoints.time, np.arange(12) / 25.0)


def test_folder_with_an_archive_is_read(write_npz, tmp_path):
    path = write_npz()
    trial = read_trial(tmp_path)
    assert trial.name == tmp_path.name and trial.source == path


def test_stated_rig_makes_a_folder_without_rig_a_trial(plain_folder, tmp_path):
    (plain_folder / "rig.toml").rename(tmp_path / "other.toml")
    trial = read_trial(plain_folder, rig=tmp_path / "other.toml", frame_rate_hz=25.0)
    assert trial.keypoints.pixels.shape == (3, 12, 17, 2)


def test_several_people_are_told_apart(tmp_path, three_cameras, write_json_folders, detections):
    extra = detections.copy()
    extra[..., 0] = 1280.0 - extra[..., 0]
    people = [
        [[other, own] if c == 0 else [own] for own, other in zip(seen, mirrored, strict=True)]
        for c, (seen, mirrored) in enumerate(zip(detections, extra, strict=True))
    ]
    write_json_folders(tmp_path / "crowd", people=people)
    write_rig(three_cameras, tmp_path / "crowd" / "rig.toml")
    trial = read_trial(tmp_path / "crowd", frame_rate_hz=50.0)
    assert_allclose(trial.keypoints.pixels, detections[..., :2])
    assert "most per frame: cam1 2, cam2 1, cam3 1" in trial.notes[0]


def test_rig_camera_without_keypoints_is_left_out_and_said(
    tmp_path, three_cameras, write_json_folders
):
    write_json_folders(tmp_path, names=("cam1", "cam2"))
    write_rig(three_cameras, tmp_path / "rig.toml")
    trial = read_trial(tmp_path, frame_rate_hz=50.0)
    assert trial.rig.names == trial.keypoints.camera_names == ("cam1", "cam2")
    assert "Left out cam3: in the rig, but without keypoints" in trial.notes[0]


def test_keypoints_of_a_camera_not_in_the_rig_are_refused(plain_folder):
    (plain_folder / "cam3").rename(plain_folder / "kitchen")
    with pytest.raises(InputError, match=r"keypoints of kitchen, which is not in the rig \(it has"):
        read_trial(plain_folder, frame_rate_hz=50.0)


def test_different_frame_counts_are_refused_with_each_count(plain_folder):
    sorted((plain_folder / "cam2").iterdir())[-1].unlink()
    with pytest.raises(InputError, match=r"frames: cam1 has 12, cam2 has 11, cam3 has 12"):
        read_trial(plain_folder, frame_rate_hz=50.0)


def test_missing_file_between_others_is_a_missing_frame(plain_folder):
    sorted((plain_folder / "cam2").iterdir())[4].unlink()
    trial = read_trial(plain_folder, frame_rate_hz=50.0)
    assert np.all(trial.keypoints.confidence[1, 4] == 0.0)
    assert np.all(trial.keypoints.confidence[1, 5] > 0.0)


def test_unknown_frame_rate_is_refused(plain_folder):
    with pytest.raises(InputError, match=r"walk: The frame rate is unknown.*State it"):
        read_trial(plain_folder)
    with pytest.raises(InputError, match=r"frame rate: Found -5"):
        read_trial(plain_folder, frame_rate_hz=-5.0)


def test_frame_rate_is_read_from_the_videos(plain_folder, shared_data):
    (plain_folder / "videos").mkdir()
    videos = shared_data / "pose2sim-demo" / "balancing" / "videos"
    for number in (1, 2):
        content = (videos / f"cam0{number}.mp4").read_bytes()
        (plain_folder / "videos" / f"cam{number}.mp4").write_bytes(content)
    trial = read_trial(plain_folder)
    assert trial.frame_rate_hz == pytest.approx(60.0, abs=0.1)
    assert list(trial.videos) == ["cam1", "cam2"]


def test_video_that_cannot_be_opened_is_refused(tmp_path):
    (tmp_path / "cam1.mp4").write_bytes(b"not a video")
    with pytest.raises(InputError, match=r"cam1\.mp4: The video cannot be opened"):
        frame_rate_of("walk", {"cam1": tmp_path / "cam1.mp4"})


def test_nobody_detected_is_refused(tmp_path, three_cameras, write_json_folders):
    write_json_folders(tmp_path / "empty", people=[[[]] * 3] * 3)
    write_rig(three_cameras, tmp_path / "empty" / "rig.toml")
    with pytest.raises(InputError, match=r"No camera detected anybody"):
        read_trial(tmp_path / "empty", frame_rate_hz=50.0)


def test_what_was_looked_for_is_listed_when_nothing_is_recognised(tmp_path):
    with pytest.raises(InputError, match=r"There is no such file or folder. Looked for: an `.npz`"):
        read_trial(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"No trial was recognised there. Looked for: .*Pose2Sim"):
        read_trial(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match=r"No trial was recognised there. Looked for"):
        read_trial(tmp_path / "notes.txt")


def test_two_kinds_of_keypoints_are_refused(plain_folder):
    np.savez(plain_folder / "keypoints.npz", pixels=np.zeros(1))
    with pytest.raises(InputError, match=r"Found keypoints\.npz, cam1/, cam2/, cam3/, where one"):
        read_trial(plain_folder, frame_rate_hz=50.0)


def test_a_plain_folder_has_no_trials_to_choose_from(plain_folder):
    with pytest.raises(InputError, match=r"no project in which a trial 'static' could be chosen"):
        read_trial(plain_folder, trial="static", frame_rate_hz=50.0)


@pytest.mark.parametrize(
    ("found", "camera"),
    [
        ("cam_01", "cam_01"),
        ("cam01", "cam_01"),
        ("CAM1_json", "cam_01"),
        ("cam11_json", "cam_11"),
        ("walk_cam11_pose_json", "cam_11"),
        ("left", "int_left_img"),
    ],
)
def test_names_match_but_for_their_spelling(tmp_path, found, camera):
    rig = ("cam_01", "cam_11", "int_left_img")
    assert match_cameras("walk", rig, {found: tmp_path}) == {camera: tmp_path}


def test_ambiguous_names_are_refused(tmp_path):
    rig = ("front_left", "back_left", "top")
    with pytest.raises(InputError, match=r"left may be any of the cameras front_left, back_left"):
        match_cameras("walk", rig, {"left": tmp_path})
    twice = {"top": tmp_path / "top", "top_json": tmp_path / "top_json"}
    with pytest.raises(InputError, match=r"top and top_json both look like camera top"):
        match_cameras("walk", rig, twice)
