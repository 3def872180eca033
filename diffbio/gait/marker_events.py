"""Gait events from the motion of heels and toes, on a floor or on a treadmill.

A foot point stands while its speed relative to the ground is below 0.5 m/s (Ghoussayni et al.
2004, Gait Posture 20:266, with the threshold and for the difficult gaits of Bruening and Ridge
2014, Gait Posture 39:472). Initial contact is when the first point of a foot comes to stand, and
a stance ends when the last one moves. Nothing in this asks which way the person faces or goes, so
that it holds for curves, backward walking and toe walking.

A toe moves before it leaves the ground, by how much depends on where the marker is and on the
push-off: on five people the end of a stance preceded toe-off on the plate by 8 to 42 ms, while two
other published signs came 2 ms early to 35 ms late. Toe-off therefore is the mean of the three, in
equal parts. `python -m benchmarks gait` measures each of them.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import minimum_filter1d

from diffbio.gait.events import KINDS, GaitEvent, GaitEvents, Kind
from diffbio.gait.gait_points import SIDES, GaitPoints
from diffbio.gait.ground import ground_velocity
from diffbio.gait.second_opinions import Opinions, opinions_on
from diffbio.gait.smoothing import at_time, complete, low_pass, runs, velocity

SPEED = 0.5
"""m/s (Bruening and Ridge 2014)."""

_SHARE_OF_PEAK = 1.0 / 3.0
"""Of the foot's own peak speed. Feet of the slowest walkers hardly exceed 0.5 m/s; for everybody
else, whose feet swing faster than 1.5 m/s, this changes nothing."""

_SLOWEST_SWING = 0.15
"""m/s. A foot whose peak speed is lower did not swing, it shifted."""

_SHORTEST_STANCE, _SHORTEST_SWING = 0.08, 0.12
"""Seconds. Sprinters stand for 0.1 s; no foot is brought forward in less than 0.15 s."""

_SHORTEST_WAY = 0.05
"""Metres that a foot moves over ground in a swing: less is a foot put down again in place."""

_HELD = 0.12
"""Metres above its lowest height from which a resting foot point is held in the air."""

_FLOOR_WINDOW = 1.0
"""Seconds before and after, in which some foot stands however slowly a person walks."""

_OWN_SD, _SHARED_SD = 0.006, 0.010
"""Seconds between the method and force plates: from event to event of one person, and from person
to person (`python -m benchmarks gait`, five people)."""

_LARGEST_SD = 0.1
"""Seconds, of an event that positions determine no better than a sixth of a stance."""

_ERRORS_HZ = 2.5
"""How fast errors of fitted positions change: the root mean square of their speed is 2 pi times
this of their own: so that contacts of 16 fits are as uncertain as they are found to be."""

_AGREEING, _CONTRADICTING = 0.06, 0.2
"""Seconds between the signs up to which the confidence is 1 and from which it is least. In healthy
gait they are 0.03 to 0.06 s apart."""

_LEAST = 0.2
_ALONE = 0.5
"""Confidence of an event that another sign contradicts, and of which no other sign is known."""

CONTACT_METHOD = f"foot speed below {SPEED:g} m/s (Ghoussayni 2004, Bruening and Ridge 2014)"
TOE_OFF_METHOD = (
    f"mean of foot speed above {SPEED:g} m/s (Ghoussayni 2004, Bruening and Ridge 2014), toe "
    "farthest behind the pelvis (Zeni 2008) and greatest forward acceleration of the toe (Hreljac "
    "and Marshall 2000)"
)


@dataclasses.dataclass(frozen=True)
class _Foot:
    """One foot relative to the ground: NaN where it was not seen."""

    time: Float[np.ndarray, "time"]
    speed: Float[np.ndarray, "time 2"]
    height: Float[np.ndarray, "time 2"]
    middle: Float[np.ndarray, "time 2"]


def marker_events(
    points: GaitPoints, ground: Float[np.ndarray, "time 2"] | None = None
) -> GaitEvents:
    """Contacts and lift-offs of both feet.

    Flat ground, level or not much inclined. A stance that lasts when the recording, or the
    sight of the foot, starts or ends has no event there.

    Args:
        points: heels, toes and pelvis.
        ground: velocity of the ground in the world frame, in m/s; None to find it, which tells
            a treadmill from a floor.
    """
    ground = ground_velocity(points) if ground is None else ground
    relative = points.on_moving_ground(ground)
    events = [
        _event(relative, side, crossing)
        for side in range(2)
        for crossing in _crossings(relative, side)
    ]
    notes = [] if events else ["No step was found: the feet stood still or were not seen."]
    speed = np.linalg.norm(ground, axis=1)
    if (speed > 0).any():
        notes.append(f"A treadmill: the ground moved at {np.median(speed[speed > 0]):.2f} m/s.")
    return GaitEvents(tuple(events), tuple(notes))


class _Crossing(NamedTuple):
    """Where the speed of a foot crosses the threshold.

    Attributes:
        kind: of the event.
        when: in seconds.
        slope: of the speed there, in m/s2.
    """

    kind: Kind
    when: float
    slope: float


def speed_crossings(relative: GaitPoints, side: int) -> list[tuple[Kind, float]]:
    """When a foot comes to stand and when it moves again, in seconds.

    Args:
        relative: the points as seen from the ground.
        side: index into `gait_points.SIDES`.
    """
    return [(one.kind, one.when) for one in _crossings(relative, side)]


def _crossings(relative: GaitPoints, side: int) -> list[_Crossing]:
    foot = _foot(relative, side)
    threshold = _threshold(foot)
    if threshold is None:
        return []
    found: list[_Crossing] = []
    for start, end in _stances(foot, threshold):
        for kind, sample in zip(KINDS, (start - 1, end - 1), strict=True):
            crossing = _crossing(foot, threshold, kind, sample)
            if crossing is not None:
                found.append(crossing)
    return found


def _foot(relative: GaitPoints, side: int) -> _Foot:
    heel, toe = (
        low_pass(positions[:, side], relative.time) for positions in (relative.heel, relative.toe)
    )
    speeds = [np.linalg.norm(velocity(p, relative.time), axis=1) for p in (heel, toe)]
    height = np.stack([heel[:, 2], toe[:, 2]], axis=1) - _floor(relative)[:, None]
    if np.isfinite(height).any(axis=0).all():
        height = height - np.nanpercentile(height, 5, axis=0)
    return _Foot(relative.time, np.stack(speeds, axis=1), height, (heel[:, :2] + toe[:, :2]) / 2)


def _floor(relative: GaitPoints) -> Float[np.ndarray, "time"]:
    """Height of the lowest point of both feet around each time, in metres.

    Of the whole recording's lowest it would be wrong where the floor, or the calibration, is
    inclined: three degrees are 0.3 m over a walkway.
    """
    half = round(_FLOOR_WINDOW / float(np.median(np.diff(relative.time))))
    lowest = np.concatenate([relative.heel[..., 2], relative.toe[..., 2]], axis=1)
    lowest = np.where(np.isfinite(lowest), lowest, np.inf).min(axis=1)
    floor = minimum_filter1d(lowest, 2 * half + 1, mode="nearest")
    return np.where(np.isfinite(floor), floor, np.nan)


def _threshold(foot: _Foot) -> float | None:
    """Speed below which this foot stands, in m/s; None where it never swings."""
    speed = foot.speed[complete(foot.speed)]
    if len(speed) == 0:
        return None
    peak = float(np.percentile(speed.max(axis=1), 95))
    if peak < _SLOWEST_SWING:
        return None
    return min(SPEED, _SHARE_OF_PEAK * peak)


def _stances(foot: _Foot, threshold: float) -> list[tuple[int, int]]:
    """First and one-past-last sample of every stance of the foot."""
    known = complete(foot.speed)
    standing = np.zeros(len(foot.time), bool)
    standing[known] = ((foot.speed[known] < threshold) & (foot.height[known] < _HELD)).any(axis=1)
    standing = _without_short(standing, foot.time, _SHORTEST_STANCE)
    standing = _with_short(standing, known, foot)
    return runs(standing)


def _without_short(
    standing: Bool[np.ndarray, "time"], time: Float[np.ndarray, "time"], shortest: float
) -> Bool[np.ndarray, "time"]:
    """Without stances too short to be ones, unless the recording cuts them off."""
    kept = standing.copy()
    for start, end in runs(standing):
        if start > 0 and end < len(time) and time[end] - time[start] < shortest:
            kept[start:end] = False
    return kept


def _with_short(
    standing: Bool[np.ndarray, "time"], known: Bool[np.ndarray, "time"], foot: _Foot
) -> Bool[np.ndarray, "time"]:
    """With lifts too short or too small to be swings filled in."""
    filled = standing.copy()
    for start, end in runs(~standing & known):
        if not (start > 0 and end < len(standing) and standing[start - 1] and standing[end]):
            continue
        way = float(np.linalg.norm(foot.middle[end] - foot.middle[start - 1]))
        if foot.time[end] - foot.time[start - 1] < _SHORTEST_SWING or way < _SHORTEST_WAY:
            filled[start:end] = True
    return filled


def _crossing(foot: _Foot, threshold: float, kind: Kind, i: int) -> _Crossing | None:
    """When the slower point of the foot crosses the threshold between samples i and i + 1.

    None at the ends of the recording and of what was seen.
    """
    if i < 0 or i + 1 >= len(foot.time) or not np.isfinite(foot.speed[i : i + 2]).all():
        return None
    inside, outside = (i + 1, i) if kind == "initial_contact" else (i, i + 1)
    # The point that stands inside, and whose speed exceeds the threshold outside.
    held = foot.height[inside] >= _HELD
    fast = np.where(held, np.inf, foot.speed[inside])
    point = int(fast.argmin())
    a, b = foot.speed[outside, point], foot.speed[inside, point]
    share = np.clip((threshold - b) / (a - b), 0.0, 1.0) if a > b else 1.0
    interval = foot.time[outside] - foot.time[inside]
    return _Crossing(
        kind, float(foot.time[inside] + share * interval), float(abs((a - b) / interval))
    )


def _event(relative: GaitPoints, side: int, crossing: _Crossing) -> GaitEvent:
    """The event at which a foot crosses the threshold, with what other signs say of it."""
    kind, when = crossing.kind, crossing.when
    opinions = opinions_on(relative, side, kind, when)
    method = CONTACT_METHOD
    position_sd = _position_sd(relative, side, crossing)
    if kind == "toe_off":
        signs = [when, *(time for time in opinions if time is not None)]
        when = float(np.mean([time for time in signs if abs(time - when) < _CONTRADICTING]))
        method = TOE_OFF_METHOD
    confidence = _confidence(when, opinions)
    own = _OWN_SD if np.isnan(position_sd) else float(np.hypot(_OWN_SD, position_sd))
    return GaitEvent(kind, SIDES[side], when, own, confidence, method, _SHARED_SD, position_sd)


def _position_sd(relative: GaitPoints, side: int, crossing: _Crossing) -> float:
    """How much errors of positions move a crossing, in seconds; NaN where they are not known."""
    contact = crossing.kind == "initial_contact"
    spread = relative.heel_sd if contact else relative.toe_sd
    if spread is None:
        return np.nan
    near = at_time(crossing.when, relative.time, spread[:, side])
    of_speed = 2.0 * np.pi * _ERRORS_HZ * float(np.sqrt(np.mean(near**2)))
    return min(of_speed / crossing.slope, _LARGEST_SD) if crossing.slope > 0.0 else _LARGEST_SD


def _confidence(when: float, opinions: Opinions) -> float:
    known = [abs(time - when) for time in opinions if time is not None]
    if not known:
        return _ALONE
    doubt = np.clip((max(known) - _AGREEING) / (_CONTRADICTING - _AGREEING), 0.0, 1.0)
    return float(1.0 - (1.0 - _LEAST) * doubt)
