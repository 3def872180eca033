"""Metrics of drawn walkers, whose every length and time is known."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.gait import GaitEvents, gait_points, marker_events, spatiotemporal
from diffbio.gait.events import Side
from diffbio.gait.gait_points import SIDES
from diffbio.gait.strides import TURN
from diffbio.io.read_c3d import read_c3d
from tests.gait.test_cycles import event
from tests.gait.walkers import Walker


def with_errors(events, sd, shared_sd=0.0):
    return GaitEvents(
        tuple(dataclasses.replace(one, sd=sd, shared_sd=shared_sd) for one in events.events)
    )


@pytest.mark.parametrize(
    "walker",
    [
        Walker(duration=8.0),
        Walker(duration=8.0, heading=2.0, width=0.16),
        Walker(duration=8.0, facing=-1.0, speed=0.7),
        Walker(duration=9.0, speed=0.4, stride_time=1.6, stance=0.7),
    ],
)
def test_straight_walk_is_measured_exactly(walker):
    table = spatiotemporal(walker.points(), walker.events())
    double = 100 * (2 * walker.stance - 1)
    expected = {
        "stride_time": walker.stride_time,
        "step_time": walker.stride_time / 2,
        "stride_length": walker.stride,
        "step_length": walker.stride / 2,
        "stance_percent": 100 * walker.stance,
        "swing_percent": 100 * (1 - walker.stance),
        "single_support_percent": 100 * (1 - walker.stance),
        "double_support_percent": double,
    }
    for name, value in expected.items():
        for side in ("r", "l"):
            metric = table.metric(name, side)
            assert metric.value == pytest.approx(value, abs=1e-9), (name, side)
            assert metric.spread == pytest.approx(0.0, abs=1e-9) and metric.n >= 3
            assert metric.reason is None
    assert table.metric("speed").value == pytest.approx(walker.speed, abs=1e-9)
    assert table.metric("cadence").value == pytest.approx(120 / walker.stride_time, abs=1e-9)
    assert table.metric("step_width").value == pytest.approx(walker.width, abs=1e-9)
    for name in ("step_time", "step_length", "stance"):
        assert table.metric(f"{name}_asymmetry").value == pytest.approx(0.0, abs=1e-6)
    assert table.metric("stride_time_variability").value == pytest.approx(0.0, abs=1e-6)


def test_limp_shows_as_asymmetry():
    walker = Walker(duration=9.0, late=0.1)  # the left foot's contact comes 0.1 s late
    table = spatiotemporal(walker.points(), walker.events())
    assert table.metric("step_time", "l").value == pytest.approx(0.65)
    assert table.metric("step_time", "r").value == pytest.approx(0.45)
    assert table.metric("step_time_asymmetry").value == pytest.approx(100 * -0.2 / 0.55)
    assert table.metric("stance_asymmetry").value == pytest.approx(0.0, abs=1e-9)


def test_crossing_feet_have_a_negative_width():
    walker = Walker(width=-0.04)
    table = spatiotemporal(walker.points(), walker.events())
    assert table.metric("step_width").value == pytest.approx(-0.04, abs=1e-9)


def test_wide_curve_is_measured_and_a_turn_is_not():
    wide = Walker(radius=8.0, duration=10.0)  # 10 degrees a stride
    assert wide.stride / wide.radius < TURN
    table = spatiotemporal(wide.points(), wide.events())
    right, left = (table.metric("stride_length", side) for side in SIDES)
    # Chords of the circles of both feet.
    angle = wide.stride / wide.radius
    for metric, radius in ((right, 8.05), (left, 7.95)):
        assert metric.value == pytest.approx(2 * radius * np.sin(angle / 2), abs=1e-9)
    assert right.n >= 6
    tight = Walker(radius=1.0, duration=10.0)
    table = spatiotemporal(tight.points(), tight.events())
    metric = table.metric("stride_length", "r")
    assert np.isnan(metric.value) and metric.n == 0
    assert metric.reason is not None
    assert "No stride could be measured: The person turned by" in metric.reason
    assert all("turned by" in one.reason for one in table.cycles.excluded)


def test_treadmill_needs_its_belt_speed():
    walker = Walker(belt=True, duration=12.0)
    table = spatiotemporal(walker.points(), walker.events())
    asked: tuple[tuple[str, Side | None], ...]
    asked = (("speed", None), ("stride_length", "r"), ("step_length", "l"))
    for name, side in asked:
        metric = table.metric(name, side)
        assert np.isnan(metric.value)
        assert metric.reason == "On a treadmill, and the speed of its belt is not stated."
    assert table.metric("cadence").value == pytest.approx(120 / walker.stride_time)
    assert table.metric("step_width").value == pytest.approx(walker.width, abs=0.002)
    table = spatiotemporal(walker.points(), walker.events(), belt_speed=walker.speed)
    assert table.metric("speed").value == pytest.approx(walker.speed, abs=1e-3)
    assert table.metric("step_length", "r").value == pytest.approx(walker.stride / 2, abs=1e-3)
    assert table.notes == ()
    table = spatiotemporal(walker.points(), walker.events(), belt_speed=2.0)
    assert "stated as 2.00 m/s, and the feet moved at 1.2" in table.notes[0]


def test_belt_speed_on_a_floor_is_refused():
    walker = Walker()
    with pytest.raises(
        InputError, match=r"drawn: A belt speed of 1\.2 m/s is stated, and the feet"
    ):
        spatiotemporal(walker.points(), walker.events(), belt_speed=1.2)
    with pytest.raises(InputError, match=r"belt_speed: It is -1 m/s"):
        spatiotemporal(walker.points(), walker.events(), belt_speed=-1.0)


def test_who_stands_has_no_number():
    points = Walker(speed=0.0, lift=0.0).points()
    table = spatiotemporal(points, marker_events(points))
    assert all(np.isnan(m.value) and m.n == 0 for m in table.metrics)
    assert all(m.reason and "No step was found" in m.reason for m in table.metrics)
    # Events without travel: marching on the spot.
    walker = Walker(speed=0.0)
    table = spatiotemporal(walker.points(), walker.events())
    assert "The person did not travel." in (table.metric("cadence").reason or "")


def test_one_stride_has_no_variability():
    walker = Walker(duration=4.0)
    first = GaitEvents(tuple(e for e in walker.events().events if e.time < 1.75))
    table = spatiotemporal(walker.points(), first)
    metric = table.metric("stride_time", "r")
    assert metric.n == 1 and metric.value == pytest.approx(1.1) and np.isnan(metric.spread)
    assert "needs 3 strides of one foot, and there are 1" in (
        table.metric("stride_time_variability").reason or ""
    )
    left = table.metric("stride_length", "l")
    assert np.isnan(left.value) and left.reason == "The left foot has no complete stride."
    assert np.isnan(table.metric("step_length_asymmetry").value)


def test_running_has_no_double_support():
    walker = Walker(speed=3.0, stride_time=0.7, stance=0.36)
    table = spatiotemporal(walker.points(), walker.events())
    metric = table.metric("double_support_percent", "r")
    assert np.isnan(metric.value)
    assert metric.reason == "There is a flight phase: the person ran."
    assert table.metric("stance_percent", "r").value == pytest.approx(36.0)


def test_plates_of_one_foot_give_what_one_foot_has():
    walker = Walker()
    right = GaitEvents(tuple(e for e in walker.events().events if e.side == "r"))
    table = spatiotemporal(walker.points(), right)
    assert table.metric("stride_length", "r").value == pytest.approx(walker.stride)
    metric = table.metric("step_length", "r")
    assert np.isnan(metric.value) and metric.reason == "The other foot's contact was not seen."


def test_unknown_metric_is_refused():
    walker = Walker()
    table = spatiotemporal(walker.points(), walker.events())
    with pytest.raises(
        InputError, match=r"There is no 'stride' of the side None\. Known are: stride_"
    ):
        table.metric("stride")


def test_errors_are_those_of_repeated_measurements():
    """Events and heels are disturbed many times as their error bars say."""
    walker, random = Walker(duration=6.0), np.random.default_rng(1)
    own, shared, place = 0.006, 0.010, 0.005
    exact, points = with_errors(walker.events(), own, shared), walker.points()
    known = dataclasses.replace(points, heel_sd=np.full(points.heel.shape, place))
    table = spatiotemporal(known, exact)
    names = [("stride_time", "r"), ("step_time", "l"), ("stance_percent", "r"),
             ("double_support_percent", "l"), ("single_support_percent", "r"),
             ("stride_length", "r"), ("step_length", "l"), ("stance_asymmetry", None)]  # fmt: skip
    found = []
    for _ in range(150):
        bias = dict(
            zip(("initial_contact", "toe_off"), shared * random.normal(size=2), strict=True)
        )
        moved = GaitEvents(tuple(
            dataclasses.replace(e, time=e.time + bias[e.kind] + own * random.normal())
            for e in exact.events
        ))  # fmt: skip
        # Each sample's own error: contacts are farther apart than errors last.
        heel = points.heel + place * random.normal(size=points.heel.shape)
        one = spatiotemporal(dataclasses.replace(points, heel=heel), moved)
        found.append([one.metric(*name).value for name in names])
    repeated = np.std(found, axis=0, ddof=1)
    stated = np.array([table.metric(*name).sd for name in names])
    # Errors of neighbouring strides partly cancel in their mean, which the table leaves out, so
    # that it states up to the double; 150 repetitions know a deviation to 6 %.
    assert (stated > 0.8 * repeated).all(), dict(zip(names, stated / repeated, strict=True))
    assert (stated < 3.0 * repeated).all(), dict(zip(names, stated / repeated, strict=True))


def test_no_error_is_stated_that_is_not_known():
    walker = Walker()
    table = spatiotemporal(walker.points(), with_errors(walker.events(), np.nan))
    assert np.isnan(table.metric("stride_time", "r").sd)
    assert np.isnan(table.metric("stride_length", "r").sd)


def test_variability_is_that_of_the_strides():
    times = np.cumsum([0.0, 1.0, 1.1, 0.9, 1.0, 1.2])
    made = [event("ic", "r", t) for t in times] + [event("to", "r", t + 0.6) for t in times[:-1]]
    points = Walker(duration=7.0).points()
    metric = spatiotemporal(points, GaitEvents(tuple(made))).metric("stride_time_variability")
    durations = np.diff(times)
    expected = 100 * durations.std(ddof=1) / durations.mean()
    assert metric.value == pytest.approx(expected)
    assert metric.sd == pytest.approx(expected / np.sqrt(8)) and metric.n == 5


def test_the_laboratory_has_the_same_numbers(shared_data):
    recording = read_c3d(shared_data / "stanev-clinical-c3d" / "walk.c3d")
    table = spatiotemporal(gait_points(recording.markers), recording.events, foot_point="toe")
    theirs = {(r.name, r.side): r.value for r in recording.results}
    for side in ("r", "l"):
        first = next(s for s in table.strides if s.cycle.side == side)  # as in the group CYCLES
        for name, mine, tolerance in (
            ("Stride Length", "stride_length", 1e-4),  # m
            ("Step Length", "step_length", 1e-4),
            ("Walking Speed", "speed", 1e-4),
            ("Stride Time", "stride_time", 1e-5),
            ("Foot Off", "stance_percent", 1e-3),
        ):
            assert_allclose(first.values[mine].value, theirs[name, side], atol=tolerance)
        mean = table.metric("stride_length", side).value
        assert_allclose(mean, theirs["Stride Length", side], atol=0.02)  # m, of three strides


@pytest.mark.parametrize(("slide", "kept"), [(0.05, True), (0.25, False)])
def test_feet_that_slide_have_no_contacts(slide, kept):
    points = Walker().points()
    way = slide * points.time[:, None, None] * np.array([1.0, 0.0, 0.0])
    points = dataclasses.replace(points, heel=points.heel + way, toe=points.toe + way)
    found = spatiotemporal(points, marker_events(points))
    assert bool(found.strides) == kept
    if not kept:
        reason = "The feet slide where they should stand, faster than 0.12 m/s."
        assert {one.reason for one in found.cycles.excluded} == {reason}
        assert reason in str(found.metric("stance_percent", "r").reason)
