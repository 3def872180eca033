"""OpenSim's storage files: what our own writer wrote, what others write, and what is wrong."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError, UnknownNameError
from diffbio.io.axes import PELVIS_ANGLES, PELVIS_TRANSLATIONS
from diffbio.io.coordinates import Coordinates
from diffbio.io.read_ground_reactions import read_external_loads, read_ground_reactions
from diffbio.io.read_mot import read_coordinates, read_storage
from diffbio.io.write_mot import write_mot

TIME = np.arange(6) / 100.0

NAMES = PELVIS_TRANSLATIONS + PELVIS_ANGLES + ("knee_angle_r",)


@pytest.fixture
def coordinates():
    values = np.random.default_rng(7).uniform(-0.6, 0.6, (6, 7))
    return Coordinates(NAMES, ("m",) * 3 + ("rad",) * 4, values)


def write(path, header, names, rows):
    lines = [*header, "endheader", "\t".join(names), *("\t".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_motion_that_was_written_is_read(tmp_path, coordinates):
    write_mot(tmp_path / "motion.mot", TIME, coordinates, "A walk")
    time, read = read_coordinates(tmp_path / "motion.mot")
    assert_allclose(time, TIME, atol=1e-8)
    again = read.select(NAMES)
    assert again.units == coordinates.units
    assert_allclose(again.values, coordinates.values, atol=1e-8)  # rad and m; eight decimals


def test_radians_and_state_names_are_understood(tmp_path):
    rows = np.column_stack([TIME, np.linspace(0, 1, 6), np.ones(6), np.linspace(0, 60, 6)])
    names = ("time", "/jointset/knee_r/knee_angle_r/value", "/jointset/knee_r/knee_angle_r/speed",
             "/jointset/patella_r/knee_angle_r_beta/value")  # fmt: skip
    path = write(tmp_path / "states.sto", ["states", "nRows=9", "inDegrees=no"], names, rows)
    _, read = read_coordinates(path)
    assert read.names == ("knee_angle_r",) and read.units == ("rad",)
    assert_allclose(read.values[:, 0], np.linspace(0, 1, 6))
    assert read_storage(path).notes == ("Its header says 9 rows, and there are 6.",)


def test_headers_of_all_ages_are_read(tmp_path):
    rows = np.column_stack([TIME, TIME])
    for header in (
        ["name old", "datacolumns 2", "datarows 6", "range 0 1"],
        ["version=3", "nRows 6", "nColumns  2", "inDegrees=no"],
        ["a title", "version=1", "nRows=6", "nColumns=2", "inDegrees=yes", "", "Some words."],
    ):
        table = read_storage(write(tmp_path / "a.sto", header, ("time", "x"), rows))
        assert table.names == ("x",) and table.notes == ()
        assert_allclose(table.column("x"), TIME)


@pytest.mark.parametrize(
    ("header", "names", "rows", "message"),
    [
        (["inDegrees=maybe"], ("time", "a"), [[0, 1]], "inDegrees: It says 'maybe'"),
        ([], ("frame", "a"), [[0, 1]], "frame: The first column is not `time`"),
        ([], ("time", "a", "a"), [[0, 1, 2]], "a: The column is there 2 times"),
        ([], ("time", "a"), [[0, 1], [1]], "line 4: It has 1 columns, the header 2"),
        ([], ("time", "a"), [[0, 1], [0, 1]], "time: Time 0 s follows 0 s"),
        ([], ("time", "a"), [["nan", 1]], "time: Time 1 is not a number"),
        ([], ("time", "a"), [[0, "1,5"]], "line 3, column 2: '1,5' is no number"),
        ([], ("time", "a"), [], "There is no sample after the header"),
    ],
)
def test_bad_table_names_file_and_field(tmp_path, header, names, rows, message):
    with pytest.raises(InputError, match=message):
        read_storage(write(tmp_path / "bad.sto", header, names, rows))


def test_table_without_header_is_refused(tmp_path):
    (tmp_path / "bad.mot").write_text("time\ta\n0\t1\n")
    with pytest.raises(InputError, match="The line `endheader` is missing"):
        read_storage(tmp_path / "bad.mot")


@pytest.mark.parametrize(
    ("header", "values", "message"),
    [
        ([], np.linspace(0, 60, 6), "inDegrees: The header does not say it"),
        (["inDegrees=no"], np.linspace(0, 60, 6), "inDegrees: It says no, and an angle reaches 60"),
        (["inDegrees=yes"], np.linspace(0, 1, 6), "It says yes, and the angle that moves most"),
        (["inDegrees=yes"], np.full(6, np.nan), "knee_angle_r: It holds no number"),
    ],
)
def test_unit_of_angles_is_not_guessed(tmp_path, header, values, message):
    rows = np.column_stack([TIME, values])
    with pytest.raises(InputError, match=message):
        read_coordinates(write(tmp_path / "m.mot", header, ("time", "knee_angle_r"), rows))


def test_unknown_column_is_refused(tmp_path):
    table = read_storage(write(tmp_path / "a.sto", [], ("time", "x"), [[0, 1]]))
    with pytest.raises(UnknownNameError, match="No column is called 'y'"):
        table.column("y")


PLATE = [f"ground_force_{axis}" for axis in ("vx", "vy", "vz", "px", "py", "pz")]
TORQUE = [f"ground_torque_{axis}" for axis in "xyz"]


def plate_rows(force=(10.0, 700.0, -30.0), point=(0.5, 0.0, 0.2), torque=(0.0, 4.0, 0.0)):
    rows = np.column_stack([TIME, np.tile([*force, *point, *torque], (6, 1))])
    rows[0, 1:] = 0.0
    return rows


def test_reactions_come_into_the_world(tmp_path):
    path = write(tmp_path / "grf.mot", [], ("time", *PLATE, *TORQUE), plate_rows())
    read = read_ground_reactions(path, {"ground_force": "l"})
    assert read.names == ("ground_force",) and read.feet == ("l",)
    assert_allclose(read.force[1, 0], [10.0, 30.0, 700.0])  # N; x forward, y left, z up
    assert_allclose(read.centre_of_pressure[1, 0], [0.5, -0.2, 0.0])
    assert_allclose(read.free_moment[1, 0], [0.0, 0.0, 4.0])
    assert np.isnan(read.centre_of_pressure[0]).all()  # no load, no pressure
    assert read_ground_reactions(path).feet == (None,)
    assert_allclose(read.of_foot("l"), read.force[:, 0])


@pytest.mark.parametrize(
    ("names", "rows", "message"),
    [
        (("a",), np.column_stack([TIME, TIME]), r"grf\.mot: It holds no ground force"),
        (PLATE, plate_rows()[:, :7], "ground_torque_x: The column is missing"),
        (PLATE[:4] + PLATE[5:] + TORQUE, plate_rows()[:, :9], "force_py: The column is missing"),
        (PLATE + TORQUE, plate_rows(force=(1.0, -700.0, 0.0)), "would pull with 700 N"),
        (PLATE + TORQUE, plate_rows(point=(500.0, 0.0, 200.0)), "these may be millimetres"),
        (PLATE + TORQUE, plate_rows(force=(np.nan, 700, 0)), "force_vx: 5 of 6 values are missing"),
    ],
)
def test_bad_reactions_name_file_and_field(tmp_path, names, rows, message):
    with pytest.raises(InputError, match=message):
        read_ground_reactions(write(tmp_path / "grf.mot", [], ("time", *names), rows))


def test_external_loads_say_the_foot(tmp_path, shared_data):
    feet = read_external_loads(shared_data / "falisse-walking" / "external-loads" / "gait-14.xml")
    assert feet == {"1_ground_force": "r", "ground_force": "l"}
    (tmp_path / "bad.xml").write_text("<a><b></a>")
    with pytest.raises(InputError, match=r"bad\.xml: It cannot be read"):
        read_external_loads(tmp_path / "bad.xml")
    (tmp_path / "none.xml").write_text("<a/>")
    with pytest.raises(InputError, match="It holds no external force on a foot"):
        read_external_loads(tmp_path / "none.xml")


def test_body_weight_is_measured(shared_data):
    folder = shared_data / "uhlrich-treadmill"
    read = read_ground_reactions(folder / "grf.mot", {"ground_force": "r", "1_ground_force": "l"})
    weight = read.force[..., 2].sum(axis=1).mean() / 9.81
    assert weight == pytest.approx(85.7, abs=0.1)  # kg, as its README has it
    # The right foot is at z = -0.41 in the file, the left at -0.56: to the right is -y.
    right, left = np.nanmedian(read.centre_of_pressure[..., 1], axis=0)
    assert (right, left) == (pytest.approx(0.41, abs=0.05), pytest.approx(0.56, abs=0.08))


def test_motions_of_several_programs_are_read(shared_data):
    for name in ("opencap-unfiltered/ik/walking3.mot", "rajagopal-walking/coordinates.sto",
                 "falisse-walking/ik/gait-14.mot", "uhlrich-treadmill/ik.sto"):  # fmt: skip
        _, read = read_coordinates(shared_data / name)
        knee = np.abs(read.select(("knee_angle_r",)).values)
        assert 0.9 < knee.max() < 1.4, name  # rad; bent in swing by 50 to 80 degrees
