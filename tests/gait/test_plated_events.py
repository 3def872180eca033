"""Events of plates beside those of the motion."""

import pytest

from diffbio.gait import GaitEvents, find_cycles, marker_events, plate_events, with_plates
from diffbio.gait.gait_points import gait_points
from diffbio.gait.plated_events import SAME
from diffbio.gait.strides import measure_times
from diffbio.io.read_ground_reactions import read_external_loads, read_ground_reactions
from diffbio.io.read_trc import read_trc
from tests.gait.test_cycles import event


def test_a_plate_times_what_the_motion_confirms():
    motion = GaitEvents((event("ic", "r", 1.0), event("to", "r", 1.62), event("ic", "r", 2.1)))
    plates = GaitEvents((event("ic", "r", 1.02), event("to", "r", 1.61)))
    found = with_plates(motion, plates)
    assert [one.time for one in found.events.events] == [1.02, 1.61, 2.1]
    assert found.differences["initial_contact"] == pytest.approx([-0.02])
    assert found.differences["toe_off"] == pytest.approx([0.01])
    assert (
        "timed 2 of 3 contacts and lift-offs: contacts of the motion were -20 ms"
        in (found.events.notes[-1])
    )


def test_a_foot_beside_the_plate_is_not_believed():
    motion = GaitEvents((event("ic", "l", 1.0), event("to", "l", 1.6)))
    plates = GaitEvents((event("ic", "l", 1.0 + 2 * SAME), event("to", "l", 1.6)))
    found = with_plates(motion, plates)
    assert [one.time for one in found.events.events] == [1.0, 1.6]
    assert "none within 60 ms: contact l at 1.12 s" in found.events.notes[-1]
    # What the other foot does confirms nothing.
    other = with_plates(motion, GaitEvents((event("ic", "r", 1.0),)))
    assert other.events.events == motion.events and "contact r at 1.00 s" in other.events.notes[-1]


def test_errors_that_two_methods_do_not_share_count(shared_data):
    """A stride from a plate's contact to one of the motion has the motion's shared error too."""
    folder = shared_data / "falisse-walking"
    feet = read_external_loads(folder / "external-loads" / "gait-14.xml")
    plates = plate_events(read_ground_reactions(folder / "grf" / "gait-14.mot", feet))
    points = gait_points(read_trc(folder / "markers" / "gait-14.trc"))
    found = with_plates(marker_events(points), plates)
    assert sum(map(len, found.differences.values())) == 4  # one stance of each foot is on a plate
    mixed = []
    for cycle in find_cycles(found.events).cycles:
        sd = measure_times(cycle)[0]["stride_time"].sd
        one_method = cycle.start.method == cycle.end.method
        mixed.append(not one_method)
        assert (sd < 0.009) == one_method  # s: 0.006 twice, or with a shared 0.010
    assert any(mixed)
