"""A motion in the layout of BIDS (motion extension, 1.9 and later), for archives and pipelines."""

import csv
import json
import pathlib
import re
from collections.abc import Sequence

import numpy as np

import diffbio
from diffbio.errors import InputError
from diffbio.gait.events import GaitEvent
from diffbio.io.read_result import FittedPerson

BIDS_VERSION = "1.10.0"
TRACKING_SYSTEM = "diffbio"

_AXES = "xyz"


def write_bids_motion(
    folder: pathlib.Path,
    person: FittedPerson,
    *,
    subject: str,
    task: str,
    events: Sequence[GaitEvent] = (),
) -> tuple[pathlib.Path, ...]:
    """Write one recording of a data set: markers, joint angles, their meaning, events.

    `_motion.tsv` has no heading and one column per channel, which `_channels.tsv` names in order:
    positions of the body's markers in metres (z up, x forward, y left), then the coordinates of
    pelvis and joints in degrees and metres.

    Args:
        folder: root of the data set; what belongs to the data set as a whole is written where it
            is not there yet.
        person: the fit.
        subject: label of the person, letters and digits.
        task: label of what they did, letters and digits.
        events: contacts and lift-offs.

    Returns:
        The files written.

    Raises:
        InputError: a label has other characters.
    """
    for name, label in (("subject", subject), ("task", task)):
        if not re.fullmatch(r"[A-Za-z0-9]+", label):
            raise InputError(
                f"BIDS, {name}", f"The label is {label!r}.", "Use letters and digits only."
            )
    place = folder / f"sub-{subject}" / "motion"
    place.mkdir(parents=True, exist_ok=True)
    short = f"sub-{subject}_task-{task}"
    stem = f"{short}_tracksys-{TRACKING_SYSTEM}"
    channels, columns = _channels(person)
    files = {
        place / f"{stem}_motion.json": _as_json(_description(person, task, channels)),
        place / f"{stem}_channels.json": _as_json(_reference_frames()),
        folder / "dataset_description.json": _as_json(_dataset(person)),
        folder / "README": _README,
    }
    for path, text in files.items():
        if path.parent == place or not path.exists():
            path.write_text(text, encoding="utf-8")
    written = [*files, place / f"{stem}_motion.tsv", place / f"{stem}_channels.tsv"]
    lines = ("\t".join(map(_cell, row)) for row in np.column_stack(columns).tolist())
    written[-2].write_text("\n".join(lines) + "\n", encoding="utf-8")
    _write_tsv(written[-1], channels)
    if events:
        written.append(place / f"{short}_events.tsv")
        _write_tsv(written[-1], _event_rows(person, events))
    return tuple(written)


_README = """Motions estimated by diffbio from synchronised cameras.

Each recording has the positions of the body's markers, which are points of a fitted body and not
measurements, and the coordinates of pelvis and joints under OpenSim's names. While no camera saw
the person positions are n/a and coordinates are interpolated.
"""


def _channels(person: FittedPerson) -> tuple[list[dict[str, str]], list[np.ndarray]]:
    """Rows of `_channels.tsv`, and the columns they describe."""
    rows, columns = [], []
    for i, name in enumerate(person.marker_names):
        for k, axis in enumerate(_AXES):
            rows.append(_channel(f"{name}_{axis}", axis, "POS", name, "m", "world"))
            columns.append(person.markers[:, i, k])
    coordinates = person.coordinates.in_degrees()
    for i, (name, unit) in enumerate(zip(coordinates.names, coordinates.units, strict=True)):
        kind = "JNTANG" if unit == "deg" else "POS" if name.startswith("pelvis") else "MISC"
        component = {"pelvis_tx": "x", "pelvis_ty": "y", "pelvis_tz": "z"}.get(name, "n/a")
        rows.append(_channel(name, component, kind, _tracked(name), unit, "opensim"))
        columns.append(coordinates.values[:, i])
    return rows, columns


def _channel(
    name: str, component: str, kind: str, point: str, unit: str, frame: str
) -> dict[str, str]:
    return {
        "name": name,
        "component": component,
        "type": kind,
        "tracked_point": point,
        "units": unit,
        "reference_frame": frame,
    }


def _tracked(name: str) -> str:
    """The joint that a coordinate belongs to: its first word, and the side."""
    words = name.split("_")
    return words[0] + (f"_{words[-1]}" if words[-1] in ("r", "l") and len(words) > 1 else "")


def _description(
    person: FittedPerson, task: str, channels: list[dict[str, str]]
) -> dict[str, object]:
    kinds = [row["type"] for row in channels]
    return {
        "TaskName": task,
        "SamplingFrequency": person.frame_rate_hz,
        "SamplingFrequencyEffective": person.frame_rate_hz,
        "RecordingType": "continuous",
        "RecordingDuration": float(person.time[-1] - person.time[0]),
        "StartTime": float(person.time[0]),
        "TrackingSystemName": TRACKING_SYSTEM,
        "SoftwareVersions": diffbio.__version__,
        "MotionChannelCount": len(channels),
        "POSChannelCount": kinds.count("POS"),
        "JNTANGChannelCount": kinds.count("JNTANG"),
        "MISCChannelCount": kinds.count("MISC"),
        "TrackedPointsCount": len({row["tracked_point"] for row in channels}),
        "MissingValues": "n/a",
    }


def _reference_frames() -> dict[str, object]:
    """What the names in the column reference_frame mean: right-handed both."""
    return {
        "reference_frame": {
            "Levels": {
                "world": {
                    "SpatialAxes": "ALS",
                    "RotationRule": "right-hand",
                    "Description": "x forward, y left, z up",
                },
                "opensim": {
                    "SpatialAxes": "ASR",
                    "RotationRule": "right-hand",
                    "RotationOrder": "ZXY",
                    "Description": "X forward, Y up, Z right; joints by OpenSim's conventions",
                },
            }
        }
    }


def _dataset(person: FittedPerson) -> dict[str, object]:
    return {
        "Name": person.folder.resolve().name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "diffbio", "Version": diffbio.__version__}],
    }


def _event_rows(person: FittedPerson, events: Sequence[GaitEvent]) -> list[dict[str, str]]:
    """Onsets count from the first sample."""
    return [
        {
            "onset": f"{one.time - float(person.time[0]):.4f}",
            "duration": "0",
            "trial_type": one.kind,
            "side": {"r": "right", "l": "left"}[one.side],
        }
        for one in sorted(events, key=lambda event: event.time)
    ]


def _write_tsv(path: pathlib.Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _cell(value: float) -> str:
    return f"{value:.6f}" if np.isfinite(value) else "n/a"


def _as_json(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
