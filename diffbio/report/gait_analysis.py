"""A walk, measured: events, table and curves together, for files and page."""

import dataclasses
from typing import Any

import numpy as np

from diffbio.errors import InputError
from diffbio.gait import GaitEvents, GaitPoints, gait_points, marker_events, spatiotemporal
from diffbio.gait.events import Side
from diffbio.gait.gait_points import SIDES
from diffbio.gait.ground import ground_velocity
from diffbio.gait.spatiotemporal import Spatiotemporal
from diffbio.gait.strides import FootPoint
from diffbio.io.coordinates import Coordinates
from diffbio.io.gait_norms import Norms
from diffbio.observations import Markers
from diffbio.report.gait_curves import SideCurves, pelvis_inclination, side_curves


@dataclasses.dataclass(frozen=True)
class Walk:
    """What is known of a walk before it is measured.

    Attributes:
        name: of the recording.
        markers: of the person, or of a fitted body.
        coordinates: of a fitted body, at the same times; None where there are markers only.
        events: stored in the file; None where there are none.
        fit: summary of the fit it comes from, empty where there is none.
        notes: of who read it, as sentences.
    """

    name: str
    markers: Markers
    coordinates: Coordinates | None = None
    events: GaitEvents | None = None
    fit: dict[str, Any] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class GaitAnalysis:
    """What was measured.

    Attributes:
        walk: what it is of.
        events: of both feet.
        table: numbers, cycles, and what was left out.
        curves: of each side.
        notes: what was decided on the way, as sentences.
        norms: to compare with; None where the user gave none.
    """

    walk: Walk
    events: GaitEvents
    table: Spatiotemporal
    curves: dict[Side, SideCurves]
    notes: tuple[str, ...]
    norms: Norms | None = None


def analyse(
    walk: Walk,
    *,
    events_from: str = "markers",
    belt_speed: float | None = None,
    foot_point: FootPoint = "heel",
    norms: Norms | None = None,
) -> GaitAnalysis:
    """Measure a walk.

    Args:
        walk: the recording.
        events_from: `markers`, or `file` for the events stored in it.
        belt_speed: of a treadmill, in m/s; None on a floor, or where it is not known.
        foot_point: what stride and step lengths join.
        norms: to compare with.

    Raises:
        InputError: no heel, toe or pelvis is known among the markers, events of a file are asked
            for that has none, or a belt speed contradicts the feet.
    """
    points = gait_points(walk.markers)
    events = marker_events(points) if events_from == "markers" else _stored(walk, points)
    table = spatiotemporal(points, events, belt_speed=belt_speed, foot_point=foot_point)
    inclination = pelvis_inclination(walk.markers, walk.coordinates)
    relative = points.on_moving_ground(ground_velocity(points))
    curves: dict[Side, SideCurves] = {
        side: side_curves(
            walk.coordinates,
            relative,
            table.cycles.cycles,
            side=side,
            pelvis_inclination=inclination or 0.0,
        )
        for side in SIDES
    }
    notes = (*_fit_note(walk), *walk.notes, *table.notes, *_tilt_note(walk, inclination))
    return GaitAnalysis(walk, events, table, curves, notes, norms)


def _stored(walk: Walk, points: GaitPoints) -> GaitEvents:
    """Events of the file, those within the recording."""
    found = walk.events.events if walk.events is not None else ()
    first, last = points.time[[0, -1]]
    inside = tuple(event for event in found if first <= event.time <= last)
    if not inside:
        raise InputError(
            walk.markers.source,
            f"It holds {len(found)} contacts and lift-offs, none within the recording."
            if found
            else "It holds no contacts and lift-offs of feet.",
            "Leave --events out: they are then found from the markers.",
        )
    outside = len(found) - len(inside)
    notes = (f"{outside} of the file's events lie outside the recording.",) if outside else ()
    return GaitEvents(inside, notes)


def _fit_note(walk: Walk) -> tuple[str, ...]:
    """A warning where the fit itself is in doubt."""
    words = {"check": "is to be checked first", "fail": "is not to be used"}
    said = words.get(str(walk.fit.get("verdict")))
    if said is None:
        return ()
    return (f"The fit {said}, by its own verdict: {walk.fit.get('sentence', '')}",)


def _tilt_note(walk: Walk, inclination: float | None) -> tuple[str, ...]:
    if walk.coordinates is None:
        return ()
    if inclination is None:
        return (
            "Pelvis tilt and hip flexion are from the model's own axis of the pelvis, as no "
            "markers of its four iliac spines are there: norms, which measure from these, may "
            "lie apart by a constant.",
        )
    return (
        "Pelvis tilt and hip flexion are from the line of the iliac spines, "
        f"{np.rad2deg(inclination):.1f} degrees from the model's own axis.",
    )
