"""Gait events: when a foot meets the ground and when it leaves it."""

import dataclasses
from collections.abc import Iterable
from typing import Literal

import numpy as np
from jaxtyping import Float

Kind = Literal["initial_contact", "toe_off"]
Side = Literal["r", "l"]

KINDS: tuple[Kind, Kind] = ("initial_contact", "toe_off")


@dataclasses.dataclass(frozen=True)
class GaitEvent:
    """One contact or one lift-off of one foot.

    Attributes:
        kind: `initial_contact` or `toe_off`; also where the first or last contact is not of the
            heel or the toe, as in backward or toe walking.
        side: `r` or `l`.
        time: in seconds, on the clock of the recording, between samples.
        sd: standard deviation of the part of the time's error that is this event's own, in
            seconds; NaN where it is not known.
        confidence: 0 to 1, how well independent signs agree that and when it happened.
        method: what it was found by, in words.
        shared_sd: standard deviation of the part that all events of this kind and method share in
            a recording, in seconds. It cancels in the time of a stride and remains in a stance.
        position_sd: the part of `sd` that comes from errors of positions, in seconds, where these
            are known: with true positions the same method would be off by the rest; NaN where it
            is not known.
    """

    kind: Kind
    side: Side
    time: float
    sd: float
    confidence: float
    method: str
    shared_sd: float = 0.0
    position_sd: float = np.nan


@dataclasses.dataclass(frozen=True)
class GaitEvents:
    """Events in the order of time.

    Attributes:
        events: of both feet.
        notes: what was decided on the way, or why there are none, as sentences.
    """

    events: tuple[GaitEvent, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ordered = sorted(self.events, key=lambda event: (event.time, event.kind))
        object.__setattr__(self, "events", tuple(ordered))

    def of(self, kind: Kind, side: Side) -> tuple[GaitEvent, ...]:
        """Events of one kind and foot, in the order of time."""
        return tuple(one for one in self.events if (one.kind, one.side) == (kind, side))

    def times(self, kind: Kind, side: Side) -> Float[np.ndarray, "event"]:
        """Their times, in seconds."""
        return np.array([event.time for event in self.of(kind, side)], float)


def joined(parts: Iterable[GaitEvents]) -> GaitEvents:
    """Events and notes of several sources together; nothing is left out."""
    parts = tuple(parts)
    return GaitEvents(
        tuple(event for part in parts for event in part.events),
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )
