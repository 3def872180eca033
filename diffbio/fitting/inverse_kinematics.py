"""Inverse kinematics of triangulated points: the two-stage method, here only a place to start."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body import BodyModel, BodyParameters, Pose
from diffbio.geometry import quaternion_from_rotation_vector, quaternion_multiply

ITERATIONS = 25
POINT_SD = 0.02
"""In metres: triangulated keypoints against the unscaled markers of the base model."""

FIRST_REACH, FINAL_REACH = 1.0, 0.06
"""In metres: a point farther off than this loses half of its weight, at first and at last."""


@functools.partial(eqx.filter_jit)
def solve_poses(
    body: BodyModel,
    parameters: BodyParameters,
    start: Pose,
    points: Float[Array, "time marker 3"],
    weight: Float[Array, "time marker"],
) -> tuple[Pose, Float[Array, "time"]]:
    """Pose of every frame on its own, by damped Gauss-Newton with reweighting.

    Args:
        body: the anatomy.
        parameters: the person, held fixed.
        start: where to begin.
        points: marker positions in the world, in metres; any finite value where unseen.
        weight: of each point, 0 where it was not seen.

    Returns:
        The poses, and the root mean square distance of the seen points, in metres.
    """
    low, high = (jnp.asarray(x, points.dtype)[None] for x in body.joint_range.T)
    mean, sd = (jnp.asarray(x, points.dtype) for x in body.joint_posture)
    n_joint = len(body.joint_names)
    n = 6 + n_joint

    def moved(pose: Pose, step: Float[Array, "time coordinate"]) -> Pose:
        turn = quaternion_from_rotation_vector(step[:, 3:6])
        return Pose(
            pose.root_position + step[:, :3],
            quaternion_multiply(turn, pose.root_quaternion),
            jnp.clip(pose.joints + step[:, 6:], low, high),
        )

    def predicted(pose: Pose, step: Float[Array, "time coordinate"]) -> Array:
        turn = quaternion_from_rotation_vector(step[:, 3:6])
        free = Pose(
            pose.root_position + step[:, :3],
            quaternion_multiply(turn, pose.root_quaternion),
            pose.joints + step[:, 6:],
        )
        return body.marker_positions(parameters, free)

    def iterate(carry: tuple[Pose, Array, Array], _: None) -> tuple[tuple, None]:
        pose, damping, reach = carry
        zero = jnp.zeros((points.shape[0], n), points.dtype)
        here, tangent = jax.linearize(functools.partial(predicted, pose), zero)
        basis = jnp.broadcast_to(jnp.eye(n, dtype=points.dtype)[:, None], (n, *zero.shape))
        jacobian = jax.lax.map(tangent, basis)
        error = (points - here) / POINT_SD
        # Cauchy weights about a reach that shrinks: first every point pulls, then wrong ones
        # lose their say.
        w = weight / (1 + (error * error).sum(-1) * (POINT_SD / reach) ** 2)
        normal = jnp.einsum("atmc,btmc,tm->tab", jacobian, jacobian, w) / POINT_SD**2
        gradient = jnp.einsum("atmc,tmc,tm->ta", jacobian, error, w) / POINT_SD
        prior = jnp.concatenate([jnp.zeros(6, points.dtype), 1 / (sd * sd)])
        away = mean[None] - pose.joints
        gradient = gradient + jnp.pad(away, ((0, 0), (6, 0))) * prior[None]
        diagonal = prior + damping
        step = jnp.linalg.solve(normal + jnp.diag(diagonal)[None], gradient[..., None])[..., 0]
        limit = jnp.concatenate([jnp.full(3, 0.5), jnp.full(n - 3, 0.4)]).astype(points.dtype)
        step = jnp.clip(step, -limit[None], limit[None])
        damping = jnp.maximum(damping * 0.6, 1e-3)
        return (moved(pose, step), damping, jnp.maximum(reach * 0.8, FINAL_REACH)), None

    first = (start, jnp.asarray(30.0, points.dtype), jnp.asarray(FIRST_REACH, points.dtype))
    (pose, _, _), _ = jax.lax.scan(iterate, first, None, length=ITERATIONS)
    distance = body.marker_positions(parameters, pose) - points
    squared = jnp.where(weight > 0, (distance * distance).sum(-1), 0.0)
    count = jnp.maximum((weight > 0).sum(-1), 1).astype(points.dtype)
    return pose, jnp.sqrt(squared.sum(-1) / count)


def rigid_roots(
    neutral: Float[np.ndarray, "marker 3"],
    rigidity: Float[np.ndarray, "marker"],
    points: Float[np.ndarray, "time marker 3"],
    weight: Float[np.ndarray, "time marker"],
) -> tuple[Float[np.ndarray, "time 3"], Float[np.ndarray, "time 3 3"]]:
    """Best rigid placement of the neutral body on the points of each frame (Kabsch 1976).

    Args:
        neutral: marker positions of the neutral pose in the root frame, in metres.
        rigidity: weight of each marker, larger where it moves little against the root.

    Returns:
        Position of the root and `world_from_root`, per frame.
    """
    w = weight * rigidity[None]
    total = np.maximum(w.sum(1), 1e-9)[:, None]
    p = np.where(w[..., None] > 0, points, 0.0)
    centre_world = (w[..., None] * p).sum(1) / total
    centre_root = (w[..., None] * neutral[None]).sum(1) / total
    covariance = np.einsum(
        "tm,tmi,tmj->tij", w, p - centre_world[:, None], neutral[None] - centre_root[:, None]
    )
    u, _, vt = np.linalg.svd(covariance)
    handed = np.sign(np.linalg.det(u @ vt))
    u[..., 2] *= handed[:, None]
    rotation = u @ vt
    return centre_world - np.einsum("tij,tj->ti", rotation, centre_root), rotation
