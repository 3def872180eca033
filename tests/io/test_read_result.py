"""A result folder read back, and its bones: against the fit it was written from."""

import dataclasses
import shutil

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.coordinates import coordinates_of
from diffbio.io.posed_person import posed_person
from diffbio.io.read_result import read_result
from tests.result_of_a_walk import write_result_of
from tests.walking_figure import walking_fit, with_clocks, with_uncertainty


@pytest.fixture(scope="module")
def fitted():
    return with_uncertainty(with_clocks(walking_fit(), {"cam_02": 0.02}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory, fitted):
    return write_result_of(fitted, tmp_path_factory.mktemp("result") / "out")


@pytest.fixture(scope="module")
def person(folder):
    return read_result(folder)


def test_what_was_written_is_read(person, fitted):
    motion, body = fitted.motion, fitted.body
    assert (person.name, person.body_model, person.keypoint_set) == (
        "walk_01", "MyoFullBody", "body_25b",
    )  # fmt: skip
    assert person.frame_rate_hz == 50.0
    assert (person.body_names, person.body_parents) == (body.body_names, body.body_parents)
    assert person.marker_names == body.marker_names and person.joint_names == body.joint_names
    assert_allclose(person.body_positions, motion.body_positions)
    assert_allclose(person.root_quaternion, motion.root_quaternion)
    assert_allclose(np.stack(list(person.joints.values()), -1), motion.joints)
    assert_allclose(person.coordinates.values, coordinates_of(fitted).values)
    assert person.coordinates.sd is not None
    assert list(person.scale) == list(body.segment_names)
    assert_allclose(list(person.scale.values()), np.exp(fitted.parameters.log_scale))
    assert person.rig.names == fitted.rig.names and person.rig.image_size == fitted.rig.image_size
    assert_allclose(person.rig.centres, fitted.rig.centres)
    assert_allclose(person.clock_offset, [0.0, 0.02, 0.0, 0.0, 0.0, 0.0])
    assert_allclose(person.markers, motion.markers)


def test_the_folder_may_be_named_in_three_ways(folder, tmp_path):
    inside = tmp_path / "trial" / "diffbio"
    shutil.copytree(folder, inside)
    for asked in (inside, inside / "fit.nc", inside.parent):
        assert read_result(asked).folder == inside


def test_what_is_no_result_is_refused(folder, tmp_path):
    with pytest.raises(InputError, match=r"holds no fit\.nc"):
        read_result(tmp_path)
    with pytest.raises(InputError, match="It is not a folder"):
        read_result(tmp_path / "nowhere")
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "body.xml").write_text("<mujoco><worldbody><body/></worldbody></mujoco>")
    with pytest.raises(InputError, match=r"body\.xml: It has 1 bodies, and fit\.nc has"):
        read_result(broken)
    (broken / "body.xml").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        read_result(broken)
    (broken / "fit.nc").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read"):
        read_result(broken)


def test_bones_hang_where_the_fit_has_the_bodies(person):
    posed = posed_person(person)
    assert posed.note == "" and posed.muscles is not None
    names = [part.name for part in posed.parts]
    for body in ("femur_r", "tibia_l", "humerus_r", "calcn_l"):
        i, k = names.index(body), person.body_names.index(body)
        assert_allclose(posed.positions[:, i], person.body_positions[:, k], atol=1e-6)  # m
        assert_allclose(posed.rotations[:, i], person.body_rotations[:, k], atol=1e-6)
    for i, part in enumerate(posed.parts):
        assert part.parent < i and (part.parent >= 0 or i == 0)
    length = np.ptp(posed.parts[names.index("femur_r")].vertices[:, 1])
    assert 0.40 < length / person.scale["thigh_r"] < 0.48  # m, of the base model's femur
    forearm = posed.parts[names.index("radius_r")]
    assert np.ptp(forearm.vertices[:, 1]) > 0.38  # the whole hand with it, as no wrist is seen


def test_a_body_without_known_bones_is_drawn_with_sticks(person):
    other = posed_person(dataclasses.replace(person, body_model="robot"))
    assert other.note == "Bones and muscles of robot are not known." and other.muscles is None
    assert [part.name for part in other.parts] == list(person.body_names)
    femur = other.parts[person.body_names.index("femur_r")].vertices
    knee, hip = (person.body_names.index(name) for name in ("tibia_r", "femur_r"))
    apart = np.linalg.norm(person.body_positions[0, knee] - person.body_positions[0, hip])
    assert np.linalg.norm(femur, axis=1).max() == pytest.approx(apart)


def test_another_anatomy_than_the_fitted_is_not_shown(person):
    moved = dataclasses.replace(person, scale=person.scale | {"thigh_r": 1.5})
    posed = posed_person(moved)
    assert "the installed anatomy is not the fitted one" in posed.note
    strange = dataclasses.replace(person, scale={"tail": 1.0})
    assert "No segment is called 'tail'" in posed_person(strange).note
