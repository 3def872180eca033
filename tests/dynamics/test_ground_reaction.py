"""Ground reactions from motion: standing, falling, lifting a foot, balances, real plates."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks.dynamics_ground import compared
from benchmarks.dynamics_walks import fitted, windows
from diffbio.body import Pose, default_body, load_keypoint_set
from diffbio.dynamics import (
    GRAVITY,
    FilteredMotion,
    Movement,
    efforts,
    ground_reaction,
    ground_reaction_by_transition,
    person_inertia,
)
from diffbio.dynamics.ground_contacts import FootContacts, foot_contacts
from diffbio.dynamics.ground_reaction import NeededOfGround, ground_forces
from diffbio.dynamics.ground_transition import _divided, fading, fading_forward
from diffbio.errors import InputError, UnknownNameError
from tests.body.small_models import WALKER, WALKER_POINTS, body_of

MASS = 70.0
WEIGHT = MASS * GRAVITY
BOTH = (ground_reaction, ground_reaction_by_transition)


@pytest.fixture(scope="module")
def body():
    return default_body(load_keypoint_set("coco_wholebody_133"))


@pytest.fixture(scope="module")
def person(body):
    parameters = body.default_parameters(np.float64)
    return body, parameters, person_inertia(body, parameters, MASS)


def motion_of(pose: Pose, velocity: Pose | None = None, acceleration: Pose | None = None):
    zero = jax.tree.map(jnp.zeros_like, pose)
    movement = Movement(pose, velocity or zero, acceleration or zero)
    return FilteredMotion(np.arange(len(pose.root_position)) / 100.0, movement, 6.0, "made")


def bent(pose: Pose, body, **degrees: float) -> Pose:
    joints = pose.joints
    for name, angle in degrees.items():
        joints = joints.at[:, body.joint_names.index(name)].add(np.deg2rad(angle))
    return Pose(pose.root_position, pose.root_quaternion, joints)


@pytest.fixture(scope="module")
def standing(body) -> FilteredMotion:
    """Upright, leaning a little so that the centre of mass is over the soles."""
    pose = body.neutral_pose(3, np.float64)
    return motion_of(bent(pose, body, ankle_angle_r=3.0, ankle_angle_l=3.0))


def moving(motion: FilteredMotion, velocity=(0.0, 0.0, 0.0), acceleration=(0.0, 0.0, 0.0)):
    pose = motion.movement.pose
    zero = jax.tree.map(jnp.zeros_like, pose)
    rates = (
        Pose(jnp.broadcast_to(jnp.asarray(one), pose.root_position.shape), *_rest(zero))
        for one in (velocity, acceleration)
    )
    return motion_of(pose, *rates)


def _rest(pose: Pose) -> tuple[jax.Array, jax.Array]:
    return pose.root_quaternion, pose.joints


@pytest.mark.parametrize("method", BOTH)
def test_standing_loads_both_feet_alike_below_the_centre_of_mass(method, person, standing):
    found = method(*person, standing)
    force = np.asarray(found.feet.force)
    # The model's own two feet differ by a millimetre or two.
    assert_allclose(force[..., 2], WEIGHT / 2, rtol=0, atol=0.015 * WEIGHT)
    share = force[..., 2:] / force[..., 2:].sum(axis=1, keepdims=True)
    pressure = (share * np.asarray(found.feet.centre_of_pressure)).sum(axis=1)
    centre = np.asarray(found.needed.centre_of_mass)
    # The penalty on forces pulls the pressure to the middle of the soles by a few per cent.
    assert_allclose(pressure[:, :2], centre[:, :2], rtol=0, atol=3e-3)
    residual_force, residual_moment = found.residual_rms()
    assert residual_force < 1e-3 * WEIGHT
    assert residual_moment < 3e-3 * WEIGHT


@pytest.mark.parametrize("method", BOTH)
def test_given_and_residual_are_what_is_needed(method, person, standing):
    moved = moving(standing, acceleration=(1.5, -0.7, 2.0))
    found = method(*person, moved)
    body, parameters, inertia = person
    rest = efforts(body, parameters, inertia, moved.movement, found.wrenches)
    total = found.feet.force.sum(axis=1) + found.feet.residual_force
    expected = MASS * np.array([1.5, -0.7, 2.0 + GRAVITY])
    assert_allclose(total, np.tile(expected, (3, 1)), rtol=0, atol=1e-9)
    # Inverse dynamics with the wrenches keeps the very same residual.
    assert_allclose(rest.residual_force, found.feet.residual_force, rtol=0, atol=1e-9)
    pelvis, _ = body.body_poses(parameters, moved.movement.pose)
    pelvis = pelvis[:, body.body_names.index(body.pelvis_name)]
    arm = found.needed.centre_of_mass - pelvis
    moment = found.feet.residual_moment + jnp.cross(arm, found.feet.residual_force)
    assert_allclose(rest.residual_moment, moment, rtol=0, atol=1e-9)


@pytest.mark.parametrize("method", BOTH)
def test_free_fall_loads_nothing(method, person, standing):
    found = method(*person, moving(standing, acceleration=(0.0, 0.0, -GRAVITY)))
    assert_allclose(found.feet.force, 0.0, rtol=0, atol=1e-9)
    assert_allclose(found.feet.residual_moment, 0.0, rtol=0, atol=1e-9)


@pytest.mark.parametrize("method", BOTH)
def test_without_a_floor_in_reach_all_is_residual(method, person, standing):
    """A person held in the air, or carried along, has no foot that bears them."""
    for motion, floor in ((standing, -1.5), (moving(standing, velocity=(4.0, 0.0, 0.0)), None)):
        found = method(*person, motion, floor=floor)
        assert_allclose(found.feet.force, 0.0, rtol=0, atol=1e-3 * WEIGHT)
        assert found.residual_rms()[0] > 0.998 * WEIGHT


def test_a_belt_carries_who_moves_with_it(person, standing):
    body, parameters, inertia = person
    belt = np.array([-1.3, 0.2, 0.0])
    carried = moving(standing, velocity=(-1.3, 0.2, 0.0))
    found = ground_reaction(body, parameters, inertia, carried, floor_velocity=belt)
    expected = ground_reaction(body, parameters, inertia, standing)
    assert_allclose(found.feet.force, expected.feet.force, rtol=0, atol=1e-9)


@pytest.mark.parametrize("method", BOTH)
def test_a_lifted_foot_bears_nothing(method, person, standing):
    body = person[0]
    pose = bent(standing.movement.pose, body, hip_flexion_l=60.0, knee_angle_l=90.0)
    found = method(*person, motion_of(pose))
    force = np.asarray(found.feet.force)
    assert np.abs(force[:, 1]).max() < 1e-3 * WEIGHT
    assert_allclose(force[:, 0, 2], WEIGHT, rtol=0, atol=0.01 * WEIGHT)
    if method is ground_reaction:
        # Nobody stands still so, 8 cm beside their foot: what the sole cannot make is reported.
        sole = np.asarray(found.contacts.point[:, 0, :, 0])
        across = np.asarray(found.feet.centre_of_pressure[:, 0, 0])
        assert (across >= sole.min() - 1e-9).all() and (across <= sole.max() + 1e-9).all()
        assert found.residual_rms()[1] > 0.03 * WEIGHT


def test_the_floor_is_below_the_lowest_point(person, standing):
    body, parameters, _ = person
    one = foot_contacts(body, parameters, standing.movement)
    lifted = Pose(
        standing.movement.pose.root_position + jnp.asarray([[0.3, 0.0, 0.25]]),
        *_rest(standing.movement.pose),
    )
    other = foot_contacts(body, parameters, motion_of(lifted).movement)
    assert_allclose(other.floor - one.floor, 0.25, rtol=0, atol=1e-12)
    assert_allclose(other.weight, one.weight, rtol=0, atol=1e-9)
    assert_allclose(other.point[..., 2], other.floor, rtol=0, atol=1e-12)
    given = foot_contacts(body, parameters, standing.movement, floor=float(one.floor))
    assert_allclose(given.weight, one.weight, rtol=0, atol=1e-9)
    # Outwards of the right foot is towards smaller x, for this person looks along -y.
    heel, ball = np.asarray(one.point[0, 0, 0]), np.asarray(one.point[0, 0, 4])
    assert ball[0] < heel[0] and ball[1] < heel[1]


def test_derivative_is_that_of_differences(person, standing):
    """Through soles, contacts and division: of the right foot's load by the pelvis' place."""
    body, parameters, inertia = person

    def load(lean):
        pose = bent(standing.movement.pose, body)
        joints = pose.joints.at[:, body.joint_names.index("lumbar_bending")].add(lean)
        zero = jax.tree.map(jnp.zeros_like, pose)
        moved = Movement(Pose(pose.root_position, pose.root_quaternion, joints), zero, zero)
        return ground_forces(body, parameters, inertia, moved)[0].force[0, 0, 2]

    step = 1e-5
    difference = (load(0.05 + step) - load(0.05 - step)) / (2 * step)
    assert abs(difference) > 10.0
    forward = jax.jvp(load, (jnp.asarray(0.05),), (jnp.asarray(1.0),))[1]
    assert_allclose(forward, difference, rtol=1e-5, atol=0)


def test_curves_begin_at_one_and_end_at_nothing():
    ends = np.array([0.0, 1.0])
    assert_allclose(fading(ends), [1.0, 0.0], rtol=0, atol=4e-4)  # exp(-8)
    assert_allclose(fading_forward(ends), [1.0, 0.0], rtol=0, atol=1e-12)


def test_load_goes_over_from_the_trailing_to_the_leading_foot():
    """Right, both, left: the sum is the need, and neither foot's load jumps."""
    down = np.zeros((60, 2))
    down[:40, 0], down[20:, 1] = 1.0, 1.0
    point = np.zeros((60, 2, 7, 3))
    point[:, 0, 5:, 0], point[:, 1, :, 0], point[:, 1, 5:, 0] = 0.2, 0.6, 0.8
    weight = np.broadcast_to(down[..., None], (60, 2, 7))
    contacts = FootContacts(*map(jnp.asarray, (point, weight, 0.0)))
    force = np.tile([0.0, 20.0, WEIGHT], (60, 1))
    centre = np.tile([0.4, 0.0, 1.0], (60, 1))
    needed = NeededOfGround(*map(jnp.asarray, (force, 0.0 * force, centre, WEIGHT)))
    mine, moment = _divided(needed, contacts)
    assert_allclose(mine.sum(axis=1), force, rtol=0, atol=1e-9)
    assert_allclose(moment.sum(axis=1), 0.0, rtol=0, atol=1e-9)
    assert_allclose(mine[:20, 0], force[:20], rtol=0, atol=1e-9)
    assert_allclose(mine[40:, 1], force[40:], rtol=0, atol=1e-9)
    assert (np.diff(mine[:, 0, 2]) <= 1e-9).all()
    assert np.abs(np.diff(mine[:, 0, 2])).max() < 0.15 * WEIGHT


def test_what_has_no_ground_reaction_is_refused(person, standing, tmp_path):
    nan = jax.tree.map(lambda x: x.at[0].set(np.nan), standing.movement)
    broken = dataclasses.replace(standing, movement=nan)
    nothing = standing.cut(8.0, 9.0)
    body, parameters, inertia = person
    for method in BOTH:
        with pytest.raises(InputError, match=r"made, ground reaction.*A pose is not a number"):
            method(body, parameters, inertia, broken)
        with pytest.raises(InputError, match="The motion has no samples"):
            method(body, parameters, inertia, nothing)
    walker = body_of(WALKER, WALKER_POINTS, tmp_path)
    parameters = walker.default_parameters(np.float64)
    still = motion_of(walker.neutral_pose(2, np.float64))
    with pytest.raises(UnknownNameError, match="No body is called 'calcn_r'"):
        foot_contacts(walker, parameters, still.movement)


@pytest.mark.slow
def test_plates_of_a_walk(shared_data):
    """The right foot of one walk, whose plate reads the person's weight, on the real recording."""
    walker = fitted(shared_data, "falisse-walking", "markers/gait-15.trc", "falisse_markers")
    folder = shared_data / walker.name
    window = next(one for one in windows(folder) if one["trial"] == "gait-15")
    found = compared(walker, folder, window, ground_reaction)
    right = found.alone[0][:, 2]
    assert np.sqrt((right**2).mean()) < 0.05  # body weights
    assert np.sqrt((found.stance[:, 0] ** 2).mean()) < 0.05
    assert np.sqrt((found.covered**2).mean()) < 0.06
    assert np.sqrt((found.pressure**2).sum(-1).mean()) < 0.06  # metres
