"""The OpenSim model by its own rules: custom joints composed by hand, and OpenSim where it is."""

import dataclasses
import functools
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.errors import InputError
from diffbio.io.axes import opensim_from_world
from diffbio.io.write_mot import write_mot
from diffbio.io.write_osim import write_osim
from tests.io.exported_walk import posed_walker, walker

FRAMES = (0, 37, 99)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("osim")
    write_osim(folder / "person.osim", walker(), posed_walker())
    write_mot(folder / "motion.mot", walker().time, walker().coordinates, "walk")
    return folder


@pytest.fixture(scope="module")
def model(folder):
    found = ElementTree.parse(folder / "person.osim").getroot().find("Model")
    assert found is not None
    return found


def text(element, name):
    found = element.find(name)
    assert found is not None, name
    return found.text or ""


def numbers(element, name):
    return np.array(text(element, name).split(), float)


def value(function, q):
    powers = {"LinearFunction": "coefficients", "PolynomialFunction": "coefficients"}
    if function.tag == "Constant":
        return float(text(function, "value"))
    return np.polyval(numbers(function, powers[function.tag]), q)


def poses(model, coordinates):
    """`ground_from_body` of every body, as rotation and position, by OpenSim's documentation."""
    for coupler in model.iter("CoordinateCouplerConstraint"):
        leader = text(coupler, "independent_coordinate_names")
        coordinates = coordinates | {
            text(coupler, "dependent_coordinate_name"): coordinates[leader]
        }
    found = {"/ground": (np.eye(3), np.zeros(3))}
    for joint in model.find("JointSet/objects"):
        (parent, place), (child, own) = (
            (text(f, "socket_parent"), f) for f in joint.iter("PhysicalOffsetFrame")
        )
        assert not numbers(own, "translation").any() and not numbers(own, "orientation").any()
        turn, at = found[parent]
        at = at + turn @ numbers(place, "translation")
        turn = turn @ Rotation.from_euler("XYZ", numbers(place, "orientation")).as_matrix()
        axes = {a.get("name"): a for a in joint.iter("TransformAxis")}
        moved, turned = np.zeros(3), np.eye(3)
        for i in "123" if axes else "":
            for kind in ("translation", "rotation"):
                axis = axes[kind + i]
                q = coordinates.get(text(axis, "coordinates"), np.nan)
                function = next(one for one in axis if one.tag not in ("coordinates", "axis"))
                x = value(function, q)
                if kind == "translation":
                    moved = moved + x * numbers(axis, "axis")
                else:
                    turned = turned @ Rotation.from_rotvec(x * numbers(axis, "axis")).as_matrix()
        found[child] = (turn @ turned, at + turn @ moved)
    return found


@functools.cache
def expected(frame):
    """Positions of the bodies by OpenSim's names, in OpenSim's axes."""
    posed, person = posed_walker(), walker()
    places = {part.name: posed.positions[frame, i] for i, part in enumerate(posed.parts)}
    del places["Full Body"]
    places["pelvis"] = person.body_positions[frame, person.body_names.index("pelvis")]
    return {name: opensim_from_world(place) for name, place in places.items()}


def at_frame(frame):
    coordinates = walker().coordinates
    return dict(zip(coordinates.names, coordinates.values[frame].tolist(), strict=True))


def test_bodies_are_where_the_fit_has_them(model):
    for frame in FRAMES:
        found = poses(model, at_frame(frame))
        for name, place in expected(frame).items():
            assert_allclose(found[f"/bodyset/{name}"][1], place, atol=2e-6, err_msg=name)  # m


def test_markers_are_where_the_fit_has_them(model):
    for frame in FRAMES:
        found = poses(model, at_frame(frame))
        markers = {one.get("name"): one for one in model.iter("Marker")}
        for i, name in enumerate(walker().marker_names):
            turn, at = found[text(markers[name], "socket_parent_frame")]
            place = at + turn @ numbers(markers[name], "location")
            assert_allclose(place, opensim_from_world(walker().markers[frame, i]), atol=2e-6)


def test_bones_lie_on_the_bodies(folder, model):
    """Every mesh of the model is a file, and in the world it is where our bone is."""
    posed, found = posed_walker(), poses(model, at_frame(37))
    drawn = {one.get("name"): text(one, "mesh_file") for one in model.iter("Mesh")}
    for i, part in enumerate(posed.parts):
        name = part.name if i else "pelvis"
        if not len(part.faces):
            assert f"{name}_bone" not in drawn
            continue
        content = (folder / "Geometry" / drawn[f"{name}_bone"]).read_bytes()
        count = int(np.frombuffer(content, "<u4", 1, 80)[0])
        assert count == len(part.faces) and len(content) == 84 + 50 * count
        kind = [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("unused", "<u2")]
        corners = np.frombuffer(content, kind, count, 84)["corners"].astype(float)
        turn, at = found[f"/bodyset/{name}"]
        world = part.vertices @ posed.rotations[37, i].T + posed.positions[37, i]
        expected_corners = opensim_from_world(world[part.faces].reshape(-1, 3))
        assert_allclose(corners.reshape(-1, 3) @ turn.T + at, expected_corners, atol=3e-6)


def test_masses_are_those_of_the_fit(model):
    bodies = list(model.iter("Body"))
    total = sum(float(text(body, "mass")) for body in bodies)
    assert total == pytest.approx(walker().mass, abs=0.02)
    for body in bodies:
        xx, yy, zz, xy, xz, yz = numbers(body, "inertia")
        moments = np.linalg.eigvalsh([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        assert moments[0] > 0.0 and moments[2] <= moments[:2].sum() * (1 + 1e-6)


def test_coordinates_of_the_motion_file_are_in_the_model(model):
    names = {one.get("name") for one in model.iter("Coordinate")}
    assert set(walker().coordinates.names) <= names
    assert "knee_angle_r_at_patella_r" in names
    knee = next(one for one in model.iter("Coordinate") if one.get("name") == "knee_angle_r")
    assert_allclose(numbers(knee, "range"), [0.0, 2.0944], atol=0.01)


def test_another_body_is_refused(tmp_path):
    other = dataclasses.replace(walker(), body_model="robot")
    with pytest.raises(InputError, match="Only MyoFullBody can be written for OpenSim"):
        write_osim(tmp_path / "person.osim", other, posed_walker())


def test_opensim_agrees(folder):
    """The model opens in OpenSim, and its bodies are within a millimetre, really a micrometre."""
    opensim = pytest.importorskip("opensim", reason="OpenSim's Python package is not installed")
    model = opensim.Model(str(folder / "person.osim"))
    state = model.initSystem()
    table = opensim.TimeSeriesTable(str(folder / "motion.mot"))
    for frame in FRAMES:
        row = table.getRowAtIndex(frame)
        for column, name in enumerate(table.getColumnLabels()):
            coordinate = model.getCoordinateSet().get(name)
            angle = coordinate.getMotionType() == 1
            coordinate.setValue(state, np.deg2rad(row[column]) if angle else row[column], False)
        model.assemble(state)
        model.realizePosition(state)
        for name, place in expected(frame).items():
            found = model.getBodySet().get(name).getPositionInGround(state)
            assert_allclose([found[i] for i in range(3)], place, atol=1e-5, err_msg=name)
