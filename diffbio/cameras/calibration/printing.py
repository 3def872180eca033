"""A board on paper: black rectangles in millimetres, as an SVG file that prints at scale."""

import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.calibration.boards import Board, opencv_dictionary

MARGIN_MM = 10.0
"""White around the board, without which its outermost markers are not found."""


def board_size_mm(board: Board) -> tuple[float, float]:
    """Width and height of the printed board, without margins."""
    extra = 1 if board.kind == "checkerboard" else 0
    if board.kind == "aruco":
        gap = board.square - board.marker
        return (
            1000.0 * (board.columns * board.square - gap),
            1000.0 * (board.rows * board.square - gap),
        )
    return 1000.0 * (board.columns + extra) * board.square, 1000.0 * (
        board.rows + extra
    ) * board.square


def black_rectangles_mm(board: Board) -> Float[np.ndarray, "rectangle 4"]:
    """What is black: left, top, width and height, from the top left corner of the board."""
    square, marker = 1000.0 * board.square, 1000.0 * board.marker
    black, number = [], 0
    extra = 1 if board.kind == "checkerboard" else 0
    for row in range(board.rows + extra):
        for column in range(board.columns + extra):
            left, top = column * square, row * square
            if board.kind == "aruco":
                black += _marker(board, number, left, top, marker)
                number += 1
            elif (row + column) % 2 == 0:
                black.append((left, top, square, square))
            elif board.kind == "charuco":
                inset = (square - marker) / 2
                black += _marker(board, number, left + inset, top + inset, marker)
                number += 1
    return np.asarray(black)


def board_svg(board: Board) -> str:
    """The board as SVG, with its margin and a line that says how to check the scale."""
    width, height = board_size_mm(board)
    note = f"{board}. Print at 100 %: one square must measure {1000 * board.square:g} mm."
    if board.dictionary:
        note += f" Markers {1000 * board.marker:g} mm, {board.dictionary}."
    page = (width + 2 * MARGIN_MM, height + 2 * MARGIN_MM + 5.0)
    body = "\n".join(
        f'<rect x="{x + MARGIN_MM:g}" y="{y + MARGIN_MM:g}" width="{w:g}" height="{h:g}"/>'
        for x, y, w, h in black_rectangles_mm(board)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{page[0]:g}mm" height="{page[1]:g}mm" '
        f'viewBox="0 0 {page[0]:g} {page[1]:g}" shape-rendering="crispEdges">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n'
        f'<text x="{MARGIN_MM:g}" y="{page[1] - 3:g}" font-size="4" font-family="sans-serif">'
        f"{note}</text>\n</svg>\n"
    )


def board_picture(board: Board, pixels_per_mm: float) -> np.ndarray:
    """The board with its margin as a grey picture, 0 black and 255 white."""
    width, height = (size + 2 * MARGIN_MM for size in board_size_mm(board))
    shape = round(height * pixels_per_mm), round(width * pixels_per_mm)
    picture = np.full(shape, 255, np.uint8)
    for x, y, w, h in black_rectangles_mm(board):
        left, top = ((MARGIN_MM + edge) * pixels_per_mm for edge in (x, y))
        right, bottom = left + w * pixels_per_mm, top + h * pixels_per_mm
        picture[round(top) : round(bottom), round(left) : round(right)] = 0
    return picture


def _marker(
    board: Board, number: int, left: float, top: float, side: float
) -> list[tuple[float, float, float, float]]:
    """The black modules of one marker, those of a row that touch as one rectangle."""
    black = _modules(board, number)
    size = side / len(black)
    found = []
    for row, modules in enumerate(black):
        change = np.flatnonzero(np.diff(np.concatenate([[False], modules, [False]]).astype(int)))
        for begin, end in zip(change[::2], change[1::2], strict=True):
            found.append((left + begin * size, top + row * size, (end - begin) * size, size))
    return found


def _modules(board: Board, number: int) -> Bool[np.ndarray, "module module"]:
    import cv2

    dictionary = opencv_dictionary(board.dictionary)
    side = dictionary.markerSize + 2
    return cv2.aruco.generateImageMarker(dictionary, number, side) == 0
