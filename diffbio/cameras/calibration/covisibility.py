"""Who sees the board together with whom, and the first poses that follow from it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from diffbio.cameras.calibration.bundle import distance_px
from diffbio.cameras.calibration.sightings import BoardPoses, BoardViews, Sightings
from diffbio.cameras.calibration.starts import camera_from_board
from diffbio.cameras.rig import CameraRig
from diffbio.errors import InputError

ENOUGH_SHARED = 8
"""Fewer views shared by two cameras that nothing else links are worth a warning."""

_MOST_CANDIDATES = 60
_CAP_PX = 100.0
"""A corner farther from its detection than this is wrong, no matter by how much."""


def shared_views(views: BoardViews) -> Int[np.ndarray, "camera camera"]:
    """How many views each two cameras have in common; on the diagonal, how many each has."""
    sighted = views.sighted.astype(int)
    return sighted @ sighted.T


def reference_camera(shared: Int[np.ndarray, "camera camera"]) -> int:
    """The camera that shares most views with others: what is known best is known from there."""
    return int(np.argmax(shared.sum(axis=1) - np.diag(shared)))


def spanning_tree(
    shared: Int[np.ndarray, "camera camera"], names: tuple[str, ...], root: int
) -> list[tuple[int, int]]:
    """Links from a root to all cameras, each next one the strongest there is (Prim).

    Returns:
        Pairs of a camera already reached and a new one, in order.

    Raises:
        InputError: cameras are linked with no other; the message names them and the missing link.
    """
    reached, tree = [root], []
    while len(reached) < len(names):
        left = [camera for camera in range(len(names)) if camera not in reached]
        links = [(shared[a, b], a, b) for a in reached for b in left]
        most, a, b = max(links, key=lambda link: (link[0], -link[1], -link[2]))
        if most == 0:
            raise _unlinked(shared, names, reached, left)
        tree.append((a, b))
        reached.append(b)
    return tree


def _unlinked(
    shared: Int[np.ndarray, "camera camera"],
    names: tuple[str, ...],
    reached: list[int],
    left: list[int],
) -> InputError:
    group, other = (", ".join(names[i] for i in sorted(rows)) for rows in (reached, left))
    own = np.diag(shared)
    blind = [names[i] for i in left if own[i] == 0]
    a, b = (names[max(rows, key=lambda i: own[i])] for rows in (reached, left))
    found = f"No view shows the board to one of {group} and to one of {other} at the same time."
    if blind:
        found += f" {', '.join(blind)} never saw it at all."
    return InputError(
        "views",
        found,
        f"Record it where {a} and {b} both see it, in {ENOUGH_SHARED} views or more; or leave "
        "cameras out.",
    )


def first_poses(
    rig: CameraRig, views: BoardViews, root: int
) -> tuple[CameraRig, Float[np.ndarray, "camera view 4 4"]]:
    """The rig with poses along the strongest links, the root at the origin of the world.

    Args:
        rig: lenses; their poses do not matter.
        views: what was seen.
        root: the camera whose frame is the world.

    Returns:
        The rig, and of every sighting the pose of the board in the camera's frame, NaN where
        there is none.

    Raises:
        InputError: cameras are not linked.
    """
    n_camera = len(rig.names)
    boards = np.full((n_camera, views.pixels.shape[1], 4, 4), np.nan)
    for camera in range(n_camera):
        boards[camera] = _transforms(*camera_from_board(rig, views, camera))
    from_world = np.tile(np.eye(4), (n_camera, 1, 1))
    for a, b in spanning_tree(shared_views(views), views.camera_names, root):
        both = np.flatnonzero(np.isfinite(boards[[a, b]]).all(axis=(0, 2, 3)))
        if len(both) == 0:
            raise _unlinked(np.zeros((n_camera,) * 2, int), views.camera_names, [a], [b])
        both = both[:: -(-len(both) // _MOST_CANDIDATES)]
        each = boards[b, both] @ np.linalg.inv(boards[a, both])
        from_world[b] = _middle(each) @ from_world[a]
    poses = (jnp.asarray(from_world[:, :3, :3]), jnp.asarray(from_world[:, :3, 3]))
    rig = eqx.tree_at(
        lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation), rig, poses
    )
    return rig, boards


def _transforms(
    rotation: Float[np.ndarray, "view 3 3"], translation: Float[np.ndarray, "view 3"]
) -> Float[np.ndarray, "view 4 4"]:
    full = np.zeros((len(rotation), 4, 4))
    full[:, :3, :3], full[:, :3, 3], full[:, 3, 3] = rotation, translation, 1.0
    known = np.asarray(np.isfinite(rotation).all(axis=(1, 2)))
    return np.where(known[:, None, None], full, np.nan)


def _middle(each: Float[np.ndarray, "candidate 4 4"]) -> Float[np.ndarray, "4 4"]:
    """The candidate nearest to all others: a flat board's mirrored poses are outvoted."""
    shift = each[:, :3, 3]
    size = np.median(np.linalg.norm(shift, axis=1)) + 1e-9
    apart = np.linalg.norm(shift[:, None] - shift[None], axis=-1) / size
    cosine = (np.einsum("aij,bij->ab", each[:, :3, :3], each[:, :3, :3]) - 1.0) / 2.0
    apart = apart + np.arccos(np.clip(cosine, -1.0, 1.0))
    # Capped, so that what is far off counts as wrong and not by how much.
    return each[np.minimum(apart, 0.5).sum(axis=1).argmin()]


def first_boards(
    rig: CameraRig,
    boards: Float[np.ndarray, "camera view 4 4"],
    points: Float[np.ndarray, "corner 3"],
    sightings: Sightings,
) -> BoardPoses:
    """Of the poses that single cameras give a board, in each view the one all like best.

    Args:
        rig: with poses.
        boards: pose of the board in each camera's frame, NaN where not seen.
        points: corners on the board, in metres.
        sightings: what all cameras saw; may refer to fewer views than are padded.
    """
    world_from_camera = np.linalg.inv(
        _transforms(
            np.asarray(rig.camera_from_world_rotation),
            np.asarray(rig.camera_from_world_translation),
        )
    )
    best = np.tile(np.eye(4), (boards.shape[1], 1, 1))
    least = np.full(boards.shape[1], np.inf)
    for camera, own in enumerate(boards):
        there = np.asarray(np.isfinite(own).all(axis=(1, 2)))
        proposal = np.where(there[:, None, None], world_from_camera[camera] @ own, np.eye(4))
        poses = BoardPoses(jnp.asarray(proposal[:, :3, :3]), jnp.asarray(proposal[:, :3, 3]))
        price = np.asarray(_price(rig, poses, jnp.asarray(points), sightings))
        better = there & (price < least)
        best[better], least[better] = proposal[better], price[better]
    return BoardPoses(jnp.asarray(best[:, :3, :3]), jnp.asarray(best[:, :3, 3]))


@jax.jit
def _price(
    rig: CameraRig, poses: BoardPoses, points: Float[Array, "corner 3"], sightings: Sightings
) -> Float[Array, "view"]:
    distance = jnp.minimum(distance_px(rig, poses, points, sightings), _CAP_PX)
    zero = jnp.zeros(poses.world_from_board_translation.shape[0], distance.dtype)
    return zero.at[sightings.view].add(distance.sum(-1))


def weak_links(
    shared: Int[np.ndarray, "camera camera"], names: tuple[str, ...], tree: list[tuple[int, int]]
) -> list[tuple[str, str, int]]:
    """Links of the tree that rest on fewer than `ENOUGH_SHARED` views."""
    return [
        (names[a], names[b], int(shared[a, b])) for a, b in tree if shared[a, b] < ENOUGH_SHARED
    ]


def mirrored_cameras(signs: Float[np.ndarray, "camera"]) -> Bool[np.ndarray, "camera"]:
    """Cameras that show the board the other way round than most do."""
    majority = np.sign(np.nansum(signs)) or 1.0
    return np.nan_to_num(signs * majority) < 0.0
