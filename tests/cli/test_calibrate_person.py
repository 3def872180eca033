"""`diffbio calibrate person` refuses what it cannot use, and writes what it found."""

import json
import pathlib

import numpy as np
import pytest

from diffbio.body import load_keypoint_set
from diffbio.cli.main import main
from diffbio.io.rig_covariance import read_covariance
from diffbio.io.rigs import read_rig, write_rig
from diffbio.simulation import simulate_walking


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("person")
    recording = simulate_walking(load_keypoint_set("halpe_26"), seed=1, duration=3.0, n_cameras=4)
    keypoints = recording.keypoints
    np.savez(
        path / "keypoints.npz",
        pixels=keypoints.pixels,
        confidence=keypoints.confidence,
        keypoint_names=keypoints.names,
        camera_names=keypoints.camera_names,
        keypoint_set=keypoints.set_name,
        time=keypoints.time,
    )
    write_rig(recording.rig, path / "lenses.toml")
    return path


def calibrate(folder, *arguments: str) -> int:
    given = ["calibrate", "person", str(folder / "keypoints.npz")]
    return main([*given, "--intrinsics", str(folder / "lenses.toml"), *arguments])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Pictures alone tell no size: neither was given."),
        (("--height-m", "1.7", "--distance", "cam01", "cam02", "4"), "both were given."),
        (("--height-m", "170"), "measured in centimetres. Give metres, such as 1.70."),
        (("--distance", "cam01", "cam02", "four"), "'four' is no number."),
        (("--distance", "cam01", "cam9", "4"), "No camera or keypoint is called 'cam9'."),
        (("--height-m", "1.7", "--focal-prior", "50"), "at most 30"),
        (("--height-m", "1.7", "--image-size", "big"), "Write it as 1920x1080."),
        (("--height-m", "1.7", "--image-size", "1080x1920"), "is that picture turned"),
    ],
)
def test_what_cannot_be_used_is_said(folder, capsys, arguments, sentence):
    assert calibrate(folder, *arguments) != 0
    assert sentence in capsys.readouterr().err


@pytest.mark.slow
def test_the_folder_has_rig_numbers_and_picture(folder, tmp_path, capsys):
    output = tmp_path / "rig"
    truth = read_rig(folder / "lenses.toml")
    apart = float(np.linalg.norm(truth.centres[0] - truth.centres[2]))
    assert calibrate(folder, "--distance", "cam01", "cam03", f"{apart}", "-o", str(output)) == 0
    assert "All lengths rest on the distance from cam01 to cam03" in capsys.readouterr().out
    rig = read_rig(output / "rig.toml")
    np.testing.assert_allclose(np.linalg.norm(rig.centres[0] - rig.centres[2]), apart, atol=1e-4)
    summary = json.loads((output / "summary.json").read_text())
    assert summary["verdict"] in ("ok", "check")
    assert set(summary["cameras"]) == set(rig.names)
    assert summary["floor"]["x_from"] == "way"
    assert (output / "room.png").stat().st_size > 1000
    assert "place sd, mm" in (output / "rig.html").read_text()
    covariance = read_covariance(output / "covariance.npz", rig)
    third = 2 * (len(covariance) // 4)
    sd_mm = 1e3 * np.sqrt(np.diagonal(covariance)[third + 3 : third + 6].sum())
    np.testing.assert_allclose(sd_mm, summary["cameras"]["cam03"]["centre_sd_mm"], rtol=1e-6)
    assert summary["expected_error"]["median_mm"] > 0.0
    assert "first poses" in (output / "log.txt").read_text()
