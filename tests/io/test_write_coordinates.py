"""Coordinates and the two files that hold them, read back by independent readers."""

import csv
import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.io.coordinates import Coordinates, coordinates_of
from diffbio.io.write_mot import write_mot
from diffbio.io.write_tables import write_angles
from tests.walking_figure import SPEED, walking_fit, with_uncertainty

PELVIS = ("pelvis_tx", "pelvis_ty", "pelvis_tz", "pelvis_tilt", "pelvis_list", "pelvis_rotation")
TIME = np.arange(5) / 50.0
TABLE = Coordinates(
    names=(*PELVIS, "knee_angle_r", "clutch"),
    units=("m", "m", "m", "rad", "rad", "rad", "rad", "m"),
    values=np.random.default_rng(1).normal(size=(5, 8)),
)

KNOWN = dataclasses.replace(TABLE, sd=np.random.default_rng(2).uniform(0.1, 1.0, (5, 8)))


def read_mot(path):
    """Header, column names and values of a motion file, by its own rules."""
    lines = path.read_text().splitlines()
    end = lines.index("endheader")
    header = dict(line.split("=", 1) for line in lines[:end] if "=" in line and " " not in line)
    return (
        header,
        lines[end + 1].split("\t"),
        np.array([row.split("\t") for row in lines[end + 2 :]], float),
    )


def test_walking_coordinates_are_those_of_opensim():
    fit = walking_fit()
    coordinates = coordinates_of(fit)
    assert coordinates.names == PELVIS + fit.body.joint_names
    values = dict(zip(coordinates.names, coordinates.values.T, strict=True))
    time = fit.motion.time
    assert_allclose(np.gradient(values["pelvis_tx"], time), SPEED, atol=1e-6)  # m/s
    assert_allclose(values["pelvis_ty"].mean(), 0.95, atol=0.02)  # m, up
    for name in PELVIS[3:]:
        assert_allclose(values[name], 0.0, atol=1e-6)  # rad; the figure is upright
    knee = fit.body.joint_names.index("knee_angle_r")
    assert_allclose(values["knee_angle_r"], fit.motion.joints[:, knee])


def test_body_without_pelvis_is_described_by_its_root():
    fit = walking_fit()
    body = dataclasses.replace(fit.body, pelvis_name=None)
    upright = np.tile([1.0, 0.0, 0.0, 0.0], (len(fit.motion.time), 1))
    motion = dataclasses.replace(fit.motion, root_quaternion=upright)
    values = coordinates_of(dataclasses.replace(fit, body=body, motion=motion)).values
    assert_allclose(values[:, 3:6], 0.0, atol=1e-12)
    assert_allclose(values[:, 1], fit.motion.root_position[:, 2])


def test_degrees_leave_metres_alone():
    table = TABLE.in_degrees()
    assert table.units == ("m", "m", "m", "deg", "deg", "deg", "deg", "m")
    assert_allclose(table.values[:, 6], np.rad2deg(TABLE.values[:, 6]))
    assert_allclose(table.values[:, [0, 7]], TABLE.values[:, [0, 7]])


def test_angles_csv_reads_back(tmp_path):
    write_angles(tmp_path / "angles.csv", TIME, TABLE)
    with (tmp_path / "angles.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "time_s",
        *(f"{name}_m" for name in PELVIS[:3]),
        *(f"{name}_deg" for name in PELVIS[3:]),
        "knee_angle_r_deg",
        "clutch_m",
    ]
    assert_allclose([float(row["time_s"]) for row in rows], TIME, atol=1e-6)  # s
    knee = [float(row["knee_angle_r_deg"]) for row in rows]
    assert_allclose(
        np.deg2rad(knee), TABLE.values[:, 6], atol=1e-8
    )  # rad; six decimals of a degree


def test_mot_reads_back(tmp_path):
    write_mot(tmp_path / "motion.mot", TIME, TABLE, "walk 01")
    header, names, values = read_mot(tmp_path / "motion.mot")
    assert (tmp_path / "motion.mot").read_text().startswith("walk 01\nversion=1\n")
    assert header["inDegrees"] == "yes"
    assert (int(header["nRows"]), int(header["nColumns"])) == values.shape == (5, 9)
    assert names == ["time", *PELVIS[3:], *PELVIS[:3], "knee_angle_r", "clutch"]
    assert_allclose(values[:, 0], TIME, atol=1e-8)  # s
    in_file = TABLE.in_degrees().values[:, [3, 4, 5, 0, 1, 2, 6, 7]]
    assert_allclose(values[:, 1:], in_file, atol=1e-7)  # deg and m; eight decimals


def test_standard_deviations_go_with_their_coordinates():
    table = KNOWN.in_degrees().select(("clutch", "knee_angle_r"))
    assert table.sd is not None and KNOWN.sd is not None
    assert_allclose(table.sd[:, 0], KNOWN.sd[:, 7])
    assert_allclose(table.sd[:, 1], np.rad2deg(KNOWN.sd[:, 6]))
    assert TABLE.in_degrees().sd is None


def test_angles_csv_has_deviations_beside_the_angles(tmp_path):
    sd = np.array(KNOWN.sd)
    sd[2, 6] = np.nan
    write_angles(tmp_path / "angles.csv", TIME, dataclasses.replace(KNOWN, sd=sd))
    with (tmp_path / "angles.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    assert len(names) == 1 + 2 * 8
    assert names[1:3] == ["pelvis_tx_m", "pelvis_tx_sd_m"]
    assert names[names.index("knee_angle_r_deg") + 1] == "knee_angle_r_sd_deg"
    cells = [row["knee_angle_r_sd_deg"] for row in rows]
    assert cells.pop(2) == ""
    assert_allclose(np.deg2rad([float(c) for c in cells]), np.delete(sd[:, 6], 2), atol=1e-8)
    assert_allclose([float(row["clutch_sd_m"]) for row in rows], sd[:, 7], atol=1e-6)  # m
    assert "nan" not in (tmp_path / "angles.csv").read_text()


def test_mot_has_no_deviations(tmp_path):
    write_mot(tmp_path / "with.mot", TIME, KNOWN, "walk 01")
    write_mot(tmp_path / "without.mot", TIME, TABLE, "walk 01")
    assert (tmp_path / "with.mot").read_text() == (tmp_path / "without.mot").read_text()


def test_fit_without_uncertainty_has_no_deviations():
    assert coordinates_of(walking_fit()).sd is None
    fit = with_uncertainty(walking_fit())
    sd = coordinates_of(fit).sd
    assert sd is not None and fit.uncertainty is not None
    assert_allclose(sd[:, 6:], fit.uncertainty.joints)
    assert np.isfinite(sd).all() and (sd > 0).all()


def test_unknown_coordinate_is_refused():
    with pytest.raises(ValueError, match="not in tuple"):
        TABLE.select(("elbow",))
