"""Bundle adjustment of cameras that saw points of which nothing is known, by damped Gauss-Newton.

Every point touches only the cameras that saw it, so all points are eliminated first (the Schur
complement of their 3 x 3 blocks). Everything runs in the precision of the rig, which should be
double. Nothing holds place, direction and size of the whole but the damping: the caller does.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffbio.cameras.rig import CameraRig
from diffbio.geometry import matrix_from_rotation_vector

UNKNOWNS = ("turn_x", "turn_y", "turn_z", "x", "y", "z", "log_focal", "clock")
"""Of a camera: its turn about its own centre in its own axes (radians), the movement of the
centre in the world (unit of the rig), the logarithm of its focal lengths, and what is added to
its time stamps (seconds)."""

WIDTH = len(UNKNOWNS)
FOCAL, CLOCK = UNKNOWNS.index("log_focal"), UNKNOWNS.index("clock")

MAX_STEPS = 60
_FIRST_DAMPING = 1e-3
_MOST_DAMPING = 1e9
ENOUGH = 1e-7
"""A step that lowers the cost by a smaller share is the last, unless asked for otherwise."""


class PointViews(NamedTuple):
    """What the cameras saw of points, one column per point and instant.

    Attributes:
        u_px: to the right, lens distortion not removed; any finite value where not seen.
        v_px: downwards.
        weight: trust in each detection; 0 where not seen.
        drift_u_px: by how much `u_px` falls when the camera's clock is set a second later, which
            is how fast the point moved in the picture, in pixels per second.
        drift_v_px: the same of `v_px`.
    """

    u_px: Float[Array, "camera point"]
    v_px: Float[Array, "camera point"]
    weight: Float[Array, "camera point"]
    drift_u_px: Float[Array, "camera point"]
    drift_v_px: Float[Array, "camera point"]


class PointsAdjusted(NamedTuple):
    """Adjusted cameras and points.

    Attributes:
        rig: the cameras.
        clock: what is to be added to time stamps, besides what was, in seconds.
        points: in the world.
        residual_px: distance of each detection from its point's picture; 0 where not seen.
        information: inverse covariance of the cameras' unknowns, points eliminated, for
            detections with an error of 1 px in each coordinate; ones on the diagonal where held.
        scores: gradient of the cost of each point, of half the weighted squares.
        steps: taken.
        converged: the last accepted step changed next to nothing.
    """

    rig: CameraRig
    clock: Float[Array, "camera"]
    points: Float[Array, "point 3"]
    residual_px: Float[Array, "camera point"]
    information: Float[Array, "unknown unknown"]
    scores: Float[Array, "point unknown"]
    steps: Int[Array, ""]
    converged: Bool[Array, ""]


class _State(NamedTuple):
    rig: CameraRig
    clock: Float[Array, "camera"]
    points: Float[Array, "point 3"]
    cost: Float[Array, ""]
    damping: Float[Array, ""]
    step: Int[Array, ""]
    converged: Bool[Array, ""]


class _Normal(NamedTuple):
    cameras: Float[Array, "camera column column"]
    points: Float[Array, "point 3 3"]
    mixed: Float[Array, "camera column point 3"]
    camera_gradient: Float[Array, "camera column"]
    point_gradient: Float[Array, "point 3"]
    each_gradient: Float[Array, "camera column point"]


@eqx.filter_jit
def adjust_points(
    rig: CameraRig,
    points: Float[Array, "point 3"],
    views: PointViews,
    free: Bool[Array, "camera column"],
    prior_sd: Float[Array, "column"],
    scale_px: Float[Array, ""],
    noise_px: Float[Array, ""],
    enough: Float[Array, ""],
) -> PointsAdjusted:
    """Minimise the Geman-McClure cost of the distances between points' pictures and detections.

    Args:
        rig: where to start.
        points: where to start, in the world.
        views: what was detected.
        free: which unknowns of each camera are sought, in the order of `UNKNOWNS`.
        prior_sd: how far the unknowns of a camera may be from where they started; infinite
            where nothing is known.
        scale_px: distance at which a detection counts for half as much as an outlier.
        noise_px: standard deviation of a good detection, against which the priors weigh.
        enough: a step that lowers the cost by a smaller share is the last.
    """
    first_focal = jnp.log(rig.focal_px[:, 0])
    strength = (noise_px / prior_sd) ** 2

    def departure(rig: CameraRig, clock: Array) -> Float[Array, "camera column"]:
        none = jnp.zeros((clock.shape[0], WIDTH), clock.dtype)
        focal = jnp.log(rig.focal_px[:, 0]) - first_focal
        return none.at[:, FOCAL].set(focal).at[:, CLOCK].set(clock)

    def cost(rig: CameraRig, clock: Array, points: Array) -> Float[Array, ""]:
        squared = _squared_px(rig, clock, points, views)
        robust = squared / (1.0 + squared / scale_px**2)
        far = departure(rig, clock) ** 2 * strength[None]
        return jnp.sum(views.weight * robust) + jnp.sum(far)

    def step(state: _State) -> _State:
        normal = _normal(state.rig, state.clock, state.points, views, free, scale_px)
        pull = departure(state.rig, state.clock) * strength[None]
        normal = normal._replace(
            cameras=normal.cameras + jnp.diag(strength)[None],
            camera_gradient=normal.camera_gradient + pull,
        )
        moves = _solved(normal, free, state.damping)
        moved = _moved(state.rig, state.clock, state.points, *moves)
        value = cost(*moved)
        better = value < state.cost
        small = jnp.abs(state.cost - value) <= enough * state.cost
        done = (small & better) | (~better & (state.damping >= _MOST_DAMPING))
        old = (state.rig, state.clock, state.points)
        rig, clock, points = jax.tree.map(
            lambda new, before: jnp.where(better, new, before), moved, old
        )
        damping = jnp.where(better, state.damping / 10.0, state.damping * 10.0)
        damping = jnp.clip(damping, 1e-9, 10.0 * _MOST_DAMPING)
        least = jnp.where(better, value, state.cost)
        return _State(rig, clock, points, least, damping, state.step + 1, done)

    dtype = rig.focal_px.dtype
    clock = jnp.zeros(rig.focal_px.shape[0], dtype)
    start = _State(
        rig,
        clock,
        points,
        cost(rig, clock, points),
        jnp.asarray(_FIRST_DAMPING, dtype),
        jnp.asarray(0),
        jnp.asarray(False),
    )
    end = jax.lax.while_loop(lambda s: (s.step < MAX_STEPS) & ~s.converged, step, start)
    normal = _normal(end.rig, end.clock, end.points, views, free, scale_px)
    reduced, _, carried = _reduced(normal, free, jnp.zeros((), dtype))
    own = normal.each_gradient.reshape(free.size, -1)
    scores = own - jnp.einsum("api,pi->ap", carried, normal.point_gradient)
    return PointsAdjusted(
        end.rig,
        end.clock,
        end.points,
        jnp.sqrt(_squared_px(end.rig, end.clock, end.points, views)),
        reduced,
        scores.T,
        end.step,
        end.converged,
    )


def _errors_px(
    u: Float[Array, "camera point"],
    v: Float[Array, "camera point"],
    clock: Float[Array, "camera"],
    views: PointViews,
) -> tuple[Float[Array, "camera point"], Float[Array, "camera point"]]:
    """Pictures minus detections, 0 where not seen."""
    seen = views.weight > 0.0
    u = u - views.u_px + clock[:, None] * views.drift_u_px
    v = v - views.v_px + clock[:, None] * views.drift_v_px
    return jnp.where(seen, u, 0.0), jnp.where(seen, v, 0.0)


def _squared_px(
    rig: CameraRig, clock: Float[Array, "camera"], points: Float[Array, "point 3"],
    views: PointViews,
) -> Float[Array, "camera point"]:  # fmt: skip
    u, v = _errors_px(*rig.project_components(points), clock, views)
    return u * u + v * v


def _normal(
    rig: CameraRig,
    clock: Float[Array, "camera"],
    points: Float[Array, "point 3"],
    views: PointViews,
    free: Bool[Array, "camera column"],
    scale_px: Float[Array, ""],
) -> _Normal:
    u, v, du, dv = rig.project_derivatives(points)
    errors = _errors_px(u, v, clock, views)
    squared = errors[0] ** 2 + errors[1] ** 2
    weight = views.weight / (1.0 + squared / scale_px**2) ** 2
    from_camera = points[None] - rig.centres[:, None]
    lens_u, lens_v = rig.lens_derivatives(points)
    sides = []
    for slope, lens, drift in (
        (du, lens_u, views.drift_u_px),
        (dv, lens_v, views.drift_v_px),
    ):
        turn = jnp.cross(from_camera, jnp.moveaxis(slope, 0, -1))
        turn = jnp.einsum("cij,cpj->icp", rig.camera_from_world_rotation, turn)
        own = jnp.concatenate([turn, -slope, lens[:1], drift[None]])
        sides.append((jnp.where(free.T[:, :, None], own, 0.0), slope))
    cameras, blocks, mixed, camera_gradient, point_gradient = 0.0, 0.0, 0.0, 0.0, 0.0
    for (own, slope), error in zip(sides, errors, strict=True):
        heavy = own * weight[None]
        cameras += jnp.einsum("acp,bcp->cab", heavy, own)
        blocks += jnp.einsum("icp,jcp->pij", slope * weight[None], slope)
        mixed += jnp.einsum("acp,icp->capi", heavy, slope)
        camera_gradient += jnp.moveaxis(heavy * error[None], 0, 1)
        point_gradient += jnp.einsum("icp,cp->pi", slope, weight * error)
    each = jnp.asarray(camera_gradient)
    return _Normal(
        jnp.asarray(cameras),
        jnp.asarray(blocks),
        jnp.asarray(mixed),
        each.sum(-1),
        jnp.asarray(point_gradient),
        each,
    )


def _reduced(
    normal: _Normal, free: Bool[Array, "camera column"], damping: Float[Array, ""]
) -> tuple[
    Float[Array, "unknown unknown"], Float[Array, "unknown"], Float[Array, "unknown point 3"]
]:
    """The system of the cameras alone, and what carries the points' gradients into it."""
    size, dtype = free.size, damping.dtype
    inverse = _point_inverses(normal, damping)
    mixed = normal.mixed.reshape(size, -1, 3)
    carried = jnp.einsum("api,pij->apj", mixed, inverse)
    eye = jnp.eye(WIDTH, dtype=dtype)
    within = normal.cameras * (1.0 + damping * eye[None])
    held = jnp.where(free, 0.0, 1.0)[:, :, None] * eye[None]
    own = jnp.zeros((free.shape[0], WIDTH, free.shape[0], WIDTH), dtype)
    number = jnp.arange(free.shape[0])
    own = own.at[number, :, number, :].set(within + held).reshape(size, size)
    right = normal.camera_gradient.reshape(-1)
    right = right - jnp.einsum("api,pi->a", carried, normal.point_gradient)
    return own - carried.reshape(size, -1) @ mixed.reshape(size, -1).T, right, carried


def _point_inverses(normal: _Normal, damping: Float[Array, ""]) -> Float[Array, "point 3 3"]:
    blocks = normal.points
    trace = blocks[:, 0, 0] + blocks[:, 1, 1] + blocks[:, 2, 2]
    # A point that nobody counts has no equations: it stays where it is.
    floor = jnp.where(trace > 0.0, 1e-9 * trace, 1.0)
    xx, yy, zz = (blocks[:, i, i] * (1.0 + damping) + floor for i in range(3))
    xy, xz, yz = blocks[:, 0, 1], blocks[:, 0, 2], blocks[:, 1, 2]
    # The adjugate, which is symmetric too.
    a, b, c = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    d, e, f = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
    rows = jnp.stack([a, b, c, b, d, e, c, e, f], axis=-1)
    return (rows / (xx * a + xy * b + xz * c)[:, None]).reshape(-1, 3, 3)


def _solved(
    normal: _Normal, free: Bool[Array, "camera column"], damping: Float[Array, ""]
) -> tuple[Float[Array, "camera column"], Float[Array, "point 3"]]:
    """The step: minus the gradient, through the damped system."""
    reduced, right, _ = _reduced(normal, free, damping)
    # A rig free to move, turn and grow leaves seven directions that only the damping holds.
    size = jnp.abs(jnp.diag(reduced))
    cameras = -jnp.linalg.solve(reduced + jnp.diag(1e-9 * size), right)
    mixed = normal.mixed.reshape(free.size, -1, 3)
    left = -normal.point_gradient - jnp.einsum("api,a->pi", mixed, cameras)
    inverse = _point_inverses(normal, damping)
    return cameras.reshape(free.shape), jnp.einsum("pij,pj->pi", inverse, left)


def _moved(
    rig: CameraRig,
    clock: Float[Array, "camera"],
    points: Float[Array, "point 3"],
    cameras: Float[Array, "camera column"],
    moves: Float[Array, "point 3"],
) -> tuple[CameraRig, Float[Array, "camera"], Float[Array, "point 3"]]:
    rotation = matrix_from_rotation_vector(cameras[:, :3]) @ rig.camera_from_world_rotation
    centres = rig.centres + cameras[:, 3:6]
    rig = eqx.tree_at(
        lambda r: (r.focal_px, r.camera_from_world_rotation, r.camera_from_world_translation),
        rig,
        (
            rig.focal_px * jnp.exp(cameras[:, FOCAL])[:, None],
            rotation,
            -jnp.einsum("cij,cj->ci", rotation, centres),
        ),
    )
    return rig, clock + cameras[:, CLOCK], points + moves
