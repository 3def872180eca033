"""`diffbio fit` and `diffbio demo`, as a user runs them."""

import json

import numpy as np
import pytest

from diffbio.body import load_keypoint_set
from diffbio.cli.main import main
from diffbio.io.rigs import write_rig
from diffbio.report.result_folder import RESULT_FILES
from diffbio.simulation import simulate_walking


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """A plain folder: rig.toml and keypoints.npz."""
    folder = tmp_path_factory.mktemp("trial with spaces") / "walk"
    folder.mkdir()
    recording = simulate_walking(
        load_keypoint_set("body_25"), seed=2, duration=1.5, frame_rate_hz=30.0, n_cameras=4
    )
    write_rig(recording.rig, folder / "rig.toml")
    np.savez(
        folder / "keypoints.npz",
        pixels=recording.keypoints.pixels,
        confidence=recording.keypoints.confidence,
        keypoint_names=np.asarray(recording.keypoints.names),
        camera_names=np.asarray(recording.keypoints.camera_names),
        keypoint_set="body_25",
        fps=30.0,
    )
    return folder


@pytest.fixture(scope="module")
def result(trial, tmp_path_factory):
    output = tmp_path_factory.mktemp("result")
    status = main(["fit", str(trial), "-o", str(output)])
    return status, output


def test_every_file_is_written(result):
    status, output = result
    assert status == 0
    assert {path.name for path in output.iterdir()} == set(RESULT_FILES)


def test_summary_has_the_stable_keys(result):
    summary = json.loads((result[1] / "summary.json").read_text())
    keys = "diffbio_version trial frames frame_rate_hz cameras keypoint_set detections_used "
    keys += (
        "reprojection_error_px heldout_camera body camera_adjustment solver time_s verdict messages"
    )
    assert set(keys.split()) <= set(summary)
    assert summary["frames"] == 45
    assert summary["simulated"] is False
    assert summary["reprojection_error_px"]["median"] < 6.0
    assert {"load", "compile", "solve", "write", "total"} <= set(summary["time_s"])


def test_log_tells_what_happened(result):
    log = (result[1] / "log.txt").read_text()
    assert "45 frames at 30 Hz, 4 cameras, 25 keypoints (body_25)" in log
    assert "Reprojection error over all detections" in log


def test_ctrl_c_leaves_the_previous_result_intact(result, trial, monkeypatch, capsys):
    before = {path.name: path.read_bytes() for path in result[1].iterdir()}

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("diffbio.fitting.motion_fit.solve_second_order", interrupted)
    status = main(["fit", str(trial), "-o", str(result[1])])
    assert status == 130
    assert "the previous result is intact" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in result[1].iterdir()} == before


def test_a_fit_that_diverges_writes_nothing(trial, tmp_path, monkeypatch, capsys):
    import diffbio.fitting.motion_fit as motion_fit
    from diffbio.fitting import Outcome

    solve = motion_fit.solve_second_order

    def diverging(*arguments, **options):
        return solve(*arguments, **options)._replace(outcome=Outcome.NOT_FINITE)

    monkeypatch.setattr(motion_fit, "solve_second_order", diverging)
    assert main(["fit", str(trial), "-o", str(tmp_path / "out")]) == 2
    assert "the fit diverged, so nothing was written" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_refused_before_fitting(trial, tmp_path, capsys):
    occupied = tmp_path / "taken"
    occupied.write_text("mine")
    assert main(["fit", str(trial), "-o", str(occupied)]) == 2
    assert "is a file, not a folder" in capsys.readouterr().err
    assert occupied.read_text() == "mine"


def test_a_trial_that_is_not_there_is_explained(tmp_path, capsys):
    assert main(["fit", str(tmp_path / "nowhere")]) == 2
    assert "There is no such file or folder" in capsys.readouterr().err


def test_a_body_that_does_not_load_is_explained(trial, tmp_path, capsys):
    broken = tmp_path / "body.xml"
    broken.write_text("<mujoco><worldbody>")
    status = main(["fit", str(trial), "--body", str(broken), "-o", str(tmp_path / "out")])
    assert status == 2
    assert "MuJoCo cannot load this model" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--steps", "0"], ["--bandwidth", "-1"], ["--frame-rate", "x"]])
def test_nonsense_options_are_refused(trial, option, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["fit", str(trial), *option])
    assert stopped.value.code == 2
    assert option[0] in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--warm-start", "--trajectory=implicit"])
def test_a_second_order_solver_of_a_network_is_refused(trial, option, tmp_path, capsys):
    words = ["fit", str(trial), "-o", str(tmp_path / "out"), "--optimizer", "gauss-newton", option]
    assert main(words) == 2
    assert "Leave out --optimizer" in capsys.readouterr().err


def test_a_camera_that_is_not_there_cannot_be_held_out(trial, tmp_path, capsys):
    words = ["fit", str(trial), "-o", str(tmp_path / "out"), "--hold-out", "cam99"]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert "cam99" in error and "cam04" in error


def test_error_bars_reach_the_files(result):
    output = result[1]
    summary = json.loads((output / "summary.json").read_text())
    assert summary["solver"]["name"] == "gauss-newton"
    assert 0 < summary["body"]["scales"]["thigh_r"]["sd"] < 0.1
    assert summary["uncertainty"]["noise"] > 0
    header = (output / "angles.csv").read_text().splitlines()[0].split(",")
    assert "knee_angle_r_sd_deg" in header


@pytest.mark.slow
def test_a_network_can_be_trained_instead(trial, tmp_path):
    output = tmp_path / "out"
    words = ["fit", str(trial), "-o", str(output), "--trajectory", "implicit", "--steps", "100"]
    assert main(words) == 0
    summary = json.loads((output / "summary.json").read_text())
    assert summary["solver"] | {"cost": None} == {
        "name": "adamw", "iterations": 100, "outcome": "max_steps", "cost": None,
    }  # fmt: skip


@pytest.mark.slow
def test_cameras_and_clocks_are_refined_and_one_camera_held_out(trial, tmp_path):
    output = tmp_path / "out"
    refine = ["--refine-cameras", "--refine-clocks", "--hold-out", "cam04"]
    assert main(["fit", str(trial), "-o", str(output), *refine]) == 0
    summary = json.loads((output / "summary.json").read_text())
    assert summary["cameras"] == ["cam01", "cam02", "cam03"]
    assert summary["heldout_camera"]["name"] == "cam04"
    assert 0 < summary["heldout_camera"]["median_px"] < 10
    # The rig and its clocks were right.
    for adjustment in summary["camera_adjustment"].values():
        assert abs(adjustment["time_offset_ms"]) < 4.0
        assert abs(adjustment["rotation_deg"]) < 0.5


@pytest.mark.slow
@pytest.mark.as_shipped
def test_demo_recovers_its_simulated_person(tmp_path):
    assert main(["demo", "-o", str(tmp_path / "demo")]) == 0
    summary = json.loads((tmp_path / "demo" / "summary.json").read_text())
    assert summary["simulated"] is True
    assert summary["verdict"] == "ok"
    log = (tmp_path / "demo" / "log.txt").read_text()
    rows = [line for line in log.splitlines() if "RMS" in line]
    for line in rows:
        degrees = float(line.split(" deg")[0].split()[-1])
        assert degrees < (1.5 if "means removed" in line else 3.0), line
    assert "SIMULATED" in (tmp_path / "demo" / "report.html").read_text()
