"""Events of force plates beside those of the motion: a plate sees a step or two, motion all."""

import dataclasses

import numpy as np
from jaxtyping import Float

from diffbio.gait.events import KINDS, GaitEvent, GaitEvents, Kind

SAME = 0.06
"""Seconds within which a plate and the motion speak of one event. Motion alone is within 0.03 s
(`python -m benchmarks gait`); the forefoot of a foot whose heel came down beside the plate follows
after 0.08 s and more."""

_WORDS = {"initial_contact": ("contact", "contacts"), "toe_off": ("lift-off", "lift-offs")}


@dataclasses.dataclass(frozen=True)
class PlatedEvents:
    """Events of both sources as one.

    Attributes:
        events: the plate's where there is one that the motion confirms, else the motion's.
        differences: of those seen by both, the motion's time minus the plate's, in seconds.
    """

    events: GaitEvents
    differences: dict[Kind, Float[np.ndarray, "event"]]


def with_plates(motion: GaitEvents, plates: GaitEvents) -> PlatedEvents:
    """Take the plates' times where both agree that there is an event.

    What a plate has and the motion does not confirm within `SAME` is left out and said so: a foot
    that came down partly beside it loads it late and leaves it early.
    """
    kept = list(motion.events)
    differences: dict[Kind, list[float]] = {kind: [] for kind in KINDS}
    unconfirmed: list[GaitEvent] = []
    for event in plates.events:
        same = [one for one in kept if (one.kind, one.side) == (event.kind, event.side)]
        nearest = min(same, key=lambda one: abs(one.time - event.time), default=None)
        if nearest is None or abs(nearest.time - event.time) > SAME:
            unconfirmed.append(event)
            continue
        kept[kept.index(nearest)] = event
        differences[event.kind].append(nearest.time - event.time)
    notes = (*motion.notes, *plates.notes, *_notes(len(motion.events), differences, unconfirmed))
    return PlatedEvents(
        GaitEvents(tuple(kept), notes),
        {kind: np.array(found, float) for kind, found in differences.items()},
    )


def _notes(
    count: int, differences: dict[Kind, list[float]], unconfirmed: list[GaitEvent]
) -> list[str]:
    taken = sum(map(len, differences.values()))
    parts = [
        f"{_WORDS[kind][1]} of the motion were {1e3 * np.median(found):+.0f} ms from the plates' "
        f"(median of {len(found)})"
        for kind, found in differences.items()
        if found
    ]
    said = f": {'; '.join(parts)}" if parts else ""
    notes = [f"Force plates timed {taken} of {count} contacts and lift-offs{said}."]
    if unconfirmed:
        listed = ", ".join(
            f"{_WORDS[one.kind][0]} {one.side} at {one.time:.2f} s" for one in unconfirmed
        )
        notes.append(
            f"Not used, as the motion has none within {1e3 * SAME:.0f} ms: {listed}. The foot may "
            "have been partly beside the plate."
        )
    return notes
