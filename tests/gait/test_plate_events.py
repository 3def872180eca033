"""Events of drawn force curves, whose crossings of 20 N are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError, UnknownNameError
from diffbio.gait import feet_on_plates, plate_events
from diffbio.observations import GroundReactions
from tests.gait.walkers import FOOT, Walker

RATE = 1000.0


def trapezoid(time, start, end, top=700.0, ramp=0.05):
    """Force that rises from `start`, and is zero again at `end`, along straight lines, in N."""
    return top * np.clip(np.minimum(time - start, end - time) / ramp, 0.0, 1.0)


def reactions(time, *vertical, feet=("r",), points=None):
    force = np.zeros((len(time), len(vertical), 3))
    force[..., 2] = np.stack(vertical, axis=1)
    points = np.zeros_like(force) if points is None else points
    names = tuple(f"plate {i + 1}" for i in range(len(vertical)))
    return GroundReactions(names, force, points, np.zeros_like(force), time, feet, "drawn plates")


@pytest.mark.parametrize("rate", [100.0, 1000.0, 1437.0])
def test_crossings_are_found_between_samples(rate):
    time = 2.0 + np.arange(round(3 * rate)) / rate
    vertical = trapezoid(time, 2.5003, 3.1007) + trapezoid(time, 3.6, 4.3)
    events = plate_events(reactions(time, vertical))
    after = 0.05 * 20.0 / 700.0  # s from the foot of the ramp to 20 N
    # s; the corner at the foot of the ramp lies within one sample
    tolerance = 0.6 / rate
    contacts, lifts = events.times("initial_contact", "r"), events.times("toe_off", "r")
    assert_allclose(contacts, [2.5003 + after, 3.6 + after], atol=tolerance)
    assert_allclose(lifts, [3.1007 - after, 4.3 - after], atol=tolerance)
    assert all(e.method == "force plate, 20 N" and e.confidence == 1.0 for e in events.events)
    assert all(0.0 < e.sd < 1.0 / rate for e in events.events)


def test_noise_and_ringing_are_no_contacts():
    time = np.arange(3000) / RATE
    vertical = trapezoid(time, 1.0, 1.7)
    vertical += 25.0 * (np.abs(time - 0.5) < 0.004)  # a knock
    vertical[(time > 1.02) & (time < 1.035)] = 5.0  # the plate rings after the impact
    vertical += 40.0 * ((time > 2.2) & (time < 2.5))  # somebody beside the plate
    events = plate_events(reactions(time, vertical))
    assert [e.kind for e in events.events] == ["initial_contact", "toe_off"]
    assert events.events[0].time == pytest.approx(1.0 + 0.05 / 35, abs=1e-6)


def test_contact_that_is_cut_off_has_one_event():
    time = np.arange(1000) / RATE
    events = plate_events(reactions(time, trapezoid(time, -0.3, 0.4), trapezoid(time, 0.93, 1.5),
                                    feet=("l", "r")))  # fmt: skip
    assert [(e.kind, e.side) for e in events.events] == [
        ("toe_off", "l"),
        ("initial_contact", "r"),
    ]


def test_two_plates_under_one_foot_are_added():
    time = np.arange(2000) / RATE
    both = trapezoid(time, 0.5, 1.2, ramp=0.1)
    share = np.clip((time - 0.7) / 0.2, 0.0, 1.0)
    events = plate_events(reactions(time, both * (1 - share), both * share, feet=("r", "r")))
    assert len(events.events) == 2


def test_plate_of_unknown_foot_gives_no_event():
    time = np.arange(1000) / RATE
    events = plate_events(reactions(time, trapezoid(time, 0.2, 0.8), feet=(None,)))
    assert events.events == ()
    assert events.notes == ("No events from plate 1: the foot is not known.",)


def test_feet_are_found_from_the_pressure():
    walker = Walker(rate=200.0)
    points = walker.points()
    time = np.arange(6000) / RATE
    vertical, pressure = [], np.full((len(time), 3, 3), np.nan)
    for i, (side, number) in enumerate((("l", 3), ("r", 4))):
        start = walker.contacts(side)[number]
        end = start + walker.stance * walker.stride_time
        vertical.append(trapezoid(time, start, end))
        heel, _ = walker.footfall(side, start)
        on = vertical[-1] > 5.0
        along = np.linspace(0.0, FOOT, on.sum())
        pressure[on, i] = [heel[0], heel[1], 0.0] + along[:, None] * [1.0, 0.0, 0.0]
    vertical.append(trapezoid(time, 1.0, 1.6))
    pressure[:, 2] = [9.0, 9.0, 0.0]  # something far from both feet
    found = feet_on_plates(
        reactions(time, *vertical, feet=(None, None, None), points=pressure), points
    )
    assert found.feet == ("l", "r", None)
    stated = feet_on_plates(found.with_feet({"plate 1": "r"}), points)
    assert stated.feet == ("r", "r", None)


def test_reactions_must_go_together():
    time = np.arange(10) / RATE
    with pytest.raises(InputError, match=r"drawn plates, feet: The feet are \('x',\), of 1 plates"):
        reactions(time, time, feet=("x",))
    zeros = np.zeros((10, 1, 3))
    with pytest.raises(
        InputError, match=r"plates: An array has shape .*with 10 times and 2 plates"
    ):
        GroundReactions(("a", "b"), zeros, zeros, zeros, time, (None, None), "drawn plates")
    good = reactions(time, time, feet=(None,))
    with pytest.raises(UnknownNameError, match="No plate is called 'left'"):
        good.with_feet({"left": "l"})
    with pytest.raises(InputError, match="No plate is known to be of the foot 'l'"):
        good.of_foot("l")
