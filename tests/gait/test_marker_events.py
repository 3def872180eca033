"""Events from heels and toes of drawn walkers, whose contacts are known."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.gait import gait_points, marker_events
from diffbio.gait.events import KINDS
from diffbio.gait.gait_points import SIDES
from diffbio.gait.ground import ground_velocity
from diffbio.gait.marker_events import speed_crossings
from diffbio.io.read_c3d import read_c3d
from tests.gait.walkers import Walker

NORMAL = Walker()

WALKERS = {
    "normal": NORMAL,
    "north-west": Walker(heading=2.2),
    "backward": Walker(facing=-1.0, speed=0.8, heading=0.4),
    "on a circle": Walker(radius=2.0, duration=10.0),
    "slow": Walker(speed=0.3, stride_time=1.9, stance=0.72, duration=12.0, lift=0.03),
    "dragging both feet": Walker(speed=0.6, stride_time=1.4, lift=0.0),
    "running": Walker(speed=3.2, stride_time=0.7, stance=0.36, lift=0.2),
    "treadmill": Walker(belt=True, duration=12.0, heading=0.3),
    "treadmill, filmed slowly": Walker(belt=True, duration=12.0, rate=50.0),
    "treadmill, running": Walker(
        belt=True, speed=2.8, stride_time=0.72, stance=0.38, lift=0.15, duration=8.0
    ),
    "limping": Walker(late=0.12),
}


def same_events(found, expected, tolerance, margin=0.12):
    """Every expected event once, no other, within a tolerance in seconds; ends left aside."""
    for kind in KINDS:
        for side in SIDES:
            times, known = found.times(kind, side), expected.times(kind, side)
            last = max(expected.events, key=lambda e: e.time).time
            inner = known[(known > 2 * margin) & (known < last - 2 * margin)]
            near = np.abs(times[:, None] - inner).argmin(axis=0)
            assert len(set(near)) == len(inner), (kind, side)
            assert_allclose(times[near], inner, atol=tolerance)
            invented = np.abs(times[:, None] - known).min(axis=1) > tolerance
            assert not invented.any(), (kind, side, times[invented])


@pytest.mark.parametrize("name", WALKERS)
def test_every_event_is_found_and_none_invented(name):
    walker = WALKERS[name]
    # A drawn foot rests without impact: what it does below 0.5 m/s counts as rest, and the signs
    # of toe-off lie up to 0.1 s after the foot begins to move.
    same_events(marker_events(walker.points()), walker.events(), tolerance=0.12)


@pytest.mark.parametrize("heading", [0.0, 1.0, -2.5])
def test_speed_crosses_where_the_closed_form_says(heading):
    walker = Walker(heading=heading, rate=200.0)
    early = walker.below()
    for side in range(2):
        crossings = speed_crossings(walker.points(), side)
        for kind, sign in zip(KINDS, (-1.0, 1.0), strict=True):
            times = np.array([when for one, when in crossings if one == kind])
            known = walker.events().times(kind, SIDES[side]) + sign * early
            known = known[(known > 0.3) & (known < walker.duration - 0.3)]
            nearest = np.abs(times[:, None] - known).min(axis=0)
            # s; the filter rounds the start of the motion off by a millisecond or two
            assert_allclose(nearest, 0.0, atol=0.004)


def test_events_lie_between_samples():
    coarse, fine = (
        marker_events(Walker(rate=rate, stride_time=1.137).points()) for rate in (60.0, 240.0)
    )
    for kind in KINDS:
        for side in SIDES:
            shift = np.abs(coarse.times(kind, side)[:, None] - fine.times(kind, side))
            assert shift.min(axis=1).max() < 0.25 / 60.0  # a quarter of a frame


def test_turning_the_room_changes_no_event():
    straight, turned = (
        marker_events(Walker(heading=heading).points()) for heading in (0.0, np.pi * 0.7)
    )
    assert len(straight.events) == len(turned.events)
    assert_allclose(
        [e.time for e in straight.events], [e.time for e in turned.events], atol=1e-9
    )  # s


def test_a_treadmill_gives_the_events_of_the_same_walk_on_a_floor():
    floor, belt = (Walker(belt=belt, duration=12.0) for belt in (False, True))
    assert (ground_velocity(floor.points()) == 0.0).all()
    speed = ground_velocity(belt.points())
    assert_allclose(speed, np.tile([-floor.speed, 0.0], (len(speed), 1)), atol=0.05)  # m/s
    found = marker_events(belt.points())
    assert "A treadmill: the ground moved at 1.2" in found.notes[0]
    expected = marker_events(floor.points())
    assert [e.kind for e in found.events] == [e.kind for e in expected.events]
    assert_allclose(
        [e.time for e in found.events], [e.time for e in expected.events], atol=0.01
    )  # s; the belt's speed is found to 0.05 m/s


def standing(duration=4.0, sway=0.004):
    """Somebody who stands and sways, with a millimetre of noise."""
    walker = Walker(speed=0.0, lift=0.0, duration=duration)
    points, random = walker.points(), np.random.default_rng(3)
    swing = sway * np.sin(2 * np.pi * 0.4 * points.time)[:, None]
    noisy = [p + 0.001 * random.normal(size=p.shape) for p in (points.heel, points.toe)]
    return dataclasses.replace(
        points, heel=noisy[0], toe=noisy[1], pelvis=points.pelvis + 10 * swing
    )


def test_nobody_steps_who_stands():
    found = marker_events(standing())
    assert found.events == ()
    assert found.notes == ("No step was found: the feet stood still or were not seen.",)


def test_a_foot_held_in_the_air_is_not_on_the_ground():
    points = Walker().points()
    held = points.time > 3.0
    heel, toe = points.heel.copy(), points.toe.copy()
    for foot in (heel, toe):
        foot[held, 0] = foot[held, 0][0]
        foot[held, 0, 2] = 0.3
        foot[held, 1] = foot[held, 1][0]
    held_points = dataclasses.replace(points, heel=heel, toe=toe)
    assert (marker_events(held_points).times("initial_contact", "r") < 3.1).all()


@pytest.mark.parametrize("slope_deg", [-4.0, 3.0])
def test_an_inclined_floor_changes_little(slope_deg):
    level = Walker(duration=8.0).points()
    slope = np.array([0.0, 0.0, np.tan(np.deg2rad(slope_deg))])
    rise = [p + p[..., :1] * slope for p in (level.heel, level.toe, level.pelvis)]
    inclined = dataclasses.replace(level, heel=rise[0], toe=rise[1], pelvis=rise[2])
    before, after = marker_events(level), marker_events(inclined)
    assert [e.kind for e in before.events] == [e.kind for e in after.events]
    assert_allclose([e.time for e in before.events], [e.time for e in after.events], atol=0.005)


def test_what_was_not_seen_has_no_event():
    points = Walker(duration=8.0).points()
    heel = points.heel.copy()
    heel[(points.time > 2.0) & (points.time < 4.5), 0] = np.nan
    found = marker_events(dataclasses.replace(points, heel=heel))
    for kind in KINDS:
        times = found.times(kind, "r")
        assert not ((times > 2.0) & (times < 4.5)).any()
        assert len(found.times(kind, "l")) >= 6
    none = marker_events(dataclasses.replace(points, heel=np.full_like(heel, np.nan)))
    assert none.events == () and "not seen" in none.notes[0]


def test_confidence_falls_where_signs_contradict():
    walker = Walker()
    sure = marker_events(walker.points())
    assert min(e.confidence for e in sure.events[2:-2]) > 0.8
    points = walker.points()
    # A pelvis that lurches forward at every contact hides where the heel is farthest ahead.
    lurch = 0.4 * np.sin(2 * np.pi * points.time / 0.55)
    pelvis = points.pelvis + lurch[:, None] * np.array([1.0, 0.0, 0.0])
    doubtful = marker_events(dataclasses.replace(points, pelvis=pelvis))
    assert np.mean([e.confidence for e in doubtful.events]) < 0.8
    assert all(0.0 <= e.confidence <= 1.0 and e.sd > 0 for e in doubtful.events)


def test_noise_of_a_video_moves_events_little():
    walker, random = Walker(rate=60.0, duration=10.0), np.random.default_rng(0)
    points = walker.points()
    noisy = dataclasses.replace(
        points,
        heel=points.heel + 0.004 * random.normal(size=points.heel.shape),
        toe=points.toe + 0.004 * random.normal(size=points.toe.shape),
    )
    same_events(marker_events(noisy), marker_events(points), tolerance=0.03)


def test_clinical_events_are_found_within_20_ms(shared_data):
    recording = read_c3d(shared_data / "stanev-clinical-c3d" / "walk.c3d")
    found = marker_events(gait_points(recording.markers))
    assert len(found.events) == len(recording.events.events) == 15
    for mine, theirs in zip(found.events, recording.events.events, strict=True):
        assert (mine.kind, mine.side) == (theirs.kind, theirs.side)
        assert abs(mine.time - theirs.time) < 0.020  # s; an operator set theirs, to a frame (0.01)
