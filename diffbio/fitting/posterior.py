"""How far the truth may be from a fit: marginal covariances from the arrow of its Hessian.

What is covaries with what is read off the inverse of the arrow where a frame feels it: within
four neighbouring control points and with the shared unknowns. Markers follow by the delta method,
with all covariances between pose, segment scales and the marker's own offset.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float, Int

from diffbio.body import BodyModel, BodyParameters, Pose
from diffbio.body.jacobian import marker_jacobian
from diffbio.fitting.arrow_factor import ArrowFactor, ArrowMatrix, arrow_covariance
from diffbio.fitting.definite import factor_definite
from diffbio.fitting.spline_basis import PAIRS, WINDOW, SplineBasis

FRAMES_AT_ONCE = 32
"""Bounds the scratch memory: a frame takes a row of all shared unknowns per marker and axis."""


class Posterior(NamedTuple):
    """Marginal posterior of a trial, as far as model, weights and priors are right.

    Attributes:
        root: covariance of the root's position, in metres, and of its orientation, an increment
            on the left in the world frame, in radians.
        joints: standard deviation of every joint coordinate, in radians or metres.
        markers: standard deviation of every model marker along the world's axes, in metres.
        log_scale: covariance of the log scales of the segments.
        marker_offset: standard deviation of every marker's offset, body frame, in metres.
        cameras: covariance of the cameras' columns of the shared unknowns.
        lifted: unknowns that had to be given information for the Hessian to be definite.
    """

    root: Float[Array, "time 6 6"]
    joints: Float[Array, "time joint"]
    markers: Float[Array, "time marker 3"]
    log_scale: Float[Array, "segment segment"]
    marker_offset: Float[Array, "marker 3"]
    cameras: Float[Array, "camera_column camera_column"]
    lifted: Int[Array, ""]


class Lasting(NamedTuple):
    """How much less the detections say about what all times share than about a moment's pose.

    Attributes:
        prior: what the priors add to the corner, of the unknowns but those that only serve the
            elimination.
        share: of what the detections say about these, the part that counts; 1 at most.
    """

    prior: Float[Array, "known known"]
    share: Float[Array, ""]


class _Spread(NamedTuple):
    """Covariances split in two: what is left when the shared unknowns are known, and they.

    Shared unknowns are `shared @ z` with independent unit variates z, and control points
    `rest - own @ z`; a sum of squares never comes out negative by rounding.

    Attributes:
        rest: covariance of control points k and k + d given the shared unknowns.
        own: of the control points.
        shared: of the shared unknowns, a triangular root of their covariance.
    """

    rest: Float[Array, "4 control n n"]
    own: Float[Array, "control n shared"]
    shared: Float[Array, "shared shared"]


class _Frames(NamedTuple):
    """A block of slots and the control points they feel."""

    weight: Float[Array, "interval slot 4"]
    window: Array
    pose: Pose
    turning: Float[Array, "frame 3 3"]


@eqx.filter_jit
def posterior(
    arrow: ArrowMatrix,
    basis: SplineBasis,
    body: BodyModel,
    parameters: BodyParameters,
    pose: Pose,
    turning: Float[Array, "time 3 3"],
    *,
    n_camera_column: int,
    lasting: Lasting | None = None,
) -> Posterior:
    """Standard deviations and covariances of a fitted trial.

    Args:
        arrow: Hessian at the solution, undamped. Control points are position of the root,
            rotation vector and joints; shared unknowns are log scales, marker offsets, the
            cameras' columns, and after them any that only serve the elimination.
        basis: sample times in the knot intervals.
        body: the anatomy.
        parameters: the person.
        pose: at the samples.
        turning: rotation of the root in the world frame per unit of its rotation coordinates,
            at the samples: `left_jacobian` of the rotation vector.
        n_camera_column: number of the cameras' columns.
        lasting: where errors that last say less about what lasts; the same for all when None.

    Returns:
        Finite numbers, whatever is not determined: its variance is large.
    """
    with jax.default_matmul_precision("highest"):
        factor, lifted = factor_definite(arrow)
        if lasting is not None:
            factor = factor._replace(schur=_less_sure(factor.schur, lasting))
        spread = _spread_of(factor, arrow.border.shape[0])
        root, joints, markers = _frames(spread, basis, body, parameters, pose, turning)
    n_scale, n_marker = len(body.segment_names), len(body.marker_names)
    end = n_scale + 3 * n_marker
    scales, cameras = spread.shared[:n_scale], spread.shared[end : end + n_camera_column]
    offsets = (spread.shared[n_scale:end] ** 2).sum(1)
    return Posterior(
        root=root,
        joints=joints,
        markers=markers,
        log_scale=scales @ scales.T,
        marker_offset=jnp.sqrt(offsets).reshape(n_marker, 3),
        cameras=cameras @ cameras.T,
        lifted=lifted,
    )


def _less_sure(
    schur: Float[Array, "shared shared"], lasting: Lasting
) -> Float[Array, "shared shared"]:
    """Factor of the Schur complement where only a share of the detections' information counts.

    Unknowns that only serve the elimination are not measured: they are eliminated before the
    share is taken, and put back. Where rounding leaves no factor, of priors too only the share
    counts.
    """
    prior, share = lasting
    n = prior.shape[0]
    whole = schur @ schur.T
    rest = jnp.linalg.cholesky(whole[n:, n:])
    onto = solve_triangular(rest, whole[n:, :n], lower=True)
    served = onto.T @ onto
    known = share * (whole[:n, :n] - served) + (1 - share) * prior
    found = jnp.linalg.cholesky(whole.at[:n, :n].set(known + served))
    return jnp.where(jnp.isfinite(found).all(), found, jnp.sqrt(share) * schur)


def _spread_of(factor: ArrowFactor, n_control: int) -> _Spread:
    covariance = arrow_covariance(factor, n_control)
    eye = jnp.eye(factor.schur.shape[0], dtype=factor.schur.dtype)
    shared = solve_triangular(factor.schur, eye, lower=True).T
    return _Spread(covariance.band, covariance.border @ shared, shared)


def _frames(
    spread: _Spread,
    basis: SplineBasis,
    body: BodyModel,
    parameters: BodyParameters,
    pose: Pose,
    turning: Float[Array, "time 3 3"],
) -> tuple[Array, Array, Array]:
    """Root, joints and markers at the samples, a block of intervals at a time."""
    n_interval, n_slot = basis.sample.shape
    size = min(n_interval, max(1, FRAMES_AT_ONCE // n_slot))
    n_block = -(-n_interval // size)
    # The last block repeats the last interval where there is none left.
    interval = np.minimum(np.arange(n_block * size), n_interval - 1)
    sample = basis.sample[interval].reshape(n_block, size * n_slot)
    window = interval.reshape(n_block, size, 1) + np.arange(WINDOW)
    frames = _Frames(
        basis.weight[interval].reshape(n_block, size, n_slot, WINDOW),
        jnp.asarray(window),
        jax.tree.map(lambda x: x[sample], pose),
        turning[sample],
    )
    found = jax.lax.map(lambda one: _of_block(spread, one, body, parameters), frames)
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[basis.slot], found)


def _of_block(
    spread: _Spread, frames: _Frames, body: BodyModel, parameters: BodyParameters
) -> tuple[Array, Array, Array]:
    """Root, joints and markers of a block of frames."""
    rest, own = _of_pose(spread, frames)
    variance = jnp.einsum("fii->fi", rest) + (own * own).sum(2)
    root = rest[:, :6, :6] + own[:, :6] @ jnp.swapaxes(own[:, :6], 1, 2)
    slopes = marker_jacobian(body, parameters, frames.pose)
    n_frame, n_marker, _, n = slopes.coordinates.shape
    by_pose = slopes.coordinates.reshape(n_frame, 3 * n_marker, n)
    by_scale = slopes.log_scale.reshape(n_frame, 3 * n_marker, -1)
    n_scale = by_scale.shape[2]
    offsets = spread.shared[n_scale : n_scale + 3 * n_marker].reshape(n_marker, 3, -1)
    scales = jnp.broadcast_to(spread.shared[None, :n_scale], (n_frame, n_scale, own.shape[2]))
    # One product for what pose and scales do, for only together are they as small as they are.
    moved = jnp.concatenate([by_pose, by_scale], axis=2) @ jnp.concatenate([-own, scales], axis=1)
    by_offset = jnp.einsum("fmij,mjq->fmiq", slopes.marker_offset, offsets)
    moved = moved.reshape(by_offset.shape) + by_offset
    markers = ((by_pose @ rest) * by_pose).sum(2).reshape(n_frame, n_marker, 3)
    markers = markers + (moved * moved).sum(3)
    return root, _root_of(variance[:, 6:]), _root_of(markers)


def _of_pose(
    spread: _Spread, frames: _Frames
) -> tuple[Float[Array, "frame n n"], Float[Array, "frame n shared"]]:
    """Of the pose: covariance given the shared unknowns, and what it owes to them."""
    first, second = np.asarray(PAIRS).T
    n, n_shared = spread.own.shape[1:]
    weight, window = frames.weight, frames.window
    # Each pair stands for itself and its transpose, so that a control point's own counts half.
    share = jnp.asarray(np.where(first == second, 0.5, 1.0), weight.dtype)
    products = weight[..., first] * weight[..., second] * share[None, None]
    blocks = spread.rest[second - first, window[:, first]]
    half = jnp.einsum("csp,cpq->csq", products, blocks.reshape(*blocks.shape[:2], n * n))
    half = half.reshape(-1, n, n)
    rest = half + jnp.swapaxes(half, 1, 2)
    own = spread.own[window].reshape(len(window), WINDOW, n * n_shared)
    own = jnp.einsum("csj,cjq->csq", weight, own).reshape(-1, n, n_shared)

    def turned(rows: Array) -> Array:
        return jnp.concatenate([rows[:, :3], frames.turning @ rows[:, 3:6], rows[:, 6:]], axis=1)

    return turned(jnp.swapaxes(turned(rest), 1, 2)), turned(own)


def _root_of(variance: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """Rounding may take the last digit of a vanishing variance below zero."""
    return jnp.sqrt(jnp.maximum(variance, 0))
