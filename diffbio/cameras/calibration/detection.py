"""The corners of a board in a picture, to a fraction of a pixel, and how sharp they are."""

import dataclasses
import itertools

import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.boards import Board, opencv_charuco, opencv_dictionary
from diffbio.cameras.calibration.flatness import MAX_BEND, bend

_LIKELY_DICTIONARIES = (
    "DICT_4X4_1000",
    "DICT_5X5_1000",
    "DICT_6X6_1000",
    "DICT_7X7_1000",
    "DICT_ARUCO_ORIGINAL",
    "DICT_APRILTAG_36h11",
)


def find_corners(
    picture: np.ndarray, board: Board, *, thorough: bool = True
) -> Float[np.ndarray, "corner 2"]:
    """Corners of the board in one picture.

    Args:
        picture: grey, 8 bit.
        board: what to look for.
        thorough: look for a checkerboard in the way that finds most, which takes a second.

    Returns:
        Pixels, NaN for corners that were not found.
    """
    import cv2

    found = np.full((len(board.points), 2), np.nan)
    if board.kind == "checkerboard":
        corners = _checkerboard(picture, board, thorough)
        if corners is not None:
            found[:] = _ordered(picture, corners, board)
    elif board.kind == "charuco":
        corners, numbers, *_ = cv2.aruco.CharucoDetector(opencv_charuco(board)).detectBoard(picture)
        if numbers is not None and len(numbers):
            found[np.ravel(numbers).astype(int)] = np.reshape(corners, (-1, 2))
    else:
        for number, corners in zip(*_markers(picture, board.dictionary), strict=True):
            if number < board.columns * board.rows:
                found[4 * number : 4 * number + 4] = corners
    return found


def _checkerboard(
    picture: np.ndarray, board: Board, thorough: bool
) -> Float[np.ndarray, "corner 2"] | None:
    """The corners of a checkerboard, if they look like those of something flat."""
    import cv2

    size = board.columns, board.rows
    if thorough:
        flags = cv2.CALIB_CB_ACCURACY | cv2.CALIB_CB_EXHAUSTIVE
        there, corners = cv2.findChessboardCornersSB(picture, size, flags=flags)
        if there and bend(board.points[:, :2], np.reshape(corners, (-1, 2))) < MAX_BEND:
            return np.reshape(corners, (-1, 2)).astype(float)
    there, corners = cv2.findChessboardCorners(
        picture, size, flags=cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_FAST_CHECK
    )
    if not there:
        return None
    corners = np.reshape(corners, (-1, 1, 2)).astype(np.float32)
    grid = corners.reshape(board.rows, board.columns, 2)
    side = min(np.linalg.norm(np.diff(grid, axis=axis), axis=-1).min() for axis in range(2))
    reach = int(np.clip(0.3 * side, 2, 11))
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-3)
    corners = cv2.cornerSubPix(picture, corners, (reach, reach), (-1, -1), stop)
    return np.reshape(corners, (-1, 2)).astype(float)


def half_turn_is_ambiguous(board: Board) -> bool:
    """Whether the board looks the same turned by 180 degrees, so that cameras may disagree."""
    return board.kind == "checkerboard" and (board.columns + board.rows) % 2 == 0


def _ordered(
    picture: np.ndarray, corners: Float[np.ndarray, "corner 2"], board: Board
) -> Float[np.ndarray, "corner 2"]:
    """Corners from the black end of a checkerboard, so that all cameras count alike."""
    grid = corners.reshape(board.rows, board.columns, 2)
    first, last = (
        _brightness(picture, cell.reshape(4, 2).mean(0), grid)
        for cell in (grid[:2, :2], grid[-2:, -2:])
    )
    turned = not half_turn_is_ambiguous(board) and first > last
    return corners[::-1] if turned else corners


def _brightness(
    picture: np.ndarray, at: Float[np.ndarray, "2"], grid: Float[np.ndarray, "row column 2"]
) -> float:
    side = np.linalg.norm(np.diff(grid, axis=1), axis=-1).min()
    reach = max(int(0.15 * side), 1)
    x, y = np.round(at).astype(int)
    patch = picture[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
    return float(patch.mean()) if patch.size else 0.0


def _markers(
    picture: np.ndarray, dictionary: str
) -> tuple[list[int], list[Float[np.ndarray, "4 2"]]]:
    import cv2

    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(opencv_dictionary(dictionary), parameters)
    corners, numbers, _ = detector.detectMarkers(picture)
    if numbers is None:
        return [], []
    return [int(n) for n in np.ravel(numbers)], [np.reshape(c, (4, 2)) for c in corners]


def edge_width_px(picture: np.ndarray, corners: Float[np.ndarray, "corner 2"]) -> float:
    """Width over which black turns to white beside the corners: 1 to 3 px where it is sharp.

    The contrast of a patch around each corner over its steepest slope, median over corners.
    """
    widths = []
    shape = picture.shape
    for x, y in corners[np.isfinite(corners).all(axis=1)]:
        left, top = int(x) - 8, int(y) - 8
        if left >= 0 and top >= 0 and left + 17 <= shape[1] and top + 17 <= shape[0]:
            patch = picture[top : top + 17, left : left + 17].astype(float)
            slope = np.hypot(*np.gradient(patch))
            low, high = np.percentile(patch, (5.0, 95.0))
            widths.append((high - low) / max(np.percentile(slope, 98.0), 1e-3))
    return float(np.median(widths)) if widths else np.nan


def what_is_there(picture: np.ndarray, board: Board) -> str | None:
    """Where the board is not found: what is seen instead, as the end of a sentence; or None."""
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    if board.kind == "checkerboard":
        sizes = itertools.product(range(-2, 3), range(-2, 3), (False, True))
        for more_columns, more_rows, turned in sorted(sizes, key=lambda s: abs(s[0]) + abs(s[1])):
            size = board.columns + more_columns, board.rows + more_rows
            size = size[::-1] if turned else size
            if min(size) > 2 and set(size) != {board.columns, board.rows}:
                other = dataclasses.replace(board, columns=size[0], rows=size[1])
                if _is_checkerboard(picture, other):
                    return f"a checkerboard of {size[0]} x {size[1]} inner corners"
        return None
    if np.isfinite(find_corners(mirrored, board)).all(axis=1).sum() >= 4:
        return "the mirror image of the board"
    numbers, _ = _markers(picture, board.dictionary)
    if numbers:
        what = f"markers {min(numbers)} to {max(numbers)} of {board.dictionary}"
        # Every other square of a ChArUco board holds one, counted from 0.
        squares = 2 * (max(numbers) + 1)
        return f"{what}, as a ChArUco board of {squares} or {squares + 1} squares has at least"
    for dictionary in _LIKELY_DICTIONARIES:
        numbers, _ = _markers(picture, dictionary)
        if len(numbers) >= 3:
            return f"markers {min(numbers)} to {max(numbers)} of {dictionary}"
    return None


def _is_checkerboard(picture: np.ndarray, board: Board) -> bool:
    import cv2

    there, corners = cv2.findChessboardCornersSB(picture, (board.columns, board.rows))
    # A part of a larger board is found too: then its neighbours are corners as well.
    return bool(there) and len(corners) == board.columns * board.rows
