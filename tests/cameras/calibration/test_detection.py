"""Corners are found where they truly are, and what is not the board is told apart."""

import cv2
import numpy as np
import pytest

from diffbio.cameras.calibration.boards import make_board
from diffbio.cameras.calibration.detection import (
    edge_width_px,
    find_corners,
    half_turn_is_ambiguous,
    what_is_there,
)
from diffbio.cameras.calibration.printing import MARGIN_MM, board_picture

CHARUCO = make_board("charuco", 7, 5, 0.04)
CHECKERS = make_board("checkerboard", 7, 4, 0.04)


def seen(board, turn=None):
    """A picture of a board in perspective, and where its corners are in it."""
    scale = 3.0
    printed = board_picture(board, scale)
    height, width = printed.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    there = np.array([[120, 80], [620, 110], [590, 430], [90, 400]], np.float32)
    if turn:
        there = np.roll(there, 2, axis=0)
    matrix = cv2.getPerspectiveTransform(corners, there)
    big = np.diag([4.0, 4.0, 1.0]) @ matrix
    picture = cv2.warpPerspective(printed, big, (2880, 2000), borderValue=(128,))
    picture = cv2.resize(picture, (720, 500), interpolation=cv2.INTER_AREA)
    offset = board.square if board.kind == "checkerboard" else 0.0
    paper = (1000.0 * (board.points[:, :2] + offset) + MARGIN_MM) * scale
    # A point between pixels of the print: pixel i covers i to i + 1, and 4 fine pixels one coarse.
    exact = cv2.perspectiveTransform(paper[None] - 0.5, big)[0]
    return picture, (exact + 0.5) / 4.0 - 0.5


@pytest.mark.parametrize("board", [CHARUCO, CHECKERS, make_board("aruco", 4, 3, 0.05)])
def test_corners_are_found_to_a_fraction_of_a_pixel(board):
    picture, true = seen(board)
    error = np.linalg.norm(find_corners(picture, board) - true, axis=1)
    assert np.isfinite(error).all()
    # Markers' corners are less sharply defined than the saddle points of a checkerboard.
    assert np.median(error) < (0.5 if board.kind == "aruco" else 0.15)


def test_a_checkerboard_is_counted_from_the_same_end_when_turned_by_half():
    picture, true = seen(CHECKERS, turn=True)
    error = np.linalg.norm(find_corners(picture, CHECKERS) - true, axis=1)
    assert error.max() < 0.5
    assert not half_turn_is_ambiguous(CHECKERS)
    assert half_turn_is_ambiguous(make_board("checkerboard", 6, 4, 0.04))


def test_an_empty_picture_has_no_corners():
    for board in (CHARUCO, CHECKERS):
        assert np.isnan(find_corners(np.full((300, 400), 128, np.uint8), board)).all()


def test_blur_widens_edges():
    picture, _ = seen(CHARUCO)
    corners = find_corners(picture, CHARUCO)
    sharp = edge_width_px(picture, corners)
    blurred = edge_width_px(cv2.GaussianBlur(picture, (0, 0), 3.0), corners)
    assert sharp < 4.0 and blurred > 1.8 * sharp


def test_what_is_there_instead_is_named():
    picture, _ = seen(CHARUCO)
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    assert what_is_there(mirrored, CHARUCO) == "the mirror image of the board"
    other = make_board("charuco", 7, 5, 0.04, dictionary="DICT_4X4_50")
    assert "markers 0 to 16 of DICT_5X5_1000" in str(what_is_there(picture, other))
    picture, _ = seen(CHECKERS)
    wrong = make_board("checkerboard", 8, 4, 0.04)
    assert what_is_there(picture, wrong) == "a checkerboard of 7 x 4 inner corners"
    assert what_is_there(np.full((300, 400), 128, np.uint8), CHARUCO) is None
