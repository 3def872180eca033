"""Board views as a rig would see them: corners of known boards in known places, with noise."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.boards import Board
from diffbio.cameras.calibration.sightings import BoardPoses, BoardViews
from diffbio.cameras.rig import CameraRig
from diffbio.geometry import matrix_from_rotation_vector

_TRIES = 400


def simulate_views(
    rig: CameraRig,
    board: Board,
    groups: tuple[tuple[int, ...], ...],
    per_group: int,
    *,
    noise_px: float,
    distance: tuple[float, float],
    seed: int,
    tilt_deg: float = 45.0,
    breadth: float = 0.5,
) -> tuple[BoardViews, BoardPoses]:
    """Hold a board before groups of cameras, each view seen by one group only.

    Args:
        rig: the truth.
        board: the target.
        groups: cameras that see a view, by number; a chain is ((0, 1), (1, 2), ...).
        per_group: views per group.
        noise_px: standard deviation of each coordinate of a corner.
        distance: nearest and farthest from the middle of a group's cameras, in metres.
        seed: of the random numbers.
        tilt_deg: most by which the board is tilted from facing the middle of its cameras.
        breadth: most by which it is held aside, in each direction, of its distance.

    Returns:
        What the cameras see, and where the board truly was.

    Raises:
        ValueError: some group cannot see a board whole.
    """
    random = np.random.default_rng(seed)
    count = len(groups) * per_group
    pixels = np.full((len(rig.names), count, len(board.points), 2), np.nan)
    rotations, origins = np.zeros((count, 3, 3)), np.zeros((count, 3))
    for number, group in enumerate(groups):
        views = slice(number * per_group, (number + 1) * per_group)
        held = _Held(distance, breadth, tilt_deg)
        rotation, origin, images = _views_of(rig, board, group, per_group, held, random)
        rotations[views], origins[views] = rotation, origin
        for camera in group:
            noise = noise_px * random.standard_normal(images[camera].shape)
            pixels[camera, views] = images[camera] + noise
    labels = tuple(f"view {i + 1}" for i in range(count))
    seen = BoardViews(board, rig.names, rig.image_size, pixels, labels)
    return seen, BoardPoses(jnp.asarray(rotations), jnp.asarray(origins))


class _Held(NamedTuple):
    """How a board is held; see `simulate_views`."""

    distance: tuple[float, float]
    breadth: float
    tilt_deg: float


def _views_of(
    rig: CameraRig,
    board: Board,
    group: tuple[int, ...],
    count: int,
    held: _Held,
    random: np.random.Generator,
) -> tuple[
    Float[np.ndarray, "view 3 3"],
    Float[np.ndarray, "view 3"],
    Float[np.ndarray, "camera view corner 2"],
]:
    """Places in which every camera of a group sees the whole board."""
    centres = np.asarray(rig.centres)[list(group)]
    forward = np.asarray(rig.camera_from_world_rotation)[list(group), 2].mean(0)
    forward /= np.linalg.norm(forward)
    middle = board.points.mean(0)
    size = np.asarray(rig.image_size)[:, None, None]
    kept: list[tuple] = []
    for _ in range(_TRIES):
        # Many at once, of which those that all cameras see are kept.
        depth = random.uniform(*held.distance, (count, 1))
        aside = random.uniform(-held.breadth, held.breadth, (count, 3)) * depth
        place = centres.mean(0) + depth * forward + aside - (aside @ forward)[:, None] * forward
        axis = np.cross(random.standard_normal((count, 3)), forward)
        axis /= np.linalg.norm(axis, axis=1, keepdims=True)
        tilt = np.radians(random.uniform(0.0, held.tilt_deg, (count, 1)))
        turn = np.asarray(matrix_from_rotation_vector(jnp.asarray(axis * tilt)))
        roll = np.asarray(
            matrix_from_rotation_vector(
                jnp.asarray(forward * random.uniform(-np.pi, np.pi, (count, 1)))
            )
        )
        rotation = turn @ roll @ _facing(forward)
        origin = place - rotation @ middle
        world = np.einsum("vij,kj->vki", rotation, board.points) + origin[:, None]
        images = np.asarray(rig.project(jnp.asarray(world)))
        inside = (images > 5.0) & (images < size - 6.0)
        seen = np.asarray(inside.all(axis=(2, 3))) & np.asarray(
            np.asarray(rig.depth(jnp.asarray(world))) > 0.3
        ).all(-1)
        good = seen[list(group)].all(axis=0)
        kept += [(rotation[i], origin[i], images[:, i]) for i in np.flatnonzero(good)]
        if len(kept) >= count:
            rotations, origins, pictures = zip(*kept[:count], strict=True)
            return np.stack(rotations), np.stack(origins), np.stack(pictures, axis=1)
    raise ValueError(f"Cameras {group} cannot see the whole board at {held.distance} m.")


def _facing(forward: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Axes of a board that looks back along a direction: its z axis points away from cameras."""
    down = np.array([0.0, 0.0, -1.0])
    right = np.cross(down, forward)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward], axis=1)
