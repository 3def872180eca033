"""Gait cycles: from a foot's initial contact to its next, and curves over their percentage."""

import dataclasses
import itertools

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.gait.events import GaitEvent, GaitEvents, Side

SHORTEST, LONGEST = 0.4, 3.0
"""Seconds. Sprinters take 0.4 s for a stride; a foot that stays on the ground for three seconds
belongs to a person who stands."""

_GAP = 1.7
"""Times the median stride. A missed contact doubles a stride; nobody's strides vary that much
without a pause between them."""


@dataclasses.dataclass(frozen=True)
class Cycle:
    """One stride of one foot.

    Attributes:
        side: `r` or `l`, the foot whose contacts it lies between.
        start: initial contact.
        end: next initial contact of the same foot.
        toe_off: of the same foot, in between.
        opposite_contact: of the other foot, in between; None where it was not seen.
        opposite_toe_off: of the other foot, before its contact; None likewise.
    """

    side: Side
    start: GaitEvent
    end: GaitEvent
    toe_off: GaitEvent
    opposite_contact: GaitEvent | None
    opposite_toe_off: GaitEvent | None

    @property
    def duration(self) -> float:
        """In seconds."""
        return self.end.time - self.start.time

    @property
    def has_flight(self) -> bool:
        """Whether the foot left the ground before the other met it: running."""
        return self.opposite_contact is not None and bool(
            self.toe_off.time < self.opposite_contact.time
        )


@dataclasses.dataclass(frozen=True)
class ExcludedCycle:
    """Two contacts of one foot between which no cycle could be measured.

    Attributes:
        side: `r` or `l`.
        start: in seconds.
        end: in seconds.
        reason: as a sentence.
    """

    side: Side
    start: float
    end: float
    reason: str


@dataclasses.dataclass(frozen=True)
class Cycles:
    """Complete cycles, in the order of time, and what was left out.

    Attributes:
        cycles: of both feet.
        excluded: with the reason.
    """

    cycles: tuple[Cycle, ...]
    excluded: tuple[ExcludedCycle, ...]

    def of(self, side: Side) -> tuple[Cycle, ...]:
        """Cycles of one foot."""
        return tuple(cycle for cycle in self.cycles if cycle.side == side)

    def without(self, cycle: Cycle, reason: str) -> "Cycles":
        """The same with one cycle left out."""
        excluded = ExcludedCycle(cycle.side, cycle.start.time, cycle.end.time, reason)
        kept = tuple(one for one in self.cycles if one is not cycle)
        return Cycles(kept, (*self.excluded, excluded))


def find_cycles(events: GaitEvents) -> Cycles:
    """Pair successive initial contacts of each foot.

    A cycle needs exactly one toe-off of its foot. What the other foot did is optional: plates
    often see one foot only.
    """
    cycles: list[Cycle] = []
    excluded: list[ExcludedCycle] = []
    for side in ("r", "l"):
        contacts = events.of("initial_contact", side)
        times = [contact.time for contact in contacts]
        typical = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        for start, end in itertools.pairwise(contacts):
            found = _cycle(events, side, start, end, typical)
            if isinstance(found, Cycle):
                cycles.append(found)
            else:
                excluded.append(found)
    return Cycles(
        tuple(sorted(cycles, key=lambda cycle: cycle.start.time)),
        tuple(sorted(excluded, key=lambda one: one.start)),
    )


def _cycle(
    events: GaitEvents, side: Side, start: GaitEvent, end: GaitEvent, typical: float
) -> Cycle | ExcludedCycle:
    duration = end.time - start.time
    lifts = _between(events.of("toe_off", side), start.time, end.time)
    if duration > min(LONGEST, max(_GAP * typical, SHORTEST)):
        reason = f"It would last {duration:.2f} s: the person paused, or a contact was not seen."
    elif duration < SHORTEST:
        reason = f"It would last {duration:.2f} s, less than a stride of a sprinter."
    elif len(lifts) != 1:
        reason = f"It has {len(lifts) or 'no'} toe-off{'s' if len(lifts) > 1 else ''} of its foot."
    else:
        return _with_opposite(events, side, start, end, lifts[0])
    return ExcludedCycle(side, start.time, end.time, reason)


def _with_opposite(
    events: GaitEvents, side: Side, start: GaitEvent, end: GaitEvent, toe_off: GaitEvent
) -> Cycle:
    other: Side = "l" if side == "r" else "r"
    contacts = _between(events.of("initial_contact", other), start.time, end.time)
    contact = contacts[0] if len(contacts) == 1 else None
    lift = None
    if contact is not None:
        # In walking after this foot's contact, in running before it.
        before = [e for e in events.of("toe_off", other) if e.time < contact.time]
        if before and start.time - before[-1].time < contact.time - start.time:
            lift = before[-1]
    return Cycle(side, start, end, toe_off, contact, lift)


def _between(events: tuple[GaitEvent, ...], start: float, end: float) -> tuple[GaitEvent, ...]:
    return tuple(event for event in events if start < event.time < end)


def resampled(
    cycle: Cycle,
    time: Float[np.ndarray, "time"],
    values: Float[np.ndarray, "time channel"],
    n_points: int = 101,
) -> Float[np.ndarray, "percent channel"]:
    """Values over 0 to 100 % of a cycle, by straight lines between samples.

    Args:
        cycle: within the recording.
        time: sample times, in seconds.
        values: one column per channel, NaN where missing; a value next to a gap is NaN.
        n_points: of the cycle, its start and end among them.

    Raises:
        InputError: the cycle is not within the recording, or there are fewer than two points.
    """
    if n_points < 2:
        raise InputError("resampled", f"{n_points} points were asked for.", "Ask for two or more.")
    # Times of events are rounded; a sample beside the cycle's end is as good.
    tolerance = 1e-6
    if cycle.start.time < time[0] - tolerance or cycle.end.time > time[-1] + tolerance:
        raise InputError(
            f"cycle from {cycle.start.time:.2f} to {cycle.end.time:.2f} s",
            f"The values are from {time[0]:.2f} to {time[-1]:.2f} s.",
            "Give the recording the events are of.",
        )
    when = np.clip(np.linspace(cycle.start.time, cycle.end.time, n_points), time[0], time[-1])
    return np.stack([np.interp(when, time, column) for column in values.T], axis=1)
