"""What is read off a fit, where clocks were corrected and a camera was held out."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from diffbio.report import quality
from tests.walking_figure import FRAMES, walking_fit, walking_trial, with_clocks, with_held_out


def test_clocks_as_given_leave_every_frame_where_it_is():
    fit = walking_fit()
    assert_array_equal(quality.pictures(fit), np.tile(np.arange(FRAMES), (6, 1)))
    assert_array_equal(quality.in_step(fit), fit.error.px)


@pytest.mark.parametrize("frames", [3, -4])
def test_a_late_camera_shows_an_earlier_frame(frames):
    """Frame i was taken at the stamp of frame i + frames."""
    fit = with_clocks(walking_fit(), {"cam_02": frames / 50.0})
    pictures = quality.pictures(fit)
    expected = np.arange(FRAMES) - frames
    expected[(expected < 0) | (expected >= FRAMES)] = -1
    assert_array_equal(pictures[1], expected)
    assert_array_equal(pictures[2], np.arange(FRAMES))
    shifted = quality.in_step(fit)[1]
    for sample in (10, 50, 90):
        assert_array_equal(shifted[sample], fit.error.px[1, sample - frames])
    assert np.isnan(shifted[expected < 0]).all()


def test_a_drifting_clock_is_right_in_the_middle():
    fit = with_clocks(walking_fit(), {})
    assert fit.cameras is not None
    drift = np.array([0.0, 0.05, 0, 0, 0, 0])  # s/s, far more than any crystal
    fit = dataclasses.replace(fit, cameras=dataclasses.replace(fit.cameras, clock_drift=drift))
    row = quality.pictures(fit)[1]
    middle = 0.5 * (fit.motion.time[0] + fit.motion.time[-1])
    taken = fit.motion.time + 0.05 * (fit.motion.time - middle)
    found = row >= 0
    assert found.mean() > 0.9
    assert np.abs(taken[row[found]] - fit.motion.time[found]).max() <= 0.0107  # s, half a frame
    assert row[50] in (49, 50)


def test_views_are_counted_at_the_same_instant():
    """The camera that missed the first fifth misses other instants when its clock is moved."""
    fit = walking_fit()
    assert not quality.in_view(fit)[3, :20].any()
    late = with_clocks(fit, {"cam_04": 10 / 50.0})
    assert not quality.in_view(late)[3, :30].any()
    assert quality.in_view(late)[3, 30:].all()


def test_held_out_camera_is_measured_at_the_person():
    fit, trial = with_held_out(walking_fit(), "cam_05", 2.0), walking_trial(walking_fit())
    mm = quality.held_out_mm(fit, trial)
    assert mm is not None
    # The pose as given is 7 mm off the fitted one, of distances of 3 m and more.
    assert_allclose(mm[0], 2.0 * quality.error_mm(walking_fit())[4], rtol=0.007 / 3)
    assert quality.error_mm(fit).shape[0] == 5
    assert quality.held_out_mm(walking_fit(), trial) is None
