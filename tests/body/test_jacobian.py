import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import BodyModel, BodyParameters, Pose, default_body, load_keypoint_set
from diffbio.body.jacobian import marker_jacobian
from diffbio.geometry import quaternion_from_rotation_vector, quaternion_multiply
from tests.body.small_models import CRANE, CRANE_POINTS, WALKER, WALKER_POINTS, body_of

MODELS = {"walker": (WALKER, WALKER_POINTS), "crane": (CRANE, CRANE_POINTS)}


def a_body(name: str, folder) -> BodyModel:
    if name in MODELS:
        return body_of(*MODELS[name], folder)
    return default_body(load_keypoint_set(name))


def a_state(body: BodyModel, n_time: int, seed: int = 0) -> tuple[BodyParameters, Pose]:
    """A person of odd proportions anywhere in the world, in poses far from neutral."""
    rng = np.random.default_rng(seed)
    parameters = jax.tree.map(
        lambda x: jnp.asarray(rng.normal(size=x.shape) * 0.1), body.default_parameters(np.float64)
    )
    low, high = np.clip(body.joint_range, -2, 2).T
    quaternion = rng.normal(size=(n_time, 4))
    quaternion /= np.linalg.norm(quaternion, axis=1, keepdims=True)
    return parameters, Pose(
        jnp.asarray(rng.normal(size=(n_time, 3)) * 3),
        jnp.asarray(quaternion),
        jnp.asarray(rng.uniform(low, high, (n_time, len(low)))),
    )


@pytest.mark.parametrize("name", ["walker", "crane", "halpe_26"])
def test_jacobian_equals_automatic_differentiation(name, tmp_path):
    body = a_body(name, tmp_path)
    parameters, pose = a_state(body, 3)

    def markers(step, parameters):
        turn = quaternion_from_rotation_vector(step[:, 3:6])
        moved = Pose(
            pose.root_position + step[:, :3],
            quaternion_multiply(turn, pose.root_quaternion),
            pose.joints + step[:, 6:],
        )
        return body.marker_positions(parameters, moved)

    zero = jnp.zeros((3, 6 + len(body.joint_names)))
    by_step, by_parameters = jax.jit(jax.jacfwd(markers, (0, 1)))(zero, parameters)
    found = jax.jit(lambda a, b: marker_jacobian(body, a, b))(parameters, pose)
    frames, each = np.arange(3), np.arange(len(body.marker_names))
    pairs = {
        "coordinates": (found.coordinates, by_step[frames, :, :, frames]),
        "log_scale": (found.log_scale, by_parameters.log_scale),
        "marker_offset": (
            np.swapaxes(found.marker_offset, 0, 1),
            by_parameters.marker_offset[:, each, :, each],
        ),
    }
    for analytic, automatic in pairs.values():
        # Relative to the largest element: rounding alone, far below the 1e-6 that is asked for.
        assert_allclose(analytic, automatic, rtol=0, atol=1e-12 * np.abs(automatic).max())


def test_jacobian_keeps_its_precision_far_from_the_origin():
    body = default_body(load_keypoint_set("halpe_26"))
    parameters, pose = a_state(body, 2)
    there = dataclasses.replace(pose, root_position=pose.root_position + 1000.0)
    near = marker_jacobian(body, parameters, pose)
    far = marker_jacobian(body, parameters, there)
    assert_allclose(far.coordinates, near.coordinates, rtol=0, atol=0)
