"""The result folder: complete, or as it was."""

import dataclasses
import json
import os
import tomllib

import mujoco
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import FitError, InputError
from diffbio.fitting.fit import Outcome
from diffbio.report import result_folder
from diffbio.report.result_folder import RESULT_FILES, check_writable, write_result
from tests.walking_figure import walking_fit, walking_trial

KEYS = ["diffbio_version", "trial", "frames", "frame_rate_hz", "cameras", "keypoint_set"]
KEYS += ["detections_used", "reprojection_error_px", "heldout_camera", "body"]
KEYS += [
    "camera_adjustment",
    "uncertainty",
    "solver",
    "time_s",
    "verdict",
    "sentence",
    "messages",
    "simulated",
]


def write(folder, **options):
    fit = walking_fit()
    return write_result(fit, walking_trial(fit), folder, log="what happened\n", **options)


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results") / "new" / "diffbio"
    write(folder, messages=("cam_07 has no keypoints: it was left out",))
    return folder


def test_every_file_and_nothing_else(result):
    assert {path.name for path in result.iterdir()} == set(RESULT_FILES)
    assert (result / "log.txt").read_text() == "what happened\n"


def test_summary_has_the_agreed_keys(result):
    fit, summary = walking_fit(), json.loads((result / "summary.json").read_text())
    assert list(summary) == KEYS
    error = summary["reprojection_error_px"]
    assert list(error) == ["median", "mean", "p95", "gc5", "gc10", "per_camera"]
    assert_allclose(error["median"], fit.error.median_px, atol=1e-6)  # px
    assert_allclose(error["per_camera"]["cam_03"]["mean"], np.nanmean(fit.error.px[2]), atol=1e-6)
    assert summary["detections_used"] == np.isfinite(fit.error.px).sum()
    assert summary["heldout_camera"] is None
    assert summary["uncertainty"] is None
    assert summary["body"]["scales"]["thigh_r"]["sd"] is None
    moved = summary["camera_adjustment"]["cam_01"]
    assert {"rotation_deg", "translation_mm", "time_offset_ms"} <= set(moved)
    assert moved["rotation_deg"] > 0
    assert moved["time_offset_ms"] is None
    assert list(summary["solver"]) == ["name", "iterations", "outcome", "cost"]
    times = summary["time_s"]
    assert list(times) == ["load", "compile", "solve", "write", "total"]
    assert_allclose(times["total"], sum(times.values()) - times["total"], atol=1e-5)  # s
    assert summary["verdict"] == "ok"
    assert summary["messages"] == ["cam_07 has no keypoints: it was left out"]
    assert summary["simulated"] is False


def test_body_loads_in_mujoco_and_rig_is_toml(result):
    model = mujoco.MjModel.from_xml_path(str(result / "body.xml"))
    assert model.nbody > 10
    assert "cam_01" in tomllib.loads((result / "rig.toml").read_text())


def test_users_own_files_stay(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "subject.txt").write_text("left knee operated")
    (tmp_path / "own.txt").write_text("mine")
    (tmp_path / "summary.json").write_text("{}")
    write(tmp_path)
    assert (tmp_path / "own.txt").read_text() == "mine"
    assert (tmp_path / "notes" / "subject.txt").read_text() == "left knee operated"
    assert json.loads((tmp_path / "summary.json").read_text())["trial"] == "walk_01"
    assert {p.name for p in tmp_path.iterdir()} == {*RESULT_FILES, "notes", "own.txt"}


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), RuntimeError("a fault")])
def test_interrupted_writing_leaves_the_previous_result(tmp_path, monkeypatch, interruption):
    (tmp_path / "fit.nc").write_text("previous")
    (tmp_path / "own.txt").write_text("mine")
    before = contents(tmp_path)

    def interrupted(*_):
        raise interruption

    monkeypatch.setattr(result_folder, "write_rig", interrupted)
    with pytest.raises(type(interruption)):
        write(tmp_path)
    assert contents(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("moves", [0, 1, 2, 5, 10])
def test_interrupted_exchange_is_undone(tmp_path, monkeypatch, moves):
    for name in ("fit.nc", "log.txt"):
        (tmp_path / name).write_text("previous")
    before, real, done = contents(tmp_path), os.replace, []

    def interrupted_once(source, target):
        if len(done) == moves:
            done.append(None)
            raise KeyboardInterrupt
        done.append(target)
        real(source, target)

    monkeypatch.setattr(result_folder.os, "replace", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path)
    assert contents(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == 2


def test_failure_leaves_no_folder_where_there_was_none(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(result_folder, "write_rig", full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
        write(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_fit_that_is_not_finite_is_not_written(tmp_path):
    fit = dataclasses.replace(walking_fit(), outcome=Outcome.NOT_FINITE)
    with pytest.raises(FitError, match="walk_01: the fit ended in numbers that are not finite"):
        write_result(fit, walking_trial(walking_fit()), tmp_path / "out", log="")
    assert list(tmp_path.iterdir()) == []


def test_check_writable_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "deep" / "down")
    check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_check_writable_refuses_a_file(tmp_path):
    (tmp_path / "report").write_text("")
    with pytest.raises(
        InputError, match=r"is a file, not a folder\. Choose another folder with -o"
    ):
        check_writable(tmp_path / "report" / "out")


def test_check_writable_refuses_what_cannot_be_written(tmp_path, monkeypatch):
    def refused(**_):
        raise PermissionError(13, "Permission denied")

    # The tests may run as root, whom no permission stops.
    monkeypatch.setattr(result_folder.tempfile, "TemporaryFile", refused)
    with pytest.raises(InputError, match=r"The folder cannot be written \(Permission denied\)"):
        check_writable(tmp_path)
