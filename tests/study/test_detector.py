"""A detector calibrated by a cohort, against errors and biases that were put in."""

import dataclasses
import json
import re

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from diffbio.body import default_body, load_keypoint_set
from diffbio.cli.main import main
from diffbio.cohort import first_population
from diffbio.errors import InputError
from diffbio.io.cohort_file import write_population
from diffbio.io.fit_errors import read_fit_errors
from diffbio.study.detector import keypoint_qualities, noise_of_trials
from diffbio.study.detector_page import detector_page

SET_NAME = "coco_17"
N_CAMERA, N_TIME = 3, 400
DEPTH, FOCAL = 4.0, np.array([1200.0, 1150.0])

NOISE = np.array([[6.0, 2.0], [2.0, 3.0]]) / 1000
"""A root of the covariance of the errors of every keypoint, in metres."""

BLIND, WILD = "left_ear", "nose"
"""Rarely detected; and a third of its detections half a metre off."""

BIAS = np.array([0.010, -0.020, 0.005])


@pytest.fixture(scope="module")
def body():
    return default_body(load_keypoint_set(SET_NAME))


@pytest.fixture(scope="module")
def population(body):
    """Ten people whose right knees are all found in the same wrong place."""
    guess = first_population(body)
    mean, known = guess.mean.copy(), guess.mean_covariance.copy()
    knee = slice(*len(body.segment_names) + 3 * body.marker_names.index("right_knee") + np.r_[0, 3])
    mean[knee] = BIAS
    known[knee, knee] = np.eye(3) * 0.002**2
    return dataclasses.replace(guess, mean=mean, mean_covariance=known, n_participants=10)


def write_fit(path, body, seed: int) -> None:
    """What a fit leaves in a file, all cameras looking along x from `DEPTH` metres."""
    rng = np.random.default_rng(seed)
    names = body.marker_names
    shape = (N_CAMERA, N_TIME, len(names))
    error = rng.normal(size=(*shape, 2)) @ NOISE.T
    error[:, ::3, names.index(WILD)] += 0.5
    confidence = np.full(shape, 0.9)
    confidence[:, 20:, names.index(BLIND)] = 0.1
    projected = rng.uniform(0, 1000, (*shape, 2))
    looking = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
    dims = ("camera", "time", "marker")
    data = xr.Dataset(
        {
            "detected_px": ((*dims, "uv"), projected + error * FOCAL / DEPTH),
            "projected_px": ((*dims, "uv"), projected),
            "confidence": (dims, confidence),
            "marker_position": (("time", "marker", "axis"), np.zeros((N_TIME, len(names), 3))),
            "camera_focal_px": (("camera", "uv"), np.tile(FOCAL, (N_CAMERA, 1))),
            "camera_from_world_rotation": (
                ("camera", "row", "column"), np.tile(looking, (N_CAMERA, 1, 1)),
            ),
            "camera_from_world_translation": (
                ("camera", "axis"), np.tile([0.0, 0.0, DEPTH], (N_CAMERA, 1)),
            ),
        },
        coords={"marker": list(names)},
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    data.to_netcdf(path, engine="h5netcdf")


@pytest.fixture(scope="module")
def results(body, population, tmp_path_factory):
    """A folder as `diffbio cohort fit` leaves it, as far as a detector is concerned."""
    out = tmp_path_factory.mktemp("study") / "derivatives" / "diffbio"
    for i, trial in enumerate(("ses-01/walk1", "ses-01/walk2")):
        write_fit(out / "sub-01" / trial / "fit.nc", body, i)
    write_fit(out / "sub-02" / "walk" / "fit.nc", body, 7)
    write_population(out / "cohort.nc", population, body, SET_NAME)
    (out / "cohort.json").write_text(json.dumps({"keypoint_set": SET_NAME}))
    return out


@pytest.fixture(scope="module")
def noise(results):
    return noise_of_trials(read_fit_errors(path) for path in sorted(results.glob("*/**/fit.nc")))


def test_noise_is_what_was_put_in(noise):
    assert noise.n_trials == 3
    usual = [i for i, name in enumerate(noise.names) if name not in (WILD, BLIND)]
    # Three and a half standard errors of a variance of 3600 samples: 8 %.
    expected = NOISE @ NOISE.T
    assert_allclose(
        noise.covariance[usual], np.tile(expected, (len(usual), 1, 1)), atol=0.08 * expected[0, 0]
    )
    assert_allclose(noise.detected[usual], 1.0)
    assert noise.detected[noise.names.index(BLIND)] == pytest.approx(20 / N_TIME)
    assert noise.astray[noise.names.index(WILD)] == pytest.approx(1 / 3, abs=0.02)
    assert_allclose(noise.covariance[noise.names.index(WILD)], expected, atol=0.1 * expected[0, 0])


def test_bias_is_the_populations_and_the_blind_keypoint_is_last(body, population, noise):
    found = {one.name: one for one in keypoint_qualities(body, population, noise)}
    knee = found["right_knee"]
    assert_allclose(knee.bias_mm, 1e3 * BIAS, atol=1e-9)
    assert knee.distance_mm == pytest.approx(1e3 * np.linalg.norm(BIAS))
    assert knee.bias_sd_mm == pytest.approx(2.0) and knee.verdict == "good"
    assert found["left_knee"].distance_mm == 0.0 and found["left_knee"].verdict == "guess"
    assert list(found)[-1] == BLIND and found[BLIND].verdict == "little"
    assert next(iter(found)) == "right_knee"
    expected = np.sqrt(2.0**2 + knee.between_people_mm**2 + np.mean(np.square(knee.noise_mm)))
    assert knee.off_mm == pytest.approx(expected)


def test_few_participants_tell_nothing(body, population, noise):
    few = dataclasses.replace(population, n_participants=2)
    with pytest.raises(InputError, match=r"learnt from 2 participants.*at least 3, better ten"):
        keypoint_qualities(body, few, noise)


def test_no_trial_and_mixed_keypoints_are_refused(results, body):
    with pytest.raises(InputError, match="no trial with detections"):
        noise_of_trials([])
    one = read_fit_errors(next(results.glob("*/**/fit.nc")))
    other = dataclasses.replace(one, names=one.names[:-1], error=one.error[:, :, :-1])
    with pytest.raises(InputError, match="Trials of 17 and of 16 keypoints"):
        noise_of_trials([one, other])


def test_the_command_writes_table_and_page(results, capsys):
    assert main(["cohort", "detector", str(results.parents[1])]) == 0
    said = capsys.readouterr().out
    assert f"10 participants and 3 trials: {BLIND} carry little information" in said
    rows = (results / "detector.tsv").read_text().splitlines()
    assert rows[0].startswith("keypoint\tbody\tbias_forward_mm\tbias_up_mm\tbias_right_mm\t")
    assert len(rows) == 18 and rows[1].startswith("right_knee\tfemur_r\t10.0\t-20.0\t5.0\t")
    written = json.loads((results / "detector.json").read_text())
    assert written["keypoints"]["right_knee"]["bias_mm"] == [10.0, -20.0, 5.0]
    page = (results / "detector.html").read_text()
    assert page.count("<circle") == 2 * 2 * 17 and "right_knee: bias 23 mm" in page


def test_the_picture_moves_a_keypoint_by_its_bias(body, population, noise):
    qualities = keypoint_qualities(body, population, noise)
    page = detector_page(body, qualities, noise, SET_NAME, 10)
    drawn = next(line for line in page.splitlines() if "right_knee: " in line)
    ends = {name: float(value) for name, value in re.findall(r'([xy][12])="([\d.]+)"', drawn)}
    # Seen from the right: 10 mm ahead and 20 mm down in the thigh's frame, which is upright here;
    # three times as long, at 300 points a metre, rounded to a tenth.
    across, down = (ends[f"{axis}2"] - ends[f"{axis}1"] for axis in "xy")
    assert (across, down) == pytest.approx((9.0, 18.0), abs=0.21)


def test_without_results_it_says_what_to_run(tmp_path, capsys):
    assert main(["cohort", "detector", str(tmp_path)]) == 2
    assert "Run `diffbio cohort fit STUDY -o OUT` first" in capsys.readouterr().err


def test_a_file_that_is_no_fit_is_named(tmp_path):
    xr.Dataset({"seen": ("time", [1.0])}).to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=r"fit\.nc, detected_px: The variable is missing"):
        read_fit_errors(tmp_path / "fit.nc")
    (tmp_path / "fit.nc").write_text("nothing")
    with pytest.raises(InputError, match="cannot be read"):
        read_fit_errors(tmp_path / "fit.nc")
