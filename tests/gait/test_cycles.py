"""Cycles of hand-made events."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.gait import GaitEvent, GaitEvents, find_cycles, resampled
from diffbio.gait.events import Kind, joined
from tests.gait.walkers import Walker

KINDS_IN_SHORT: dict[str, Kind] = {"ic": "initial_contact", "to": "toe_off"}


def event(kind, side, time):
    return GaitEvent(KINDS_IN_SHORT[kind], side, time, 0.0, 1.0, "hand")


def events(text):
    """Events written as `ic r 0.1, to l 0.2`."""
    words = (one.split() for one in text.split(","))
    return GaitEvents(tuple(event(kind, side, float(time)) for kind, side, time in words))


WALK = "ic r 0.0, to l 0.1, ic l 0.5, to r 0.6, ic r 1.0, to l 1.1, ic l 1.5, to r 1.6, ic r 2.0"


def test_walking_gives_cycles_of_both_feet():
    cycles = find_cycles(events(WALK))
    assert [(c.side, c.start.time, c.end.time) for c in cycles.cycles] == [
        ("r", 0.0, 1.0),
        ("l", 0.5, 1.5),
        ("r", 1.0, 2.0),
    ]
    assert cycles.excluded == ()
    first, left, _ = cycles.cycles
    assert (first.toe_off.time, first.duration, first.has_flight) == (0.6, 1.0, False)
    assert first.opposite_contact and first.opposite_toe_off
    assert left.opposite_contact and left.opposite_toe_off
    assert (first.opposite_contact.time, first.opposite_toe_off.time) == (0.5, 0.1)
    assert (left.opposite_contact.time, left.opposite_toe_off.time) == (1.0, 0.6)
    assert cycles.of("l") == (left,)


def test_running_has_a_flight():
    cycles = find_cycles(
        events("ic r 0, to r .25, ic l .35, to l .6, ic r .7, to r .95, ic l 1.05")
    )
    assert [c.has_flight for c in cycles.cycles] == [True, True]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ic r 0, ic r 1.0", "It has no toe-off of its foot."),
        ("ic r 0, to r .3, to r .6, ic r 1.0", "It has 2 toe-offs of its foot."),
        ("ic r 0, to r .1, ic r .3", "It would last 0.30 s, less than a stride of a sprinter."),
        ("ic r 0, to r 3.6, ic r 4", "It would last 4.00 s: the person paused, or a contact"),
    ],
)
def test_incomplete_cycle_is_left_out_with_the_reason(text, reason):
    cycles = find_cycles(events(text))
    assert cycles.cycles == () and len(cycles.excluded) == 1
    assert cycles.excluded[0].reason.startswith(reason)


def test_stride_over_a_missed_contact_is_left_out():
    text = "ic r 0, to r .6, ic r 1, to r 1.6, ic r 2, to r 3.6, ic r 4, to r 4.6, ic r 5"
    cycles = find_cycles(events(text))
    assert [c.start.time for c in cycles.cycles] == [0.0, 1.0, 4.0]
    assert (cycles.excluded[0].start, cycles.excluded[0].end) == (2.0, 4.0)
    assert "a contact was not seen" in cycles.excluded[0].reason


def test_one_foot_alone_has_cycles_without_the_other():
    cycle = find_cycles(events("ic r 0, to r 0.6, ic r 1.0")).cycles[0]
    assert cycle.opposite_contact is None and cycle.opposite_toe_off is None
    assert not cycle.has_flight


def test_curve_over_the_cycle():
    cycle = find_cycles(events(WALK)).cycles[1]
    time = np.arange(300) / 100.0
    values = np.stack([time, np.sin(2 * np.pi * time)], axis=1)
    curve = resampled(cycle, time, values)
    percent = np.linspace(0.0, 1.0, 101)
    assert_allclose(curve[:, 0], 0.5 + percent, atol=1e-12)
    assert_allclose(curve[:, 1], np.sin(2 * np.pi * (0.5 + percent)), atol=5e-4)  # straight lines
    values[80] = np.nan
    assert np.isnan(resampled(cycle, time, values)).any(axis=0).all()


def test_curve_outside_the_recording_is_refused():
    cycle = find_cycles(events(WALK)).cycles[2]
    time = np.arange(150) / 100.0
    with pytest.raises(InputError, match=r"cycle from 1\.00 to 2\.00 s: The values are from 0\.00"):
        resampled(cycle, time, time[:, None])
    with pytest.raises(InputError, match="1 points were asked for"):
        resampled(cycle, time, time[:, None], 1)


def test_drawn_walker_has_all_its_cycles():
    walker = Walker(duration=8.0)
    cycles = find_cycles(walker.events())
    assert cycles.excluded == ()
    for cycle in cycles.cycles:
        assert cycle.duration == pytest.approx(walker.stride_time)
        share = (cycle.toe_off.time - cycle.start.time) / cycle.duration
        assert share == pytest.approx(walker.stance)


def test_events_of_several_sources_are_joined_in_time():
    both = joined([events("ic r 1.0"), events("ic l 0.5")])
    assert [e.time for e in both.events] == [0.5, 1.0]
