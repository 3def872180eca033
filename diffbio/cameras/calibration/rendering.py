"""Pictures of a board as a camera takes them, lens and all: footage with a known truth."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.boards import Board
from diffbio.cameras.calibration.printing import MARGIN_MM, board_picture, board_size_mm
from diffbio.cameras.calibration.starts import ideal_coordinates
from diffbio.cameras.rig import CameraRig

_SUPERSAMPLING = 2
_BACKGROUND = 110
_DARK, _LIGHT, _BACK = 30.0, 220.0, 150.0

_AROUND_PX = 4
"""Pixels beyond the board's outline that are computed too."""


class Photographer:
    """Takes pictures of one board with one camera.

    Every pixel is traced back through the lens to the plane of the board, several times, and
    averaged. The board has a blank back.
    """

    def __init__(self, rig: CameraRig, camera: int, board: Board) -> None:
        self._camera = rig.subset((rig.names[camera],))
        self._size = rig.image_size[camera]
        self._first_corner_mm = 1000.0 * board.square if board.kind == "checkerboard" else 0.0
        self._pixels_per_mm = 8.0 / max(1000.0 * board.square / 12.0, 1.0)
        self._print = board_picture(board, self._pixels_per_mm).astype(np.float32)
        fine = (np.arange(_SUPERSAMPLING) + 0.5) / _SUPERSAMPLING - 0.5
        x, y = ((np.arange(side)[:, None] + fine).ravel() for side in self._size)
        pixels = np.stack(np.meshgrid(x, y), axis=-1)
        ideal = ideal_coordinates(rig, pixels.reshape(-1, 1, 2), camera)
        self._rays = ideal.reshape(len(y), len(x), 2)
        self._outline = _outline(board, self._first_corner_mm)

    def photograph(
        self,
        world_from_board_rotation: Float[np.ndarray, "moment 3 3"],
        world_from_board_translation: Float[np.ndarray, "moment 3"],
        *,
        noise: float = 2.0,
        seed: int = 0,
    ) -> np.ndarray:
        """One grey picture.

        Args:
            world_from_board_rotation: how the board is held, at moments during the exposure; z
                points away from who reads it.
            world_from_board_translation: where its origin is, in metres. No moments: no board.
            noise: standard deviation, of 255.
            seed: of the noise.
        """
        width, height = self._size
        picture = np.full((height, width), float(_BACKGROUND))
        count = len(world_from_board_translation)
        for turn, origin in zip(
            world_from_board_rotation, world_from_board_translation, strict=True
        ):
            rows, columns = self._window(turn, origin)
            if rows.stop > rows.start and columns.stop > columns.start:
                seen = self._seen(turn, origin, rows, columns)
                picture[rows, columns] += (seen - _BACKGROUND) / count
        picture += noise * np.random.default_rng(seed).standard_normal(picture.shape)
        return np.clip(np.round(picture), 0, 255).astype(np.uint8)

    def _window(
        self, turn: Float[np.ndarray, "3 3"], origin: Float[np.ndarray, "3"]
    ) -> tuple[slice, slice]:
        """Rows and columns of the picture that the board may touch."""
        world = jnp.asarray(self._outline @ turn.T + origin)
        ahead = np.asarray(self._camera.depth(world))[0] > 0.0
        if not ahead.any():
            return slice(0, 0), slice(0, 0)
        width, height = self._size
        if not ahead.all():
            return slice(0, height), slice(0, width)
        pixels = np.asarray(self._camera.project(world))[0]
        low = np.floor(pixels.min(axis=0)).astype(int) - _AROUND_PX
        high = np.ceil(pixels.max(axis=0)).astype(int) + _AROUND_PX
        (left, top), (right, bottom) = (np.clip(corner, 0, self._size) for corner in (low, high))
        return slice(int(top), int(bottom)), slice(int(left), int(right))

    def _seen(
        self,
        turn: Float[np.ndarray, "3 3"],
        origin: Float[np.ndarray, "3"],
        rows: slice,
        columns: slice,
    ) -> Float[np.ndarray, "row column"]:
        """Brightness of a part of the picture."""
        import cv2

        rotation = np.asarray(self._camera.camera_from_world_rotation)[0]
        shift = np.asarray(self._camera.camera_from_world_translation)[0]
        camera_from_board = rotation @ turn
        at = rotation @ origin + shift
        plane = np.linalg.inv(np.column_stack([camera_from_board[:, :2], at]))
        fine = tuple(
            slice(s.start * _SUPERSAMPLING, s.stop * _SUPERSAMPLING) for s in (rows, columns)
        )
        rays = self._rays[fine]
        x, y, nearness = np.moveaxis(rays @ plane[:, :2].T + plane[:, 2], -1, 0)
        there = nearness > 1e-9
        scale = 1000.0 * self._pixels_per_mm / np.where(there, nearness, 1.0)
        # The print has a margin, and the board's own coordinates begin behind it.
        first = (self._first_corner_mm + MARGIN_MM) * self._pixels_per_mm - 0.5
        across, down = (
            np.where(there, part * scale + first, -10.0).astype(np.float32) for part in (x, y)
        )
        facing = camera_from_board[:, 2] @ at > 0.0
        printed = self._print if facing else np.full_like(self._print, -2.0)
        found = cv2.remap(
            printed,
            across,
            down,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(-1.0,),
        )
        bright = np.where(found < 0.0, _BACKGROUND, _DARK + (_LIGHT - _DARK) * found / 255.0)
        bright = np.where(found < -1.5, _BACK, bright)
        height, width = (size // _SUPERSAMPLING for size in bright.shape)
        parts = bright.reshape(height, _SUPERSAMPLING, width, _SUPERSAMPLING)
        return np.asarray(parts.mean(axis=(1, 3)))


def _outline(board: Board, first_corner_mm: float) -> Float[np.ndarray, "point 3"]:
    """Points along the edge of the print, in the board's coordinates, in metres."""
    low = -(first_corner_mm + MARGIN_MM)
    along = np.linspace(0.0, 1.0, 12)
    width, height = (size + 2 * MARGIN_MM for size in board_size_mm(board))
    sides = [(along, 0.0 * along), (along, 0.0 * along + 1.0), (0.0 * along, along),
             (0.0 * along + 1.0, along)]  # fmt: skip
    around = np.concatenate([np.column_stack(side) for side in sides]) * [width, height] + low
    return np.column_stack([around, np.zeros(len(around))]) / 1000.0
