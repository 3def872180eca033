"""Whether corners are those of something flat: then some lens shows them in perspective."""

import numpy as np
from jaxtyping import Float

FISHEYE_FOCALS = np.geomspace(0.2, 1.6, 16)
"""Of the longer side of the picture: fisheye lenses of 280 to 36 degrees across."""

MAX_BEND = 0.03
"""Of the size of the board in the picture: no lens bends a flat board by more, rms. One that spans
a hundred degrees behind a fisheye lens is bent by 0.02."""

_LEAST_COSINE = 0.05
"""Of the angle between a corner and the middle of the board: all boards are within 87 degrees."""


def bend(plane: Float[np.ndarray, "corner 2"], pixels: Float[np.ndarray, "corner 2"]) -> float:
    """How far corners are from any perspective view of a plane, rms, over their extent."""
    import cv2

    matrix = cv2.findHomography(plane, pixels)[0]
    if matrix is None or not np.isfinite(matrix).all():
        return np.inf
    there = np.column_stack([plane, np.ones(len(plane))]) @ matrix.T
    if np.abs(there[:, 2]).min() < 1e-12:
        return np.inf
    miss = there[:, :2] / there[:, 2:] - pixels
    return float(np.sqrt((miss**2).sum(1).mean()) / np.linalg.norm(np.ptp(pixels, axis=0)))


def bend_in_fisheye(
    plane: Float[np.ndarray, "corner 2"],
    pixels: Float[np.ndarray, "corner 2"],
    size: tuple[int, int],
    focal_px: float,
) -> float:
    """The same behind a fisheye lens whose pictures show angles evenly.

    Args:
        plane: places on the board.
        pixels: where they were seen.
        size: of the picture, in pixels.
        focal_px: pixels per radian.
    """
    offset = (pixels - (np.asarray(size) - 1.0) / 2.0) / focal_px
    angle = np.linalg.norm(offset, axis=1)
    # sin(angle) / angle, also on the axis.
    rays = np.column_stack([offset * np.sinc(angle / np.pi)[:, None], np.cos(angle)])
    _, seen = faced(rays)
    return bend(plane, seen) if np.isfinite(seen).all() else np.inf


def faced(
    rays: Float[np.ndarray, "corner 3"],
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "corner 2"]]:
    """Directions as a camera sees them that is turned towards their middle.

    Returns:
        The turn, that camera from this one; and x / z, y / z there, NaN far from the middle.
    """
    unit = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    forward = unit.mean(axis=0)
    forward /= np.linalg.norm(forward)
    right = np.cross([0.0, 1.0, 0.0], forward)
    length = np.linalg.norm(right)
    right = right / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    turn = np.stack([right, np.cross(forward, right), forward])
    seen = unit @ turn.T
    there = seen[:, 2:] > _LEAST_COSINE
    return turn, np.where(there, seen[:, :2] / np.where(there, seen[:, 2:], 1.0), np.nan)
