"""Knee moments of one standing leg: levers and signs that can be worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import BodyModel, default_body, load_keypoint_set
from diffbio.dynamics import (
    GRAVITY,
    ExternalWrenches,
    FilteredMotion,
    InverseDynamics,
    KneeMoments,
    Movement,
    inverse_dynamics,
    knee_moments,
    person_inertia,
)
from diffbio.errors import InputError, UnknownNameError

FORCE = 700.0


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return default_body(load_keypoint_set("falisse_markers"))


def standing(
    body: BodyModel, side: str, inwards: float, ahead: float
) -> tuple[InverseDynamics, KneeMoments]:
    """The neutral person, whose root's axes are X forward, Y up, Z right, pushed from below.

    The force acts under one knee, so many metres nearer to the other leg and ahead of it.
    """
    parameters = body.default_parameters(np.float64)
    pose = body.neutral_pose(1, np.float64)
    zero = jax.tree.map(jnp.zeros_like, pose)
    positions, rotations = body.body_poses(parameters, pose)
    shank = body.body_names.index(f"tibia_{side}")
    knee, axes = np.asarray(positions[0, shank]), np.asarray(rotations[0, shank])
    towards_other = -1.0 if side == "r" else 1.0
    point = knee + axes @ np.array([ahead, -0.45, towards_other * inwards])
    force = FORCE * axes[:, 1]
    wrench = ExternalWrenches(
        jnp.asarray(force)[None, None], jnp.asarray(point)[None, None], jnp.zeros((1, 1, 3)),
        (f"calcn_{side}",),
    )  # fmt: skip
    inertia = person_inertia(body, parameters, 70.0)
    motion = FilteredMotion(np.zeros(1), Movement(pose, zero, zero), 6.0, "standing")
    # Without gravity the ground's force alone turns the knee.
    found = inverse_dynamics(body, parameters, inertia, motion, wrench, gravity=0.0)
    return found, knee_moments(body, parameters, found, side)


@pytest.mark.parametrize("side", ["r", "l"])
def test_force_nearer_to_the_other_leg_adducts(body, side):
    _, knee = standing(body, side, inwards=0.05, ahead=0.0)
    assert_allclose(knee.adduction, [0.05 * FORCE], rtol=0, atol=1e-9)
    assert_allclose(knee.flexion, [0.0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("side", ["r", "l"])
def test_force_behind_the_knee_bends_it(body, side):
    found, knee = standing(body, side, inwards=0.0, ahead=-0.03)
    assert_allclose(knee.flexion, [0.03 * FORCE], rtol=0, atol=1e-9)
    assert_allclose(knee.adduction, [0.0], rtol=0, atol=1e-9)
    # Inside, the knee has to extend: its coordinate grows with flexion.
    assert found.of(f"knee_angle_{side}")[0] < -0.8 * 0.03 * FORCE


def test_norms(body):
    _, knee = standing(body, "r", inwards=0.05, ahead=0.0)
    assert_allclose(knee.per_kg(knee.adduction), [0.5], rtol=0, atol=1e-9)
    assert knee.height is not None
    expected = 100 * 35.0 / (70.0 * GRAVITY * knee.height)
    assert_allclose(knee.percent(knee.adduction), [expected], rtol=0, atol=1e-9)


def test_impulse_is_of_the_positive_part():
    time = np.linspace(0.0, 1.0, 1001)
    moment = 30.0 * np.sin(2 * np.pi * time)
    knee = KneeMoments(time, "r", moment, 0 * time, 0 * time, 70.0, None)
    assert_allclose(knee.impulse(0.0, 1.0), 30.0 / np.pi, rtol=0, atol=1e-3)
    with pytest.raises(InputError, match="height is not known"):
        knee.percent(moment)


def test_what_is_no_knee_is_refused(body):
    found, _ = standing(body, "r", 0.0, 0.0)
    parameters = body.default_parameters(np.float64)
    with pytest.raises(InputError, match="Give 'r' or 'l'"):
        knee_moments(body, parameters, found, "right")
    legless = InverseDynamics(found.time, found.efforts, (), ("pelvis",), 70.0, 6.0)
    with pytest.raises(UnknownNameError, match="No body is called 'tibia_r'"):
        knee_moments(body, parameters, legless, "r")
