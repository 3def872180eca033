"""Pictures of a board as a camera takes them, lens and all: footage with a known truth."""

import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.boards import Board
from diffbio.cameras.calibration.printing import MARGIN_MM, board_picture
from diffbio.cameras.calibration.starts import ideal_coordinates
from diffbio.cameras.rig import CameraRig

_SUPERSAMPLING = 2
_BACKGROUND = 110
_DARK, _LIGHT = 30.0, 220.0


def photograph(
    rig: CameraRig,
    camera: int,
    board: Board,
    world_from_board_rotation: Float[np.ndarray, "3 3"],
    world_from_board_translation: Float[np.ndarray, "3"],
    *,
    noise: float = 2.0,
    seed: int = 0,
) -> np.ndarray:
    """One grey picture.

    Every pixel is traced back through the lens to the plane of the board, several times, and
    averaged.

    Args:
        rig: the cameras.
        camera: which one.
        board: the target.
        world_from_board_rotation: how it is held; z points away from who reads it.
        world_from_board_translation: where its origin is, in metres.
        noise: standard deviation, of 255.
        seed: of the noise.
    """
    import cv2

    width, height = rig.image_size[camera]
    fine = (np.arange(_SUPERSAMPLING) + 0.5) / _SUPERSAMPLING - 0.5
    x = (np.arange(width)[:, None] + fine).ravel()
    y = (np.arange(height)[:, None] + fine).ravel()
    pixels = np.stack(np.meshgrid(x, y), axis=-1)
    ideal = ideal_coordinates(rig, pixels.reshape(-1, 1, 2), camera).reshape(-1, 2)
    turn = np.asarray(rig.camera_from_world_rotation)[camera]
    shift = np.asarray(rig.camera_from_world_translation)[camera]
    camera_from_board = turn @ world_from_board_rotation
    origin = turn @ world_from_board_translation + shift
    plane = np.column_stack([camera_from_board[:, :2], origin])
    rays = np.column_stack([ideal, np.ones(len(ideal))])
    on_board = rays @ np.linalg.inv(plane).T
    scale = 8.0 / max(1000.0 * board.square / 12.0, 1.0)
    print_ = board_picture(board, scale)
    # A margin that the print has and the board's own coordinates have not.
    metres = on_board[:, :2] / on_board[:, 2:]
    corner_mm = 1000.0 * (metres + _first_corner(board)) + MARGIN_MM
    there = (corner_mm * scale - 0.5).astype(np.float32).reshape(len(y), len(x), 2)
    seen = cv2.remap(
        print_.astype(np.float32),
        there[..., 0],
        there[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=-1.0,
    )
    seen = np.where(seen < 0.0, _BACKGROUND, _DARK + (_LIGHT - _DARK) * seen / 255.0)
    coarse = seen.reshape(height, _SUPERSAMPLING, width, _SUPERSAMPLING).mean(axis=(1, 3))
    coarse = coarse + noise * np.random.default_rng(seed).standard_normal(coarse.shape)
    return np.clip(np.round(coarse), 0, 255).astype(np.uint8)


def _first_corner(board: Board) -> float:
    """From the printed edge to the origin of the board's coordinates, in metres."""
    return board.square if board.kind == "checkerboard" else 0.0
