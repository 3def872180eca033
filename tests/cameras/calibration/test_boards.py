"""Boards are those of OpenCV, on paper and in metres."""

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cameras.calibration.boards import board_from_points, make_board, opencv_charuco
from diffbio.cameras.calibration.printing import (
    MARGIN_MM,
    black_rectangles_mm,
    board_picture,
    board_size_mm,
    board_svg,
)
from diffbio.errors import InputError


def test_charuco_corners_are_those_of_opencv():
    board = make_board("charuco", 7, 5, 0.04, dictionary="DICT_4X4_50")
    assert_allclose(board.points, opencv_charuco(board).getChessboardCorners(), atol=1e-7)


def test_printed_charuco_is_the_picture_opencv_draws():
    board = make_board("charuco", 5, 4, 0.04, marker=0.03, dictionary="DICT_4X4_50")
    scale = 4.0
    margin = round(MARGIN_MM * scale)
    printed = board_picture(board, scale)[margin:-margin, margin:-margin]
    drawn = opencv_charuco(board).generateImage((printed.shape[1], printed.shape[0]))
    # Edges of modules fall between pixels here and there.
    assert np.mean(printed != drawn) < 0.01


def test_aruco_grid_has_the_corners_of_its_markers():
    board = make_board("aruco", 3, 2, 0.05, marker=0.04)
    grid = cv2.aruco.GridBoard(
        (3, 2), 0.04, 0.01, cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_5X5_1000)
    )
    assert_allclose(board.points, np.concatenate(grid.getObjPoints()), atol=1e-7)


@pytest.mark.parametrize(
    ("kind", "count"), [("checkerboard", 4 * 6 + 3 * 7), ("charuco", 3 * 5 + 2 * 6)]
)
def test_edges_join_neighbours(kind, count):
    board = make_board(kind, 4, 7, 0.06)
    first, second = np.asarray(board.edges).T
    assert len(board.edges) == count
    length = np.linalg.norm(board.points[first] - board.points[second], axis=1)
    assert_allclose(length, 0.06, atol=1e-12)


def test_a_checkerboard_is_one_square_larger_than_its_inner_corners():
    board = make_board("checkerboard", 4, 7, 0.06)
    assert board_size_mm(board) == pytest.approx((300.0, 480.0))
    assert len(black_rectangles_mm(board)) == 20


def test_svg_is_at_scale():
    board = make_board("charuco", 5, 4, 0.04)
    svg = board_svg(board)
    assert 'width="220mm"' in svg and "one square must measure 40 mm" in svg


def test_corners_alone_make_a_board():
    board = board_from_points(make_board("checkerboard", 4, 7, 0.06).points)
    assert (board.columns, board.rows) == (4, 7) and board.square == pytest.approx(0.06)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("hexagons", 4, 7, 0.06), "No board is called 'hexagons'"),
        (("charuco", 2, 7, 0.06), "at least 3 each way"),
        (("checkerboard", 4, 7, 60.0), "side of a square|squares have a side of 60 m"),
    ],
)
def test_impossible_boards_are_refused(words, complaint):
    with pytest.raises(InputError, match=complaint):
        make_board(*words)


def test_markers_larger_than_squares_and_unknown_sets_are_refused():
    with pytest.raises(InputError, match="do not fit"):
        make_board("charuco", 4, 7, 0.06, marker=0.07)
    with pytest.raises(InputError, match="No set of markers is called 'DICT_9X9'"):
        make_board("charuco", 4, 7, 0.06, dictionary="DICT_9X9")
    with pytest.raises(InputError, match="span no plane"):
        board_from_points(np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0]]))
