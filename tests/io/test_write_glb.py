"""GLB taken apart by the format's rules, and its nodes' motion followed from the root."""

import dataclasses
import json
import struct

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.io.write_glb import write_glb
from tests.io.exported_walk import posed_walker, walker

COMPONENTS = {5126: "<f4", 5125: "<u4"}
SIZES = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}
Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def read_glb(path):
    content = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", content)
    assert (magic, version, length) == (b"glTF", 2, len(content))
    size, kind = struct.unpack_from("<II", content, 12)
    assert kind == 0x4E4F534A and size % 4 == 0
    document = json.loads(content[20 : 20 + size])
    binary_size, kind = struct.unpack_from("<II", content, 20 + size)
    assert kind == 0x004E4942 and 28 + size + binary_size == len(content)
    binary = content[28 + size :]
    assert document["buffers"] == [{"byteLength": binary_size}] or (
        0 <= binary_size - document["buffers"][0]["byteLength"] < 4
    )
    return document, binary


def array(document, binary, index):
    one = document["accessors"][index]
    view = document["bufferViews"][one["bufferView"]]
    count = one["count"] * SIZES[one["type"]]
    assert view["byteOffset"] % 4 == 0 and view["byteLength"] == 4 * count
    values = np.frombuffer(binary, COMPONENTS[one["componentType"]], count, view["byteOffset"])
    values = values.reshape(one["count"], -1)
    if "min" in one:
        assert_allclose(values.min(axis=0), one["min"])
        assert_allclose(values.max(axis=0), one["max"])
    return values


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    path = tmp_path_factory.mktemp("glb") / "walk.glb"
    write_glb(path, walker(), posed_walker())
    return read_glb(path)


@pytest.fixture(scope="module")
def moved(read):
    """World position and rotation of every node in every frame, by name."""
    document, binary = read
    nodes, frames = document["nodes"], len(walker().time)
    animation = document["animations"][0]
    motion = {}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        times = array(document, binary, sampler["input"])[:, 0]
        assert_allclose(times, walker().time - walker().time[0], atol=1e-6)
        target = channel["target"]
        motion[target["node"], target["path"]] = array(document, binary, sampler["output"])
    found = {}

    def visit(index, place, turn):
        node = nodes[index]
        local = motion.get((index, "translation"), np.array([node.get("translation", [0, 0, 0])]))
        own = motion.get((index, "rotation"), np.array([node.get("rotation", [0, 0, 0, 1])]))
        lengths = np.linalg.norm(own, axis=1)
        assert_allclose(lengths, 1.0, atol=1e-5)
        place = place + (turn @ np.broadcast_to(local, (frames, 3))[..., None])[..., 0]
        turn = turn @ Rotation.from_quat(np.broadcast_to(own, (frames, 4))).as_matrix()
        assert index not in [one[2] for one in found.values()]  # a tree
        found[node["name"]] = (place, turn, index)
        for child in node.get("children", []):
            visit(child, place, turn)

    visit(
        document["scenes"][0]["nodes"][0], np.zeros((frames, 3)), np.tile(np.eye(3), (frames, 1, 1))
    )
    assert len(found) == len(nodes)
    return found


def test_parts_are_where_the_fit_has_them(moved):
    posed = posed_walker()
    for i, part in enumerate(posed.parts):
        place, turn, _ = moved[part.name]
        assert_allclose(place, posed.positions[:, i] @ Y_UP.T, atol=1e-5)  # m
        assert_allclose(turn, Y_UP @ posed.rotations[:, i], atol=1e-5)


def test_markers_are_where_the_fit_has_them(moved):
    for i, name in enumerate(walker().marker_names):
        assert_allclose(moved[f"marker {name}"][0], walker().markers[:, i] @ Y_UP.T, atol=1e-5)


def test_bones_are_those_of_the_person(read):
    document, binary = read
    meshes = {mesh["name"]: mesh["primitives"][0] for mesh in document["meshes"]}
    for part in posed_walker().parts:
        if not len(part.faces):
            continue
        primitive = meshes[part.name]
        places = array(document, binary, primitive["attributes"]["POSITION"])
        normals = array(document, binary, primitive["attributes"]["NORMAL"])
        faces = array(document, binary, primitive["indices"]).reshape(-1, 3)
        assert_allclose(places, part.vertices, atol=1e-6)
        assert np.array_equal(faces, part.faces)
        assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-5)


def test_cameras_look_where_ours_do(read, moved):
    document, _ = read
    rig = walker().rig
    for i, name in enumerate(rig.names):
        place, turn, index = moved[name]
        assert_allclose(place[0], Y_UP @ np.asarray(rig.centres[i]), atol=1e-5)
        forward = np.asarray(rig.camera_from_world_rotation[i])[2]
        assert_allclose(-turn[0, :, 2], Y_UP @ forward, atol=1e-6)
        lens = document["cameras"][document["nodes"][index]["camera"]]["perspective"]
        assert lens["yfov"] == pytest.approx(2 * np.arctan(360 / 1000))
        assert lens["aspectRatio"] == pytest.approx(1280 / 720)


def test_a_marker_waits_while_nobody_sees_it(tmp_path):
    markers = walker().markers.copy()
    markers[10:20, 2], markers[:, 3], markers[:5, 4] = np.nan, np.nan, np.nan
    person = dataclasses.replace(walker(), markers=markers)
    write_glb(tmp_path / "walk.glb", person, posed_walker())
    document, binary = read_glb(tmp_path / "walk.glb")
    names = [node["name"] for node in document["nodes"]]
    assert f"marker {person.marker_names[3]}" not in names
    animation = document["animations"][0]
    for marker, frames, expected in (
        (2, slice(10, 20), markers[9, 2]),
        (4, slice(0, 5), markers[5, 4]),
    ):
        node = names.index(f"marker {person.marker_names[marker]}")
        channel = next(one for one in animation["channels"] if one["target"]["node"] == node)
        output = animation["samplers"][channel["sampler"]]["output"]
        held = array(document, binary, output)[frames]
        assert_allclose(held, np.tile(expected, (len(held), 1)), atol=1e-6)
