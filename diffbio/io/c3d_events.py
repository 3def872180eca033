"""What a laboratory wrote into a C3D file beside its measurements: events and results."""

import dataclasses
import pathlib

import numpy as np

from diffbio.errors import InputError
from diffbio.gait.events import GaitEvent, GaitEvents, Kind, Side
from diffbio.io.c3d_parameters import C3dParameters

_FORMAT = "Correct the group or export the file again."

_EVENT_KINDS: dict[str, Kind] = {
    "foot strike": "initial_contact",
    "heel strike": "initial_contact",
    "initial contact": "initial_contact",
    "foot off": "toe_off",
    "toe off": "toe_off",
}

_SIDES: dict[str, Side] = {"left": "l", "right": "r"}

_EVENT_METHOD = "events stored in the file"


@dataclasses.dataclass(frozen=True)
class LaboratoryResult:
    """One value of the table of gait parameters a laboratory stored (group ANALYSIS).

    Attributes:
        name: as in the file, `Stride Length` say.
        side: `r`, `l`, or None where it is of neither.
        value: in `unit`.
        unit: as in the file.
    """

    name: str
    side: Side | None
    value: float
    unit: str


def read_events(
    path: pathlib.Path, parameters: C3dParameters
) -> tuple[GaitEvents, tuple[tuple[str, float], ...]]:
    """Contacts and lift-offs; and name and time, in seconds, of all other events.

    Raises:
        InputError: labels, contexts and times are not of the same number.
    """
    labels = parameters.texts("EVENT", "LABELS")
    contexts = parameters.texts("EVENT", "CONTEXTS")
    times = parameters.array("EVENT", "TIMES")
    if not labels:
        return GaitEvents((), ("The file holds no event.",)), ()
    if times.ndim != 2 or times.shape[0] != 2 or times.shape[1] < len(labels):
        raise InputError(
            f"{path}, EVENT:TIMES", f"There are not two numbers for {len(labels)} events.", _FORMAT
        )
    if len(contexts) < len(labels):
        raise InputError(
            f"{path}, EVENT:CONTEXTS",
            f"There are {len(contexts)} contexts for {len(labels)} events.",
            _FORMAT,
        )
    seconds = 60.0 * times[0] + times[1]
    found, other = [], []
    for label, context, when in zip(labels, contexts, seconds, strict=False):
        kind, side = _EVENT_KINDS.get(label.lower()), _SIDES.get(context.lower())
        if kind is None or side is None:
            other.append((f"{context} {label}".strip(), float(when)))
        else:
            found.append(GaitEvent(kind, side, float(when), np.nan, 1.0, _EVENT_METHOD))
    return GaitEvents(tuple(found)), tuple(other)


def read_results(path: pathlib.Path, parameters: C3dParameters) -> tuple[LaboratoryResult, ...]:
    """The laboratory's own table of gait parameters (group ANALYSIS), empty where there is none.

    Raises:
        InputError: its columns are of unequal length.
    """
    names = parameters.texts("ANALYSIS", "NAMES")
    contexts, units = (parameters.texts("ANALYSIS", key) for key in ("CONTEXTS", "UNITS"))
    values = parameters.array("ANALYSIS", "VALUES").ravel()
    lengths = {len(names), len(contexts), len(units), len(values)}
    if len(lengths) > 1:
        raise InputError(
            f"{path}, ANALYSIS",
            f"Names, contexts, units and values are {', '.join(map(str, sorted(lengths)))}.",
            _FORMAT,
        )
    return tuple(
        LaboratoryResult(name, _SIDES.get(context.lower()), float(value), unit)
        for name, context, value, unit in zip(names, contexts, values, units, strict=True)
    )
