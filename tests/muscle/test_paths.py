import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.body import BodyParameters, default_body, load_keypoint_set
from diffbio.body.muscle_routes import routes_from_model
from diffbio.errors import InputError, UnknownNameError
from diffbio.muscle import (
    FromFit,
    MusclePaths,
    Muscles,
    leg_muscles,
    muscle_state,
    scaled_muscles,
)
from tests.muscle.native_paths import NativePaths

# Leaner than the base model in one place, larger in another, and not the same on both sides.
SEGMENTS = {
    "pelvis": 1.05, "thigh_r": 0.93, "thigh_l": 0.95, "shank_r": 1.08, "shank_l": 1.1,
    "foot_r": 1.12, "foot_l": 0.9,
}  # fmt: skip


@functools.cache
def legs() -> tuple[MusclePaths, Muscles]:
    routes, muscles = leg_muscles()
    return MusclePaths(routes), muscles


@functools.cache
def some() -> MusclePaths:
    """Muscles of every kind: around a sphere, around cylinders, over the kneecap, straight."""
    names = ("iliacus_r", "gasmed_r", "recfem_r", "semiten_r", "glmax2_r", "soleus_r")
    return MusclePaths([route for route in leg_muscles()[0] if route.muscle in names])


def poses(paths: MusclePaths, n: int = 256, seed: int = 0) -> np.ndarray:
    """All over the range of motion."""
    low, high = paths.body.joint_range.T
    return low + (high - low) * np.random.default_rng(seed).uniform(size=(n, len(low)))


def sizes(paths: MusclePaths) -> jax.Array:
    return jnp.log(jnp.asarray([SEGMENTS.get(name, 1.0) for name in paths.body.segment_names]))


@pytest.mark.parametrize("segment", [{}, SEGMENTS], ids=["base", "scaled"])
def test_lengths_and_moment_arms_are_mujocos(segment):
    paths, _ = legs()
    joints = poses(paths)
    log_scale = sizes(paths) if segment else jnp.zeros(len(paths.body.segment_names))
    found = paths(log_scale, jnp.asarray(joints))
    lengths, arms = NativePaths(paths, segment).at(joints)
    np.testing.assert_allclose(found.length, lengths, atol=1e-12)
    np.testing.assert_allclose(found.moment_arm, arms, atol=1e-12)


def test_moment_arms_are_minus_the_slope_of_lengths():
    paths = some()
    joints, log_scale = jnp.asarray(poses(paths, seed=1)), sizes(paths)
    found = paths(log_scale, joints)
    step = 1e-6
    for c in range(joints.shape[1]):
        more, less = (paths(log_scale, joints.at[:, c].add(s)).length for s in (step, -step))
        slope = (more - less) / (2 * step)
        # A muscle that meets its surface within the step has a kink there.
        away = np.abs(found.moment_arm[:, c] + slope) > 1e-8
        assert away.mean() < 1e-3


def test_derivatives_by_size_and_pose_are_those_of_differences():
    paths = some()
    joints, log_scale = jnp.asarray(poses(paths, seed=2)), sizes(paths)
    rng = np.random.default_rng(3)
    of_size, of_pose = rng.normal(size=log_scale.shape), rng.normal(size=joints.shape)

    def along(t: jax.Array) -> tuple[jax.Array, jax.Array]:
        found = paths(log_scale + t * of_size, joints + t * of_pose)
        return found.length, found.moment_arm

    slopes = jax.jacfwd(along)(jnp.asarray(0.0))
    step = 1e-6
    more, less = along(jnp.asarray(step)), along(jnp.asarray(-step))
    for slope, a, b in zip(slopes, more, less, strict=True):
        assert np.isfinite(slope).all()
        away = np.abs(slope - (a - b) / (2 * step)) > 1e-6
        assert away.mean() < 1e-3
    # Backwards through all of it, also where muscles lie on their surfaces or far from them.
    back = jax.grad(lambda s: sum(x.sum() for x in paths(s, joints)))
    assert np.isfinite(back(log_scale)).all()


def test_a_person_of_another_size_has_muscles_to_match():
    paths, muscles = legs()
    log_scale = jnp.full(len(paths.body.segment_names), np.log(1.1))
    own = scaled_muscles(paths, muscles, log_scale)
    np.testing.assert_allclose(own.optimal_length, 1.1 * muscles.optimal_length, rtol=1e-9)
    np.testing.assert_allclose(own.slack_length, 1.1 * muscles.slack_length, rtol=1e-9)
    assert own.maximal_force is muscles.maximal_force


def test_a_person_of_other_proportions_keeps_operating_ranges():
    paths, muscles = legs()
    log_scale = sizes(paths)
    own = scaled_muscles(paths, muscles, log_scale)
    joints = jnp.asarray(poses(paths, seed=5))
    base = jax.vmap(muscles.fibre_length)(paths(jnp.zeros_like(log_scale), joints).length)
    fibre = jax.vmap(own.fibre_length)(paths(log_scale, joints).length)
    apart = np.abs(np.array([fibre.min(0) - base.min(0), fibre.max(0) - base.max(0)]))
    # Without scaled muscles a tenth of the body's length is several optimal lengths of a calf.
    unscaled = jax.vmap(muscles.fibre_length)(paths(log_scale, joints).length)
    assert apart.max() < 0.03
    assert np.abs(unscaled.max(0) - base.max(0)).max() > 0.5


def test_a_motion_has_power_only_where_muscles_change_length():
    paths, muscles = legs()
    rng = np.random.default_rng(7)
    joints, rates = poses(paths, 10, 6), rng.normal(size=(10, 14))
    state = muscle_state(paths, muscles, sizes(paths), jnp.asarray(joints), jnp.asarray(rates))
    tension = jax.vmap(muscles.active_force)(state.path.length, state.velocity)
    by_joints = jnp.einsum("tcm,tc->tm", state.capacity, rates)
    np.testing.assert_allclose(by_joints, -tension * state.velocity, atol=1e-9)
    passive = jax.vmap(muscles.passive_force)(state.path.length)
    np.testing.assert_allclose(
        (state.passive * rates).sum(1), -(passive * state.velocity).sum(1), atol=1e-9
    )


def test_a_fitted_body_hands_over_by_name():
    paths, _ = legs()
    fitted = default_body(load_keypoint_set("coco_17"))
    onto = FromFit(paths, fitted)
    rng = np.random.default_rng(0)
    log_scale = jnp.asarray(rng.normal(size=len(fitted.segment_names)))
    parameters = BodyParameters(log_scale, jnp.zeros((len(fitted.marker_names), 3)))
    found = dict(zip(paths.body.segment_names, onto.log_scale(parameters), strict=True))
    given = dict(zip(fitted.segment_names, log_scale, strict=True))
    assert found["thigh_l"] == given["thigh_l"]
    # A foot that nobody saw is as large as the shank it hangs on.
    assert "foot_l" not in given
    assert found["foot_l"] == given["shank_l"]
    joints = jnp.asarray(rng.normal(size=(2, len(fitted.joint_names))))
    moved, rates = onto.joints(joints), onto.rates(joints)
    knee = paths.body.joint_names.index("knee_angle_r")
    assert (moved[:, knee] == joints[:, fitted.joint_names.index("knee_angle_r")]).all()
    toes = paths.body.joint_names.index("mtp_angle_r")
    assert "mtp_angle_r" in onto.missing
    assert (moved[:, toes] == paths.body.joint_reference[toes]).all()
    assert (rates[:, toes] == 0).all()


def test_what_is_not_supported_is_refused():
    paths, muscles = legs()
    model = NativePaths(paths).model
    with pytest.raises(UnknownNameError, match="soleus_x"):
        routes_from_model(model, ["soleus_x"])
    with pytest.raises(InputError, match="BIClong_r"):
        routes_from_model(model, ["BIClong_r"])
    with pytest.raises(InputError, match="same muscles"):
        scaled_muscles(some(), muscles, sizes(some()))
