"""Walks that are not straight, forward, healthy or long: recorded ones, changed in a known way.

Each is measured rightly or is "not determined" with the reason; no number is invented.
"""

import dataclasses

import numpy as np
import pytest

from diffbio.gait import GaitPoints, Spatiotemporal, gait_points, marker_events, spatiotemporal
from diffbio.gait.events import KINDS, Side
from diffbio.gait.gait_points import SIDES
from diffbio.io.read_c3d import read_c3d
from diffbio.io.read_trc import read_trc
from tests.gait.walkers import FOOT, Walker


@pytest.fixture(scope="module")
def walk(shared_data) -> GaitPoints:
    """Four strides along x, cut to where all of it was seen."""
    points = gait_points(read_trc(shared_data / "falisse-walking" / "markers" / "gait-25.trc"))
    everything = [
        points.heel.reshape(len(points.time), -1),
        points.toe.reshape(len(points.time), -1),
    ]
    known = np.isfinite(np.concatenate([*everything, points.pelvis], axis=1)).all(axis=1)
    inside = np.flatnonzero(known)
    return part(points, slice(inside[0], inside[-1] + 1))


def part(points: GaitPoints, samples: slice) -> GaitPoints:
    return GaitPoints(
        points.time[samples], points.heel[samples], points.toe[samples], points.pelvis[samples],
        points.source,
    )  # fmt: skip


def placed(points: GaitPoints, change) -> GaitPoints:
    """Every position changed by a function of positions and times."""

    def of(positions):
        time = np.broadcast_to(points.time[:, None], positions.shape[:-1])
        return change(positions, time)

    pelvis = of(points.pelvis[:, None])[:, 0]
    return dataclasses.replace(points, heel=of(points.heel), toe=of(points.toe), pelvis=pelvis)


def measured(points: GaitPoints, **how) -> Spatiotemporal:
    table = spatiotemporal(points, marker_events(points), **how)
    for one in table.metrics:
        # A number without reason, or a reason without number.
        assert np.isfinite(one.value) == (one.reason is None), one
    return table


def test_backwards_is_measured_and_said(walk):
    """Time runs backwards, so that lift-offs become contacts."""
    there = measured(walk)
    reversed_ = GaitPoints(
        walk.time, walk.heel[::-1].copy(), walk.toe[::-1].copy(), walk.pelvis[::-1].copy(), "back"
    )
    back = measured(reversed_)
    ends = walk.time[0] + walk.time[-1]
    forward, backward = marker_events(walk), marker_events(reversed_)
    for side in SIDES:
        contacts = backward.times("initial_contact", side)
        lifts = ends - forward.times("toe_off", side)
        for contact in contacts:
            # Toe-off is the mean of three signs, contact one of them: up to 0.05 s apart.
            assert np.abs(lifts - contact).min() < 0.05
    assert back.strides and not there.notes
    assert back.metric("speed").value == pytest.approx(there.metric("speed").value, abs=0.06)
    assert back.metric("step_width").value > 0.0
    assert "The person walked backwards: norms are of walking forwards." in back.notes


def test_a_turn_is_left_out_with_its_angle(walk):
    radius = 1.0

    def bent(p, _):
        angle, out = p[..., 0] / radius, radius - p[..., 1]
        return np.stack([out * np.sin(angle), radius - out * np.cos(angle), p[..., 2]], axis=-1)

    table = measured(placed(walk, bent))
    assert not table.strides and table.cycles.excluded
    for one in table.metrics:
        assert "turned by" in str(one.reason)


def test_who_stands_has_no_number(shared_data):
    points = gait_points(read_trc(shared_data / "falisse-walking" / "markers" / "static.trc"))
    table = measured(points)
    assert not table.strides
    assert {one.reason for one in table.metrics} == {
        "No step was found: the feet stood still or were not seen."
    }


def test_a_foot_that_drags_keeps_its_events(walk):
    """The right foot stays at its lowest height."""
    dragged = walk.heel.copy(), walk.toe.copy()
    for positions in dragged:
        positions[:, 0, 2] = positions[:, 0, 2].min()
    found = marker_events(dataclasses.replace(walk, heel=dragged[0], toe=dragged[1]))
    known = marker_events(walk)
    for kind in KINDS:
        for side in SIDES:
            times, expected = found.times(kind, side), known.times(kind, side)
            assert len(times) == len(expected)
            assert np.abs(times - expected).max() < 0.02  # s


def test_toes_alone_meet_the_ground():
    """A heel that is carried in the air above the toe, and never rests."""
    walker = Walker(speed=0.9)
    points = walker.points()
    swing = 2 * np.pi * points.time / walker.stride_time
    raised = np.deg2rad(45.0) + 0.3 * np.sin(swing)[:, None]
    across = np.zeros_like(points.toe[..., 0])
    line = np.stack([np.cos(raised) + across, across, -np.sin(raised) + across], axis=-1)
    heel = points.toe - FOOT * line
    on_toes = dataclasses.replace(points, heel=heel)
    found = marker_events(on_toes)
    for side in SIDES:
        contacts = walker.contacts(side)
        inner = contacts[(contacts > 0.3) & (contacts < walker.duration - 0.3)]
        times = found.times("initial_contact", side)
        assert all(np.abs(times - one).min() < 0.12 for one in inner)
        assert len(times) <= len(inner) + 2
    assert measured(on_toes).metric("stride_time", "r").value == pytest.approx(
        walker.stride_time, abs=0.01
    )


def test_slow_walking_with_an_aid_is_measured(shared_data):
    """The altered walk of a clinical laboratory, three times as slow, and a rollator's markers are
    not asked for: events at three times the operator's times."""
    recording = read_c3d(shared_data / "stanev-clinical-c3d" / "walk.c3d")
    points = gait_points(recording.markers)
    slow = dataclasses.replace(points, time=3.0 * points.time)
    found = marker_events(slow)
    for event in recording.events.events:
        times = found.times(event.kind, event.side)
        assert np.abs(times - 3.0 * event.time).min() < 0.15  # s, of a stride of 3 s
    table = measured(slow)
    reasons = {one.reason for one in table.cycles.excluded}
    assert table.strides or reasons
    fast = measured(points)
    if table.strides:
        ratio = fast.metric("speed").value / table.metric("speed").value
        assert ratio == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize("seconds", [0.6, 0.9])
def test_without_a_complete_cycle_nothing_is_measured(walk, seconds):
    few = part(walk, slice(0, round(100 * seconds)))
    table = measured(few)
    assert not table.strides
    assert all(one.reason for one in table.metrics)


def test_one_stride_is_measured_and_does_not_vary(walk):
    events = marker_events(walk)
    first = events.times("initial_contact", "r")[:2]
    inside = (walk.time >= first[0] - 0.12) & (walk.time <= first[1] + 0.12)
    samples = np.flatnonzero(inside)
    table = measured(part(walk, slice(samples[0], samples[-1] + 1)))
    assert [one.cycle.side for one in table.strides].count("r") == 1
    assert table.metric("stride_time", "r").n == 1
    assert np.isnan(table.metric("stride_time", "r").spread)
    assert "needs 3 strides" in str(table.metric("stride_time_variability").reason)


def test_a_belt_without_speed_leaves_lengths_open(walk):
    """The same walk as somebody on a treadmill of its speed would make it."""
    speed = measured(walk).metric("speed").value
    belt = placed(walk, lambda p, t: p - speed * t[..., None] * np.array([1.0, 0.0, 0.0]))
    open_ = measured(belt)
    asked: tuple[tuple[str, Side | None], ...]
    asked = (("speed", None), ("stride_length", "r"), ("step_length", "l"))
    for name, side in asked:
        reason = str(open_.metric(name, side).reason)
        assert reason == "On a treadmill, and the speed of its belt is not stated."
    stated = measured(belt, belt_speed=speed)
    assert stated.metric("speed").value == pytest.approx(speed, abs=0.02)
    assert open_.metric("cadence").value == pytest.approx(
        measured(walk).metric("cadence").value, rel=0.01
    )


def test_running_has_no_double_support():
    points = Walker(speed=3.2, stride_time=0.7, stance=0.36, lift=0.2).points()
    table = measured(points)
    assert table.metric("double_support_percent", "r").reason == (
        "There is a flight phase: the person ran."
    )
    assert table.metric("speed").value == pytest.approx(3.2, abs=0.05)


def test_feet_out_of_sight_are_not_guessed(walk):
    heel, toe = walk.heel.copy(), walk.toe.copy()
    heel[:, 1], toe[:, 1] = np.nan, np.nan
    table = measured(dataclasses.replace(walk, heel=heel, toe=toe))
    assert table.metric("stride_time", "r").reason is None
    for name in ("stride_time", "step_length", "stance_percent"):
        assert "left foot has no complete stride" in str(table.metric(name, "l").reason)
    assert table.metric("step_width").reason is not None
