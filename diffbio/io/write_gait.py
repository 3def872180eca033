"""Tables of a walk for statistics: events, metrics and cycles, one observation a row.

Each is a dictionary of columns, written as `.csv`, and as `.parquet` where pyarrow is installed
(`pip install "diffbio[cohort]"`). What is not known is an empty cell, null in Parquet.
"""

import csv
import importlib.util
import pathlib
from collections.abc import Sequence

import numpy as np

from diffbio.gait import GaitEvents, Metric
from diffbio.gait.angles import AngleCurves
from diffbio.gait.cycles import Cycle

Table = dict[str, list[str] | list[int] | list[float]]
"""Columns of equal length by name."""

_DIGITS = 9
"""Significant ones of a number in a `.csv`."""


def metrics_table(metrics: Sequence[Metric]) -> Table:
    """One row per number: name, side (empty for both), value, sd, spread, n, unit, reason."""
    return {
        "name": [one.name for one in metrics],
        "side": [one.side or "" for one in metrics],
        "value": [one.value for one in metrics],
        "sd": [one.sd for one in metrics],
        "spread": [one.spread for one in metrics],
        "n": [one.n for one in metrics],
        "unit": [one.unit for one in metrics],
        "reason": [one.reason or "" for one in metrics],
    }


def events_table(events: GaitEvents) -> Table:
    """One row per contact or lift-off; times in seconds."""
    found = events.events
    return {
        "time_s": [one.time for one in found],
        "kind": [one.kind for one in found],
        "side": [one.side for one in found],
        "sd_s": [one.sd for one in found],
        "shared_sd_s": [one.shared_sd for one in found],
        "confidence": [one.confidence for one in found],
        "method": [one.method for one in found],
    }


def cycles_table(cycles: Sequence[Cycle], curves: Sequence[AngleCurves]) -> Table:
    """One row per cycle, percent and angle.

    Args:
        cycles: of both sides in the order of time; a cycle's number is its place here, from 1.
        curves: of each side, in degrees, cut from these.

    Returns:
        Columns cycle, side, percent, coordinate, value, sd, unit; angles that are not known are
        left out.
    """
    table: Table = {
        name: [] for name in ("cycle", "side", "percent", "coordinate", "value", "sd", "unit")
    }
    for side in curves:
        numbers = [i for i, cycle in enumerate(cycles, 1) if cycle.side == side.side]
        for row, number in enumerate(numbers):
            for column, name in enumerate(side.names):
                values = side.curves[row, :, column]
                if not np.isfinite(values).any():
                    continue
                sd = np.full(len(values), np.nan) if side.sd is None else side.sd[row, :, column]
                n = len(values)
                _extend(
                    table,
                    [[number] * n, [side.side] * n, side.percent.tolist(), [name] * n],
                    [values.tolist(), sd.tolist(), ["deg"] * n],
                )
    return table


def _extend(table: Table, *parts: list) -> None:
    for column, more in zip(table.values(), [one for part in parts for one in part], strict=True):
        column.extend(more)


def write_csv(path: pathlib.Path, table: Table) -> None:
    """Write a table as comma-separated values."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*map(_cells, table.values()), strict=True))


def _cells(column: list) -> list[str | int]:
    return [
        ("" if value != value else f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
        for value in column
    ]


def can_write_parquet() -> bool:
    """Whether pyarrow is installed."""
    return importlib.util.find_spec("pyarrow") is not None


def write_parquet(path: pathlib.Path, table: Table) -> None:
    """Write a table as Parquet; needs pyarrow."""
    import pyarrow
    import pyarrow.parquet

    columns = {name: pyarrow.array(column, from_pandas=True) for name, column in table.items()}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
