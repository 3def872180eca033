"""Storage files, tables and BIDS: read back by the plainest means."""

import csv
import json
import pathlib

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.gait.events import GaitEvent
from diffbio.io.read_events import read_events_table
from diffbio.io.read_mot import read_storage
from diffbio.io.write_bids_motion import write_bids_motion
from diffbio.io.write_mot import write_mot
from diffbio.io.write_motion_tables import motion_table, write_markers
from diffbio.io.write_sto import write_sto
from tests.io.exported_walk import walker


def test_storage_survives(tmp_path):
    person = walker()
    values = dict(zip(person.coordinates.names, person.coordinates.values.T, strict=True))
    write_sto(tmp_path / "a.sto", person.time, values, "walk")
    write_mot(tmp_path / "a.mot", person.time, person.coordinates, "walk")
    for name, degrees in (("a.sto", False), ("a.mot", True)):
        read = read_storage(tmp_path / name)
        assert read.in_degrees is degrees
        assert_allclose(read.time, person.time, atol=1e-8)
        for unit, (column, expected) in zip(person.coordinates.units, values.items(), strict=True):
            factor = np.rad2deg(1.0) if degrees and unit == "rad" else 1.0
            assert_allclose(read.column(column), factor * expected, atol=1e-7)  # deg, rad or m


def test_storage_refuses_what_it_cannot_hold(tmp_path):
    with pytest.raises(InputError, match="It is no name of a column"):
        write_sto(tmp_path / "a.sto", np.zeros(2), {"a\tb": np.zeros(2)}, "x")
    with pytest.raises(InputError, match="It has 3 values for 2 times"):
        write_sto(tmp_path / "a.sto", np.zeros(2), {"a": np.zeros(3)}, "x")
    write_sto(tmp_path / "a.sto", np.zeros(1), {"a": np.array([np.nan])}, "two\nlines")
    assert (tmp_path / "a.sto").read_text().splitlines()[0] == "two lines"
    assert (tmp_path / "a.sto").read_text().endswith("\tnan\n")


def test_markers_as_a_spreadsheet(tmp_path):
    person = walker()
    markers = person.markers.copy()
    markers[4, 2] = np.nan
    write_markers(tmp_path / "m.csv", person.time, markers, person.marker_names)
    found = pd.read_csv(tmp_path / "m.csv")
    assert list(found)[1:4] == [f"{person.marker_names[0]}_{axis}_m" for axis in "xyz"]
    assert_allclose(found.iloc[:, 1:].to_numpy().reshape(markers.shape), markers, atol=1e-6)


def test_tidy_table_has_every_number_once():
    person = walker()
    table = pd.DataFrame(motion_table(person))
    frames = len(person.time)
    assert len(table) == frames * (len(person.coordinates.names) + 3 * len(person.marker_names))
    assert not table.duplicated(["time_s", "kind", "name", "axis"]).any()
    knee = table[table.name == "knee_angle_l"]
    assert set(knee.unit) == {"deg"} and set(knee.side) == {"l"}
    at = person.coordinates.names.index("knee_angle_l")
    assert_allclose(knee.value, np.rad2deg(person.coordinates.values[:, at]))
    assert person.coordinates.sd is not None
    assert_allclose(knee.sd, np.rad2deg(person.coordinates.sd[:, at]))
    heel = table[(table.name == person.marker_names[2]) & (table.axis == "z")]
    assert_allclose(heel.value, person.markers[:, 2, 2])


def test_bids_describes_every_column(tmp_path):
    person = walker()
    contact = GaitEvent("initial_contact", "r", 0.5, 0.01, 1.0, "heel")
    files = write_bids_motion(tmp_path, person, subject="07", task="walk", events=(contact,))
    assert all(path.is_file() for path in files)
    stem = tmp_path / "sub-07" / "motion" / "sub-07_task-walk_tracksys-diffbio"
    channels = pd.read_csv(f"{stem}_channels.tsv", sep="\t", keep_default_na=False)
    assert list(channels)[:5] == ["name", "component", "type", "tracked_point", "units"]
    assert channels.name.is_unique
    values = pd.read_csv(f"{stem}_motion.tsv", sep="\t", header=None, na_values="n/a").to_numpy()
    assert values.shape == (len(person.time), len(channels))
    names = list(channels.name)
    for i, marker in enumerate(person.marker_names):
        found = values[:, [names.index(f"{marker}_{axis}") for axis in "xyz"]]
        assert_allclose(found, person.markers[:, i], atol=1e-6)
    knee = person.joints["knee_angle_r"]
    assert_allclose(values[:, names.index("knee_angle_r")], np.rad2deg(knee), atol=1e-5)
    meaning = json.loads(pathlib.Path(f"{stem}_motion.json").read_text())
    assert meaning["SamplingFrequency"] == 50.0 and meaning["TaskName"] == "walk"
    assert meaning["MotionChannelCount"] == len(channels)
    kinds = channels.type.value_counts()
    assert all(meaning[f"{kind}ChannelCount"] == n for kind, n in kinds.items())
    levels = json.loads(pathlib.Path(f"{stem}_channels.json").read_text())
    frames = levels["reference_frame"]["Levels"]
    assert set(channels.reference_frame) <= set(frames)
    dataset = json.loads((tmp_path / "dataset_description.json").read_text())
    assert dataset["BIDSVersion"] and dataset["Name"]
    events = (tmp_path / "sub-07" / "motion" / "sub-07_task-walk_events.tsv").read_text()
    assert events.splitlines() == [
        "onset\tduration\ttrial_type\tside", "0.5000\t0\tinitial_contact\tright",
    ]  # fmt: skip


def test_bids_keeps_what_the_data_set_says_of_itself(tmp_path):
    (tmp_path / "README").write_text("Ours.")
    write_bids_motion(tmp_path, walker(), subject="01", task="walk")
    assert (tmp_path / "README").read_text() == "Ours."
    with pytest.raises(InputError, match=r"The label is 'a_b'"):
        write_bids_motion(tmp_path, walker(), subject="a_b", task="walk")


def test_events_are_read_back(tmp_path):
    path = tmp_path / "events.csv"
    assert read_events_table(path) == ()
    heading = ["time_s", "kind", "side", "sd_s", "confidence", "method"]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heading)
        writer.writerow(["1.25", "toe_off", "l", "", "0.9", "toe"])
    (event,) = read_events_table(path)
    assert (event.time, event.kind, event.side, event.confidence) == (1.25, "toe_off", "l", 0.9)
    assert np.isnan(event.sd)
    path.write_text(",".join(heading) + "\n1.0,jump,l,,1,x\n")
    with pytest.raises(InputError, match=r"It is no table of events \('jump'\)"):
        read_events_table(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="It is no table of events"):
        read_events_table(path)
