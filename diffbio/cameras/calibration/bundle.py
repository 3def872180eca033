"""Bundle adjustment: camera poses, lenses and board poses at once, by damped Gauss-Newton.

A board pose touches only the cameras that saw that view, so all of them are eliminated first
(the Schur complement of their 6 x 6 blocks), and what is left to solve is as large as the number
of unknowns of the cameras. Everything runs in the precision of the rig, which should be double.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffbio.cameras.calibration.lens_unknowns import LENS, lens_derivatives, with_lens_moved
from diffbio.cameras.calibration.sightings import BoardPoses, Sightings
from diffbio.cameras.rig import CameraRig
from diffbio.geometry import matrix_from_rotation_vector

WIDTH = 6 + len(LENS)
"""Unknowns of a camera: its turn about its own centre in its own axes (radians), the movement of
the centre in the world (metres), and the lens."""

MAX_STEPS = 40
_FIRST_DAMPING = 1e-4
_MOST_DAMPING = 1e10
_ENOUGH = 1e-10
"""A step that lowers the cost by a smaller share is the last."""


class Adjusted(NamedTuple):
    """An adjusted rig.

    Attributes:
        rig: the cameras.
        poses: of the board, in every view.
        residual_px: distance of each corner from its detection.
        information: inverse covariance of the cameras' unknowns, board poses eliminated, for
            corners with an error of 1 px in each coordinate; ones on the diagonal of what is held.
        scores: gradient of the cost of each view, of half the weighted squares.
        steps: taken.
        converged: the last accepted step changed next to nothing.
    """

    rig: CameraRig
    poses: BoardPoses
    residual_px: Float[Array, "camera sighting corner"]
    information: Float[Array, "unknown unknown"]
    scores: Float[Array, "view unknown"]
    steps: Int[Array, ""]
    converged: Bool[Array, ""]


class _Normal(NamedTuple):
    cameras: Float[Array, "camera column column"]
    boards: Float[Array, "view 6 6"]
    mixed: Float[Array, "view camera column 6"]
    camera_gradient: Float[Array, "camera column"]
    board_gradient: Float[Array, "view 6"]


class _State(NamedTuple):
    rig: CameraRig
    poses: BoardPoses
    cost: Float[Array, ""]
    damping: Float[Array, ""]
    step: Int[Array, ""]
    converged: Bool[Array, ""]


@eqx.filter_jit
def adjust(
    rig: CameraRig,
    poses: BoardPoses,
    points: Float[Array, "corner 3"],
    sightings: Sightings,
    free: Bool[Array, "camera column"],
    scale_px: Float[Array, ""],
) -> Adjusted:
    """Minimise the Huber loss of the distances between corners and their detections.

    Args:
        rig: where to start.
        poses: of the board in every view, where to start.
        points: corners on the board, in metres.
        sightings: what was detected.
        free: which unknowns of each camera are sought, in the order of `WIDTH`; of one camera
            at least the pose has to be held, or the world may drift.
        scale_px: beyond this distance a corner counts linearly. Infinite is least squares.
    """

    def cost(rig: CameraRig, poses: BoardPoses) -> Float[Array, ""]:
        distance = distance_px(rig, poses, points, sightings)
        beyond = jnp.maximum(distance - scale_px, 0.0)
        return jnp.sum(jnp.where(sightings.seen, distance**2 - beyond**2, 0.0))

    def step(state: _State) -> _State:
        normal = _normal(state.rig, state.poses, points, sightings, free, scale_px)
        cameras, boards = _solved(normal, free, state.damping)
        rig, poses = _moved(state.rig, state.poses, cameras, boards)
        value = cost(rig, poses)
        better = value < state.cost
        small = jnp.abs(state.cost - value) <= _ENOUGH * state.cost
        done = small | (~better & (state.damping >= _MOST_DAMPING))
        rig, poses = jax.tree.map(
            lambda new, old: jnp.where(better, new, old), (rig, poses), (state.rig, state.poses)
        )
        damping = jnp.where(better, state.damping / 10.0, state.damping * 10.0)
        damping = jnp.clip(damping, 1e-12, 10.0 * _MOST_DAMPING)
        return _State(
            rig, poses, jnp.where(better, value, state.cost), damping, state.step + 1, done
        )

    dtype = rig.focal_px.dtype
    start = _State(
        rig,
        poses,
        cost(rig, poses),
        jnp.asarray(_FIRST_DAMPING, dtype),
        jnp.asarray(0),
        jnp.asarray(False),
    )
    end = jax.lax.while_loop(lambda s: (s.step < MAX_STEPS) & ~s.converged, step, start)
    normal = _normal(end.rig, end.poses, points, sightings, free, scale_px)
    scores = _scores(end.rig, end.poses, points, sightings, free, scale_px)
    reduced, _, _ = _reduced(normal, free, jnp.zeros((), dtype))
    return Adjusted(
        end.rig,
        end.poses,
        distance_px(end.rig, end.poses, points, sightings),
        reduced,
        scores,
        end.step,
        end.converged,
    )


def distance_px(
    rig: CameraRig, poses: BoardPoses, points: Float[Array, "corner 3"], sightings: Sightings
) -> Float[Array, "camera sighting corner"]:
    """Distance between projected corners and their detections; 0 where nothing was detected."""
    u, v = rig.project_components(_placed(poses, points, sightings), own=True)
    du, dv = u - sightings.pixels[..., 0], v - sightings.pixels[..., 1]
    squared = jnp.where(sightings.seen, du**2 + dv**2, 0.0)
    return jnp.sqrt(squared)


def _placed(
    poses: BoardPoses, points: Float[Array, "corner 3"], sightings: Sightings
) -> Float[Array, "camera sighting corner 3"]:
    turned = jnp.einsum("vij,kj->vki", poses.world_from_board_rotation, points)
    world = turned + poses.world_from_board_translation[:, None]
    return jnp.asarray(world)[sightings.view]


def _gram(
    rig: CameraRig,
    poses: BoardPoses,
    points: Float[Array, "corner 3"],
    sightings: Sightings,
    free: Bool[Array, "camera column"],
    scale_px: Float[Array, ""],
) -> Float[Array, "camera sighting width width"]:
    """Products of the columns of every sighting: of the camera, the board, and the residual."""
    world = _placed(poses, points, sightings)
    u, v, du, dv = rig.project_derivatives(world, own=True)
    lens_u, lens_v = lens_derivatives(rig, world)
    errors = u - sightings.pixels[..., 0], v - sightings.pixels[..., 1]
    distance = jnp.sqrt(errors[0] ** 2 + errors[1] ** 2)
    weight = jnp.where(distance > scale_px, scale_px / jnp.maximum(distance, 1e-12), 1.0)
    weight = jnp.sqrt(jnp.where(sightings.seen, weight, 0.0))
    from_camera = world - rig.centres[:, None, None]
    origin = jnp.asarray(poses.world_from_board_translation)[sightings.view]
    from_origin = world - origin[:, :, None]
    rows = []
    for slope, lens, error in ((du, lens_u, errors[0]), (dv, lens_v, errors[1])):
        lever = jnp.moveaxis(slope, 0, -1)
        turn = jnp.cross(from_camera, lever)
        turn = jnp.einsum("cij,cskj->icsk", rig.camera_from_world_rotation, turn)
        own = jnp.concatenate([turn, -slope, lens])
        own = jnp.where(free.T[:, :, None, None], own, 0.0)
        board = jnp.moveaxis(jnp.cross(from_origin, lever), -1, 0)
        rows.append(jnp.concatenate([own, board, slope, error[None]]) * weight[None])
    stacked = jnp.concatenate(rows, axis=-1)
    # Column by column last: then every sighting is one matrix product.
    stacked = jnp.transpose(stacked, (1, 2, 0, 3))
    return jnp.matmul(stacked, jnp.swapaxes(stacked, -1, -2))


def _normal(rig, poses, points, sightings, free, scale_px) -> _Normal:
    gram = _gram(rig, poses, points, sightings, free, scale_px)
    n_view = poses.world_from_board_translation.shape[0]
    camera = jnp.arange(gram.shape[0])[:, None]
    view, dtype = sightings.view, gram.dtype
    own, board = slice(0, WIDTH), slice(WIDTH, WIDTH + 6)
    shape = (n_view, gram.shape[0], WIDTH, 6)
    return _Normal(
        gram[:, :, own, own].sum(1),
        jnp.zeros((n_view, 6, 6), dtype).at[view].add(gram[:, :, board, board]),
        jnp.zeros(shape, dtype).at[view, camera].add(gram[:, :, own, board]),
        gram[:, :, own, -1].sum(1),
        jnp.zeros((n_view, 6), dtype).at[view].add(gram[:, :, board, -1]),
    )


def _scores(rig, poses, points, sightings, free, scale_px) -> Float[Array, "view unknown"]:
    gram = _gram(rig, poses, points, sightings, free, scale_px)
    n_view, n_camera = poses.world_from_board_translation.shape[0], gram.shape[0]
    camera = jnp.arange(n_camera)[:, None]
    each = jnp.zeros((n_view, n_camera, WIDTH), gram.dtype)
    return each.at[sightings.view, camera].add(gram[:, :, :WIDTH, -1]).reshape(n_view, -1)


def _reduced(
    normal: _Normal, free: Bool[Array, "camera column"], damping: Float[Array, ""]
) -> tuple[Float[Array, "unknown unknown"], Float[Array, "unknown"], Float[Array, "view 6 6"]]:
    """The system of the cameras alone, and the inverses of the blocks of the boards."""
    size = free.size
    eye = jnp.eye(6, dtype=damping.dtype)[None]
    # A view nobody counts has no equations: it stays where it is.
    empty = jnp.trace(normal.boards, axis1=1, axis2=2)[:, None, None] <= 0.0
    boards = normal.boards * (1.0 + damping * eye) + jnp.where(empty, eye, 0.0)
    inverse = _inverses(boards)
    mixed = normal.mixed.reshape(-1, size, 6)
    carried = jnp.einsum("vai,vij->vaj", mixed, inverse)
    flat = [jnp.swapaxes(m, 0, 1).reshape(size, -1) for m in (carried, mixed)]
    own = jnp.zeros((free.shape[0], WIDTH, free.shape[0], WIDTH), damping.dtype)
    number = jnp.arange(free.shape[0])
    within = normal.cameras * (1.0 + damping * jnp.eye(WIDTH, dtype=damping.dtype)[None])
    held = jnp.where(free, 0.0, 1.0)[:, :, None] * jnp.eye(WIDTH, dtype=damping.dtype)[None]
    own = own.at[number, :, number, :].set(within + held).reshape(size, size)
    right = normal.camera_gradient.reshape(-1) - flat[0] @ normal.board_gradient.reshape(-1)
    return own - flat[0] @ flat[1].T, right, inverse


def _inverses(blocks: Float[Array, "view 6 6"]) -> Float[Array, "view 6 6"]:
    """Inverses of definite blocks, by Gauss-Jordan steps of all of them at once.

    LAPACK's, called for thousands of small blocks within a loop, has been seen to hang on a CPU.
    """
    for k in range(blocks.shape[1]):
        pivot = blocks[:, k : k + 1, k : k + 1]
        row, column = blocks[:, k : k + 1] / pivot, blocks[:, :, k : k + 1]
        blocks = blocks - column * row
        blocks = blocks.at[:, k : k + 1].set(row).at[:, :, k : k + 1].set(-column / pivot)
        blocks = blocks.at[:, k : k + 1, k : k + 1].set(1 / pivot)
    return blocks


def _solved(
    normal: _Normal, free: Bool[Array, "camera column"], damping: Float[Array, ""]
) -> tuple[Float[Array, "camera column"], Float[Array, "view 6"]]:
    """The step: minus the gradient, through the damped system."""
    reduced, right, inverse = _reduced(normal, free, damping)
    cameras = -jnp.linalg.solve(reduced, right)
    mixed = normal.mixed.reshape(-1, free.size, 6)
    left = -normal.board_gradient - jnp.einsum("vai,a->vi", mixed, cameras)
    return cameras.reshape(free.shape), jnp.einsum("vij,vj->vi", inverse, left)


def _moved(
    rig: CameraRig,
    poses: BoardPoses,
    cameras: Float[Array, "camera column"],
    boards: Float[Array, "view 6"],
) -> tuple[CameraRig, BoardPoses]:
    rotation = matrix_from_rotation_vector(cameras[:, :3]) @ rig.camera_from_world_rotation
    centres = rig.centres + cameras[:, 3:6]
    rig = eqx.tree_at(
        lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
        with_lens_moved(rig, cameras[:, 6:]),
        (rotation, -jnp.einsum("cij,cj->ci", rotation, centres)),
    )
    turn = matrix_from_rotation_vector(boards[:, :3])
    return rig, BoardPoses(
        turn @ poses.world_from_board_rotation, poses.world_from_board_translation + boards[:, 3:]
    )
