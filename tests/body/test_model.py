"""The default body: its size, mass, groups and names, and what two equal models are."""

import dataclasses
import importlib.util
import math

import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import BodyModel, BodyParameters, Pose, default_body, load_keypoint_set
from diffbio.body.default import default_mjcf
from diffbio.body.skeleton import freeze_unobserved
from diffbio.errors import InputError, UnknownNameError
from tests.body.native import (
    NativePerson,
    expand_couplings,
    full_body,
    random_person,
    random_pose,
)
from tests.body.small_models import keypoints_on


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return default_body(load_keypoint_set("halpe_26"))


def uniform(body: BodyModel, size: float) -> BodyParameters:
    zero = body.default_parameters(np.float64)
    return BodyParameters(zero.log_scale + math.log(size), zero.marker_offset)


def test_base_model_weighs_what_its_authors_say(body: BodyModel):
    assert body.mass(uniform(body, 1.0)) == pytest.approx(full_body().body_mass.sum(), abs=1e-9)
    assert body.mass(uniform(body, 1.0)) == pytest.approx(84.27, abs=0.005)


def test_size_acts_on_height_and_on_mass_by_its_cube(body: BodyModel):
    assert body.height(uniform(body, 1.1)) == pytest.approx(1.1 * height(body, 1.0), abs=1e-9)
    assert body.mass(uniform(body, 1.1)) == pytest.approx(1.1**3 * 84.27, abs=0.01)
    # One segment alone adds its own share.
    thigh = body.segment_names.index("thigh_r")
    only = BodyParameters(
        jnp.zeros(len(body.segment_names)).at[thigh].set(math.log(1.2)),
        jnp.zeros((len(body.anchors), 3)),
    )
    share = full_body().body("femur_r").mass[0] + full_body().body("patella_r").mass[0]
    gained = body.mass(only) - body.mass(uniform(body, 1.0))
    assert gained == pytest.approx((1.2**3 - 1) * share, abs=1e-9)


def height(body: BodyModel, size: float) -> float:
    found = body.height(uniform(body, size))
    assert found is not None
    return found


def test_height_is_from_sole_to_scalp(body: BodyModel):
    state = mujoco.MjData(full_body())
    mujoco.mj_kinematics(full_body(), state)
    head, foot = state.body("head"), state.body("calcn_r")
    top = head.xpos + head.xmat.reshape(3, 3) @ [-0.003, 0.157, 0.0]
    bottom = foot.xpos + foot.xmat.reshape(3, 3) @ [0.05, -0.030, 0.0]
    up = state.body("pelvis").xmat.reshape(3, 3)[:, 1]
    # Metres; the knee's couplings are not exactly zero at zero.
    assert height(body, 1.0) == pytest.approx((top - bottom) @ up, abs=1e-6)
    assert 1.65 < height(body, 1.0) < 1.80


def test_height_is_that_of_the_kinematics(body: BodyModel):
    rng = np.random.default_rng(2)
    person = random_person(body, rng)
    standing = random_pose(body, rng, 1)
    standing = Pose(standing.root_position, standing.root_quaternion, standing.joints * 0.0)
    positions, rotations, _ = NativePerson(full_body(), body, person).bodies(standing)
    assert body.height_points is not None
    ends = []
    for point in body.height_points:
        b = body.body_names.index(point.body)
        local = np.asarray(point.position) * body.body_scale(person)[b]
        ends.append(positions[0, b] + rotations[0, b] @ local)
    up = rotations[0, body.body_names.index("pelvis")][:, 1]
    # Metres; rounding alone.
    assert body.height(person) == pytest.approx((ends[0] - ends[1]) @ up, abs=1e-12)


def test_height_is_unknown_where_nothing_says_what_to_measure(body: BodyModel):
    assert dataclasses.replace(body, height_points=None).height(uniform(body, 1.0)) is None
    assert dataclasses.replace(body, pelvis_name=None).height(uniform(body, 1.0)) is None
    assert body.height_points is not None
    nowhere = dataclasses.replace(body.height_points[0], body="tail")
    ends = (nowhere, body.height_points[1])
    assert dataclasses.replace(body, height_points=ends).height(uniform(body, 1.0)) is None


def test_written_body_stands_where_ours_does(body: BodyModel):
    rng = np.random.default_rng(4)
    person, pose = random_person(body, rng), random_pose(body, rng, 3)
    model = mujoco.MjModel.from_xml_string(body.to_mjcf(person))
    state = mujoco.MjData(model)
    _, _, markers = NativePerson(full_body(), body, person).bodies(pose)
    assert model.njnt == len(body.skeleton.joints) + 1
    for frame in range(3):
        qpos = model.qpos0.copy()
        qpos[:3], qpos[3:7] = pose.root_position[frame], pose.root_quaternion[frame]
        for name, value in zip(body.joint_names, np.asarray(pose.joints)[frame], strict=True):
            qpos[model.joint(name).qposadr] = value
        expand_couplings(model, qpos)
        state.qpos[:] = qpos
        mujoco.mj_kinematics(model, state)
        found = [state.site(name).xpos for name in body.marker_names]
        # Metres; the file keeps six digits of each number.
        assert_allclose(found, markers[frame], rtol=0, atol=1e-5)
    # Kilograms; bodies without mass get a milligram each.
    assert model.body_mass.sum() == pytest.approx(body.mass(person), abs=1e-3)


def test_people_of_all_proportions_can_be_written_and_read(body: BodyModel):
    rng = np.random.default_rng(9)
    for _ in range(30):
        person = random_person(body, rng)
        model = mujoco.MjModel.from_xml_string(body.to_mjcf(person))
        assert model.nsite == len(body.anchors)


def test_every_body_belongs_to_the_segment_of_its_name(body: BodyModel):
    segment = {
        name: body.segment_names[i]
        for name, i in zip(body.body_names, body.segment_of_body, strict=True)
    }
    expected = {
        "pelvis": "pelvis",
        "sacrum": "pelvis",
        "lumbar1": "torso",
        "thorax": "torso",
        "neck": "head",
        "head": "head",
        "scapula_l": "shoulder_l",
        "humerus_r": "upper_arm_r",
        "radius_l": "forearm_l",
        "femur_r": "thigh_r",
        "tibia_l": "shank_l",
        "toes_r": "foot_r",
    }
    assert {name: segment[name] for name in expected} == expected
    assert len(set(body.segment_of_body)) == len(body.segment_names)


def test_coordinates_have_the_names_ranges_and_posture_of_opensim(body: BodyModel):
    at = body.joint_names.index
    assert at("lumbar_extension") < at("neck_extension") < at("shoulder_elv_r")
    assert not {"flex_extension", "L4_L5_FE", "knee_angle_translation1_r"} & {*body.joint_names}
    # Radians.
    assert_allclose(body.joint_range[at("neck_extension")], np.deg2rad([-55.0, 70.0]))
    low, high = body.joint_range[at("knee_angle_r")]
    assert low <= 0.0 and 1.7 < high < 2.8
    mean, sd = body.joint_posture
    assert mean[at("lumbar_extension")] == pytest.approx(np.deg2rad(-3.0))
    assert sd[at("lumbar_extension")] == pytest.approx(np.deg2rad(3.0))
    assert sd[at("hip_flexion_r")] == pytest.approx(np.pi / 2)
    assert set(body.joint_kinds) == {"hinge"}
    known = {joint for joint, _, _ in body.posture}
    falisse = default_body(load_keypoint_set("falisse_markers"))
    assert known <= {*body.joint_names, *falisse.joint_names}


def test_what_no_keypoint_sees_stays_at_reference(body: BodyModel):
    feetless = default_body(load_keypoint_set("coco_17"))
    assert {"subtalar_angle_r", "mtp_angle_l"} <= {*body.joint_names} - {*feetless.joint_names}
    # The bodies stay, because the sole of the foot measures the height.
    assert "calcn_r" in feetless.body_names
    assert height(feetless, 1.0) == pytest.approx(height(body, 1.0), abs=1e-9)


def test_freezing_keeps_the_leaders_of_what_moves(body: BodyModel):
    frozen = freeze_unobserved(body.skeleton, {"clavicle_r"})
    # The shoulder's elevation moves the clavicle, though it is a joint of the humerus.
    names = {joint.name for joint in frozen.joints}
    assert {"shoulder_elv_r", "sternoclavicular_r2_r", "lumbar_extension"} <= names
    assert not names & {"elbow_flex_r", "neck_extension", "shoulder_elv_l", "unrothum_r1_r"}
    assert frozen.body_names == body.skeleton.body_names


def test_models_are_compared_by_content(body: BodyModel):
    default_body.cache_clear()
    again = default_body(load_keypoint_set("halpe_26"))
    assert again is not body
    assert again == body and hash(again) == hash(body)
    assert len({again, body}) == 1
    assert body != "MyoFullBody"


@pytest.mark.parametrize(
    "changed",
    [
        {"kinematics_name": "mjx"},
        {"posture": ()},
        {"height_points": None},
        {"pelvis_name": None},
        {"anchors": ()},
        {"segment_names": ("one",)},
    ],
)
def test_models_that_differ_anywhere_are_not_equal(body: BodyModel, changed: dict[str, object]):
    if changed == {"anchors": ()}:
        changed = {"anchors": body.anchors[:-1]}
    assert dataclasses.replace(body, **changed) != body


def test_skeletons_that_differ_in_an_array_are_not_equal(body: BodyModel):
    skeleton = body.skeleton
    heavier = (skeleton.inertia[0]._replace(mass=1.0), *skeleton.inertia[1:])
    for changed in (
        {"position": skeleton.position + 1e-12},
        {"quaternion": -skeleton.quaternion},
        {"inertia": heavier},
    ):
        other = dataclasses.replace(skeleton, **changed)
        assert dataclasses.replace(body, skeleton=other) != body


def test_default_parameters_and_pose_have_the_type_asked_for(body: BodyModel):
    assert body.default_parameters().log_scale.dtype == np.float32
    pose = body.neutral_pose(3, np.float64)
    assert pose.joints.shape == (3, len(body.joint_names))
    assert pose.joints.dtype == np.float64


def test_anchor_on_an_unknown_body_is_refused():
    keypoints = keypoints_on(("pelvis", (0.0, 0.0, 0.0)), ("tail", (0.0, 0.0, 0.0)))
    with pytest.raises(
        UnknownNameError, match=r"MyoFullBody: No body is called 'tail'\. The 101 k"
    ):
        default_body(keypoints)


def test_missing_package_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        InputError, match=r"The package with the default body is not installed\. Run `pip install"
    ):
        default_mjcf()
