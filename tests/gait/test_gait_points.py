"""Heels, toes and pelvis among the markers of several sets."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.signal import butter, sosfiltfilt

from diffbio.body import load_keypoint_set
from diffbio.errors import InputError, UnknownNameError
from diffbio.gait import PointNames, gait_points
from diffbio.gait.smoothing import at_time, fill_gaps, low_pass, velocity
from diffbio.observations import Markers

TIME = np.arange(40) / 100.0


def markers(names, sd=None):
    positions = np.random.default_rng(0).normal(size=(40, len(names), 3))
    return Markers(tuple(names), positions, TIME, "hand", sd)


@pytest.mark.parametrize(
    "name",
    [
        "body_25",
        "body_25b",
        "halpe_26",
        "coco_wholebody_133",
        "mediapipe_33",
        "falisse_markers",
        "falisse_body",
        "movi_87",
    ],
)
def test_points_of_every_set_with_feet_are_known(name):
    found = gait_points(markers(load_keypoint_set(name).keypoints))
    assert found.heel.shape == found.toe.shape == (40, 2, 3)
    assert np.isfinite(found.pelvis).all()


def test_right_comes_first():
    given = markers(("LHEE", "RHEE", "LTOE", "RTOE", "SACR"), np.full((40, 5, 3), 0.01))
    found = gait_points(given)
    assert_allclose(found.heel[:, 0], given.of("RHEE"))
    assert_allclose(found.toe[:, 1], given.of("LTOE"))
    assert_allclose(found.pelvis, given.of("SACR"))
    assert found.heel_sd is not None and found.toe_sd is not None
    assert_allclose(found.heel_sd, 0.01)


def test_of_several_pelves_the_one_seen_most_is_taken():
    names = ("LHEE", "RHEE", "LTOE", "RTOE", "RPSI", "LPSI", "RASI", "LASI")
    given = markers(names)
    assert_allclose(gait_points(given).pelvis, given.mean_of(names[4:]))
    given.positions[5:30, 7] = np.nan  # longer than a gap that is bridged
    assert_allclose(gait_points(given).pelvis, given.mean_of(("RPSI", "LPSI")))


def test_other_names_are_stated():
    names = PointNames(("a", "b"), ("c", "d"), ("e",))
    given = markers("abcde")
    assert_allclose(gait_points(given, names).heel[:, 1], given.of("b"))
    with pytest.raises(InputError, match=r"hand: None of its 5 markers is known to be at the heel"):
        gait_points(given)
    with pytest.raises(UnknownNameError, match="No marker is called 'x'"):
        gait_points(given, PointNames(("x", "b"), ("c", "d"), ("e",)))
    with pytest.raises(InputError, match="hand, time: There is one sample"):
        gait_points(Markers(("a",), np.zeros((1, 1, 3)), np.zeros(1), "hand"), names)


def test_short_gaps_are_bridged_and_long_ones_are_not():
    way = np.stack([TIME, 2 * TIME, np.ones(40)], axis=1)
    gaps = way.copy()
    gaps[3:8] = np.nan  # 0.06 s from neighbour to neighbour
    gaps[12, 1] = np.nan
    gaps[20:34] = np.nan
    gaps[:2] = np.nan
    filled = fill_gaps(gaps, TIME)
    assert_allclose(filled[2:20], way[2:20], atol=1e-12)
    assert np.isnan(filled[:2]).all() and np.isnan(filled[20:34]).all()


def test_filter_keeps_slow_and_stops_fast():
    time = np.arange(400) / 100.0
    slow, fast = np.sin(2 * np.pi * 1.5 * time), np.sin(2 * np.pi * 40 * time)
    both = np.stack([slow, fast], axis=1)
    smooth = low_pass(both, time)[50:-50]
    assert_allclose(smooth[:, 0], slow[50:-50], atol=2e-3)
    assert np.abs(smooth[:, 1]).max() < 0.01
    at_cutoff = np.sin(2 * np.pi * 10 * time)[:, None]
    passed = low_pass(at_cutoff, time)[100:-100]
    assert passed.std() / at_cutoff.std() == pytest.approx(np.sqrt(0.5), abs=0.02)
    slowly = np.sin(time[:30])[:, None]
    assert_allclose(low_pass(slowly, np.arange(30) / 20.0), slowly)  # nothing to take out at 20 Hz


@pytest.mark.parametrize(("rate", "padding"), [(25.0, 2), (100.0, 10), (240.0, 24)])
def test_filter_is_that_of_scipy(rate, padding):
    time = np.arange(90) / rate
    walk = np.cumsum(np.random.default_rng(2).normal(size=(90, 3)), axis=0)
    cutoff = 2.0 * 10.0 / (2.0**0.5 - 1.0) ** 0.25 / rate
    expected = sosfiltfilt(butter(2, cutoff, output="sos"), walk, axis=0, padlen=padding)
    assert_allclose(low_pass(walk, time), expected, atol=1e-12)


def test_speeds_are_those_of_a_parabola():
    path = (TIME**2)[:, None]
    path[20] = np.nan
    speed = velocity(path, TIME)[:, 0]
    assert_allclose(speed[1:19], 2 * TIME[1:19], atol=1e-12)
    assert np.isnan(speed[20]) and np.isfinite(speed[21])


def test_values_between_samples():
    values = np.stack([TIME, -TIME], axis=1)
    assert_allclose(at_time(0.1234, TIME, values), [0.1234, -0.1234])
    assert_allclose(at_time(TIME[-1], TIME, values), values[-1])
    values[10] = np.nan
    assert np.isnan(at_time(0.095, TIME, values)).all()
    assert_allclose(at_time(0.11, TIME, values), [0.11, -0.11])
    assert np.isnan(at_time(0.5, TIME, values)).all()
