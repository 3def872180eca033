"""Inverse dynamics: C MuJoCo, closed forms, balances of energy and momentum, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks.c_mujoco_inverse import MUJOCO_GRAVITY, NativeDynamics, random_movement
from diffbio.body import BodyModel, Pose, default_body, load_keypoint_set
from diffbio.dynamics import (
    GRAVITY,
    ExternalWrenches,
    FilteredMotion,
    Movement,
    efforts,
    inverse_dynamics,
    person_inertia,
)
from diffbio.dynamics.chain import chain_of, root_turning
from diffbio.dynamics.external import no_wrenches
from diffbio.errors import InputError, UnknownNameError
from diffbio.geometry import quaternion_from_rotation_vector
from tests.body.native import random_person, random_pose
from tests.body.small_models import (
    CRANE,
    CRANE_POINTS,
    WALKER,
    WALKER_POINTS,
    body_of,
    keypoints_on,
)

N = 7


@pytest.fixture(scope="module", params=["person", "walker", "crane"])
def body(request, tmp_path_factory) -> BodyModel:
    """The default body, and models with slides, offset anchors and couplings of all orders."""
    folder = tmp_path_factory.mktemp("models")
    if request.param == "walker":
        return body_of(WALKER, WALKER_POINTS, folder)
    if request.param == "crane":
        return body_of(CRANE, CRANE_POINTS, folder)
    return default_body(load_keypoint_set("coco_17"))


def random_wrenches(body: BodyModel, rng: np.random.Generator, n_time: int) -> ExternalWrenches:
    names = (body.body_names[-1], body.body_names[len(body.body_names) // 2], body.body_names[-1])
    force, point, moment = (rng.normal(0.0, s, (n_time, 3, 3)) for s in (500.0, 1.0, 30.0))
    return ExternalWrenches(jnp.asarray(force), jnp.asarray(point), jnp.asarray(moment), names)


def random_case(body: BodyModel, seed: int, n_time: int = N):
    rng = np.random.default_rng(seed)
    person = random_person(body, rng)
    movement = random_movement(random_pose(body, rng, n_time), rng)
    return person, movement, random_wrenches(body, rng, n_time)


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_c_mujoco(body, seed):
    person, movement, wrenches = random_case(body, seed)
    oracle = NativeDynamics(body, person)
    inertia = oracle.inertia(body)
    ours = efforts(body, person, inertia, movement, wrenches, MUJOCO_GRAVITY)
    joint, force, moment = oracle.efforts(movement, wrenches)
    # Relative to the largest of each coordinate; rounding leaves 1e-14.
    for got, expected in (
        (ours.joint, joint),
        (ours.residual_force, force),
        (ours.residual_moment, moment),
    ):
        largest = np.abs(expected).max(axis=0)
        assert_allclose(np.asarray(got) / largest, expected / largest, rtol=0, atol=1e-11)


def test_agrees_with_the_mjcf_that_is_written():
    body = default_body(load_keypoint_set("coco_17"))
    person, movement, wrenches = random_case(body, 3)
    oracle = NativeDynamics(body, person, written=True)
    ours = efforts(body, person, oracle.inertia(body), movement, wrenches, MUJOCO_GRAVITY)
    joint, *_ = oracle.efforts(movement, wrenches)
    largest = np.abs(joint).max(axis=0)
    # The file keeps six digits of every length and mass, and efforts are differences.
    assert_allclose(np.asarray(ours.joint) / largest, joint / largest, rtol=0, atol=2e-5)


def test_what_a_joint_carries_is_its_own_effort():
    """The moment between thigh and shank, about the knee's axis, is the knee's own effort."""
    body = default_body(load_keypoint_set("coco_17"))
    person, movement, wrenches = random_case(body, 4)
    inertia = person_inertia(body, person, 70.0)
    found = efforts(body, person, inertia, movement, wrenches)
    hip = [i for i, joint in enumerate(body.skeleton.joints) if joint.name == "hip_rotation_r"][-1]
    # The last of the hip's hinges turns in the femur's own axes, about its origin.
    joint = body.skeleton.joints[hip]
    assert joint.anchor == (0.0, 0.0, 0.0)
    carried = found.carried_moment[:, body.body_names.index("femur_r")]
    about_axis = np.asarray(carried) @ joint.axis
    assert_allclose(about_axis, found.all_joints[:, hip], rtol=0, atol=1e-9)


def test_residual_is_what_the_root_carries():
    body = default_body(load_keypoint_set("coco_17"))
    person, movement, wrenches = random_case(body, 5)
    inertia = person_inertia(body, person, 70.0)
    found = efforts(body, person, inertia, movement, wrenches)
    # Newton for the whole person: what motion needs less what the surroundings give.
    rest = found.total_force - wrenches.force.sum(axis=1)
    assert_allclose(found.residual_force, rest, rtol=0, atol=1e-8)
    size = np.linalg.norm(found.carried_force[:, 0], axis=-1)
    assert_allclose(size, np.linalg.norm(rest, axis=-1), rtol=0, atol=1e-8)


def still(body: BodyModel, n_time: int = 2) -> Movement:
    pose = body.neutral_pose(n_time, np.float64)
    zero = jax.tree.map(jnp.zeros_like, pose)
    return Movement(pose, zero, zero)


def test_free_fall_needs_nothing(body):
    movement = still(body)
    falling = jnp.zeros_like(movement.pose.root_position).at[:, 2].set(-GRAVITY)
    zero = movement.velocity
    movement = Movement(movement.pose, zero, Pose(falling, zero.root_quaternion, zero.joints))
    inertia = person_inertia(body, body.default_parameters(np.float64), 70.0)
    found = efforts(body, body.default_parameters(np.float64), inertia, movement, no_wrenches(2))
    for one in (found.joint, found.residual_force, found.residual_moment):
        assert_allclose(one, 0.0, rtol=0, atol=1e-9)


def test_standing_needs_the_weight(body):
    parameters = body.default_parameters(np.float64)
    inertia = person_inertia(body, parameters, 70.0)
    found = efforts(body, parameters, inertia, still(body), no_wrenches(2))
    expected = np.tile([0.0, 0.0, 70.0 * GRAVITY], (2, 1))
    assert_allclose(found.total_force, expected, rtol=0, atol=1e-9)
    assert_allclose(found.total_moment, 0.0, rtol=0, atol=1e-9)


PENDULUM = """
<mujoco><worldbody>
  <body name="rod">
    <inertial pos="0 0 -0.7" mass="3" diaginertia="0.2 0.3 0.15"/>
    <joint name="swing" axis="0 1 0" range="-3 3"/>
    <body name="bob" pos="0 0 -1.2">
      <inertial pos="0 0 0" mass="2" diaginertia="0.1 0.1 0.1"/>
      <joint name="hang" axis="0 1 0" range="-3 3"/>
    </body>
  </body>
</worldbody></mujoco>
"""


def test_pendulum_is_the_closed_form(tmp_path):
    """Tau = (I + m l^2) q'' + m g l sin q of a rigid pair of bodies on a hinge."""
    body = body_of(PENDULUM, keypoints_on(("bob", (0.0, 0.0, 0.1))), tmp_path)
    q, dq, ddq = np.array([0.3, -1.1]), np.array([2.0, -3.0]), np.array([5.0, 7.0])
    still_pose = body.neutral_pose(2, np.float64)
    zero = jax.tree.map(jnp.zeros_like, still_pose)

    def swinging(pose: Pose, value: np.ndarray) -> Pose:
        joints = jnp.asarray(np.stack([value, 0 * value], axis=1))
        return Pose(pose.root_position, pose.root_quaternion, joints)

    movement = Movement(swinging(still_pose, q), swinging(zero, dq), swinging(zero, ddq))
    parameters = body.default_parameters(np.float64)
    inertia = person_inertia(body, parameters, 5.0)
    found = efforts(body, parameters, inertia, movement, no_wrenches(2))
    about_hinge = 0.3 + 3 * 0.7**2 + 0.1 + 2 * 1.2**2
    weight = (3 * 0.7 + 2 * 1.2) * GRAVITY
    assert_allclose(found.joint[:, 0], about_hinge * ddq + weight * np.sin(q), rtol=0, atol=1e-10)


@pytest.mark.slow
def test_power_is_the_change_of_energy(tmp_path):
    """Along a smooth motion, joints and root together give what the energy gains."""
    body = body_of(WALKER, WALKER_POINTS, tmp_path)
    rng = np.random.default_rng(6)
    parameters = random_person(body, rng)
    inertia = person_inertia(body, parameters, 70.0)
    n = len(body.joint_names)
    size = jnp.asarray(rng.normal(0.0, 0.3, (2, n + 6)))

    def pose_at(time):
        slow, fast = jnp.cos(2.0 * time)[:, None], jnp.sin(3.0 * time)[:, None]
        wave = size[0][None] * fast + size[1][None] * slow
        turn = quaternion_from_rotation_vector(wave[:, 3:6])
        return Pose(wave[:, :3], turn, wave[:, 6:])

    def velocity_at(time):
        return jax.jvp(pose_at, (time,), (jnp.ones_like(time),))[1]

    def energy(time):
        zero = jax.tree.map(jnp.zeros_like, pose_at(time))
        motion = chain_of(body)(parameters, Movement(pose_at(time), velocity_at(time), zero))
        arm = jnp.einsum("ijbt,bj->ibt", motion.rotation, inertia.centre)
        rate = motion.rate + jnp.cross(motion.turning, arm, axis=0)
        own = jnp.einsum("jibt,jbt->ibt", motion.rotation, motion.turning)
        spin = jnp.einsum("ibt,bij,jbt->t", own, inertia.tensor, own)
        moving = (inertia.mass[:, None] * (rate**2).sum(0)).sum(0)
        height = (motion.origin + arm)[2] + pose_at(time).root_position[:, 2][None]
        return 0.5 * (moving + spin) + GRAVITY * (inertia.mass[:, None] * height).sum(0)

    time = jnp.asarray([0.2, 0.9, 1.7])
    acceleration = jax.jvp(velocity_at, (time,), (jnp.ones_like(time),))[1]
    movement = Movement(pose_at(time), velocity_at(time), acceleration)
    found = efforts(body, parameters, inertia, movement, no_wrenches(3))
    gain = jax.jvp(energy, (time,), (jnp.ones_like(time),))[1]
    given = found.power.sum(1) + _root_power(body, parameters, movement, found)
    assert_allclose(given, gain, rtol=0, atol=1e-8)  # W, of thousands


def _root_power(body, parameters, movement, found):
    """Of the residuals: without a pelvis they act at the root's origin."""
    motion = chain_of(body)(parameters, movement)
    turning, _ = root_turning(movement)
    return (found.residual_force.T * motion.rate[:, 0] + found.residual_moment.T * turning).sum(0)


@pytest.mark.slow
def test_gradient_is_that_of_differences(tmp_path):
    """With respect to size, poses, their derivatives and forces, couplings and slides included."""
    body = body_of(WALKER, WALKER_POINTS, tmp_path)
    person, movement, wrenches = random_case(body, 8, n_time=2)

    def objective(step, along):
        moved = jax.tree.map(lambda x, d: x + step * d, (person, movement, wrenches.force), along)
        inertia = person_inertia(body, moved[0], 70.0)
        given = ExternalWrenches(moved[2], wrenches.point, wrenches.moment, wrenches.bodies)
        found = efforts(body, moved[0], inertia, moved[1], given)
        return (found.joint**2).sum() + (found.residual_moment**2).sum()

    rng = np.random.default_rng(9)
    along = jax.tree.map(
        lambda x: jnp.asarray(rng.normal(size=x.shape)), (person, movement, wrenches.force)
    )
    slope = jax.jit(jax.grad(objective))(0.0, along)
    step = 1e-5
    compiled = jax.jit(objective)
    difference = (compiled(step, along) - compiled(-step, along)) / (2 * step)
    assert np.isfinite(slope)
    assert_allclose(slope, difference, rtol=1e-6, atol=0)


def test_wrenches_that_do_not_fit_are_refused():
    body = default_body(load_keypoint_set("coco_17"))
    parameters = body.default_parameters(np.float64)
    inertia = person_inertia(body, parameters, 70.0)
    motion = FilteredMotion(np.arange(2.0), still(body), 6.0, "test")
    zero = jnp.zeros((2, 1, 3))
    with pytest.raises(UnknownNameError, match="No body is called 'flipper'"):
        inverse_dynamics(
            body, parameters, inertia, motion, ExternalWrenches(zero, zero, zero, ("flipper",))
        )
    wrong = ExternalWrenches(zero[:1], zero[:1], zero[:1], ("femur_r",))
    with pytest.raises(InputError, match="Give one wrench per time"):
        inverse_dynamics(body, parameters, inertia, motion, wrong)
    missing = ExternalWrenches(zero, zero.at[0, 0, 0].set(jnp.nan), zero, ("femur_r",))
    with pytest.raises(InputError, match="point: 1 of 2 times are not finite"):
        inverse_dynamics(body, parameters, inertia, motion, missing)


def test_trials_are_one_batch(tmp_path):
    body = body_of(WALKER, WALKER_POINTS, tmp_path)
    cases = [random_case(body, seed, n_time=3) for seed in (10, 11)]
    person = cases[0][0]
    inertia = person_inertia(body, person, 70.0)
    movements = jax.tree.map(lambda *each: jnp.stack(each), *(case[1] for case in cases))
    nothing = no_wrenches(3)
    together = jax.vmap(lambda one: efforts(body, person, inertia, one, nothing))(movements)
    for i, case in enumerate(cases):
        alone = efforts(body, person, inertia, case[1], nothing)
        assert_allclose(together.joint[i], alone.joint, rtol=0, atol=1e-9)
