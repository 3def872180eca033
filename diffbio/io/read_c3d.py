"""C3D files of optical laboratories: markers, force plates, analog signals, events, results."""

import dataclasses
import pathlib

import ezc3d
import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.gait.events import GaitEvents
from diffbio.io.axes import world_from_opensim
from diffbio.io.c3d_events import LaboratoryResult, read_events, read_results
from diffbio.io.c3d_parameters import C3dParameters
from diffbio.io.c3d_plates import read_plates
from diffbio.io.c3d_structure import check_structure
from diffbio.io.labels import without_subject
from diffbio.io.lengths import check_lengths, metres_per
from diffbio.observations import GroundReactions, Markers
from diffbio.observations.markers import check_unique

_FORMAT = "Give a C3D file that other programs open, or export it again."

_NOT_MARKERS = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "SCALARS", "REACTIONS", "MODELED_MARKERS")
"""Lists in the group POINT of what is stored as points without being markers (Vicon's). Modelled
markers are joint centres and the ends of segments' axes, and not measured."""


@dataclasses.dataclass(frozen=True)
class Analog:
    """Analog channels: EMG and whatever else was recorded.

    Attributes:
        names: channel names.
        units: as the file states them, one per channel.
        values: one column per channel, in those units.
        time: sample times, in seconds.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: Float[np.ndarray, "time channel"]
    time: Float[np.ndarray, "time"]


@dataclasses.dataclass(frozen=True)
class C3dRecording:
    """What one C3D file holds.

    Attributes:
        markers: measured points, world frame, metres.
        outputs: points that are results of the laboratory's model, by name: angles, forces,
            moments, powers, in the units of `output_units`, axes as in the file.
        output_units: by kind: `angles`, `forces`, `moments`, `powers`.
        reactions: of the force plates; None where there is none.
        analog: None where there is none.
        events: contacts and lift-offs stored in the file.
        other_events: name and time, in seconds, of the events that are neither.
        results: the laboratory's own table, empty where there is none.
        notes: what was decided on the way, as sentences.
    """

    markers: Markers
    outputs: dict[str, Float[np.ndarray, "time 3"]]
    output_units: dict[str, str]
    reactions: GroundReactions | None
    analog: Analog | None
    events: GaitEvents
    other_events: tuple[tuple[str, float], ...]
    results: tuple[LaboratoryResult, ...]
    notes: tuple[str, ...]


def read_c3d(path: pathlib.Path, *, unit: str | None = None, up: str | None = None) -> C3dRecording:
    """Read a C3D file.

    Time is that of the recording the file was cut from, zero at its first frame, so that times
    of events are as they stand there. World axes are the file's own where its z points up; where
    y does, they are OpenSim's, and turned.

    Args:
        path: a `.c3d` file.
        unit: of lengths, where the file does not state it (POINT:UNITS).
        up: `y` or `z`, where the file does not state it (POINT:Y_SCREEN).

    Raises:
        InputError: the file is unreadable, contradicts itself (counts, rates, labels that are
            there twice, unit against size), or does not state unit or vertical axis.
    """
    content = _content(path)
    parameters = C3dParameters(path, content["parameters"])
    labels, points = _labelled_points(path, parameters, content["data"]["points"])
    rate = parameters.number("POINT", "RATE")
    if not rate > 0.0:
        raise InputError(f"{path}, POINT:RATE", f"It says {rate:g} Hz.", _FORMAT)
    first = float(content["header"]["points"]["first_frame"])
    time = (first + np.arange(len(points))) / rate
    metres = metres_per(_one_statement(path, parameters, unit), f"{path}, POINT:UNITS")
    upward = _up(path, parameters, up)
    computed = {one for kind in _NOT_MARKERS for one in parameters.texts("POINT", kind)}
    computed |= set(without_subject(tuple(computed)))
    measured = [i for i, label in enumerate(labels) if label not in computed]
    if not measured:
        raise InputError(f"{path}, POINT:LABELS", "It holds no marker.", _FORMAT)
    names = tuple(labels[i] for i in measured)
    positions = points[:, measured] * metres
    check_lengths(positions, f"{path}, POINT:UNITS", "The unit is stated")
    markers = Markers(names, _world(positions, upward), time, str(path))
    reactions = read_plates(path, parameters, content["data"]["analogs"][0], time[0], metres)
    if reactions is not None and upward == "y":
        reactions = dataclasses.replace(
            reactions,
            force=world_from_opensim(reactions.force),
            centre_of_pressure=world_from_opensim(reactions.centre_of_pressure),
            free_moment=world_from_opensim(reactions.free_moment),
        )
    events, other_events = read_events(path, parameters)
    return C3dRecording(
        markers,
        {labels[i]: points[:, i] for i in range(len(labels)) if labels[i] in computed},
        _output_units(parameters),
        reactions,
        _analog(path, parameters, content["data"]["analogs"][0], float(time[0]), len(time) / rate),
        events,
        other_events,
        read_results(path, parameters),
        _notes(markers),
    )


def _content(path: pathlib.Path) -> ezc3d.c3d:
    check_structure(path)
    try:
        return ezc3d.c3d(str(path))
    except (OSError, RuntimeError, ValueError, IndexError, MemoryError) as error:
        raise InputError(
            str(path), f"It is not a complete C3D file ({str(error).strip()}).", _FORMAT
        ) from error


def _labelled_points(
    path: pathlib.Path, parameters: C3dParameters, stored: Float[np.ndarray, "4 marker time"]
) -> tuple[tuple[str, ...], Float[np.ndarray, "time marker 3"]]:
    """Labels, and points in the file's unit and axes; NaN where not seen."""
    labels = parameters.texts("POINT", "LABELS")
    count, frames = stored.shape[1], stored.shape[2]
    if len(labels) < count:
        raise InputError(
            f"{path}, POINT:LABELS",
            f"There are {len(labels)} labels for {count} points.",
            _FORMAT,
        )
    labels = labels[:count]
    if count == 0 or frames == 0:
        raise InputError(f"{path}, POINT:USED", "It holds no point or no frame.", _FORMAT)
    labels = without_subject(labels)
    check_unique(f"{path}, POINT:LABELS", "label", labels)
    points = np.moveaxis(np.asarray(stored[:3], float), 0, -1).transpose(1, 0, 2)
    # Points that were not seen are stored as zeros with a negative residual, which the library
    # turns into NaN; some programs leave zeros alone.
    missing = ~np.isfinite(points).all(axis=2) | (points == 0.0).all(axis=2)
    points[missing] = np.nan
    return labels, points


def _one_statement(path: pathlib.Path, parameters: C3dParameters, stated: str | None) -> str:
    found = parameters.texts("POINT", "UNITS")
    if not found or not found[0]:
        return stated or ""
    if stated is not None and metres_per(stated, "unit") != metres_per(found[0], "unit"):
        raise InputError(
            f"{path}, POINT:UNITS",
            f"It says {found[0]}, and the unit was stated as {stated}.",
            "State a unit only where the file has none.",
        )
    return found[0]


def _up(path: pathlib.Path, parameters: C3dParameters, stated: str | None) -> str:
    """The file's axis that points up: `y` or `z`."""
    found = parameters.texts("POINT", "Y_SCREEN")
    axis = found[0].upper().replace("+", "").lower() if found and found[0] else stated
    if axis not in ("y", "z"):
        said = f"It says {found[0]!r}." if found and found[0] else "The vertical axis is missing."
        raise InputError(f"{path}, POINT:Y_SCREEN", said, "State which axis is up: y or z.")
    if stated is not None and stated != axis:
        raise InputError(
            f"{path}, POINT:Y_SCREEN",
            f"It says {axis}, and the vertical axis was stated as {stated}.",
            "State it only where the file does not.",
        )
    return axis


def _world(points: Float[np.ndarray, "*batch 3"], up: str) -> Float[np.ndarray, "*batch 3"]:
    return points if up == "z" else world_from_opensim(points)


def _output_units(parameters: C3dParameters) -> dict[str, str]:
    units = {}
    for kind in ("ANGLE", "FORCE", "MOMENT", "POWER"):
        if found := parameters.texts("POINT", f"{kind}_UNITS"):
            units[f"{kind.lower()}s"] = found[0]
    return units


def _analog(
    path: pathlib.Path,
    parameters: C3dParameters,
    stored: Float[np.ndarray, "channel time"],
    first: float,
    duration: float,
) -> Analog | None:
    if stored.size == 0:
        return None
    names = parameters.texts("ANALOG", "LABELS")
    units = parameters.texts("ANALOG", "UNITS")
    if len(names) < len(stored):
        raise InputError(
            f"{path}, ANALOG:LABELS",
            f"There are {len(names)} labels for {len(stored)} channels.",
            _FORMAT,
        )
    units = (units + ("",) * len(stored))[: len(stored)]
    rate = parameters.number("ANALOG", "RATE")
    expected = duration * rate
    if abs(stored.shape[1] - expected) > 0.5:
        raise InputError(
            f"{path}, ANALOG:RATE",
            f"It says {rate:g} Hz, and there are {stored.shape[1]} samples in {duration:g} s.",
            _FORMAT,
        )
    time = first + np.arange(stored.shape[1]) / rate
    return Analog(names[: len(stored)], units, np.asarray(stored, float).T, time)


def _notes(markers: Markers) -> tuple[str, ...]:
    never = [markers.names[i] for i in np.flatnonzero(~markers.seen.any(axis=0))]
    return (f"Never seen: {', '.join(never)}.",) if never else ()
