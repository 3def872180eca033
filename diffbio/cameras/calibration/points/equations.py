"""The equations of cameras that saw points of which nothing is known.

Every point touches only the cameras that saw it, so all points are eliminated first (the Schur
complement of their 3 x 3 blocks), and what is left is a system of the cameras alone.
"""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from diffbio.cameras.rig import CameraRig
from diffbio.geometry import matrix_from_rotation_vector

UNKNOWNS = ("turn_x", "turn_y", "turn_z", "x", "y", "z", "log_focal", "clock")
"""Of a camera: its turn about its own centre in its own axes (radians), the movement of the
centre in the world (unit of the rig), the logarithm of its focal lengths, and what is added to
its time stamps (seconds)."""

WIDTH = len(UNKNOWNS)
FOCAL, CLOCK = UNKNOWNS.index("log_focal"), UNKNOWNS.index("clock")


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


class Normal(NamedTuple):
    """Normal equations in blocks: of cameras, of points, and between the two; gradients of the
    cost likewise, and what each point adds to those of the cameras."""

    cameras: Float[Array, "camera column column"]
    points: Float[Array, "point 3 3"]
    mixed: Float[Array, "camera column point 3"]
    camera_gradient: Float[Array, "camera column"]
    point_gradient: Float[Array, "point 3"]
    each_gradient: Float[Array, "camera column point"]


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


def squared_px(
    rig: CameraRig, clock: Float[Array, "camera"], points: Float[Array, "point 3"],
    views: PointViews,
) -> Float[Array, "camera point"]:  # fmt: skip
    """Squared distances of pictures from detections, 0 where not seen."""
    u, v = _errors_px(*rig.project_components(points), clock, views)
    return u * u + v * v


def normal_equations(
    rig: CameraRig,
    clock: Float[Array, "camera"],
    points: Float[Array, "point 3"],
    views: PointViews,
    free: Bool[Array, "camera column"],
    scale_px: Float[Array, ""],
) -> Normal:
    """The equations of a step, detections weighted as the robust cost wants them.

    Args:
        rig: the cameras.
        clock: what is added to their time stamps, in seconds.
        points: in the world.
        views: what was detected.
        free: which unknowns of each camera are sought.
        scale_px: distance at which a detection counts for half as much as an outlier.
    """
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
    return Normal(
        jnp.asarray(cameras),
        jnp.asarray(blocks),
        jnp.asarray(mixed),
        each.sum(-1),
        jnp.asarray(point_gradient),
        each,
    )


def reduced(
    normal: Normal, free: Bool[Array, "camera column"], damping: Float[Array, ""]
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


def _point_inverses(normal: Normal, damping: Float[Array, ""]) -> Float[Array, "point 3 3"]:
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


def damped_step(
    normal: Normal, free: Bool[Array, "camera column"], damping: Float[Array, ""]
) -> tuple[Float[Array, "camera column"], Float[Array, "point 3"]]:
    """The step: minus the gradient, through the damped system."""
    system, right, _ = reduced(normal, free, damping)
    # A rig free to move, turn and grow leaves seven directions that only the damping holds.
    size = jnp.abs(jnp.diag(system))
    cameras = -jnp.linalg.solve(system + jnp.diag(1e-9 * size), right)
    mixed = normal.mixed.reshape(free.size, -1, 3)
    left = -normal.point_gradient - jnp.einsum("api,a->pi", mixed, cameras)
    inverse = _point_inverses(normal, damping)
    return cameras.reshape(free.shape), jnp.einsum("pij,pj->pi", inverse, left)


def moved(
    rig: CameraRig,
    clock: Float[Array, "camera"],
    points: Float[Array, "point 3"],
    cameras: Float[Array, "camera column"],
    moves: Float[Array, "point 3"],
) -> tuple[CameraRig, Float[Array, "camera"], Float[Array, "point 3"]]:
    """Cameras, clocks and points after a step."""
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
