"""Pose2Sim projects, the shipped one and its usual layouts."""

import pathlib

import numpy as np
import pytest

from diffbio.errors import InputError, UnknownNameError
from diffbio.io.read import read_trial
from diffbio.io.rigs import write_rig

CONFIG = "[project]\nframe_rate = 50\n[pose]\npose_model = 'COCO_17'\n"


@pytest.fixture
def project(tmp_path, three_cameras, write_json_folders) -> pathlib.Path:
    """A session of one trial in Pose2Sim's own layout, everything shared at the top."""
    session = tmp_path / "session"
    names = ("cam01_json", "cam02_json", "cam03_json")
    write_json_folders(session / "walking" / "pose", names=names)
    (session / "calibration").mkdir()
    write_rig(three_cameras, session / "calibration" / "Calib_scene.toml")
    (session / "Config.toml").write_text(CONFIG)
    return session


def test_shipped_project_gives_its_longest_trial(shared_data):
    trial = read_trial(shared_data / "pose2sim-demo")
    assert trial.name == "balancing" and trial.frame_rate_hz == 60.0
    assert trial.keypoints.set_name == "body_25b"
    assert trial.keypoints.camera_names == ("cam_01", "cam_02", "cam_03", "cam_04")
    assert trial.keypoints.pixels.shape == (4, 100, 25, 2)
    assert trial.videos["cam_03"].name == "cam03.mp4"
    assert "Of 2 trials the longest was read, balancing" in trial.notes[0]
    assert "(frames: balancing (100), static (12))" in trial.notes[0]
    assert "pose-associated" in trial.notes[1]


def test_a_trial_finds_calibration_and_configuration_above_it(shared_data):
    folder = shared_data / "pose2sim-demo"
    below, named = read_trial(folder / "static"), read_trial(folder, trial="static")
    assert below.name == named.name == "static"
    assert np.array_equal(below.keypoints.pixels, named.keypoints.pixels)
    assert any("Never detected" in note and "LEar" in note for note in below.notes)


def test_usual_layout_is_read(project, detections):
    trial = read_trial(project)
    assert trial.name == "walking" and trial.rig.names == ("cam1", "cam2", "cam3")
    np.testing.assert_allclose(trial.keypoints.pixels, detections[..., :2])
    assert trial.keypoints.set_name == "coco_17" and trial.frame_rate_hz == 50.0


def test_configuration_of_the_trial_wins(project):
    (project / "walking" / "Config.toml").write_text("[project]\nframe_rate = 120\n")
    assert read_trial(project / "walking").frame_rate_hz == 120.0
    assert read_trial(project / "walking", frame_rate_hz=100.0).frame_rate_hz == 100.0


def test_unknown_trial_is_refused(project):
    with pytest.raises(UnknownNameError, match=r"No trial is called 'running'.*: walking"):
        read_trial(project, trial="running")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("50", "'auto'", "The frame rate is unknown: neither a configuration nor a video"),
        ("frame_rate = 50", "", "The frame rate is unknown: neither a configuration nor a video"),
        ("50", "0", "project.frame_rate: Found 0. Give a number"),
        ("50", "'sixty'", "project.frame_rate: Found 'sixty'"),
        ("COCO_17", "MPII", "pose.pose_model: The model 'MPII' has no keypoint table"),
        ("COCO_17", "HALPE_26", "17 keypoints, but the keypoint set halpe_26 has 26"),
        ("[pose]", "[pose", r"Config\.toml: It cannot be read as TOML"),
    ],
)
def test_bad_configuration_is_refused(project, old, new, message):
    (project / "Config.toml").write_text(CONFIG.replace(old, new))
    with pytest.raises(InputError, match=message):
        read_trial(project)


def test_calibration_must_be_there_once(project):
    calibration = project / "calibration" / "Calib_scene.toml"
    (project / "calibration" / "Calib_old.toml").write_text(calibration.read_text())
    message = r"It holds several calibrations \(Calib_old\.toml, Calib_scene\.toml\)"
    with pytest.raises(InputError, match=message):
        read_trial(project)
    assert read_trial(project, rig=calibration).name == "walking"
    for path in (project / "calibration").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"No calibration was found \(calibration/\*\.toml"):
        read_trial(project)
