import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import lfilter

from diffbio.body import load_keypoint_set
from diffbio.body.keypoint_set import AnchorClass
from diffbio.fitting.residuals.person import MARKER_SD
from diffbio.simulation import simulate_walking
from diffbio.simulation.recording import KEYPOINT_BIAS_SD
from experiments.calibrated_uncertainty.coverage import (
    LEVELS,
    Errors,
    calibration,
    expected_calibration_error,
    trial_coverage,
)
from experiments.calibrated_uncertainty.detector_noise import LAGS, Noise, measure_noise
from experiments.calibrated_uncertainty.feet import as_detected, with_feet
from experiments.calibrated_uncertainty.learning import (
    NOTHING,
    calibration_error,
    learn_correction,
    learn_floor,
)
from experiments.calibrated_uncertainty.scores import Scored
from experiments.calibrated_uncertainty.simulated import (
    AS_PRIOR,
    CASES,
    NEARER,
    PER_CASE,
    simulated_trials,
)
from experiments.calibrated_uncertainty.store import read_scored, write_scored


def gaussian_trials(n: int, *, claimed: float, floor: float = 0.0, seed: int = 0) -> list[Errors]:
    """Independent errors of standard deviation hypot(sd, floor), which claim `claimed * sd`."""
    rng = np.random.default_rng(seed)
    trials = []
    for _ in range(n):
        sd = np.exp(rng.normal(size=(60, 20)) * 0.7)
        trials.append(Errors(rng.normal(size=sd.shape) * np.hypot(sd, floor), claimed * sd))
    return trials


def test_coverage_counts_what_lies_within_the_band():
    # Within one standard deviation lie 68 %: half of these are in the bands from 70 % on.
    one = Errors(np.array([[1.0], [3.0]]), np.array([[1.0], [1.0]]))
    assert_allclose(trial_coverage(one), np.where(LEVELS > 0.68, 0.5, 0.0))


def test_what_has_no_truth_counts_in_no_band():
    with_gap = Errors(np.array([[0.5], [np.nan]]), np.ones((2, 1)))
    without = Errors(np.array([[0.5]]), np.ones((1, 1)))
    assert_allclose(trial_coverage(with_gap), trial_coverage(without))


def test_calibration_error_is_the_mean_distance_from_the_diagonal():
    assert expected_calibration_error(LEVELS) == 0
    assert_allclose(expected_calibration_error(LEVELS - 0.07), 0.07)
    assert_allclose(expected_calibration_error(np.ones_like(LEVELS)), np.mean(1 - LEVELS))


def test_honest_error_bars_are_calibrated():
    found = calibration(gaussian_trials(20, claimed=1.0))
    assert found.expected_error.value < 0.01  # 24,000 independent errors
    assert abs(found.within_90.value - 0.9) < 0.01
    assert found.within_90.low <= found.within_90.value <= found.within_90.high


def test_error_bars_half_as_wide_are_seen_as_such():
    # P(|z| < 1.645 / 2) of a standard Gaussian.
    assert_allclose(
        calibration(gaussian_trials(20, claimed=0.5)).within_90.value, 0.589, atol=0.015
    )


def test_intervals_hold_trials_for_the_unit_that_varies():
    rng = np.random.default_rng(3)
    alike = [Errors(np.full((500, 1), rng.normal()), np.ones((500, 1))) for _ in range(20)]
    interval = calibration(alike).within_90
    # Twenty numbers, each 500 times: a binomial share of 20 spreads by 0.067.
    assert interval.high - interval.low > 0.1


def test_bias_is_what_does_not_change_in_time():
    error = 2.0 + np.array([1.0, -1.0])[:, None] * np.ones((1, 3))
    found = calibration([Errors(error, np.ones_like(error))])
    assert_allclose((found.bias, found.spread), (2.0, 1.0))


@pytest.mark.parametrize("claimed", [0.4, 1.0, 1.7])
def test_a_factor_is_learnt(claimed):
    learnt = learn_correction(gaussian_trials(8, claimed=claimed))
    assert_allclose(learnt.factor, 1 / claimed, rtol=0.05)
    assert learnt.floor == 0
    assert calibration_error(gaussian_trials(8, claimed=claimed, seed=9), learnt) < 0.02


def test_a_floor_is_learnt_where_there_is_one():
    trials = gaussian_trials(8, claimed=1.0, floor=3.0)
    learnt = learn_correction(trials)
    assert_allclose(learnt, (1.0, 3.0), rtol=0.15)
    assert calibration_error(trials, learnt) < 0.02 < calibration_error(trials, NOTHING)


def test_a_floor_alone_is_learnt():
    learnt = learn_floor(gaussian_trials(8, claimed=1.0, floor=3.0))
    assert learnt.factor == 1
    assert_allclose(learnt.floor, 3.0, rtol=0.05)
    # Bars that are too wide are left as they are.
    wide = gaussian_trials(8, claimed=1.5)
    assert_allclose(
        calibration_error(wide, learn_floor(wide)), calibration_error(wide, NOTHING), atol=0.002
    )


def test_noise_is_measured():
    rng, memory = np.random.default_rng(0), 0.8
    white = rng.normal(size=(2, 2000, 5, 2)) * np.sqrt(1 - memory**2)
    noise = 4.0 * np.asarray(lfilter([1.0], [1.0, -memory], white, axis=1))
    found = measure_noise(noise, np.ones(noise.shape[:3], bool), 1 / 60)
    assert_allclose(found.sd_mm, 4.0, rtol=0.04)
    assert_allclose(found.memory, memory ** np.round(60 * np.asarray(LAGS)), atol=0.06)
    assert found.beyond_3 < 0.006
    assert found.freedom > 20


def test_heavy_tails_are_measured():
    noise = np.random.default_rng(0).standard_t(3, size=(2, 1000, 5, 2))
    found = measure_noise(noise, np.ones(noise.shape[:3], bool), 1 / 60)
    assert_allclose(found.freedom, 3.0, rtol=0.1)
    assert_allclose(found.memory, 0.0, atol=0.03)


def test_no_person_is_in_both_halves():
    trials = simulated_trials(PER_CASE * len(CASES))
    assert len({trial.seed for trial in trials}) == len(trials)
    for case in CASES:
        halves = [trial.learning for trial in trials if trial.case == case]
        assert sum(halves) == len(halves) / 2 >= 3
        for half in (True, False):
            detectors = {t.detector for t in trials if t.case == case and t.learning == half}
            assert len(detectors) == 2


def test_people_are_as_the_prior_says_of_most_keypoints():
    assert AS_PRIOR == MARKER_SD[AnchorClass.JOINT_CENTRE] == MARKER_SD[AnchorClass.BONY_LANDMARK]
    assert KEYPOINT_BIAS_SD == NEARER


def test_the_same_people_are_there_with_nearer_keypoints():
    trials, nearer = simulated_trials(2 * len(CASES)), simulated_trials(2 * len(CASES), NEARER)
    assert [(t.case, t.seed, t.detector) for t in trials] == [
        (t.case, t.seed, t.detector) for t in nearer
    ]
    assert len({trial.name for trial in (*trials, *nearer)}) == 4 * len(CASES)


@pytest.mark.slow
def test_a_detector_that_sees_no_feet_sees_the_same_walk():
    keypoint_set = load_keypoint_set("coco_17")
    whole = simulate_walking(with_feet(keypoint_set), seed=5, duration=0.1, n_cameras=2)
    seen = as_detected(whole, keypoint_set)
    markers = seen.body.marker_positions(seen.parameters, seen.pose)
    assert_allclose(np.asarray(markers), seen.markers, atol=1e-9)  # metres
    assert seen.keypoints.names == seen.body.marker_names


def test_a_kept_fit_is_the_same(tmp_path):
    noise = Noise(10.0, 0.05, 0.01, 2.9, (0.8, 0.4, 0.1))
    rng = np.random.default_rng(0)
    errors = {"markers": Errors(rng.normal(size=(3, 4)), rng.random((3, 4)))}
    scored = Scored(errors, noise, 0.7, 1)
    write_scored(tmp_path / "folder" / "one.npz", scored)
    again = read_scored(tmp_path / "folder" / "one.npz")
    assert dataclasses.replace(again, errors={}) == dataclasses.replace(scored, errors={})
    assert_allclose(again.errors["markers"].error, errors["markers"].error, rtol=1e-6)
    assert_allclose(again.errors["markers"].sd, errors["markers"].sd, rtol=1e-6)
