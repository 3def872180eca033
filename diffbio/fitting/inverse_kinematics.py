"""Inverse kinematics of triangulated points: the two-stage method, here only a place to start."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body import BodyModel, BodyParameters, Pose
from diffbio.body.jacobian import TwistKinematics, Twists, cross, twist_kinematics
from diffbio.fitting.composite import beyond, both_ways, moments, pressed
from diffbio.geometry import (
    quaternion_from_matrix,
    quaternion_from_rotation_vector,
    quaternion_multiply,
)

ITERATIONS = 25
POINT_SD = 0.02
"""In metres: triangulated keypoints against the unscaled markers of the base model."""

ROUNDING = 1e-6
"""Share of the trace of a normal matrix that single precision does not resolve."""

FIRST_REACH, FINAL_REACH = 1.0, 0.06
"""In metres: a point farther off than this loses half of its weight, at first and at last."""


@eqx.filter_jit
def solve_poses(
    body: BodyModel,
    parameters: BodyParameters,
    position: Float[Array, "time 3"],
    world_from_root: Float[Array, "time 3 3"],
    points: Float[Array, "time marker 3"],
    weight: Float[Array, "time marker"],
) -> tuple[Pose, Float[Array, "time"]]:
    """Pose of every frame on its own, by damped Gauss-Newton with reweighting.

    Args:
        body: the anatomy.
        parameters: the person, held fixed.
        position: of the root, where to begin, in metres.
        world_from_root: orientation of the root, where to begin.
        points: marker positions in the world, in metres; any finite value where unseen.
        weight: of each point, 0 where it was not seen.

    Returns:
        The poses, and the root mean square distance of the seen points, in metres.
    """
    dtype, kinematics = points.dtype, twist_kinematics(body)
    low, high = (jnp.asarray(x, dtype)[None] for x in body.joint_range.T)
    mean, sd = (jnp.asarray(x, dtype) for x in body.joint_posture)
    prior = jnp.concatenate([jnp.zeros(6, dtype), 1 / (sd * sd)])
    eye = jnp.eye(len(prior), dtype=dtype)
    limit = jnp.asarray(np.repeat([0.5, 0.4], [3, 3 + len(body.joint_names)]), dtype)[None]

    def moved(pose: Pose, step: Float[Array, "time coordinate"]) -> Pose:
        turn = quaternion_from_rotation_vector(step[:, 3:6])
        return Pose(
            pose.root_position + step[:, :3],
            quaternion_multiply(turn, pose.root_quaternion),
            jnp.clip(pose.joints + step[:, 6:], low, high),
        )

    def iterate(carry: _Search, _: None) -> tuple[_Search, None]:
        pose, reach = carry.pose, carry.reach
        twists = kinematics(parameters, pose)
        error = (points - pose.root_position[:, None]) - jnp.transpose(twists.arm, (2, 1, 0))
        squared = (error * error).sum(-1)
        # Cauchy weights about a reach that shrinks: first every point pulls, then wrong ones
        # lose their say.
        w = weight / (1 + squared / (reach * reach)) / POINT_SD**2
        normal, gradient = _normal_equations(kinematics, twists, error, w)
        away = jnp.pad(mean[None] - pose.joints, ((0, 0), (6, 0)))
        # The share of the trace keeps rounding from making an unseen body's matrix indefinite.
        trace = jnp.trace(normal, axis1=1, axis2=2)[:, None]
        diagonal = (prior + carry.damping)[None] + ROUNDING * trace
        factor = jnp.linalg.cholesky(normal + diagonal[:, :, None] * eye[None])
        right = (gradient + away * prior[None])[..., None]
        step = jax.scipy.linalg.cho_solve((factor, True), right)[..., 0]
        step = jnp.clip(jnp.nan_to_num(step), -limit, limit)
        damping, reach = carry.damping * 0.6, reach * 0.8
        return _Search(
            moved(pose, step),
            pose,
            squared,
            jnp.maximum(damping, 1e-3),
            jnp.maximum(reach, FINAL_REACH),
        ), None

    joints = jnp.broadcast_to(mean[None], (points.shape[0], len(body.joint_names)))
    start = Pose(position, quaternion_from_matrix(world_from_root), joints)
    damping, reach = jnp.asarray(30.0, dtype), jnp.asarray(FIRST_REACH, dtype)
    first = _Search(start, start, jnp.zeros_like(weight), damping, reach)
    # One more than the steps: the last only measures where the step before it led.
    last, _ = jax.lax.scan(iterate, first, None, length=ITERATIONS + 1)
    seen = weight > 0
    count = jnp.maximum(seen.sum(-1), 1).astype(dtype)
    return last.measured, jnp.sqrt(jnp.where(seen, last.squared, 0.0).sum(-1) / count)


class _Search(NamedTuple):
    """What the iterations carry.

    Attributes:
        pose: where the last step led.
        measured: where it began.
        squared: squared distance of each point from its marker there.
        damping: added to the diagonal.
        reach: of the robust weights, in metres.
    """

    pose: Pose
    measured: Pose
    squared: Float[Array, "time marker"]
    damping: Float[Array, ""]
    reach: Float[Array, ""]


def _normal_equations(
    kinematics: TwistKinematics,
    twists: Twists,
    error: Float[Array, "time marker 3"],
    weight: Float[Array, "time marker"],
) -> tuple[Float[Array, "time n n"], Float[Array, "time n"]]:
    """Weighted normal matrix and right side of all points, in root position, rotation and joints.

    All points beyond a joint share its twist, so their weights are first added up to a 6 x 6
    matrix.
    """
    n = kinematics.n_own
    carried, contains = kinematics.carried[:n], kinematics.contains[:n, :n]
    twist, w = twists.twist[:, :n], weight.T
    information = [[w if i == j else jnp.zeros_like(w) for j in range(3)] for i in range(3)]
    resist = pressed(beyond(carried, moments(twists.arm, information)), twist)
    pull = w[None] * jnp.transpose(error, (2, 1, 0))
    wrench = beyond(carried, jnp.concatenate([cross(twists.arm, pull), pull]))
    outer = jnp.transpose(twist, (2, 1, 0)) @ jnp.transpose(resist, (2, 0, 1))
    both = both_ways(contains, contains, outer, jnp.swapaxes(outer, 1, 2))
    rows = jnp.swapaxes(kinematics.by_coordinate(both), 1, 2)
    return kinematics.by_coordinate(rows), kinematics.by_coordinate((twist * wrench).sum(0).T)


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
