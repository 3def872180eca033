"""The simulated detector errs as it says it does."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.simulation.detector import DetectorErrors, detect

SHAPE = (8, 400, 20)


@pytest.fixture(scope="module")
def detected():
    pixels = np.full((*SHAPE, 2), 500.0)
    errors = DetectorErrors()
    found, confidence = detect(pixels, np.ones(SHAPE, bool), errors, np.random.default_rng(0))
    return errors, found - pixels, confidence


def test_share_missing(detected):
    errors, _, confidence = detected
    assert_allclose((confidence == 0).mean(), errors.drop_share, atol=0.02)


def test_missing_detections_come_in_runs(detected):
    errors, _, confidence = detected
    missing = confidence == 0
    ends = (missing[:, :-1] & ~missing[:, 1:]).sum()
    assert_allclose(missing.sum() / ends, errors.drop_frames, rtol=0.1)


def test_noise_has_the_stated_spread_and_memory(detected):
    errors, error, confidence = detected
    small = (np.abs(error).max(-1) < 12) & (confidence > 0)
    # Student's t with 4 degrees of freedom has twice the variance of its scale, halved here.
    assert_allclose(error[small].std(), errors.noise_px, rtol=0.15)
    pair = small[:, 1:] & small[:, :-1]
    memory = np.corrcoef(error[:, 1:][pair][:, 0], error[:, :-1][pair][:, 0])[0, 1]
    assert_allclose(memory, errors.noise_memory, atol=0.07)


def test_outliers_are_as_frequent_as_stated(detected):
    errors, error, confidence = detected
    far = (np.linalg.norm(error, axis=-1) > 30)[confidence > 0]
    # A Rayleigh distance of that scale exceeds 30 px with probability exp(-0.125).
    assert_allclose(far.mean(), errors.outlier_share * np.exp(-0.125), atol=0.005)


def test_what_is_not_visible_is_not_detected():
    pixels = np.zeros((*SHAPE, 2))
    _, confidence = detect(
        pixels, np.zeros(SHAPE, bool), DetectorErrors(), np.random.default_rng(0)
    )
    assert not confidence.any()
