"""Recordings that are barely enough: the fit ends, says how, and holds no number that is none."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.fitting import Outcome
from diffbio.simulation.detector import DetectorErrors, detect
from tests.fitting.small_walks import corrections, first_frames, fitted, marker_error_mm

ENDS = (Outcome.CONVERGED, Outcome.MAX_STEPS, Outcome.STALLED)


def assert_finite(fit):
    """Everything that is a number; errors in pixels are NaN where nothing was detected."""
    assert fit.outcome in ENDS
    chex.assert_tree_all_finite(fit.parameters)
    chex.assert_tree_all_finite(fit.rig)
    chex.assert_tree_all_finite(fit.cameras)
    for field in dataclasses.fields(fit.motion):
        assert np.isfinite(np.asarray(getattr(fit.motion, field.name), float)).all(), field.name
    assert np.isfinite(fit.cost)
    if fit.uncertainty is not None:
        bars = dataclasses.replace(fit.uncertainty, undetermined=())
        for field in dataclasses.fields(bars):
            leaves = jax.tree.leaves(getattr(bars, field.name))
            assert all(np.isfinite(np.asarray(x)).all() for x in leaves), field.name
    detected = np.isfinite(fit.error.px)
    assert detected.any() and np.isfinite(fit.error.median_px)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_frames(recording, count):
    fit = fitted(recording, keypoints=first_frames(recording.keypoints, count))
    assert_finite(fit)
    assert len(fit.motion.time) == count
    assert marker_error_mm(fit, recording).mean() < 30.0


@pytest.mark.slow
def test_two_cameras(recording):
    pair = ("cam01", "cam02")
    fit = fitted(
        recording, rig=recording.rig.subset(pair), keypoints=recording.keypoints.of_cameras(pair)
    )
    assert_finite(fit)
    assert marker_error_mm(fit, recording).mean() < 60.0


@pytest.mark.slow
def test_a_long_gap_between_samples(recording):
    """Cameras that were stopped and started again."""
    keypoints = recording.keypoints
    keep = np.r_[0:16, 32:48]
    parts = {"pixels": keypoints.pixels, "confidence": keypoints.confidence}
    cut = {name: part[:, keep] for name, part in parts.items()}
    gap = dataclasses.replace(keypoints, time=keypoints.time[keep], **cut)
    fit = fitted(recording, keypoints=gap)
    assert_finite(fit)
    error = 1000 * np.linalg.norm(fit.motion.markers - recording.markers[keep], axis=-1)
    assert error.mean() < 20.0


def test_a_keypoint_that_nobody_sees(recording):
    keypoints = recording.keypoints
    never = keypoints.names.index("LAnkle")
    blind = dataclasses.replace(keypoints, confidence=keypoints.confidence.copy())
    blind.confidence[:, :, never] = 0.0
    fit = fitted(recording, keypoints=blind)
    assert_finite(fit)
    # The foot's other keypoints and the shank still say where it is.
    marker = recording.body.marker_names.index("LAnkle")
    assert marker_error_mm(fit, recording)[:, marker].mean() < 60.0
    assert np.isnan(fit.error.px[:, :, marker]).all()


def test_what_was_not_detected_may_be_no_number(recording):
    keypoints = recording.keypoints
    pixels = np.where(keypoints.confidence[..., None] > 0, keypoints.pixels, np.nan)
    assert np.isnan(pixels).any()
    fit = fitted(recording, keypoints=dataclasses.replace(keypoints, pixels=pixels))
    assert_finite(fit)
    away = fit.motion.markers - fitted(recording).motion.markers
    assert np.abs(away).max() < 1e-6  # m


def still(recording):
    """The first posture all the time, with a detector's noise."""
    markers = np.broadcast_to(recording.markers[20], recording.markers.shape)
    exact = np.asarray(recording.rig.project(jnp.asarray(markers)))
    rng = np.random.default_rng(0)
    seen = np.ones(exact.shape[:-1], bool)
    pixels, confidence = detect(exact, seen, DetectorErrors(), rng)
    return dataclasses.replace(recording.keypoints, pixels=pixels, confidence=confidence)


def test_nobody_moves_and_clocks_stay(recording):
    fit = fitted(recording, keypoints=still(recording), refine=("clocks",))
    assert_finite(fit)
    # Nothing is known of the clocks, so the prior holds them: within a standard deviation.
    assert np.abs(np.asarray(corrections(fit).clock_offset)).max() < 0.03
    middle = fit.motion.markers.mean(0)
    assert np.linalg.norm(middle - recording.markers[20], axis=-1).mean() < 0.03
