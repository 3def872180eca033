"""C3D through ezc3d and through our own reader: what went in comes out."""

import dataclasses

import ezc3d
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.gait.events import GaitEvent
from diffbio.io.coordinates import coordinates_of
from diffbio.io.read_c3d import Analog, read_c3d
from diffbio.io.write_c3d import write_c3d
from tests.walking_figure import walking_fit

RATE = 50.0
EVENTS = (
    GaitEvent("toe_off", "l", 1.52, 0.01, 1.0, "made up"),
    GaitEvent("initial_contact", "r", 1.37, 0.01, 1.0, "made up"),
)


@pytest.fixture(scope="module")
def motion():
    fit = walking_fit()
    markers = fit.motion.markers.copy()
    markers[3:6, 2] = np.nan
    return fit.motion.time + 1.2, markers, fit.body.marker_names, coordinates_of(fit)


@pytest.fixture(scope="module")
def analog():
    time = np.arange(4000) / 1000.0
    values = np.stack([np.sin(time), 700.0 + 0.0 * time, -time], -1)
    return Analog(("Fz1", "EMG 1", "EMG 2"), ("N", "V", "V"), values, time)


@pytest.fixture(scope="module")
def path(tmp_path_factory, motion, analog):
    path = tmp_path_factory.mktemp("c3d") / "walk.c3d"
    time, markers, names, angles = motion
    write_c3d(path, time, markers, names, RATE, angles=angles, events=EVENTS, analog=analog)
    return path


def test_markers_survive(path, motion):
    time, markers, names, _ = motion
    read = read_c3d(path)
    assert read.markers.names == names
    assert_allclose(read.markers.time, time, atol=1e-9)
    assert_allclose(read.markers.positions, markers, atol=1e-6)  # m; a tenth of a mm is allowed
    assert np.array_equal(np.isnan(read.markers.positions), np.isnan(markers))


def test_another_library_reads_the_same(path, motion):
    """Millimetres, z up, unseen points with a negative residual."""
    content = ezc3d.c3d(str(path))
    _, markers, names, _ = motion
    parameters = content["parameters"]
    assert parameters["POINT"]["UNITS"]["value"] == ["mm"]
    assert parameters["POINT"]["Y_SCREEN"]["value"] == ["+Z"]
    assert content["header"]["points"]["first_frame"] == 60
    points = content["data"]["points"][:3, : len(names)].transpose(2, 1, 0)
    known = np.isfinite(markers)
    assert_allclose(points[known], 1e3 * markers[known], atol=1e-3)
    residuals = content["data"]["meta_points"]["residuals"][0].T[:, : len(names)]
    assert np.array_equal(residuals < 0, np.isnan(markers[..., 0]))


def test_angles_survive(path, motion):
    read, angles = read_c3d(path), motion[3].in_degrees()
    assert read.output_units["angles"] == "deg"
    hip = read.outputs["hip_r_angles"]
    for axis, name in enumerate(("hip_flexion_r", "hip_adduction_r", "hip_rotation_r")):
        expected = angles.values[:, angles.names.index(name)]
        assert_allclose(hip[:, axis], expected, atol=1e-3)  # deg
    knee = read.outputs["knee_l_angles"]
    expected = angles.values[:, angles.names.index("knee_angle_l")]
    assert_allclose(knee[:, 0], expected, atol=1e-3)
    tilt = read.outputs["pelvis_angles"]
    assert_allclose(tilt[:, 0], angles.values[:, angles.names.index("pelvis_tilt")], atol=1e-3)
    stored = ezc3d.c3d(str(path))["parameters"]["POINT"]
    described = dict(zip(stored["LABELS"]["value"], stored["DESCRIPTIONS"]["value"], strict=True))
    assert described["hip_r_angles"] == "x hip_flexion_r, y hip_adduction_r, z hip_rotation_r"
    degrees = [name for name, unit in zip(angles.names, angles.units, strict=True) if unit == "deg"]
    told = ", ".join(text for text in described.values() if text)
    assert all(f" {name}" in told for name in degrees)


def test_events_survive(path):
    events = read_c3d(path).events.events
    assert [(one.kind, one.side) for one in events] == [("initial_contact", "r"), ("toe_off", "l")]
    assert_allclose([one.time for one in events], [1.37, 1.52], atol=1e-5)


def test_analog_channels_pass_through(path, motion, analog):
    read = read_c3d(path).analog
    assert read is not None and read.names == analog.names and read.units == analog.units
    first = 1200  # the frames begin at 1.2 s
    assert_allclose(read.values, analog.values[first : first + 20 * len(motion[0])], atol=1e-4)
    assert_allclose(read.time[0], motion[0][0], atol=1e-9)


def test_analog_channels_that_do_not_belong_are_refused(tmp_path, motion, analog):
    time, markers, names, _ = motion
    odd = dataclasses.replace(analog, time=analog.time * 1000 / 1010)
    with pytest.raises(InputError, match="no multiple of the frames' 50 Hz"):
        write_c3d(tmp_path / "a.c3d", time, markers, names, RATE, analog=odd)
    with pytest.raises(InputError, match=r"They are of 0 to 3\.999 s"):
        write_c3d(tmp_path / "a.c3d", time + 10.0, markers, names, RATE, analog=analog)
    with pytest.raises(InputError, match=r"does not end in \.c3d"):
        write_c3d(tmp_path / "a.C3D", time, markers, names, RATE)


def test_more_names_than_a_parameter_holds(tmp_path):
    names = tuple(f"point{i}" for i in range(300))
    markers = np.random.default_rng(1).uniform(-1.0, 1.0, (4, 300, 3))
    write_c3d(tmp_path / "many.c3d", np.arange(4) / RATE, markers, names, RATE)
    read = read_c3d(tmp_path / "many.c3d").markers
    assert read.names == names
    assert_allclose(read.positions, markers, atol=1e-6)
