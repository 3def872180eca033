"""BVH read back by a forward kinematics of its own: every joint where the fit has it."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.io.posed_person import posed_person
from diffbio.io.write_bvh import euler_zxy, write_bvh
from tests.io.exported_walk import posed_walker, walker

MM = 0.1  # 0.1 mm is 0.01 cm, and the file has six decimals
AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def read_bvh(path):
    """World position (cm) and rotation of every joint in every frame, by name; rest offsets."""
    words = path.read_text().split()
    joints, stack, at = [], [], 0
    while words[at] != "MOTION":
        if words[at] in ("ROOT", "JOINT"):
            joints.append({"name": words[at + 1], "parent": stack[-1] if stack else None})
            at += 2
        elif words[at] == "{":
            stack.append(joints[-1])
            at += 1
        elif words[at] == "End":
            stack.append(None)
            at += 3
        elif words[at] == "}":
            stack.pop()
            at += 1
        elif words[at] == "OFFSET":
            if stack[-1]:
                stack[-1]["offset"] = np.array(words[at + 1 : at + 4], float)
            at += 4
        elif words[at] == "CHANNELS":
            count = int(words[at + 1])
            stack[-1]["channels"] = words[at + 2 : at + 2 + count]
            at += 2 + count
        else:
            at += 1
    frames = int(words[at + 2])
    values = np.array(words[at + 6 :], float).reshape(frames, -1)
    column, places, turns = 0, {}, {}
    for joint in joints:
        named = dict(zip(joint["channels"], values[:, column:].T, strict=False))
        column += len(joint["channels"])
        local = np.tile(joint["offset"], (frames, 1))
        if "Xposition" in named:
            local = np.stack([named[f"{a}position"] for a in "XYZ"], -1)
        order = [c[0] for c in joint["channels"] if c.endswith("rotation")]
        angles = np.stack([named[f"{a}rotation"] for a in order], -1)
        turn = Rotation.from_euler("".join(order), angles, degrees=True).as_matrix()
        above = joint["parent"]
        if above:
            local = places[above["name"]] + (turns[above["name"]] @ local[..., None])[..., 0]
            turn = turns[above["name"]] @ turn
        places[joint["name"]], turns[joint["name"]] = local, turn
    assert column == values.shape[1]
    return joints, places, turns, float(words[at + 5])


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("bvh") / "walk.bvh"
    write_bvh(path, posed_walker(), walker().time)
    return read_bvh(path)


def test_joints_are_where_the_fit_has_them(found):
    _, places, turns, period = found
    posed = posed_walker()
    assert period == pytest.approx(1 / 50)
    for i, part in enumerate(posed.parts):
        name = part.name.replace(" ", "_")
        if name not in places:
            continue
        assert_allclose(places[name], 100 * posed.positions[:, i] @ AXES.T, atol=1e-3)  # 0.01 mm
        expected = AXES @ posed.rotations[:, i] @ posed.rest_rotations[i].T @ AXES.T
        apart = Rotation.from_matrix(expected.swapaxes(1, 2) @ turns[name]).magnitude()
        assert np.rad2deg(apart).max() < 0.001
    assert {"Full_Body", "femur_r", "tibia_l", "calcn_r", "humerus_l", "patella_r"} <= set(places)
    assert "humphant_r" not in places  # only turns what is in the same place


def test_at_rest_the_person_stands_upright_facing_along_x(found):
    joints, *_ = found
    rest = {}
    for joint in joints:
        above = joint["parent"]
        rest[joint["name"]] = joint["offset"] + (rest[above["name"]] if above else 0.0)
    assert rest["tibia_r"][1] < rest["femur_r"][1] < rest["clavicle_r"][1]  # y is up
    assert rest["femur_r"][2] > 5 > -5 > rest["femur_l"][2]  # z to the right, in cm
    assert rest["toes_r"][0] > rest["talus_r"][0] + 5  # x forward
    thigh = rest["tibia_r"] - rest["femur_r"]
    assert abs(thigh[0]) < 0.06 * abs(thigh[1])


def test_most_joints_only_turn(found):
    joints, *_ = found
    slides = {one["name"] for one in joints if len(one["channels"]) == 6}
    assert {"Full_Body", "tibia_r", "patella_l"} <= slides
    assert not slides & {"femur_r", "talus_l", "ulna_r", "lumbar4"}


def test_a_body_of_sticks_is_written_too(tmp_path):
    other = posed_person(dataclasses.replace(walker(), body_model="robot"))
    write_bvh(tmp_path / "walk.bvh", other, walker().time)
    _, places, _, _ = read_bvh(tmp_path / "walk.bvh")
    knee = other.parts[[part.name for part in other.parts].index("tibia_r")]
    i = other.parts.index(knee)
    assert_allclose(places["tibia_r"], 100 * other.positions[:, i] @ AXES.T, atol=1e-3)


def test_angles_are_continuous_and_exact_at_their_singularity():
    angles = np.stack([np.linspace(0.0, 7.0, 200), np.full(200, 0.3), np.linspace(3.0, -3.5, 200)])
    turns = Rotation.from_euler("ZXY", angles.T).as_matrix()
    assert_allclose(euler_zxy(turns), angles.T, atol=1e-9)
    upright = Rotation.from_euler("ZXY", [[0.4, np.pi / 2, 0.7], [0.1, -np.pi / 2, 0.2]])
    again = Rotation.from_euler("ZXY", euler_zxy(upright.as_matrix()))
    assert np.all((again.inv() * upright).magnitude() < 1e-6)
