"""Any MJCF: small models against C MuJoCo, what is kept of them, and what is refused."""

import pathlib

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.body import BodyModel, KeypointSet, Pose, body_from_mjcf
from diffbio.errors import InputError, UnknownNameError
from tests.body.native import NativePerson, expand_couplings, random_person, random_pose
from tests.body.small_models import (
    CRANE,
    CRANE_POINTS,
    WALKER,
    WALKER_POINTS,
    body_of,
    keypoints_on,
)

MODELS = pytest.mark.parametrize(
    ("text", "keypoints"),
    [(WALKER, WALKER_POINTS), (CRANE, CRANE_POINTS)],
    ids=["walker", "crane"],
)


def compiled_markers(body: BodyModel):
    return jax.jit(body.marker_positions, compiler_options=dict(body.compiler_options))


@MODELS
@pytest.mark.parametrize("kinematics", ["fused", "mjx"])
def test_small_model_is_where_mujoco_has_it(
    text: str, keypoints: KeypointSet, kinematics: str, tmp_path: pathlib.Path
):
    body = body_of(text, keypoints, tmp_path, kinematics)
    rng = np.random.default_rng(5)
    parameters, pose = random_person(body, rng), random_pose(body, rng, 6)
    native = NativePerson(mujoco.MjModel.from_xml_string(text), body, parameters)
    _, _, true = native.bodies(pose)
    if body.body_names[0] == "world":
        # A model without a free joint is placed as a whole.
        turn = Rotation.from_quat(np.array(pose.root_quaternion), scalar_first=True)
        true = np.einsum("tij,tmj->tmi", turn.as_matrix(), true)
        true += np.asarray(pose.root_position)[:, None]
    # Metres; rounding alone.
    assert_allclose(compiled_markers(body)(parameters, pose), true, rtol=0, atol=1e-12)


@MODELS
def test_written_person_stands_where_ours_does(
    text: str, keypoints: KeypointSet, tmp_path: pathlib.Path
):
    body = body_of(text, keypoints, tmp_path)
    rng = np.random.default_rng(6)
    parameters, pose = random_person(body, rng), random_pose(body, rng, 4)
    # Slides are written in metres of the person, who is larger or smaller than the model.
    size = dict(zip(body.body_names, body.body_scale(parameters), strict=True))
    stretch = np.array(
        [size["mast"] if name in ("travel", "balance") else 1.0 for name in body.joint_names]
    )
    reference = body.joint_reference
    joints = reference + stretch * (np.asarray(pose.joints) - reference)
    written = sites_of_written(body.to_mjcf(parameters), body, pose, joints)
    # Metres; the file keeps six digits of each number.
    assert_allclose(written, compiled_markers(body)(parameters, pose), rtol=0, atol=1e-5)


def sites_of_written(text: str, body: BodyModel, pose: Pose, joints: np.ndarray) -> np.ndarray:
    """Marker sites of a written person in C MuJoCo, (time marker 3), in metres."""
    model = mujoco.MjModel.from_xml_string(text)
    state = mujoco.MjData(model)
    found = []
    for root, quaternion, angles in zip(
        pose.root_position, pose.root_quaternion, joints, strict=True
    ):
        qpos = model.qpos0.copy()
        qpos[:3], qpos[3:7] = root, quaternion
        for name, value in zip(body.joint_names, angles, strict=True):
            qpos[model.joint(name).qposadr] = value
        expand_couplings(model, qpos)
        state.qpos[:] = qpos
        mujoco.mj_kinematics(model, state)
        found.append([state.site(name).xpos.copy() for name in body.marker_names])
    return np.array(found)


@pytest.mark.parametrize("kinematics", ["fused", "mjx"])
def test_coupled_slide_follows_its_polynomial_value_and_derivative(
    kinematics: str, tmp_path: pathlib.Path
):
    text = """
    <mujoco><compiler angle="radian"/><worldbody>
      <body name="rail"><freejoint/><geom size="0.1"/>
        <body name="lever"><joint name="turn" axis="0 0 1" ref="0.5"/><geom size="0.1"/></body>
        <body name="cart"><joint name="run" type="slide" axis="1 0 0"/><geom size="0.1"/></body>
      </body></worldbody>
      <equality><joint joint1="run" joint2="turn" polycoef="0.1 0.2 -0.3 0.4 0.5"/></equality>
    </mujoco>
    """
    body = body_of(text, keypoints_on(("cart", (0.0, 0.0, 0.0))), tmp_path, kinematics)
    # The lever carries nothing, but it leads.
    assert body.joint_names == ("turn",)
    neutral = body.neutral_pose(dtype=np.float64)
    options = dict(body.compiler_options)

    def distance(angle):
        pose = Pose(neutral.root_position, neutral.root_quaternion, angle[None, None])
        return body.marker_positions(body.default_parameters(np.float64), pose)[0, 0, 0]

    polynomial = np.polynomial.Polynomial([0.1, 0.2, -0.3, 0.4, 0.5])
    value, slope = jax.jit(jax.value_and_grad(distance), compiler_options=options)(jnp.asarray(1.2))
    # Metres and metres per radian; rounding alone.
    assert_allclose(value, polynomial(0.7), rtol=0, atol=1e-14)
    assert_allclose(slope, polynomial.deriv()(0.7), rtol=0, atol=1e-14)


def test_only_what_moves_a_keypoint_is_kept(tmp_path: pathlib.Path):
    body = body_of(WALKER, keypoints_on(("hand", (0.0, 0.0, 0.0))), tmp_path)
    assert body.body_names == ("trunk", "arm", "hand")
    assert body.body_parents == (-1, 0, 1)
    assert body.joint_names == ("raise", "twist")
    assert body.joint_kinds == ("hinge", "hinge")
    assert_allclose(body.joint_range, [[-1.0, 2.0], [-0.5, 0.5]])
    assert_allclose(body.joint_reference, [0.4, 0.0])
    assert body.name == "small"
    assert body.segment_names == body.body_names


def test_leader_is_kept_and_its_brake_is_not(tmp_path: pathlib.Path):
    body = body_of(CRANE, keypoints_on(("hook", (0.0, 0.0, 0.0))), tmp_path)
    assert body.body_names == ("world", "mast", "trolley", "hook", "counterweight")
    assert body.joint_names == ("slew", "travel", "balance")
    assert np.all(np.isinf(body.joint_range[0]))


def test_pruned_bodies_leave_their_mass_and_the_floor_does_not(tmp_path: pathlib.Path):
    body = body_of(WALKER, WALKER_POINTS, tmp_path)
    assert body.mass(body.default_parameters(np.float64)) == pytest.approx(44.6)
    only_trunk = body_of(WALKER, keypoints_on(("trunk", (0.0, 0.0, 0.0))), tmp_path)
    native = mujoco.MjModel.from_xml_string(WALKER)
    state = mujoco.MjData(native)
    for stage in (mujoco.mj_kinematics, mujoco.mj_comPos, mujoco.mj_crb):
        stage(native, state)
    trunk = native.body("trunk").id
    (lumped,) = only_trunk.skeleton.inertia
    world_from_trunk = state.xmat[trunk].reshape(3, 3)
    centre = world_from_trunk @ lumped.centre + state.xpos[trunk]
    # Metres; rounding alone.
    assert_allclose(centre, state.subtree_com[trunk], rtol=0, atol=1e-12)
    # Rotational inertia of the free joint at qpos0 is that of the rigid whole about its origin.
    turning = np.zeros((3, native.nv))
    for response, axis in zip(turning, np.eye(native.nv)[3:6], strict=True):
        mujoco.mj_mulM(native, state, response, axis)
    c = lumped.centre
    about_origin = lumped.tensor + lumped.mass * (c @ c * np.eye(3) - np.outer(c, c))
    # kg m^2; rounding alone.
    assert_allclose(about_origin, turning[:, 3:6], rtol=0, atol=1e-9)


def test_rigid_body_without_joints_is_a_body(tmp_path: pathlib.Path):
    text = """
    <mujoco><worldbody><body name="plate"><freejoint/><geom size="0.1"/>
      <body name="corner" pos="0.3 0 0"/></body></worldbody></mujoco>
    """
    body = body_of(text, keypoints_on(("corner", (0.0, 0.1, 0.0))), tmp_path)
    assert body.joint_names == ()
    pose = body.neutral_pose(2, np.float64)
    found = compiled_markers(body)(body.default_parameters(np.float64), pose)
    assert_allclose(found, [[[0.3, 0.1, 0.0]]] * 2, rtol=0, atol=1e-15)


def test_names_of_the_file_may_be_root(tmp_path: pathlib.Path):
    text = """
    <mujoco><worldbody><body name="root"><joint name="root"/><geom size="0.1"/></body>
    </worldbody></mujoco>
    """
    body = body_of(text, keypoints_on(("root", (0.0, 0.1, 0.0))), tmp_path)
    model = mujoco.MjModel.from_xml_string(body.to_mjcf(body.default_parameters()))
    assert [model.body(b).name for b in range(3)] == ["world", "root_", "root"]
    assert [model.joint(j).name for j in range(2)] == ["root_", "root"]


HINGE = '<joint name="a" axis="1 0 0"/><geom size="0.1"/>'


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("<body>", r"small\.xml: MuJoCo cannot load this model \(XML parse error.*Check the path"),
        (
            '<body name="p"><joint type="spin"/></body>',
            r"invalid keyword: 'spin' Element 'joint', line 1\)\. Check the path",
        ),
        (
            '<body name="p"><joint name="a" type="ball"/><geom size="0.1"/></body>',
            r"small: Joint 'a' is a ball joint\. Replace it by three hinges",
        ),
        (
            f'<body name="q">{HINGE}<body name="p"><freejoint/><geom size="0.1"/></body></body>',
            r"MuJoCo cannot load this model \(.*free joint can only be used on top level",
        ),
        (
            '<body name="p"><freejoint/><geom size="0.1"/></body>'
            '<body name="q"><freejoint/><geom size="0.1"/></body>',
            r"small: Bodies 'p' and 'q' both have a free joint\. Keep the person's, and remove",
        ),
        (
            '<body name="q"><freejoint/><geom size="0.1"/></body><body name="p"/>',
            r"small: Body 'p' does not descend from the free root, 'q'\. Anchor keypoints on the",
        ),
        ('<body name="q"/>', r"small: No body is called 'p'\. The 1 known names are: q\."),
    ],
)
def test_model_that_does_not_do_is_refused(inside: str, message: str, tmp_path: pathlib.Path):
    text = f"<mujoco><worldbody>{inside}</worldbody></mujoco>"
    with pytest.raises(InputError, match=message):
        body_of(text, keypoints_on(("p", (0.0, 0.0, 0.0))), tmp_path)


def test_chained_coupling_is_refused(tmp_path: pathlib.Path):
    axes = {"a": "1 0 0", "b": "0 1 0", "c": "0 0 1"}
    joints = "".join(f'<joint name="{name}" axis="{axis}"/>' for name, axis in axes.items())
    text = f"""
    <mujoco><worldbody><body name="p">{joints}<geom size="0.1"/></body></worldbody>
    <equality><joint joint1="a" joint2="b"/><joint joint1="b" joint2="c"/></equality></mujoco>
    """
    with pytest.raises(InputError, match=r"Joint 'a' follows 'b', a follower itself\. Couple ever"):
        body_of(text, keypoints_on(("p", (0.0, 0.0, 0.0))), tmp_path)


def test_missing_file_is_refused(tmp_path: pathlib.Path):
    with pytest.raises(
        InputError, match=r"nowhere\.xml: MuJoCo cannot load this model \(.*opening file.*viewer"
    ):
        body_from_mjcf(tmp_path / "nowhere.xml", WALKER_POINTS)


def test_set_without_anchors_is_refused(tmp_path: pathlib.Path):
    with pytest.raises(InputError, match=r"small: No keypoint is anchored on it\. Choose another"):
        body_of(WALKER, KeypointSet("empty", ("nose",), ()), tmp_path)


def test_unknown_kinematics_is_refused(tmp_path: pathlib.Path):
    body = body_of(WALKER, WALKER_POINTS, tmp_path)
    with pytest.raises(
        UnknownNameError, match=r"No kinematics is called 'warp'\. The 2 known names .*fused, mjx"
    ):
        body.with_kinematics("warp")
