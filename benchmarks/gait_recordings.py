"""Recordings of walking with markers and force plates, of five people and one on a treadmill."""

import csv
import pathlib
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.opensim_markers import model_markers
from diffbio.gait import (
    GaitEvents,
    GaitPoints,
    feet_on_plates,
    gait_points,
    plate_events,
)
from diffbio.io.read_c3d import C3dRecording, read_c3d
from diffbio.io.read_ground_reactions import read_external_loads, read_ground_reactions
from diffbio.io.read_trc import read_trc


class Walk(NamedTuple):
    """One trial, and the events it is compared with.

    Attributes:
        person: name of the set; one person each.
        trial: name of the trial.
        points: from markers.
        reference: events from plates, or those an operator set.
    """

    person: str
    trial: str
    points: GaitPoints
    reference: GaitEvents


def overground(data: pathlib.Path) -> Iterator[Walk]:
    """Every walk across a room."""
    folder = data / "falisse-walking"
    with (folder / "windows.csv").open(encoding="utf-8") as file:
        trials = [row["trial"] for row in csv.DictReader(file)]
    for trial in trials:
        feet = read_external_loads(folder / "external-loads" / f"{trial}.xml")
        reactions = read_ground_reactions(folder / "grf" / f"{trial}.mot", feet)
        points = gait_points(read_trc(folder / "markers" / f"{trial}.trc"))
        yield Walk("falisse", trial, points, plate_events(reactions))
    recording = clinical(data)
    yield Walk("clinical", "walk", gait_points(recording.markers), recording.events)
    others = [
        ("opencap", "opencap-unfiltered", f"markers/walking{n}.trc", f"grf/walking{n}.mot")
        for n in (2, 3, 4)
    ]
    others += [
        (name.split("-")[0], name, "markers.trc", "grf.mot")
        for name in ("rajagopal-walking", "jam-lenhart-walking")
    ]
    for person, name, markers, plates in others:
        points = gait_points(read_trc(data / name / markers))
        reactions = feet_on_plates(read_ground_reactions(data / name / plates), points)
        yield Walk(person, pathlib.Path(markers).stem, points, plate_events(reactions))


def clinical(data: pathlib.Path) -> C3dRecording:
    """The walk of a clinical laboratory, with its own events and table."""
    return read_c3d(data / "stanev-clinical-c3d" / "walk.c3d")


def treadmill(data: pathlib.Path) -> Walk:
    """A minute on a treadmill; markers are those of the model in the motion that was recorded."""
    folder = data / "uhlrich-treadmill"
    points = gait_points(model_markers(folder / "scaled.osim", folder / "ik.sto"))
    reactions = read_ground_reactions(
        folder / "grf.mot", {"ground_force": "r", "1_ground_force": "l"}
    )
    return Walk("uhlrich", "treadmill", points, plate_events(reactions))
