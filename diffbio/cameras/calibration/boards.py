"""Targets to calibrate cameras with: their geometry in metres, and how to print them."""

import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError

KINDS = ("charuco", "aruco", "checkerboard")
"""A checkerboard with markers in its white squares, a grid of markers, a plain checkerboard."""

DICTIONARY = "DICT_5X5_1000"

MARKER_SHARE = 0.75
"""Side of a marker, of the square (or of the pitch of the grid) it lies in."""

_NEIGHBOUR_TOLERANCE = 1e-3
"""Of a square: corners whose distance misses a whole number of squares by less are on one line."""


@dataclasses.dataclass(frozen=True)
class Board:
    """A flat target.

    Attributes:
        kind: one of `KINDS`.
        columns: squares across of a ChArUco board, markers across of an ArUco grid, inner
            corners across of a checkerboard.
        rows: likewise, downwards.
        square: side of a square, or the pitch of the grid of markers, in metres.
        marker: side of a marker, in metres; 0 where there are none.
        dictionary: OpenCV's name of the set of markers.
        points: the corners, in metres; x right, y down on the printed page, z = 0.
        edges: pairs of corners that are neighbours on one line.
    """

    kind: str
    columns: int
    rows: int
    square: float
    marker: float
    dictionary: str
    points: Float[np.ndarray, "corner 3"]
    edges: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        what = {
            "charuco": "squares, ChArUco",
            "aruco": "markers, ArUco",
            "checkerboard": "inner corners",
        }
        size = f"{self.columns} x {self.rows} {what.get(self.kind, 'corners')}"
        return f"{size}, {1000 * self.square:g} mm"


def make_board(
    kind: str,
    columns: int,
    rows: int,
    square: float,
    *,
    marker: float | None = None,
    dictionary: str = DICTIONARY,
) -> Board:
    """A board from its description.

    Args:
        kind: one of `KINDS`.
        columns: see `Board`.
        rows: see `Board`.
        square: in metres.
        marker: side of a marker, in metres; by default `MARKER_SHARE` of a square.
        dictionary: OpenCV's name of the set of markers.

    Raises:
        InputError: there is no such board.
    """
    smallest = 2 if kind == "checkerboard" else 3 if kind == "charuco" else 1
    if kind not in KINDS:
        raise InputError("board", f"No board is called {kind!r}.", f"Known: {', '.join(KINDS)}.")
    if min(columns, rows) < smallest or columns * rows < 2:
        raise InputError(
            "board",
            f"It has {columns} x {rows}.",
            f"A {kind} needs at least {smallest} each way.",
        )
    if not 0.002 <= square <= 2.0:
        raise InputError(
            "board",
            f"Its squares have a side of {square:g} m.",
            "Give the side of one printed square in millimetres, measured with a ruler.",
        )
    marker = MARKER_SHARE * square if marker is None else marker
    if kind != "checkerboard":
        opencv_dictionary(dictionary)
        if not 0.0 < marker < square:
            raise InputError(
                "board",
                f"Markers of {1000 * marker:g} mm do not fit squares of {1000 * square:g} mm.",
                "Measure both on the printed board.",
            )
    points = _corners(kind, columns, rows, square, marker)
    return Board(
        kind,
        columns,
        rows,
        square,
        0.0 if kind == "checkerboard" else marker,
        "" if kind == "checkerboard" else dictionary,
        points,
        _edges(points),
    )


def board_from_points(points: Float[np.ndarray, "corner 3"]) -> Board:
    """A board of which only the corners are known, as files of corners state them.

    Args:
        points: in metres, on one plane z = 0.

    Raises:
        InputError: fewer than four corners, or all on one line.
    """
    if len(points) < 4 or np.linalg.matrix_rank(points - points.mean(0), tol=1e-6) < 2:
        raise InputError(
            "board",
            f"It has {len(points)} corners, which span no plane.",
            "Give the place of every corner on the board.",
        )
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    square = float(distance[distance > 0.0].min())
    counts = [len(np.unique(np.round(points[:, axis] / square, 2))) for axis in range(2)]
    return Board("corners", counts[0], counts[1], square, 0.0, "", points, _edges(points))


def opencv_dictionary(name: str) -> Any:
    """OpenCV's set of markers of that name.

    Raises:
        InputError: OpenCV has none of that name.
    """
    import cv2

    number = getattr(cv2.aruco, name, None)
    if not name.startswith("DICT_") or number is None:
        raise InputError(
            "dictionary",
            f"No set of markers is called {name!r}.",
            "Give OpenCV's name, such as DICT_4X4_50 or DICT_5X5_1000.",
        )
    return cv2.aruco.getPredefinedDictionary(number)


def opencv_charuco(board: Board) -> Any:
    """The ChArUco board as OpenCV knows it."""
    import cv2

    return cv2.aruco.CharucoBoard(
        (board.columns, board.rows),
        board.square,
        board.marker,
        opencv_dictionary(board.dictionary),
    )


def _corners(
    kind: str, columns: int, rows: int, square: float, marker: float
) -> Float[np.ndarray, "corner 3"]:
    """Inner corners row by row; of a grid of markers, each one's four, clockwise."""
    if kind == "charuco":
        columns, rows = columns - 1, rows - 1
    first = square if kind == "charuco" else 0.0
    x, y = np.meshgrid(first + square * np.arange(columns), first + square * np.arange(rows))
    points = np.stack([x, y, np.zeros_like(x)], axis=-1).reshape(-1, 3)
    if kind != "aruco":
        return points
    around = marker * np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    return (points[:, None] + around).reshape(-1, 3)


def _edges(points: Float[np.ndarray, "corner 3"]) -> tuple[tuple[int, int], ...]:
    """Every corner with the nearest one to its right and below."""
    found = []
    apart = points[None] - points[:, None]
    tolerance = _NEIGHBOUR_TOLERANCE * np.abs(apart[apart != 0.0]).min()
    for axis in range(2):
        ahead, aside = apart[..., axis], apart[..., 1 - axis]
        distance = np.where((ahead > tolerance) & (np.abs(aside) < tolerance), ahead, np.inf)
        nearest = distance.argmin(axis=1)
        found += [(i, int(j)) for i, j in enumerate(nearest) if np.isfinite(distance[i, j])]
    return tuple(found)
