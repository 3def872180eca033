"""Both kinematics of MyoFullBody against C MuJoCo, their gradients, and symmetries."""

import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from diffbio.body import (
    BodyModel,
    BodyParameters,
    Pose,
    body_from_mjcf,
    default_body,
    load_keypoint_set,
)
from diffbio.body.default import default_mjcf
from diffbio.geometry import quaternion_from_rotation_vector, quaternion_multiply
from tests.body.native import NativePerson, full_body, random_person, random_pose
from tests.body.small_models import keypoints_on

N_POSES = 12
LEG = keypoints_on(("tibia_r", (0.01, -0.02, 0.05)), ("toes_r", (0.05, 0.01, -0.02)))
"""What MJX compiles in seconds; the leg has both couplings and slides."""
WHOLE_BODY_MJX = pytest.param("halpe_26", "mjx", marks=pytest.mark.slow)
FUSED, LEG_MJX = ("halpe_26", "fused"), ("leg", "mjx")


class Inputs(NamedTuple):
    """All that kinematics differentiates, the root's orientation as a turn from the pose's."""

    log_scale: Float[Array, "segment"]
    marker_offset: Float[Array, "marker 3"]
    root_position: Float[Array, "time 3"]
    root_turn: Float[Array, "time 3"]
    joints: Float[Array, "time joint"]


class Case(NamedTuple):
    """One body, one person, and one set of poses."""

    body: BodyModel
    parameters: BodyParameters
    pose: Pose


@functools.cache
def case(keypoint_set: str, kinematics: str) -> Case:
    if keypoint_set == "leg":
        body = body_from_mjcf(default_mjcf(), LEG, kinematics)
    else:
        body = default_body(load_keypoint_set(keypoint_set), kinematics)
    rng = np.random.default_rng(20)
    return Case(body, random_person(body, rng), random_pose(body, rng, N_POSES))


@functools.cache
def compiled_bodies(body: BodyModel):
    return jax.jit(body.body_poses, compiler_options=dict(body.compiler_options))


@functools.cache
def compiled_markers(body: BodyModel):
    """Weighted sum of the markers, the markers, and the gradient of the sum, as one program."""
    weights = jnp.asarray(np.random.default_rng(3).normal(size=(N_POSES, len(body.anchors), 3)))

    def weighted_markers(inputs: Inputs, quaternion: Array) -> tuple[Array, Array]:
        turned = quaternion_multiply(quaternion_from_rotation_vector(inputs.root_turn), quaternion)
        pose = Pose(inputs.root_position, turned, inputs.joints)
        parameters = BodyParameters(inputs.log_scale, inputs.marker_offset)
        markers = body.marker_positions(parameters, pose)
        return (markers * weights).sum(), markers

    program = jax.value_and_grad(weighted_markers, has_aux=True)
    return jax.jit(program, compiler_options=dict(body.compiler_options))


def inputs_of(case: Case) -> Inputs:
    parameters, pose = case.parameters, case.pose
    turn = jnp.zeros_like(pose.root_position)
    return Inputs(
        parameters.log_scale, parameters.marker_offset, pose.root_position, turn, pose.joints
    )


def bodies_of(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Positions and rotations of the bodies."""
    positions, rotations = compiled_bodies(case.body)(case.parameters, case.pose)
    return np.array(positions), np.array(rotations)


def markers_of(case: Case) -> np.ndarray:
    (_, markers), _ = compiled_markers(case.body)(inputs_of(case), case.pose.root_quaternion)
    return np.array(markers)


@pytest.mark.parametrize(
    ("keypoint_set", "kinematics"),
    [FUSED, ("falisse_markers", "fused"), LEG_MJX, WHOLE_BODY_MJX],
)
def test_every_body_and_marker_is_where_mujoco_has_it(keypoint_set: str, kinematics: str):
    tried = case(keypoint_set, kinematics)
    native = NativePerson(full_body(), tried.body, tried.parameters).bodies(tried.pose)
    for found, true in zip((*bodies_of(tried), markers_of(tried)), native, strict=True):
        # Metres and unitless; 1e-5 is the promise, and rounding of 25 frames in a row leaves 1e-14.
        assert_allclose(found, true, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("keypoint_set", "kinematics"), [FUSED, LEG_MJX])
def test_single_precision_keeps_the_promise(keypoint_set: str, kinematics: str):
    tried = case(keypoint_set, kinematics)
    single = jax.tree.map(lambda x: x.astype(jnp.float32), (tried.parameters, tried.pose))
    found = jax.jit(
        tried.body.marker_positions, compiler_options=dict(tried.body.compiler_options)
    )(*single)
    assert found.dtype == jnp.float32
    # 1e-5 m is the promise; single precision resolves 5 m to 5e-7 m.
    assert_allclose(found, markers_of(tried), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("keypoint_set", "kinematics"), [FUSED, LEG_MJX, WHOLE_BODY_MJX])
def test_gradient_equals_central_differences(keypoint_set: str, kinematics: str):
    tried = case(keypoint_set, kinematics)
    program = compiled_markers(tried.body)
    inputs, quaternion = inputs_of(tried), tried.pose.root_quaternion
    _, gradient = program(inputs, quaternion)
    step = 1e-5
    for field, exact in gradient._asdict().items():
        value = np.asarray(getattr(inputs, field))
        # Frames do not act on one another, so those of the first pose stand for the rest.
        indices = [i for i in np.ndindex(value.shape) if value.shape[0] != N_POSES or i[0] == 0]
        for i in indices:
            change = np.zeros_like(value)
            change[i] = step
            there, back = (
                program(inputs._replace(**{field: jnp.asarray(value + sign * change)}), quaternion)
                for sign in (1, -1)
            )
            numeric = (there[0][0] - back[0][0]) / (2 * step)
            # Relative, the promise; and below it the noise of the difference, 1e-15 * 300 / 1e-5.
            assert_allclose(exact[i], numeric, rtol=1e-4, atol=1e-7, err_msg=f"{field}{i}")


def test_moving_the_root_moves_every_marker_rigidly():
    body, parameters, pose = case("halpe_26", "fused")
    turn = Rotation.from_rotvec([0.4, -1.1, 2.0])
    turns = np.tile(turn.as_quat(scalar_first=True), (N_POSES, 1))
    shift = np.array([3.0, -2.0, 0.5])
    moved = Pose(
        jnp.asarray(turn.apply(np.array(pose.root_position)) + shift),
        quaternion_multiply(jnp.asarray(turns), pose.root_quaternion),
        pose.joints,
    )
    found = markers_of(Case(body, parameters, moved))
    expected = turn.apply(markers_of(Case(body, parameters, pose)).reshape(-1, 3)) + shift
    # Metres; rounding alone.
    assert_allclose(found.reshape(-1, 3), expected, rtol=0, atol=1e-12)


def in_pelvis_axes(body: BodyModel, pose: Pose) -> Pose:
    """The pose with the pelvis at the axes of the world: X forward, Y up, Z right."""
    upright = body.neutral_pose(N_POSES, np.float64)
    _, rotations = bodies_of(Case(body, body.default_parameters(np.float64), upright))
    world_from_pelvis = Rotation.from_matrix(rotations[0, body.body_names.index("pelvis")])
    turn = world_from_pelvis.inv().as_quat(scalar_first=True)
    return Pose(upright.root_position, jnp.asarray(np.tile(turn, (N_POSES, 1))), pose.joints)


def other_side(name: str) -> str:
    """Name of the twin on the other side of the body, itself for what has none."""
    if name[:1] in "LR" and name[1:2].isupper():
        return "RL"["LR".index(name[0])] + name[1:]
    sides = {"_r": "_l", "_l": "_r"}
    return name[:-2] + sides[name[-2:]] if name[-2:] in sides else name


def test_body_is_as_left_as_it_is_right():
    body, _, pose = case("halpe_26", "fused")
    rng = np.random.default_rng(8)
    sizes = {name: rng.uniform(-0.2, 0.2) for name in body.segment_names}
    log_scale = np.array([sizes[name] for name in body.segment_names])
    mirrored_scale = np.array([sizes[other_side(name)] for name in body.segment_names])
    swap = [body.joint_names.index(other_side(name)) for name in body.joint_names]
    # Bending and rotation of the trunk and neck turn to the other side instead.
    sideways = ("lumbar_bending", "lumbar_rotation", "neck_bending", "neck_rotation")
    sign = np.array([-1.0 if name in sideways else 1.0 for name in body.joint_names])
    pose = in_pelvis_axes(body, pose)
    mirrored_pose = eqx.tree_at(lambda p: p.joints, pose, pose.joints[:, swap] * sign[None])
    offset = jnp.zeros((len(body.anchors), 3))
    markers = markers_of(Case(body, BodyParameters(jnp.asarray(log_scale), offset), pose))
    twin = Case(body, BodyParameters(jnp.asarray(mirrored_scale), offset), mirrored_pose)
    pairs = [body.marker_names.index(other_side(name)) for name in body.marker_names]
    found = markers_of(twin)[:, pairs] * [1, 1, -1]
    # Metres; the published radii of the two sides differ by a millimetre.
    assert_allclose(found, markers, rtol=0, atol=2e-3)


@pytest.mark.parametrize(
    ("coordinate", "turn"),
    [
        # X forward, Y up, Z right: back, to the right, and to the left.
        ("neck_extension", Rotation.from_rotvec([0.0, 0.0, 0.3])),
        ("neck_bending", Rotation.from_rotvec([0.3, 0.0, 0.0])),
        ("neck_rotation", Rotation.from_rotvec([0.0, 0.3, 0.0])),
    ],
)
def test_neck_turns_the_head_about_the_disc_below_it(coordinate: str, turn: Rotation):
    body = case("halpe_26", "fused").body
    neutral = in_pelvis_axes(body, body.neutral_pose(N_POSES, np.float64))
    index = body.joint_names.index(coordinate)
    turned = eqx.tree_at(lambda p: p.joints, neutral, neutral.joints.at[:, index].set(0.3))
    parameters = body.default_parameters(np.float64)
    positions, _ = bodies_of(Case(body, parameters, neutral))
    centre = positions[0, body.body_names.index("neck")]
    of_head = [a.body == "head" for a in body.anchors]
    before, after = (markers_of(Case(body, parameters, p))[0] for p in (neutral, turned))
    # Metres; rounding alone.
    expected = turn.apply(before[of_head] - centre) + centre
    assert_allclose(after[of_head], expected, rtol=0, atol=1e-12)
    assert_allclose(after[~np.array(of_head)], before[~np.array(of_head)], rtol=0, atol=1e-12)
    # The disc is at the base of the neck, behind and above the shoulders.
    shoulder = before[body.marker_names.index("RShoulder")]
    assert shoulder[1] < centre[1] < before[body.marker_names.index("Nose")][1] - 0.1


def test_one_switch_changes_the_implementation_and_not_the_markers():
    body = case("leg", "mjx").body
    assert body.compiler_options
    assert not body.with_kinematics("fused").compiler_options
    assert body.with_kinematics("fused") != body
    assert body.with_kinematics("fused").with_kinematics("mjx") == body
    theirs = case("leg", "mjx")
    ours = theirs._replace(body=body.with_kinematics("fused"))
    # Metres; rounding alone.
    assert_allclose(markers_of(ours), markers_of(theirs), rtol=0, atol=1e-12)
