"""Positions of markers: what is refused, and what is answered."""

import numpy as np
import pytest

from diffbio.errors import InputError, UnknownNameError
from diffbio.observations import Markers

POSITIONS = np.arange(18.0).reshape(3, 2, 3)
TIME = np.array([0.0, 0.02, 0.04])


def test_one_marker_and_the_middle_of_several():
    markers = Markers(("a", "b"), POSITIONS, TIME, "hand", 0.001 * np.ones((3, 2, 3)))
    assert (markers.of("b") == POSITIONS[:, 1]).all()
    assert (markers.mean_of(("a", "b")) == POSITIONS.mean(axis=1)).all()
    assert markers.frame_rate_hz == pytest.approx(50.0) and markers.seen.all()
    assert markers.sd_of("a") is not None
    assert Markers(("a", "b"), POSITIONS, TIME, "hand").sd_of("a") is None


def test_half_a_position_is_not_seen():
    positions = POSITIONS.copy()
    positions[1, 0, 2] = np.nan
    assert Markers(("a", "b"), positions, TIME, "hand").seen[:, 0].tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("names", "time", "message"),
    [
        (("a", "a"), TIME, "hand, a: The marker is there 2 times"),
        (("a", ""), TIME, "hand: A marker has no name"),
        (("a",), TIME, r"hand: Positions have shape \(3, 2, 3\), with 3 times and 1 marker names"),
        (("a", "b"), TIME[::-1], r"hand, time: Time 0\.02 s follows 0\.04 s"),
        (("a", "b"), np.array([0.0, np.nan, 1.0]), "hand, time: Time 2 is not a number"),
    ],
)
def test_markers_that_contradict_themselves_are_refused(names, time, message):
    with pytest.raises(InputError, match=message):
        Markers(names, POSITIONS, time, "hand")


def test_nothing_is_refused():
    with pytest.raises(InputError, match="hand, time: There is no sample"):
        Markers(("a",), np.zeros((0, 1, 3)), np.zeros(0), "hand")


def test_unknown_marker_is_refused():
    with pytest.raises(UnknownNameError, match=r"No marker is called 'c'\. The 2 known names"):
        Markers(("a", "b"), POSITIONS, TIME, "hand").of("c")
