"""What one stride measures: times, lengths and widths, each with a standard deviation.

Lengths and widths follow Huxham et al. (2006, Gait Posture 23:159), who define them for straight
and curved paths alike: the line of a stride joins two successive contacts of one heel; the other
heel's contact between them lies at the step length along and the step width beside that line.
"""

import dataclasses
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from diffbio.gait.cycles import Cycle, Cycles
from diffbio.gait.events import KINDS, GaitEvent, Side
from diffbio.gait.gait_points import SIDES, GaitPoints
from diffbio.gait.ground import headings
from diffbio.gait.smoothing import at_time, velocity

TURN = np.deg2rad(20.0)
"""Radians within a stride, from which it is one of a turn (Mariani et al. 2010, J Biomech 43:2999,
who set the strides of turns apart in the same way)."""

_RESTING = 0.4
"""Of a stance, from its contact: later the heel rises. At the contact itself a foot still rolls to
its side, by 5 mm in a recorded walk, which a body without that joint does not follow."""

FootPoint = Literal["heel", "toe"]


class Measured(NamedTuple):
    """What one stride measured, in SI units or percent of the cycle.

    Attributes:
        value: the number.
        sd: standard deviation of its error that is this stride's own; NaN where not known.
        shared_sd: standard deviation of the error that all strides of the recording share.
    """

    value: float
    sd: float
    shared_sd: float = 0.0


def straight_cycles(cycles: Cycles, points: GaitPoints) -> Cycles:
    """Without the cycles in which the person turned, or did not travel.

    Args:
        cycles: complete ones.
        points: as seen from the ground.
    """
    heading = headings(points)
    for cycle in cycles.cycles:
        inside = (points.time >= cycle.start.time) & (points.time <= cycle.end.time)
        course = heading[inside]
        if not np.isfinite(course).all() or len(course) == 0:
            seen = np.isfinite(points.pelvis[inside]).all()
            reason = "The person did not travel." if seen else "The pelvis was not seen throughout."
            cycles = cycles.without(cycle, reason)
        elif abs(turned := float(np.ptp(course))) > TURN:
            reason = f"The person turned by {np.rad2deg(turned):.0f} degrees within it."
            cycles = cycles.without(cycle, reason)
    return cycles


def measure_times(cycle: Cycle) -> tuple[dict[str, Measured], dict[str, str]]:
    """Times of a stride, and what could not be measured with the reason.

    `stride_time`, `stance_percent` and `swing_percent` (of the cycle) need the foot's own events;
    `step_time` (from the other foot's contact to the next of this), `single_support_percent`
    (the other foot's swing) and `double_support_percent` (both of the stride together) those of
    the other.
    """
    start, end, lift = cycle.start, cycle.end, cycle.toe_off
    values = {
        "stride_time": _difference(start, end),
        "stance_percent": _share(cycle, ((lift, 1.0), (start, -1.0))),
        "swing_percent": _share(cycle, ((end, 1.0), (lift, -1.0))),
    }
    contact, other_lift = cycle.opposite_contact, cycle.opposite_toe_off
    names = ("step_time", "single_support_percent", "double_support_percent")
    if contact is None:
        return values, dict.fromkeys(names, "The other foot's contact was not seen.")
    values["step_time"] = _difference(contact, end)
    if cycle.has_flight:
        return values, dict.fromkeys(names[1:], "There is a flight phase: the person ran.")
    if other_lift is None or other_lift.time < start.time:
        return values, dict.fromkeys(names[1:], "The other foot's toe-off was not seen.")
    values["single_support_percent"] = _share(cycle, ((contact, 1.0), (other_lift, -1.0)))
    both = ((other_lift, 1.0), (start, -1.0), (lift, 1.0), (contact, -1.0))
    values["double_support_percent"] = _share(cycle, both)
    return values, {}


def _difference(first: GaitEvent, last: GaitEvent) -> Measured:
    # What events of one kind and method share cancels; of a plate's and the motion's it does not.
    left = 0.0 if first.method == last.method else np.hypot(first.shared_sd, last.shared_sd)
    sd = np.linalg.norm([first.sd, last.sd, left])
    return Measured(last.time - first.time, float(sd))


def _share(cycle: Cycle, terms: tuple[tuple[GaitEvent, float], ...]) -> Measured:
    """A sum of event times in percent of the cycle."""
    duration = cycle.duration
    share = sum(sign * event.time for event, sign in terms) / duration
    # Each event's derivative: its own sign, and what the cycle's ends do to the duration.
    slopes: dict[int, tuple[float, GaitEvent]] = {}
    for event, sign in (*terms, (cycle.end, -share), (cycle.start, share)):
        slopes[id(event)] = (slopes.get(id(event), (0.0, event))[0] + sign, event)
    own = float(np.sqrt(sum((slope * event.sd) ** 2 for slope, event in slopes.values())))
    shared = [
        sum(slope * event.shared_sd for slope, event in slopes.values() if event.kind == kind)
        for kind in KINDS
    ]
    common = float(np.linalg.norm(shared))
    percent = 100.0 / duration
    return Measured(100.0 * share, percent * own, percent * common)


def measure_lengths(
    cycle: Cycle, points: GaitPoints, foot_point: FootPoint = "heel"
) -> tuple[dict[str, Measured], dict[str, str]]:
    """Lengths of a stride on the ground, in metres, and its speed.

    `stride_length`, `speed` (stride length by stride time), `step_length` (of the foot whose
    cycle it is, from the other foot's contact to its own next) and `step_width` (between the
    places where the heels rest in the first part of their stances, negative where the feet cross
    over).

    Args:
        cycle: straight or on a wide curve.
        points: as seen from the ground.
        foot_point: what stride and step length join at contacts. Some laboratories use the toe,
            which for feet that turn out differently gives other steps.
    """
    values, missing = {}, {}
    line = _StrideLine.of(cycle, points, foot_point)
    if isinstance(line, str):
        return {}, dict.fromkeys(("stride_length", "speed", "step_length", "step_width"), line)
    time, time_sd, _ = _difference(cycle.start, cycle.end)
    speed_sd = float(np.hypot(line.sd / time, line.length * time_sd / time**2))
    values["stride_length"] = Measured(line.length, line.sd)
    values["speed"] = Measured(line.length / time, speed_sd)
    step = _other_contact(cycle, points, foot_point)
    if isinstance(step, str):
        return values, dict.fromkeys(("step_length", "step_width"), step)
    between, between_sd = step
    along = float((line.end - between) @ line.forward)
    values["step_length"] = Measured(along, float(np.hypot(line.end_sd, between_sd)))
    heels = _StrideLine.resting(cycle, points)
    other = _other_resting(cycle, points)
    if isinstance(heels, str) or isinstance(other, str):
        missing["step_width"] = "A heel was not seen after a contact."
    else:
        sign = _side_sign(cycle, points, heels.forward)
        width, sd = heels.beside(*other)
        values["step_width"] = Measured(sign * width, sd)
    return values, missing


@dataclasses.dataclass(frozen=True)
class _StrideLine:
    """From one contact of a foot to its next, in metres."""

    start: Float[np.ndarray, "2"]
    end: Float[np.ndarray, "2"]
    start_sd: float
    end_sd: float

    @staticmethod
    def of(cycle: Cycle, points: GaitPoints, foot_point: FootPoint) -> "_StrideLine | str":
        """The line, or why there is none."""
        start, start_sd = _contact(cycle.start, cycle.side, points, foot_point)
        end, end_sd = _contact(cycle.end, cycle.side, points, foot_point)
        if not (np.isfinite(start).all() and np.isfinite(end).all()):
            return f"The {foot_point} was not seen at a contact."
        return _StrideLine(start, end, start_sd, end_sd)

    @staticmethod
    def resting(cycle: Cycle, points: GaitPoints) -> "_StrideLine | str":
        """The same line between the places where the heel then rests."""
        start, start_sd = _place(cycle, cycle.start, cycle.side, points)
        end, end_sd = _place(cycle, cycle.end, cycle.side, points)
        if not (np.isfinite(start).all() and np.isfinite(end).all()):
            return "The heel was not seen after a contact."
        return _StrideLine(start, end, start_sd, end_sd)

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.end - self.start))

    @property
    def sd(self) -> float:
        return float(np.hypot(self.start_sd, self.end_sd))

    @property
    def forward(self) -> Float[np.ndarray, "2"]:
        return (self.end - self.start) / self.length

    def beside(self, point: Float[np.ndarray, "2"], point_sd: float) -> tuple[float, float]:
        """How far a point lies to the left of the line, and its standard deviation."""
        offset, forward = point - self.start, self.forward
        share = float(offset @ forward) / self.length
        line_sd = np.hypot((1 - share) * self.start_sd, share * self.end_sd)
        left = float(offset @ np.array([-forward[1], forward[0]]))
        return left, float(np.hypot(point_sd, line_sd))


def _other_contact(
    cycle: Cycle, points: GaitPoints, foot_point: FootPoint
) -> tuple[Float[np.ndarray, "2"], float] | str:
    """Where the other foot met the ground in between, or why it is not known."""
    if cycle.opposite_contact is None:
        return "The other foot's contact was not seen."
    other: Side = "l" if cycle.side == "r" else "r"
    place, sd = _contact(cycle.opposite_contact, other, points, foot_point)
    if not np.isfinite(place).all():
        return f"The other foot's {foot_point} was not seen at its contact."
    return place, sd


def _other_resting(cycle: Cycle, points: GaitPoints) -> tuple[Float[np.ndarray, "2"], float] | str:
    """Where the other foot's heel rests in between, or why it is not known."""
    if cycle.opposite_contact is None:
        return "The other foot's contact was not seen."
    other: Side = "l" if cycle.side == "r" else "r"
    place, sd = _place(cycle, cycle.opposite_contact, other, points)
    if not np.isfinite(place).all():
        return "The other foot's heel was not seen after its contact."
    return place, sd


def _place(
    cycle: Cycle, event: GaitEvent, side: Side, points: GaitPoints
) -> tuple[Float[np.ndarray, "2"], float]:
    """Mean place of a heel in the first part of a stance, and the deviation of each coordinate."""
    index = SIDES.index(side)
    span = _RESTING * (cycle.toe_off.time - cycle.start.time)
    inside = (points.time >= event.time) & (points.time <= event.time + span)
    inside &= np.isfinite(points.heel[:, index, :2]).all(axis=1)
    if not inside.any():
        return np.full(2, np.nan), np.nan
    place = points.heel[inside, index, :2].mean(axis=0)
    if points.heel_sd is None:
        return place, np.nan
    # Errors of a fit last longer than this, so that the mean is as uncertain as each.
    return place, float(np.sqrt(np.mean(points.heel_sd[inside, index, :2] ** 2)))


def _side_sign(cycle: Cycle, points: GaitPoints, forward: Float[np.ndarray, "2"]) -> float:
    """1 where the other foot belongs to the left of the line walked, -1 to its right."""
    index = SIDES.index(cycle.side)
    foot = at_time(cycle.start.time, points.time, (points.toe - points.heel)[:, index, :2])
    backwards = np.isfinite(foot).all() and float(foot @ forward) < 0.0
    return (1.0 if cycle.side == "r" else -1.0) * (-1.0 if backwards else 1.0)


def _contact(
    event: GaitEvent, side: Side, points: GaitPoints, foot_point: FootPoint
) -> tuple[Float[np.ndarray, "2"], float]:
    """Where a foot was at its contact, and the standard deviation of each coordinate, in metres.

    The foot still moves a little then, so that an uncertain time is an uncertain place too.
    """
    index = SIDES.index(side)
    heel = foot_point == "heel"
    path = (points.heel if heel else points.toe)[:, index, :2]
    path_sd = points.heel_sd if heel else points.toe_sd
    place = at_time(event.time, points.time, path)
    if path_sd is None:
        return place, np.nan
    near = np.abs(points.time - event.time) < 0.1
    speed = at_time(event.time, points.time[near], velocity(path[near], points.time[near]))
    sd = at_time(event.time, points.time, path_sd[:, index, :2])
    moving = float(np.linalg.norm(speed)) * event.sd
    return place, float(np.hypot(np.sqrt(np.mean(sd**2)), moving))
