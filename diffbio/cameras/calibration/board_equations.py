"""The equations of a step of the bundle adjustment, and how they are solved.

A board pose touches only the cameras that saw that view, so all of them are eliminated first
(the Schur complement of their 6 x 6 blocks), and what is left to solve is as large as the number
of unknowns of the cameras.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from diffbio.cameras.calibration.lens_unknowns import WIDTH, lens_derivatives
from diffbio.cameras.calibration.sightings import BoardPoses, Sightings
from diffbio.cameras.rig import CameraRig


class Given(NamedTuple):
    """What an adjustment is given.

    Attributes:
        points: corners on the board, in metres.
        sightings: what was detected.
        free: which unknowns of each camera are sought, in the order of `WIDTH`.
        scale_px: beyond this distance a corner counts linearly. Infinite is least squares.
    """

    points: Float[Array, "corner 3"]
    sightings: Sightings
    free: Bool[Array, "camera column"]
    scale_px: Float[Array, ""]


class Normal(NamedTuple):
    """The normal equations, in blocks.

    Attributes:
        cameras: of each camera's own unknowns.
        boards: of the board's turn and shift in every view.
        mixed: between the two.
        camera_gradient: of half the weighted squares, by the cameras' unknowns.
        board_gradient: by those of the boards.
    """

    cameras: Float[Array, "camera column column"]
    boards: Float[Array, "view 6 6"]
    mixed: Float[Array, "view camera column 6"]
    camera_gradient: Float[Array, "camera column"]
    board_gradient: Float[Array, "view 6"]


def placed(
    poses: BoardPoses, points: Float[Array, "corner 3"], sightings: Sightings
) -> Float[Array, "camera sighting corner 3"]:
    """The corners of every sighting in the world, in metres."""
    turned = jnp.einsum("vij,kj->vki", poses.world_from_board_rotation, points)
    world = turned + poses.world_from_board_translation[:, None]
    return jnp.asarray(world)[sightings.view]


def _gram(
    rig: CameraRig, poses: BoardPoses, given: Given
) -> Float[Array, "camera sighting width width"]:
    """Products of the columns of every sighting: of the camera, the board, and the residual."""
    points, sightings, free, scale_px = given
    world = placed(poses, points, sightings)
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


def normal_equations(rig: CameraRig, poses: BoardPoses, given: Given) -> Normal:
    """The equations of the next step, undamped."""
    gram = _gram(rig, poses, given)
    n_view = poses.world_from_board_translation.shape[0]
    camera = jnp.arange(gram.shape[0])[:, None]
    view, dtype = given.sightings.view, gram.dtype
    own, board = slice(0, WIDTH), slice(WIDTH, WIDTH + 6)
    shape = (n_view, gram.shape[0], WIDTH, 6)
    return Normal(
        gram[:, :, own, own].sum(1),
        jnp.zeros((n_view, 6, 6), dtype).at[view].add(gram[:, :, board, board]),
        jnp.zeros(shape, dtype).at[view, camera].add(gram[:, :, own, board]),
        gram[:, :, own, -1].sum(1),
        jnp.zeros((n_view, 6), dtype).at[view].add(gram[:, :, board, -1]),
    )


def view_scores(rig: CameraRig, poses: BoardPoses, given: Given) -> Float[Array, "view unknown"]:
    """Gradient by the cameras' unknowns of half the weighted squares of each view."""
    gram = _gram(rig, poses, given)
    n_view, n_camera = poses.world_from_board_translation.shape[0], gram.shape[0]
    camera = jnp.arange(n_camera)[:, None]
    each = jnp.zeros((n_view, n_camera, WIDTH), gram.dtype)
    return each.at[given.sightings.view, camera].add(gram[:, :, :WIDTH, -1]).reshape(n_view, -1)


def reduced(
    normal: Normal, free: Bool[Array, "camera column"], damping: Float[Array, ""]
) -> tuple[Float[Array, "unknown unknown"], Float[Array, "unknown"], Float[Array, "view 6 6"]]:
    """The system of the cameras alone, and the inverses of the blocks of the boards."""
    size = free.size
    eye = jnp.eye(6, dtype=damping.dtype)[None]
    # A view nobody counts has no equations: it stays where it is.
    empty = jnp.trace(normal.boards, axis1=1, axis2=2)[:, None, None] <= 0.0
    boards = normal.boards * (1.0 + damping * eye) + jnp.where(empty, eye, 0.0)
    inverse = inverses(boards)
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


def inverses(blocks: Float[Array, "view 6 6"]) -> Float[Array, "view 6 6"]:
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


def solved(
    normal: Normal, free: Bool[Array, "camera column"], damping: Float[Array, ""]
) -> tuple[Float[Array, "camera column"], Float[Array, "view 6"]]:
    """The step: minus the gradient, through the damped system."""
    system, right, inverse = reduced(normal, free, damping)
    cameras = -jnp.linalg.solve(system, right)
    mixed = normal.mixed.reshape(-1, free.size, 6)
    left = -normal.board_gradient - jnp.einsum("vai,a->vi", mixed, cameras)
    return cameras.reshape(free.shape), jnp.einsum("vij,vj->vi", inverse, left)
