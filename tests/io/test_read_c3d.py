"""C3D files that the library itself wrote, whose content is known, and a laboratory's own."""

import ezc3d
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.axes import opensim_from_world
from diffbio.io.read_c3d import read_c3d

RATE, PER_FRAME, FRAMES = 100.0, 10, 20

INTEGER = 2  # the code of the type in the format

CENTRE = np.array([1.2, 0.3, 0.0])  # m, of the plate's surface
LAB_FROM_PLATE = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
HALF = np.array([0.3, 0.2])  # m, half the plate along its own x and y
ORIGIN = np.array([0.004, -0.006, -0.041])  # m, from the sensors to the surface

FORCE = np.array([40.0, -25.0, 710.0])  # N, of the ground on the foot, laboratory
POINT = CENTRE + np.array([0.05, -0.11, 0.0])  # m
FREE = 6.5  # N m, about the vertical


def markers():
    """LHEE, RHEE and an angle that is no marker, in metres and degrees."""
    low, high = [0.8, 0.1, 0.02], [1.4, 0.5, 0.9]
    return np.random.default_rng(11).uniform(low, high, (FRAMES, 3, 3))


def write(path, *, units=("mm",), y_screen=("+Z",), labels=("LHEE", "RHEE", "LKneeAngles"),
          points=None, plate=None, events=(), analysis=None, remove=()):  # fmt: skip
    """A file with three points, perhaps a plate (type, channels, units) and events."""
    content = ezc3d.c3d()
    points = markers() if points is None else points
    stored = np.ones((4, points.shape[1], FRAMES))
    stored[:3] = 1000.0 * np.moveaxis(points, -1, 0).transpose(0, 2, 1)
    for name, value in (("RATE", [RATE]), ("LABELS", list(labels)), ("UNITS", list(units))):
        content["parameters"]["POINT"][name]["value"] = value
    content.add_parameter("POINT", "ANGLES", ["LKneeAngles"])
    content.add_parameter("POINT", "ANGLE_UNITS", ["deg"])
    if y_screen:
        content.add_parameter("POINT", "Y_SCREEN", list(y_screen))
    content["data"]["points"] = stored
    if plate is not None:
        add_plate(content, *plate)
    if events:
        for name, position in (("CONTEXTS", 0), ("LABELS", 1)):
            content.add_parameter("EVENT", name, [event[position] for event in events])
        times = np.array([[event[2] // 60, event[2] % 60] for event in events]).T
        content.add_parameter("EVENT", "TIMES", times)
        content.add_parameter("EVENT", "USED", [len(events)])
    for name, value in (analysis or {}).items():
        content.add_parameter("ANALYSIS", name, value)
    for group, name in remove:
        del content["parameters"][group][name]
    content.write(str(path))
    return path


def add_plate(content, kind, channels, units, matrix=None):
    """One plate whose channels hold the same values throughout."""
    count = len(channels)
    content["parameters"]["ANALOG"]["RATE"]["value"] = [RATE * PER_FRAME]
    content["parameters"]["ANALOG"]["LABELS"]["value"] = [f"c{i}" for i in range(count)]
    content["parameters"]["ANALOG"]["UNITS"]["value"] = list(units)
    values = np.tile(np.asarray(channels, float)[:, None], (1, FRAMES * PER_FRAME))
    values[:, :10] = 0.0  # unloaded at first
    content["data"]["analogs"] = values[None]
    quadrants = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * HALF
    corners = CENTRE + np.c_[quadrants, np.zeros(4)] @ LAB_FROM_PLATE.T
    origin = np.array([0.22, 0.14, -0.05]) if kind == 3 else ORIGIN
    origin = np.zeros(3) if kind == 1 else origin
    content.add_parameter("FORCE_PLATFORM", "USED", [1])
    content.add_parameter("FORCE_PLATFORM", "TYPE", [kind])
    content.add_parameter("FORCE_PLATFORM", "CORNERS", 1000.0 * corners.T[:, :, None])
    content.add_parameter("FORCE_PLATFORM", "ORIGIN", 1000.0 * origin[:, None])
    content.add_parameter("FORCE_PLATFORM", "CHANNEL", np.arange(1.0, count + 1)[:, None])
    for name in ("USED", "TYPE", "CHANNEL"):
        parameter = content["parameters"]["FORCE_PLATFORM"][name]
        parameter["type"], parameter["value"] = INTEGER, parameter["value"].astype(int)
    if matrix is not None:
        content.add_parameter("FORCE_PLATFORM", "CAL_MATRIX", matrix[:, :, None])


def in_plate():
    """The known load in the plate's axes: force, pressure from the centre, and free moment."""
    return LAB_FROM_PLATE.T @ FORCE, LAB_FROM_PLATE.T @ (POINT - CENTRE), -FREE


def wrench():
    """Force and moment about the sensors' origin, which is below the surface, N and N m."""
    force, place, free = in_plate()
    return force, np.cross(place + ORIGIN, force) + [0.0, 0.0, free]


def force_and_pressure():
    force, place, free = in_plate()
    return 1, [*force, *1000.0 * place[:2], 1000.0 * free], ["N"] * 3 + ["mm"] * 2 + ["Nmm"]


def force_and_moment(unit="Nmm", per_newton_metre=1000.0):
    force, moment = wrench()
    return 2, [*force, *per_newton_metre * moment], ["N"] * 3 + [unit] * 3


def eight_sensors():
    """What Kistler's sensors at (+-a, +-b) measure, 50 mm below the surface: eight unknowns for
    six equations, the two left over (how forces share out) free."""
    a, b, depth = 0.22, 0.14, -0.05
    force, place, free = in_plate()
    moment = np.cross(place + [0.0, 0.0, depth], force) + [0.0, 0.0, free]
    rows = np.array([
        [1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1],
        [0, 0, 0, 0, b, b, -b, -b], [0, 0, 0, 0, -a, a, a, -a], [-b, b, a, -a, 0, 0, 0, 0],
    ])  # fmt: skip
    return 3, list(np.linalg.lstsq(rows, [*force, *moment], rcond=None)[0]), ["N"] * 8


def calibrated():
    matrix = np.random.default_rng(2).normal(size=(6, 6)) + 5.0 * np.eye(6)
    force, moment = wrench()
    volts = np.linalg.solve(matrix, [*force, *1000.0 * moment])
    return 4, list(volts), ["V", "V", "V", "Nmm", "Nmm", "Nmm"], matrix


PLATES = {
    "type 1": force_and_pressure,
    "type 2": force_and_moment,
    "type 2 in N.m": lambda: force_and_moment("N.m", 1.0),
    "type 3": eight_sensors,
    "type 4": calibrated,
}


def test_points_are_markers_and_outputs(tmp_path):
    read = read_c3d(write(tmp_path / "a.c3d"))
    assert read.markers.names == ("LHEE", "RHEE")
    assert_allclose(read.markers.positions, markers()[:, :2], atol=1e-7)  # m; single precision
    assert_allclose(read.markers.time, np.arange(FRAMES) / RATE, atol=1e-12)
    assert_allclose(read.outputs["LKneeAngles"], 1000.0 * markers()[:, 2], atol=1e-4)
    assert read.output_units["angles"] == "deg"
    assert read.reactions is None and read.analog is None and read.results == ()
    assert read.events.events == () and read.events.notes == ("The file holds no event.",)


def test_points_not_seen_are_missing(tmp_path):
    points = markers()
    points[3:5, 0] = np.nan
    points[7, 1] = 0.0  # as programs that forget the residual write it
    read = read_c3d(write(tmp_path / "a.c3d", points=points))
    assert np.flatnonzero(~read.markers.seen[:, 0]).tolist() == [3, 4]
    assert np.flatnonzero(~read.markers.seen[:, 1]).tolist() == [7]
    points[:, 1] = np.nan
    assert read_c3d(write(tmp_path / "b.c3d", points=points)).notes == ("Never seen: RHEE.",)


def test_y_up_is_turned(tmp_path):
    points = opensim_from_world(markers())
    turned = read_c3d(write(tmp_path / "a.c3d", points=points, y_screen=("+Y",)))
    assert_allclose(turned.markers.positions, markers()[:, :2], atol=1e-7)
    stated = write(tmp_path / "b.c3d", points=points, y_screen=())
    assert_allclose(read_c3d(stated, up="y").markers.positions, markers()[:, :2], atol=1e-7)


@pytest.mark.parametrize("name", PLATES)
def test_known_load_is_found_on_every_type_of_plate(tmp_path, name):
    read = read_c3d(write(tmp_path / "a.c3d", plate=PLATES[name]()))
    reactions = read.reactions
    assert reactions is not None
    assert reactions.names == ("plate 1",) and reactions.feet == (None,)
    loaded = slice(10, None)
    n = len(reactions.time) - 10
    # Channels are stored in single precision, which the calibration matrix multiplies.
    assert_allclose(reactions.force[loaded, 0], np.tile(FORCE, (n, 1)), atol=5e-3)  # N
    assert_allclose(reactions.centre_of_pressure[loaded, 0], np.tile(POINT, (n, 1)), atol=1e-5)  # m
    assert_allclose(reactions.free_moment[loaded, 0], np.tile([0, 0, FREE], (n, 1)), atol=1e-3)
    assert np.isnan(reactions.centre_of_pressure[:10]).all()
    assert_allclose(reactions.time, np.arange(FRAMES * PER_FRAME) / 1000.0, atol=1e-12)


@pytest.mark.parametrize("name", ["type 2", "type 4"])
def test_plates_agree_with_the_library(tmp_path, name):
    path = write(tmp_path / "a.c3d", plate=PLATES[name]())
    theirs = ezc3d.c3d(str(path), extract_forceplat_data=True)["data"]["platform"][0]
    mine = read_c3d(path).reactions
    assert mine is not None
    assert_allclose(mine.force[10:, 0], theirs["force"].T[10:], atol=1e-9)
    there = theirs["center_of_pressure"].T[10:] / 1000.0
    assert_allclose(mine.centre_of_pressure[10:, 0], there, atol=1e-9)
    assert_allclose(mine.free_moment[10:, 0], theirs["Tz"].T[10:] / 1000.0, atol=1e-9)


def test_analog_channels_are_kept(tmp_path):
    analog = read_c3d(write(tmp_path / "a.c3d", plate=force_and_moment())).analog
    assert analog is not None
    assert analog.names[0] == "c0" and analog.units[:4] == ("N", "N", "N", "Nmm")
    assert analog.values.shape == (FRAMES * PER_FRAME, 6)


EVENTS = (
    ("Left", "Foot Strike", 0.05),
    ("Right", "Foot Off", 0.02),
    ("General", "Jump", 0.1),
    ("Left", "Foot Off", 62.5),
)


def test_events_keep_their_times(tmp_path):
    read = read_c3d(write(tmp_path / "a.c3d", events=EVENTS))
    found = [(e.kind, e.side, round(e.time, 5)) for e in read.events.events]
    assert found == [
        ("toe_off", "r", 0.02),
        ("initial_contact", "l", 0.05),
        ("toe_off", "l", 62.5),  # minutes and seconds
    ]
    assert [(name, round(time, 5)) for name, time in read.other_events] == [("General Jump", 0.1)]
    assert all(np.isnan(e.sd) for e in read.events.events)


def test_table_of_the_laboratory_is_read(tmp_path):
    table = {"NAMES": ["Cadence"], "CONTEXTS": ["Left"], "UNITS": ["1/min"], "VALUES": [118.5]}
    result = read_c3d(write(tmp_path / "a.c3d", analysis=table)).results[0]
    assert (result.name, result.side, result.unit) == ("Cadence", "l", "1/min")
    assert result.value == pytest.approx(118.5)


def wrong_sign():
    kind, channels, units = force_and_moment()
    return kind, [-one for one in channels], units


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": ("",)}, r"a\.c3d, POINT:UNITS: The unit is missing"),
        ({"units": ("m",)}, "POINT:UNITS: .* the markers would be .* contradict each other"),
        ({"units": ("furlong",)}, "POINT:UNITS: The unit 'furlong' is not known"),
        ({"labels": ("LHEE", "LHEE", "a")}, "POINT:LABELS, LHEE: The label is there 2 times"),
        ({"y_screen": ()}, "POINT:Y_SCREEN: The vertical axis is missing"),
        ({"y_screen": ("+X",)}, r"POINT:Y_SCREEN: It says '\+X'"),
        ({"plate": wrong_sign()}, "plate 1: The ground would pull with 710 N"),
        ({"plate": (7, *force_and_moment()[1:])}, "plate 1: Its type is 7. Types 1 to 4"),
        ({"plate": force_and_moment("")}, "plate 1: The unit of its moment is ''"),
        ({"plate": (2, [0.0] * 6, ["lbf"] * 3 + ["Nm"] * 3)}, "unit of its force is 'lbf'"),
        ({"plate": (4, *force_and_moment()[1:])}, "plate 1: It has no calibration matrix"),
        ({"plate": (3, *force_and_moment()[1:])}, "plate 1: It has no 8 channels"),
        (
            {"analysis": {"NAMES": ["a"], "CONTEXTS": [], "UNITS": ["m"], "VALUES": [1.0]}},
            "ANALYSIS: Names, contexts, units and values are 0, 1",
        ),
    ],
)
def test_contradiction_names_file_and_field(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        read_c3d(write(tmp_path / "a.c3d", **changes))


def test_parameters_that_do_not_go_with_the_data_are_refused(tmp_path, monkeypatch):
    """The library writes no such file; it is handed on as the library would read it."""
    content = ezc3d.c3d(str(write(tmp_path / "a.c3d", plate=force_and_moment(), events=EVENTS)))
    cases = {
        ("POINT", "LABELS"): (["LHEE"], "POINT:LABELS: There are 1 labels for 3 points"),
        ("POINT", "RATE"): ([0.0], "POINT:RATE: It says 0 Hz"),
        ("ANALOG", "RATE"): ([500.0], "ANALOG:RATE: It says 500 Hz, and there are 200 samples in"),
        ("ANALOG", "LABELS"): (["c0"], "ANALOG:LABELS: There are 1 labels for 6 channels"),
        ("EVENT", "CONTEXTS"): (["Left"], "EVENT:CONTEXTS: There are 1 contexts for 4 events"),
        ("EVENT", "TIMES"): (np.zeros((2, 1)), "EVENT:TIMES: There are not two numbers for 4"),
        ("FORCE_PLATFORM", "CORNERS"): (np.zeros((3, 3, 1)), "CORNERS: It holds 9 numbers, and 1"),
        ("FORCE_PLATFORM", "CHANNEL"): (np.full((6, 1), 9), "not among the 6 that are stored"),
    }
    monkeypatch.setattr(ezc3d, "c3d", lambda path: content)
    for (group, name), (value, message) in cases.items():
        parameter = content["parameters"][group][name]
        kept, parameter["value"] = parameter["value"], value
        with pytest.raises(InputError, match=message):
            read_c3d(tmp_path / "a.c3d")
        parameter["value"] = kept
    assert read_c3d(tmp_path / "a.c3d").markers.names


def test_what_the_file_states_is_not_overruled(tmp_path):
    path = write(tmp_path / "a.c3d")
    with pytest.raises(InputError, match="It says mm, and the unit was stated as m"):
        read_c3d(path, unit="m")
    with pytest.raises(InputError, match="It says z, and the vertical axis was stated as y"):
        read_c3d(path, up="y")
    assert read_c3d(write(tmp_path / "b.c3d", units=("",)), unit="mm").markers.names


def test_damaged_file_is_refused(tmp_path):
    path = write(tmp_path / "a.c3d", plate=force_and_moment())
    content = path.read_bytes()
    parameters = 512 * (content[0] - 1)
    cases = (
        (content[:700], "It is no C3D file, or not all of one"),
        (b"not a C3D file at all" * 100, "It is no C3D file"),
        (content[: parameters + 600], "The parameters? .*(damaged|go beyond the end of the file)"),
        (content[:-2000], r"a\.c3d, data: It has \d+ bytes, and its 20 frames of 3 points and 60 "),
        (b"\xff" + content[1:], "header: It points to no parameters"),
        (content[:6] + b"\xff\x7f" + content[8:], "header: Its frames are 32767 to 20"),
    )
    for damaged, message in cases:
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=message):
            read_c3d(path)
    with pytest.raises(InputError, match=r"The file cannot be read \(No such file"):
        read_c3d(tmp_path / "none.c3d")


def test_damaged_parameter_is_named(tmp_path):
    """Links backwards, types and sizes that do not exist would crash the library."""
    path = write(tmp_path / "a.c3d")
    content = path.read_bytes()
    at = content.index(b"RATE")
    for offset, value in ((5, 0xFF), (6, 9), (7, 200)):
        damaged = bytearray(content)
        damaged[at + offset] = value
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="'RATE': The parameter is damaged"):
            read_c3d(path)


def test_name_of_the_subject_is_left_out(tmp_path):
    labels = ("Anna:LHEE", "Anna:RHEE", "Anna:LKneeAngles")
    assert read_c3d(write(tmp_path / "a.c3d", labels=labels)).markers.names[:2] == ("LHEE", "RHEE")
    two = ("Anna:LHEE", "Bea:LHEE", "c")
    assert read_c3d(write(tmp_path / "b.c3d", labels=two)).markers.names[:2] == two[:2]


def test_clinical_file_is_read(shared_data):
    path = shared_data / "stanev-clinical-c3d" / "walk.c3d"
    read = read_c3d(path)
    assert (len(read.events.events), len(read.other_events), len(read.results)) == (15, 1, 22)
    assert read.markers.frame_rate_hz == pytest.approx(100.0)
    assert read.markers.time[0] == pytest.approx(1.52)  # the first stored frame is the 152nd
    assert len(read.outputs) == 122 and "LViconKneeAngles" in read.outputs
    theirs = ezc3d.c3d(str(path), extract_forceplat_data=True)
    heel = theirs["parameters"]["POINT"]["LABELS"]["value"].index("LHEE")
    assert_allclose(
        read.markers.of("LHEE"), theirs["data"]["points"][:3, heel].T / 1000, atol=1e-12
    )
    assert read.reactions is not None
    for i, plate in enumerate(theirs["data"]["platform"]):
        assert_allclose(read.reactions.force[:, i], plate["force"].T, atol=1e-9)
    # The left foot struck plate 1 at 2.61 s by the operator's events.
    on = read.reactions.force[:, 0, 2] > 20.0
    assert read.reactions.time[on][0] == pytest.approx(2.61, abs=0.01)
