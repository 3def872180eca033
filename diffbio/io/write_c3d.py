"""Markers, joint angles, events and analog channels as C3D, for Visual3D, Mokka and Vicon."""

import pathlib
from collections.abc import Sequence
from typing import Any

import ezc3d
import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.gait.events import GaitEvent
from diffbio.io.coordinates import Coordinates
from diffbio.io.read_c3d import Analog

MOST_LABELS = 255
"""Names a parameter of the format holds; more go on in LABELS2 and so on."""

_EVENT_LABELS = {"initial_contact": "Foot Strike", "toe_off": "Foot Off"}
_SIDES = {"r": "Right", "l": "Left"}
_AXES = "xyz"


def write_c3d(
    path: pathlib.Path,
    time: Float[np.ndarray, "time"],
    markers: Float[np.ndarray, "time marker 3"],
    names: Sequence[str],
    frame_rate_hz: float,
    *,
    angles: Coordinates | None = None,
    events: Sequence[GaitEvent] = (),
    analog: Analog | None = None,
) -> None:
    """Write what a laboratory's programs read.

    Lengths in mm, z up, as in the world. A position that is not finite is stored as not seen.
    Angles are points of their own, listed in POINT:ANGLES: up to three coordinates of a joint as
    x, y and z, in degrees, under the joint's name; which is which stands in POINT:DESCRIPTIONS.

    Args:
        path: the file to write; its suffix is `.c3d`.
        time: sample times, in seconds, evenly spaced at the frame rate.
        markers: in the world frame, in metres.
        names: one per marker.
        frame_rate_hz: sampling rate.
        angles: radians and metres; lengths among them are left out.
        events: contacts and lift-offs.
        analog: channels of the same recording, passed through; samples outside the frames are cut.

    Raises:
        InputError: the analog rate is not a multiple of the frame rate, or the channels do not
            cover the frames.
    """
    if path.suffix != ".c3d":
        raise InputError(str(path), "Its name does not end in .c3d.", "Give it that ending.")
    content: Any = ezc3d.c3d()
    content["header"]["points"]["first_frame"] = round(float(time[0]) * frame_rate_hz)
    triples = [] if angles is None else _triples(angles.in_degrees())
    labels = [*names, *(label for label, _, _ in triples)]
    points = np.full((4, len(labels), len(time)), np.nan)
    points[:3, : len(names)] = 1e3 * markers.transpose(2, 1, 0)
    for i, (_, _, values) in enumerate(triples, len(names)):
        points[:3, i] = values.T
    seen = np.isfinite(points[:3]).all(axis=0)
    points[3] = 1.0
    points[:3] = np.where(seen, points[:3], 0.0)
    content["data"]["points"] = points
    content["data"]["meta_points"]["residuals"] = np.where(seen, 0.0, -1.0)[None]
    _add_points(content, labels, names, triples, frame_rate_hz)
    if analog is not None:
        _add_analog(content, path, time, frame_rate_hz, analog)
    _add_events(content, events)
    content.write(str(path))


def _triples(angles: Coordinates) -> list[tuple[str, str, Float[np.ndarray, "time 3"]]]:
    """Angles by joint: label, which coordinates they are, and values, zero where there is none."""
    joints: dict[str, list[str]] = {}
    for name, unit in zip(angles.names, angles.units, strict=True):
        if unit == "deg":
            joints.setdefault(_joint(name), []).append(name)
    triples = []
    for joint, names in joints.items():
        for first in range(0, len(names), 3):
            part = names[first : first + 3]
            values = np.zeros((len(angles.values), 3))
            values[:, : len(part)] = angles.select(tuple(part)).values
            label = f"{joint}_angles" + ("" if first == 0 else f"_{first // 3 + 1}")
            meaning = ", ".join(f"{a} {name}" for a, name in zip(_AXES, part, strict=False))
            triples.append((label, meaning, values))
    return triples


def _joint(name: str) -> str:
    """The joint of a coordinate: its first word, and the side it ends in."""
    words = name.split("_")
    side = f"_{words[-1]}" if words[-1] in _SIDES and len(words) > 1 else ""
    return words[0] + side


def _add_points(
    content: Any,
    labels: list[str],
    names: Sequence[str],
    triples: list[tuple[str, str, Float[np.ndarray, "time 3"]]],
    frame_rate_hz: float,
) -> None:
    group = content["parameters"]["POINT"]
    group["RATE"]["value"] = [float(frame_rate_hz)]
    group["UNITS"]["value"] = ["mm"]
    for number, first in enumerate(range(0, len(labels), MOST_LABELS), 1):
        part = labels[first : first + MOST_LABELS]
        if number == 1:
            group["LABELS"]["value"] = part
        else:
            content.add_parameter("POINT", f"LABELS{number}", part)
    if len(labels) <= MOST_LABELS:
        group["DESCRIPTIONS"]["value"] = [""] * len(names) + [words for _, words, _ in triples]
    content.add_parameter("POINT", "X_SCREEN", ["+X"])
    content.add_parameter("POINT", "Y_SCREEN", ["+Z"])
    if triples:
        content.add_parameter("POINT", "ANGLES", [label for label, _, _ in triples])
        content.add_parameter("POINT", "ANGLE_UNITS", ["deg"])
        content.add_parameter("POINT", "TYPE_GROUPS", ["ANGLES"])


def _add_analog(
    content: Any,
    path: pathlib.Path,
    time: Float[np.ndarray, "time"],
    frame_rate_hz: float,
    analog: Analog,
) -> None:
    """Channels as they were: whole samples per frame, from the first frame on."""
    rate = (len(analog.time) - 1) / float(analog.time[-1] - analog.time[0])
    per_frame = round(rate / frame_rate_hz)
    remedy = "Leave the analog channels out, or fit the recording they belong to."
    if per_frame < 1 or abs(rate / frame_rate_hz / per_frame - 1.0) > 1e-3:
        raise InputError(
            f"{path}, analog channels",
            f"Their {rate:g} Hz are no multiple of the frames' {frame_rate_hz:g} Hz.",
            remedy,
        )
    first = round(float(time[0] - analog.time[0]) * rate)
    last = first + per_frame * len(time)
    if first < 0 or last > len(analog.time):
        raise InputError(
            f"{path}, analog channels",
            f"They are of {analog.time[0]:g} to {analog.time[-1]:g} s, the frames of {time[0]:g} "
            f"to {time[-1]:g} s.",
            remedy,
        )
    group = content["parameters"]["ANALOG"]
    group["RATE"]["value"] = [float(per_frame * frame_rate_hz)]
    group["LABELS"]["value"] = list(analog.names)
    group["UNITS"]["value"] = list(analog.units)
    group["SCALE"]["value"] = np.ones(len(analog.names))
    content["data"]["analogs"] = analog.values[first:last].T[None]


def _add_events(content: Any, events: Sequence[GaitEvent]) -> None:
    if not events:
        return
    ordered = sorted(events, key=lambda event: event.time)
    times = np.array([[one.time // 60.0 for one in ordered], [one.time % 60.0 for one in ordered]])
    content.add_parameter("EVENT", "USED", [len(ordered)])
    content.add_parameter("EVENT", "CONTEXTS", [_SIDES[one.side] for one in ordered])
    content.add_parameter("EVENT", "LABELS", [_EVENT_LABELS[one.kind] for one in ordered])
    content.add_parameter("EVENT", "SUBJECTS", [""] * len(ordered))
    content.add_parameter("EVENT", "TIMES", times)
