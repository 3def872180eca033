"""Tables of board corners, as Caliscope and other programs leave them."""

import csv
import pathlib

import numpy as np

from diffbio.cameras.calibration import BoardViews, board_from_points
from diffbio.errors import InputError

COLUMNS = ("sync_index", "point_id", "img_loc_x", "img_loc_y", "obj_loc_x", "obj_loc_y")
CAMERA_COLUMNS = ("cam_id", "port", "camera")


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
        InputError: the table cannot be read, or names a camera whose size is not known.
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
    try:
        table = np.array([[float(row[column]) for column in COLUMNS] for row in rows])
    except ValueError as error:
        raise InputError(str(path), f"A value is no number: {error}.", "Correct it.") from error
    stated = sorted({row[camera_column] for row in rows})
    sizes = image_size if isinstance(image_size, dict) else dict.fromkeys(stated, image_size)
    names = [_known(path, name, tuple(sizes)) for name in stated]
    instants, point_ids = np.unique(table[:, 0]), np.unique(table[:, 1])
    camera = np.array([stated.index(row[camera_column]) for row in rows])
    view = np.searchsorted(instants, table[:, 0])
    corner = np.searchsorted(point_ids, table[:, 1])
    points = np.zeros((len(point_ids), 3))
    points[corner, :2] = table[:, 4:6]
    pixels = np.full((len(names), len(instants), len(point_ids), 2), np.nan)
    pixels[camera, view, corner] = table[:, 2:4]
    return BoardViews(
        board_from_points(points),
        tuple(names),
        tuple(sizes[name] for name in names),
        pixels,
        tuple(f"{int(i)}" for i in instants),
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
