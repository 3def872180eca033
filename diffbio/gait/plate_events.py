"""Gait events from force plates, and which foot stood on which plate."""

import numpy as np
from jaxtyping import Float

from diffbio.gait.events import GaitEvent, GaitEvents, Kind, Side
from diffbio.gait.gait_points import SIDES, GaitPoints
from diffbio.gait.smoothing import at_time, complete, runs
from diffbio.observations import GroundReactions

THRESHOLD_N = 20.0
"""Of the vertical force, the usual one (Tirosh and Sparrow 2003, J Appl Biomech 19:141: 10-20 N is
above a plate's noise and within milliseconds of the first deflection)."""

_REAL_CONTACT_N = 50.0
"""What a contact must reach once: the hysteresis that noise around the threshold does not pass."""

_SHORTEST_CONTACT = 0.1
"""Seconds. Sprinters stand for 0.1 s."""

_SHORTEST_LIFT = 0.03
"""Seconds. A foot does not leave the ground and come back in less; a plate that rings does."""

_FORCE_SD_N = 2.0
"""Noise of a plate, in newtons, as found on unloaded plates after zeroing."""

_NEAR_FOOT = 0.15
"""Metres between the centre of pressure and the line from heel to toe: half a foot's width and
what the markers stand off, and less than the distance between two feet side by side."""

_METHOD = f"force plate, {THRESHOLD_N:g} N"


def plate_events(reactions: GroundReactions) -> GaitEvents:
    """Contacts and lift-offs of every plate or column whose foot is known.

    A contact that lasts when the recording starts or ends has no event there. The time is where
    a straight line between two samples crosses 20 N; its standard deviation is that of the
    plate's noise by the slope, and a tenth of the sampling interval.

    Args:
        reactions: with `feet` stated in the file or by `with_feet` or `feet_on_plates`.
    """
    events: list[GaitEvent] = []
    notes = []
    for side in SIDES:
        columns = [i for i, foot in enumerate(reactions.feet) if foot == side]
        if columns:
            vertical = reactions.force[:, columns, 2].sum(axis=1)
            events += _crossings(reactions.time, vertical, side)
    if unknown := [n for n, foot in zip(reactions.names, reactions.feet, strict=True) if not foot]:
        notes.append(f"No events from {', '.join(unknown)}: the foot is not known.")
    return GaitEvents(tuple(events), tuple(notes))


def contacts(
    time: Float[np.ndarray, "time"], vertical: Float[np.ndarray, "time"]
) -> list[tuple[int, int]]:
    """First and one-past-last sample of every contact.

    Args:
        time: sample times, in seconds.
        vertical: force of the ground on the foot, upwards, in newtons.
    """
    spans = runs(vertical > THRESHOLD_N)
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and time[start] - time[merged[-1][1] - 1] < _SHORTEST_LIFT:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    found = []
    for start, end in merged:
        cut_off = start == 0 or end == len(time)
        long_enough = cut_off or time[end - 1] - time[start] >= _SHORTEST_CONTACT
        if long_enough and vertical[start:end].max() >= _REAL_CONTACT_N:
            found.append((start, end))
    return found


def _crossings(
    time: Float[np.ndarray, "time"], vertical: Float[np.ndarray, "time"], side: Side
) -> list[GaitEvent]:
    found = []
    for start, end in contacts(time, vertical):
        if start > 0:
            found.append(_event("initial_contact", side, time, vertical, start - 1))
        if end < len(time):
            found.append(_event("toe_off", side, time, vertical, end - 1))
    return found


def _event(
    kind: Kind,
    side: Side,
    time: Float[np.ndarray, "time"],
    vertical: Float[np.ndarray, "time"],
    i: int,
) -> GaitEvent:
    """Where the force crosses the threshold between samples i and i + 1."""
    interval = time[i + 1] - time[i]
    slope = (vertical[i + 1] - vertical[i]) / interval
    when = time[i] + (THRESHOLD_N - vertical[i]) / slope
    sd = float(np.hypot(_FORCE_SD_N / abs(slope), 0.1 * interval))
    return GaitEvent(kind, side, float(when), sd, 1.0, _METHOD)


def feet_on_plates(reactions: GroundReactions, points: GaitPoints) -> GroundReactions:
    """The same with the foot of each plate found from where its pressure was.

    A plate that only one foot stood on, all its contacts within 0.15 m of that foot and nearer
    to it than to the other, is that foot's. Of others the foot stays unknown.
    """
    feet = {}
    for i, (name, stated) in enumerate(zip(reactions.names, reactions.feet, strict=True)):
        sides = {
            _foot_of(reactions, points, i, span)
            for span in contacts(reactions.time, reactions.force[:, i, 2])
        }
        if stated is None and len(sides) == 1 and (side := sides.pop()) is not None:
            feet[name] = side
    return reactions.with_feet(feet)


def _foot_of(
    reactions: GroundReactions, points: GaitPoints, plate: int, span: tuple[int, int]
) -> str | None:
    sample = np.linspace(span[0], span[1] - 1, 9).round().astype(int)
    distance = np.full((len(sample), 2), np.nan)
    for row, s in enumerate(sample):
        pressure = reactions.centre_of_pressure[s, plate, :2]
        for side in range(2):
            heel = at_time(float(reactions.time[s]), points.time, points.heel[:, side])[:2]
            toe = at_time(float(reactions.time[s]), points.time, points.toe[:, side])[:2]
            distance[row, side] = _to_line(pressure, heel, toe)
    known = complete(distance)
    if not known.any():
        return None
    mean = np.median(distance[known], axis=0)
    nearest = int(mean.argmin())
    return SIDES[nearest] if mean[nearest] < _NEAR_FOOT else None


def _to_line(
    point: Float[np.ndarray, "2"], start: Float[np.ndarray, "2"], end: Float[np.ndarray, "2"]
) -> float:
    """Distance from a point to the line between two others, in metres."""
    along = end - start
    share = np.clip((point - start) @ along / (along @ along), 0.0, 1.0)
    return float(np.linalg.norm(point - start - share * along))
