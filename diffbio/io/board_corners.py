"""Tables of board corners, as Caliscope and other programs leave them."""

import csv
import math
import pathlib

import numpy as np
from jaxtyping import Float, Int

from diffbio.cameras.calibration import BoardViews, board_from_points
from diffbio.errors import InputError

COLUMNS = ("sync_index", "point_id", "img_loc_x", "img_loc_y", "obj_loc_x", "obj_loc_y")
CAMERA_COLUMNS = ("cam_id", "port", "camera")

_SAME_PLACE = 1e-5
"""Metres: tables are rounded."""


def read_board_corners(
    path: pathlib.Path, image_size: dict[str, tuple[int, int]] | tuple[int, int]
) -> BoardViews:
    """Corners of a board from a table with one row per corner.

    Args:
        path: a CSV file with the columns `COLUMNS` and one of `CAMERA_COLUMNS`; places on the
            board in metres.
        image_size: (width, height) in pixels, of all cameras or of each. A camera that the table
            calls 3 may be called 3, cam_3 or cam3 here.

    Raises:
        InputError: the table cannot be read, has a corner twice or in two places, or names a
            camera whose size is not known.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"It cannot be read: {error}.", "Give a CSV file.") from error
    camera_column = next((c for c in CAMERA_COLUMNS if rows and c in rows[0]), None)
    missing = [column for column in COLUMNS if not rows or column not in rows[0]]
    if missing or camera_column is None:
        raise InputError(
            str(path),
            f"It lacks {', '.join([*missing, *([] if camera_column else ['cam_id'])])}.",
            f"Give one row per corner with {', '.join(COLUMNS)} and cam_id.",
        )
    table = np.array([_numbers(path, line, row) for line, row in enumerate(rows, start=2)])
    stated = sorted({row[camera_column] for row in rows})
    sizes = image_size if isinstance(image_size, dict) else dict.fromkeys(stated, image_size)
    names = [_known(path, name, tuple(sizes)) for name in stated]
    instants, point_ids = np.unique(table[:, 0]), np.unique(table[:, 1])
    camera = np.array([stated.index(row[camera_column]) for row in rows])
    view = np.searchsorted(instants, table[:, 0])
    corner = np.searchsorted(point_ids, table[:, 1])
    _check_repeated(path, np.stack([camera, view, corner], axis=1))
    points = np.zeros((len(point_ids), 3))
    points[corner, :2] = table[:, 4:6]
    _check_places(path, table, points[corner, :2])
    pixels = np.full((len(names), len(instants), len(point_ids), 2), np.nan)
    pixels[camera, view, corner] = table[:, 2:4]
    return BoardViews(
        board_from_points(points),
        tuple(names),
        tuple(sizes[name] for name in names),
        pixels,
        tuple(f"{int(i)}" for i in instants),
    )


def _numbers(path: pathlib.Path, line: int, row: dict[str, str | None]) -> list[float]:
    """The numbers of one line of the table.

    Raises:
        InputError: one is missing, or is none.
    """
    numbers = []
    for column in COLUMNS:
        try:
            numbers.append(float(row[column] or ""))
        except ValueError:
            numbers.append(math.nan)
        if not math.isfinite(numbers[-1]):
            raise InputError(
                f"{path}, line {line}",
                f"Its {column} is {row[column]!r}, no number.",
                "Correct it, or leave the line out: a corner that was not seen has none.",
            )
    return numbers


def _check_repeated(path: pathlib.Path, places: Int[np.ndarray, "row 3"]) -> None:
    """Refuse a corner that a camera saw twice at once.

    Raises:
        InputError: there is one.
    """
    order = np.lexsort(places.T)
    same = np.flatnonzero((np.diff(places[order], axis=0) == 0).all(axis=1))
    if len(same):
        first, second = sorted((int(order[same[0]]) + 2, int(order[same[0] + 1]) + 2))
        raise InputError(
            str(path),
            f"Lines {first} and {second} are of one corner in one picture, and {len(same)} lines "
            "repeat another in all.",
            "Leave one line for each camera, picture and corner.",
        )


def _check_places(
    path: pathlib.Path, table: Float[np.ndarray, "row 6"], places: Float[np.ndarray, "row 2"]
) -> None:
    """Refuse a corner that lies on the board in two places.

    Raises:
        InputError: there is one.
    """
    apart = np.abs(table[:, 4:6] - places).max(axis=1)
    if apart.max() > _SAME_PLACE:
        row = int(np.argmax(apart))
        raise InputError(
            f"{path}, line {row + 2}",
            f"Corner {table[row, 1]:g} lies at ({table[row, 4]:g}, {table[row, 5]:g}) m on the "
            f"board, and elsewhere at ({places[row, 0]:g}, {places[row, 1]:g}) m.",
            "Give the corners of one board, each in one place.",
        )


def _known(path: pathlib.Path, name: str, known: tuple[str, ...]) -> str:
    for candidate in (name, f"cam_{name}", f"cam{name}"):
        if candidate in known:
            return candidate
    raise InputError(
        str(path),
        f"It names a camera {name!r}, and the rig has {', '.join(known)}.",
        "Give with --intrinsics a rig whose cameras have these names, or --image-size.",
    )
