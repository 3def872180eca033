"""A walk, measured: events, table and curves together, for files and page."""

import dataclasses
from typing import Any

import numpy as np

from diffbio.errors import InputError
from diffbio.gait import (
    GaitEvents,
    GaitPoints,
    feet_on_plates,
    gait_points,
    marker_events,
    plate_events,
    spatiotemporal,
    with_plates,
)
from diffbio.gait.events import Side
from diffbio.gait.gait_points import SIDES
from diffbio.gait.ground import ground_velocity
from diffbio.gait.indices import Reference
from diffbio.gait.spatiotemporal import Spatiotemporal
from diffbio.gait.strides import FootPoint
from diffbio.io.coordinate_values import Coordinates
from diffbio.io.gait_norms import Norms
from diffbio.io.gait_reference import mean_of_norms, norms_of
from diffbio.io.read_sight import Sight
from diffbio.observations import GroundReactions, Markers
from diffbio.report.gait_curves import SideCurves, pelvis_inclination, side_curves
from diffbio.report.gait_indices import GaitIndices, gait_indices


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
        reactions: of force plates; None where there are none.
        sight: what the cameras of a fit saw; None where that is not known.
    """

    name: str
    markers: Markers
    coordinates: Coordinates | None = None
    events: GaitEvents | None = None
    fit: dict[str, Any] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    reactions: GroundReactions | None = None
    sight: Sight | None = None


@dataclasses.dataclass(frozen=True)
class GaitAnalysis:
    """What was measured.

    Attributes:
        walk: what it is of.
        events: of both feet.
        table: numbers, cycles, and what was left out.
        curves: of each side.
        notes: what was decided on the way, as sentences.
        indices: scores against a reference population.
        norms: to compare with; None where the user gave none.
    """

    walk: Walk
    events: GaitEvents
    table: Spatiotemporal
    curves: dict[Side, SideCurves]
    notes: tuple[str, ...]
    indices: GaitIndices
    norms: Norms | None = None


def analyse(
    walk: Walk,
    *,
    events_from: str = "markers",
    belt_speed: float | None = None,
    foot_point: FootPoint = "heel",
    norms: Norms | None = None,
    reference: Reference | None = None,
) -> GaitAnalysis:
    """Measure a walk.

    Args:
        walk: the recording.
        events_from: `markers`, `file` for the events stored in it, or `plates` for those of the
            force plates where a foot stood on one, and of the markers elsewhere.
        belt_speed: of a treadmill, in m/s; None on a floor, or where it is not known.
        foot_point: what stride and step lengths join.
        norms: to compare with; None to take those of the reference.
        reference: population that the walk is scored against; None to take the mean of the norms.

    Raises:
        InputError: no heel, toe or pelvis is known among the markers, events of a file or of
            plates are asked for where there are none, or a belt speed contradicts the feet.
    """
    points = gait_points(walk.markers)
    events = _EVENTS[events_from](walk, points)
    if norms is None and reference is not None:
        norms = norms_of(reference)
    if reference is None and norms is not None:
        reference = mean_of_norms(norms)
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
    indices = gait_indices(curves, reference)
    return GaitAnalysis(walk, events, table, curves, notes, indices, norms)


def _of_motion(walk: Walk, points: GaitPoints) -> GaitEvents:
    """Events found from heels and toes."""
    return marker_events(points)


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


def _plated(walk: Walk, points: GaitPoints) -> GaitEvents:
    """Events of force plates, and of the motion where no foot was on one."""
    remedy = "Leave --events out: they are then found from the markers."
    if walk.reactions is None:
        raise InputError(walk.markers.source, "There is no force plate.", remedy)
    time = walk.reactions.time
    if time[-1] < points.time[0] or time[0] > points.time[-1]:
        raise InputError(
            walk.reactions.source,
            f"Its forces are from {time[0]:.2f} to {time[-1]:.2f} s, the walk from "
            f"{points.time[0]:.2f} to {points.time[-1]:.2f} s.",
            "Give forces on the clock of the recording.",
        )
    reactions = feet_on_plates(walk.reactions, points)
    if not any(reactions.feet):
        raise InputError(
            reactions.source,
            "On no plate the pressure was under one foot only, so that no foot is known.",
            "State it with --plate-foot NAME=r (or l); plates are "
            f"{', '.join(reactions.names)}. Are plates and markers in the same axes?",
        )
    return with_plates(marker_events(points), plate_events(reactions)).events


_EVENTS = {"markers": _of_motion, "file": _stored, "plates": _plated}
"""Where events come from."""


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
