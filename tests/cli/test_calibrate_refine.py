"""`diffbio calibrate refine`, as a user runs it."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.body import load_keypoint_set
from diffbio.cameras.adjustment import adjustment_of
from diffbio.cli.calibrate_refine import ALL, BY_ITSELF, TIME, part, what_to_hold_out
from diffbio.cli.main import main
from diffbio.errors import InputError, UnknownNameError
from diffbio.io.rigs import read_rig, write_rig
from diffbio.simulation import simulate_walking
from tests.walking_figure import walking_fit, walking_trial


def two_cameras():
    trial = walking_trial(walking_fit())
    return dataclasses.replace(trial, rig=trial.rig.subset(trial.rig.names[:2]))


def test_what_to_hold_out_is_named():
    trial = walking_trial(walking_fit())
    assert what_to_hold_out(ALL, trial) == trial.rig.names
    assert what_to_hold_out("cam_02", trial) == ("cam_02",)
    assert what_to_hold_out(TIME, trial) == (TIME,)
    assert what_to_hold_out(BY_ITSELF, trial)[0] in trial.rig.names
    assert what_to_hold_out(BY_ITSELF, two_cameras()) == (TIME,)


def test_of_two_cameras_none_can_be_left_out():
    with pytest.raises(InputError, match="There are 2 cameras, and a fit needs two"):
        what_to_hold_out("cam_02", two_cameras())
    with pytest.raises(UnknownNameError, match="No camera is called 'cam_99'"):
        what_to_hold_out("cam_99", two_cameras())


def test_a_part_of_a_trial_keeps_its_times():
    trial = walking_trial(walking_fit())
    late = part(trial, slice(10, 20)).keypoints
    np.testing.assert_allclose(late.time, np.asarray(trial.keypoints.time)[10:20])
    assert late.pixels.shape[1] == late.confidence.shape[1] == 10


def test_a_trial_that_is_not_there_is_explained(tmp_path, capsys):
    assert main(["calibrate", "refine", str(tmp_path / "nowhere")]) == 2
    assert "There is no such file or folder" in capsys.readouterr().err


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """A walk through four cameras, one of which is turned by 1 degree in its rig."""
    folder = tmp_path_factory.mktemp("trial") / "walk"
    folder.mkdir()
    recording = simulate_walking(
        load_keypoint_set("body_25"), seed=2, duration=1.5, frame_rate_hz=30.0, n_cameras=4
    )
    keypoints, columns = recording.keypoints, np.zeros((4, 11))
    columns[2, 1] = np.deg2rad(1.0)
    np.savez(
        folder / "keypoints.npz",
        pixels=keypoints.pixels,
        confidence=keypoints.confidence,
        keypoint_names=np.asarray(keypoints.names),
        camera_names=np.asarray(keypoints.camera_names),
        keypoint_set="body_25",
        fps=30.0,
    )
    write_rig(recording.rig.adjusted(adjustment_of(jnp.asarray(columns))), folder / "rig.toml")
    return folder, recording.rig


def turn_deg(rig, true, camera: int) -> float:
    a, b = (np.asarray(r.camera_from_world_rotation, float)[camera] for r in (rig, true))
    return float(np.degrees(2.0 * np.arcsin(np.linalg.norm(a - b) / np.sqrt(8.0))))


@pytest.mark.slow
def test_a_turned_camera_is_turned_back(trial, tmp_path, capsys):
    folder, true = trial
    words = ["calibrate", "refine", str(folder), "-o", str(tmp_path), "--hold-out", "cam01"]
    assert main(words) == 0
    assert "cam01, which was not used" in capsys.readouterr().err
    found = read_rig(tmp_path / "rig.toml")
    assert turn_deg(read_rig(folder / "rig.toml"), true, 2) == pytest.approx(1.0, abs=1e-3)
    assert turn_deg(found, true, 2) < 0.35
    assert "place sd, mm" in (tmp_path / "rig.html").read_text()
    summary = json.loads((tmp_path / "summary.json").read_text())
    evidence = summary["not_used"][0]
    assert evidence["after_px"] < evidence["before_px"]
    assert summary["cameras"]["cam03"]["rotation_deg"] > 0.6
    assert summary["reprojection_error_px"]["after"] < summary["reprojection_error_px"]["before"]
