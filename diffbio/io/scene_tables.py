"""Tables of surveyed points, and of where they are in pictures."""

import csv
import pathlib
import tomllib

import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.scene import SceneViews
from diffbio.errors import InputError

UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
"""Metres in the unit that ends a column's name."""

CLICK_COLUMNS = ("camera", "point", "x_px", "y_px")


def read_scene(
    points: pathlib.Path,
    clicks: pathlib.Path,
    point_sd_mm: float | None = None,
    *,
    kept_out: tuple[str, ...] = (),
) -> tuple[SceneViews, tuple[str, ...]]:
    """Surveyed points and where cameras saw them.

    Args:
        points: see `read_points`.
        clicks: a CSV file with the columns `CLICK_COLUMNS`.
        point_sd_mm: standard deviation of the survey per axis, where the table does not say.
        kept_out: points that are not read, surveyed or not; see `read_clicks`.

    Returns:
        The points that some camera saw, and notes on what was left out.

    Raises:
        InputError: a table cannot be read, lacks a column, names a point twice, or one that was
            not surveyed.
    """
    names, places, sd = read_points(points)
    if point_sd_mm is not None:
        sd = np.where(np.isnan(sd), 1e-3 * point_sd_mm, sd)
    used = [row for row, name in enumerate(names) if name not in kept_out]
    names, places, sd = tuple(names[row] for row in used), places[used], sd[used]
    rows = [row for row in _rows(clicks, CLICK_COLUMNS) if row["point"] not in kept_out]
    for row in rows:
        if row["point"] not in names:
            raise InputError(
                str(clicks),
                f"It has a point {row['point']!r}, which {points.name} does not ("
                f"{', '.join(names)}).",
                "Name points alike in both tables.",
            )
    cameras = tuple(dict.fromkeys(row["camera"] for row in rows))
    pixels = read_clicks(clicks, cameras, names)
    seen = np.asarray(np.isfinite(pixels).all(axis=2).any(axis=0))
    unseen = [name for name, known in zip(names, seen, strict=True) if not known]
    notes = (f"No camera saw {', '.join(unseen)}.",) if unseen else ()
    kept = tuple(name for name, known in zip(names, seen, strict=True) if known)
    sd = np.where(np.isnan(sd), 0.0, sd)[seen]
    return SceneViews(kept, places[seen], sd, cameras, pixels[:, seen]), notes


def read_clicks(
    path: pathlib.Path, cameras: tuple[str, ...], names: tuple[str, ...]
) -> Float[np.ndarray, "camera point 2"]:
    """Where cameras saw points, NaN where they did not.

    Args:
        path: a CSV file with the columns `CLICK_COLUMNS`.
        cameras: by the names they have there; others are left out.
        names: of the points; others are left out.

    Raises:
        InputError: the table cannot be read, or has a point of a camera twice.
    """
    pixels = np.full((len(cameras), len(names), 2), np.nan)
    for row in _rows(path, CLICK_COLUMNS):
        if row["camera"] not in cameras or row["point"] not in names:
            continue
        where = cameras.index(row["camera"]), names.index(row["point"])
        if np.isfinite(pixels[where]).all():
            raise InputError(
                str(path),
                f"Camera {row['camera']} has point {row['point']} twice.",
                "Leave one row for each camera and point.",
            )
        pixels[where] = [_number(path, row, column) for column in ("x_px", "y_px")]
    return pixels


def read_points(
    path: pathlib.Path,
) -> tuple[tuple[str, ...], Float[np.ndarray, "point 3"], Float[np.ndarray, "point"]]:
    """Surveyed points: their names, places in metres, and standard deviations in metres.

    Args:
        path: a CSV file with the columns point, x, y and z with a unit, as in `x_m` or `x_mm`, and
            perhaps `sd_mm`; or a Pose2Sim `Config.toml`, whose points are called 1, 2, and so on.

    Returns:
        Deviations are NaN where the file does not say.

    Raises:
        InputError: it cannot be read, lacks a column, or has a point twice.
    """
    if path.suffix == ".toml":
        return _pose2sim_points(path)
    rows = _rows(path, ("point",))
    heading = list(rows[0])
    unit = next((u for u in UNITS if all(f"{axis}_{u}" in heading for axis in "xyz")), None)
    if unit is None:
        raise InputError(
            str(path),
            f"Its columns are {', '.join(heading)}, and none of them say where points are.",
            "Call them x_m, y_m and z_m, or x_mm, y_mm and z_mm.",
        )
    names = tuple(row["point"] for row in rows)
    for name in names:
        if names.count(name) > 1:
            raise InputError(str(path), f"Point {name!r} is there twice.", "Rename one of them.")
    columns = [f"{axis}_{unit}" for axis in "xyz"]
    places = UNITS[unit] * np.array([[_number(path, row, c) for c in columns] for row in rows])
    sd = np.full(len(rows), np.nan)
    if "sd_mm" in heading:
        sd = 1e-3 * np.array([_number(path, row, "sd_mm") for row in rows])
    return names, places, sd


def _pose2sim_points(
    path: pathlib.Path,
) -> tuple[tuple[str, ...], Float[np.ndarray, "point 3"], Float[np.ndarray, "point"]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        scene = content["calibration"]["calculate"]["extrinsics"]["scene"]
        places = np.array(scene["object_coords_3d"], float).reshape(-1, 3)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            str(path),
            f"It has no points of a scene ({error}).",
            "Give Pose2Sim's Config.toml with calibration.calculate.extrinsics.scene."
            "object_coords_3d, or a CSV file.",
        ) from error
    names = tuple(str(number) for number in range(1, len(places) + 1))
    return names, places, np.full(len(places), np.nan)


def _rows(path: pathlib.Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), f"It cannot be read: {error}.", "Give a CSV file.") from error
    missing = [column for column in columns if not rows or column not in rows[0]]
    if missing:
        raise InputError(
            str(path),
            f"It lacks {', '.join(missing)}." if rows else "It has no rows.",
            f"Give one row each with {', '.join(columns)}.",
        )
    return [{key: (value or "").strip() for key, value in row.items() if key} for row in rows]


def _number(path: pathlib.Path, row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InputError(
            str(path),
            f"Point {row['point']} has {column} {row[column]!r}.",
            "Give a number, or leave the row out.",
        )
    return value
