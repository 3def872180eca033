"""What cameras saw of a board: as it was detected, and packed for the adjustment."""

import dataclasses
import functools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from diffbio._jax import round_up_to_bucket
from diffbio.cameras.calibration.boards import Board

MIN_CORNERS = 4
"""Fewer corners of a board do not determine where it is."""

_THIN = 0.3
"""Of a square: the least standard deviation of the places of corners across their line."""


@dataclasses.dataclass(frozen=True)
class BoardViews:
    """Corners of one board, as cameras saw them each time it was held somewhere.

    Attributes:
        board: the target.
        camera_names: one per camera.
        image_size: (width, height) of each camera's pictures, in pixels.
        pixels: the corners, NaN where one was not seen.
        labels: what each view is called in messages: a file, or a frame.
    """

    board: Board
    camera_names: tuple[str, ...]
    image_size: tuple[tuple[int, int], ...]
    pixels: Float[np.ndarray, "camera view corner 2"]
    labels: tuple[str, ...]

    @functools.cached_property
    def seen(self) -> Bool[np.ndarray, "camera view corner"]:
        """Which corners were seen, in sightings that have enough of them, not all on one line."""
        seen = np.asarray(np.isfinite(self.pixels).all(axis=-1))
        count = seen.sum(axis=-1)
        plane = self.board.points[:, :2]
        mean = (seen @ plane) / np.maximum(count, 1)[..., None]
        apart = np.where(seen[..., None], plane - mean[..., None, :], 0.0)
        spread = (
            np.einsum("...ki,...kj->...ij", apart, apart) / np.maximum(count, 1)[..., None, None]
        )
        thin = np.linalg.eigvalsh(spread)[..., 0] < (_THIN * self.board.square) ** 2
        return seen & ((count >= MIN_CORNERS) & ~thin)[..., None]

    @functools.cached_property
    def sighted(self) -> Bool[np.ndarray, "camera view"]:
        """Which cameras saw enough of the board."""
        return np.asarray(self.seen.any(axis=-1))

    def of_views(self, rows: Int[np.ndarray, "row"] | Bool[np.ndarray, "view"]) -> "BoardViews":
        """Only some of the views."""
        labels = tuple(np.asarray(self.labels, dtype=object)[rows])
        return dataclasses.replace(self, pixels=self.pixels[:, rows], labels=labels)

    def of_camera(self, camera: int) -> "BoardViews":
        """What one camera saw, without the views it did not see."""
        one = dataclasses.replace(
            self,
            camera_names=self.camera_names[camera : camera + 1],
            image_size=self.image_size[camera : camera + 1],
            pixels=self.pixels[camera : camera + 1],
        )
        return one.of_views(one.sighted[0])


class Sightings(eqx.Module):
    """The sightings of every camera, padded to one length.

    Attributes:
        pixels: finite everywhere.
        seen: which corners count; none in padding.
        view: which placing of the board a sighting shows; in padding any.
    """

    pixels: Float[Array | np.ndarray, "camera sighting corner 2"]
    seen: Bool[Array | np.ndarray, "camera sighting corner"]
    view: Int[Array | np.ndarray, "camera sighting"]


class BoardPoses(eqx.Module):
    """Where the board was in every view.

    Attributes:
        world_from_board_rotation: rotation matrices.
        world_from_board_translation: the board's origin in the world, in metres.
    """

    world_from_board_rotation: Float[Array | np.ndarray, "view 3 3"]
    world_from_board_translation: Float[Array | np.ndarray, "view 3"]


def pack(
    views: BoardViews,
    *,
    n_sightings: int | None = None,
    counts: Bool[np.ndarray, "camera view"] | None = None,
) -> Sightings:
    """Sightings of every camera, one after the other, padded.

    Args:
        views: what was seen.
        n_sightings: padded length; by default the bucket of the camera that has most.
        counts: sightings that count; by default all.
    """
    sighted, seen = views.sighted, views.seen
    if counts is not None:
        seen = seen & counts[..., None]
    length = n_sightings or round_up_to_bucket(int(sighted.sum(axis=1).max(initial=1)))
    shape = (len(views.camera_names), length, len(views.board.points))
    pixels, packed = np.zeros((*shape, 2)), np.zeros(shape, bool)
    view = np.zeros(shape[:2], np.int64)
    for camera, row in enumerate(sighted):
        which = np.flatnonzero(row)
        view[camera, : len(which)] = which
        packed[camera, : len(which)] = seen[camera, which]
        pixels[camera, : len(which)] = views.pixels[camera, which]
    pixels = np.where(packed[..., None], pixels, 0.0)
    return Sightings(jnp.asarray(pixels), jnp.asarray(packed), jnp.asarray(view))


def pad_views(poses: BoardPoses, count: int) -> BoardPoses:
    """Poses with further ones that no sighting refers to."""
    rotation, translation = (
        np.asarray(poses.world_from_board_rotation),
        np.asarray(poses.world_from_board_translation),
    )
    more = count - len(rotation)
    return BoardPoses(
        jnp.asarray(np.concatenate([rotation, np.tile(np.eye(3), (more, 1, 1))])),
        jnp.asarray(np.concatenate([translation, np.tile([0.0, 0.0, 1.0], (more, 1))])),
    )
