"""Speed, cadence, steps, phases, symmetry and variability of a walk, each with its error.

What the recording does not determine is not a number but a reason.
"""

import dataclasses

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.gait.cycles import Cycle, Cycles, find_cycles
from diffbio.gait.events import GaitEvents, Side
from diffbio.gait.gait_points import SIDES, GaitPoints
from diffbio.gait.ground import TRAVELLING, ground_velocity, standing_cycles
from diffbio.gait.metrics import (
    UNITS,
    Metric,
    Stride,
    asymmetry,
    mean_of,
    of_both_feet,
    variability,
)
from diffbio.gait.strides import FootPoint, measure_lengths, measure_times, straight_cycles

_ALONG_THE_BELT = ("stride_length", "step_length", "speed")
"""What the belt's speed is part of. Step width is across it."""

_ASYMMETRIES = ("step_time", "step_length", "stance_percent")

_BELT_TOLERANCE = 0.1
"""Of the belt's speed: feet that stand on it slip and roll by less."""


@dataclasses.dataclass(frozen=True)
class Spatiotemporal:
    """The table, and what it was made of.

    Attributes:
        metrics: every name once per side, determined or not.
        strides: straight, complete ones, in the order of time.
        cycles: those, and the ones left out with the reason.
        notes: what was decided on the way, as sentences.
    """

    metrics: tuple[Metric, ...]
    strides: tuple[Stride, ...]
    cycles: Cycles
    notes: tuple[str, ...]

    def metric(self, name: str, side: Side | None = None) -> Metric:
        """One number.

        Raises:
            InputError: there is none of that name and side.
        """
        for one in self.metrics:
            if (one.name, one.side) == (name, side):
                return one
        known = ", ".join(dict.fromkeys(one.name for one in self.metrics))
        raise InputError(
            "gait metrics", f"There is no {name!r} of the side {side!r}.", f"Known are: {known}."
        )


def spatiotemporal(
    points: GaitPoints,
    events: GaitEvents,
    *,
    belt_speed: float | None = None,
    foot_point: FootPoint = "heel",
) -> Spatiotemporal:
    """Measure a walk.

    Args:
        points: heels, toes and pelvis in the world frame.
        events: of both feet, from plates, markers or a file.
        belt_speed: of the treadmill, in m/s; lengths and speed on one need it. None on a floor.
        foot_point: what stride and step lengths join (`strides.measure_lengths`).

    Raises:
        InputError: a belt speed is stated and the feet stand on a floor, or it contradicts them.
    """
    ground, notes = _ground(points, belt_speed)
    relative = points.on_moving_ground(ground)
    cycles = straight_cycles(standing_cycles(find_cycles(events), relative), relative)
    no_length = None
    if belt_speed is None and (ground != 0.0).any():
        no_length = "On a treadmill, and the speed of its belt is not stated."
    strides = tuple(_stride(cycle, relative, foot_point, no_length) for cycle in cycles.cycles)
    if _backwards(cycles, relative):
        notes = [*notes, "The person walked backwards: norms are of walking forwards."]
    nothing = _why_no_stride(events, cycles)
    metrics = [
        *(mean_of(name, side, strides, nothing) for name in UNITS for side in SIDES),
        *of_both_feet(strides, nothing),
    ]
    metrics += [asymmetry(name, strides, nothing) for name in _ASYMMETRIES]
    metrics += [variability(name, strides, nothing) for name in ("stride_time", "stride_length")]
    return Spatiotemporal(tuple(metrics), strides, cycles, (*events.notes, *notes))


def _ground(
    points: GaitPoints, belt_speed: float | None
) -> tuple[Float[np.ndarray, "time 2"], list[str]]:
    """Velocity of the ground, with the stated speed where one is stated, and notes."""
    ground = ground_velocity(points)
    speed = np.linalg.norm(ground, axis=1)
    moving = speed > 0.0
    if belt_speed is None:
        return ground, []
    if not belt_speed > TRAVELLING:
        raise InputError("belt_speed", f"It is {belt_speed:g} m/s.", "State it in m/s, above 0.15.")
    if not moving.any():
        raise InputError(
            points.source,
            f"A belt speed of {belt_speed:g} m/s is stated, and the feet stand on a floor at rest.",
            "State a belt speed only for a treadmill.",
        )
    found = float(np.median(speed[moving]))
    notes = []
    if abs(found / belt_speed - 1.0) > _BELT_TOLERANCE:
        notes.append(
            f"The belt speed is stated as {belt_speed:.2f} m/s, and the feet moved at "
            f"{found:.2f} m/s on it: check it."
        )
    direction = ground / np.where(moving, speed, 1.0)[:, None]
    return belt_speed * direction, notes


def _backwards(cycles: Cycles, relative: GaitPoints) -> bool:
    """Whether the toes point away from where the person goes in most of the cycles."""
    forward = []
    for cycle in cycles.cycles:
        inside = (relative.time >= cycle.start.time) & (relative.time <= cycle.end.time)
        foot = (relative.toe - relative.heel)[inside, SIDES.index(cycle.side), :2]
        way = relative.pelvis[inside][[0, -1], :2]
        pointing = foot[np.isfinite(foot).all(axis=1)].sum(axis=0)
        forward.append(float(pointing @ (way[1] - way[0])))
    return bool(forward) and float(np.mean(np.array(forward) < 0.0)) > 0.5


def _stride(
    cycle: Cycle, relative: GaitPoints, foot_point: FootPoint, no_length: str | None
) -> Stride:
    times, no_times = measure_times(cycle)
    lengths, no_lengths = measure_lengths(cycle, relative, foot_point)
    if no_length is not None:
        lengths = {name: one for name, one in lengths.items() if name not in _ALONG_THE_BELT}
        no_lengths = {**no_lengths, **dict.fromkeys(_ALONG_THE_BELT, no_length)}
    return Stride(cycle, {**times, **lengths}, {**no_times, **no_lengths})


def _why_no_stride(events: GaitEvents, cycles: Cycles) -> str:
    """For the table, where there is no stride at all."""
    if not events.events:
        return events.notes[0] if events.notes else "No step was found."
    if not cycles.cycles and cycles.excluded:
        reasons = dict.fromkeys(one.reason for one in cycles.excluded)
        return f"No stride could be measured: {' '.join(reasons)}"
    return "No foot has two contacts after each other."
