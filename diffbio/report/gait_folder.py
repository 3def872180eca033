"""Files of `diffbio gait`: all of them, or those that were there before."""

import json
import os
import pathlib
import shutil
import tempfile

from diffbio.errors import InputError
from diffbio.gait.gait_points import SIDES
from diffbio.io.write_gait import (
    can_write_parquet,
    cycles_table,
    events_table,
    metrics_table,
    write_csv,
    write_parquet,
)
from diffbio.report.gait_analysis import GaitAnalysis
from diffbio.report.gait_comparison import GaitComparison, comparison_table
from diffbio.report.gait_page import render_gait
from diffbio.report.gait_summary import gait_summary

PAGE = "gait.html"

_FILES = ("gait.json", "metrics.csv", "metrics.parquet", "cycles.csv", "cycles.parquet")
_FILES += ("events.csv", "comparison.csv", PAGE)


def write_gait(
    found: GaitAnalysis, folder: pathlib.Path, compared: GaitComparison | None = None
) -> bool:
    """Write tables, numbers and page.

    Each file is put in place by renaming once all are complete; other files in the folder are
    left alone.

    Args:
        found: the walk.
        folder: created if need be.
        compared: with another visit; None where there is none.

    Returns:
        Whether the Parquet files are among them: they need pyarrow.

    Raises:
        InputError: the folder cannot be written.
    """
    page = render_gait(found, compared)
    content = gait_summary(found, compared)
    summary = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
    cycles = found.table.cycles.cycles
    tables = {
        "metrics": metrics_table((*found.table.metrics, *found.indices.metrics)),
        "cycles": cycles_table(cycles, [found.curves[side].angles for side in SIDES]),
        "events": events_table(found.events),
    }
    if compared is not None:
        tables["comparison"] = comparison_table(compared)
    parquet = can_write_parquet()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        workplace = pathlib.Path(tempfile.mkdtemp(prefix=".diffbio-writing-", dir=folder))
        try:
            for name, table in tables.items():
                write_csv(workplace / f"{name}.csv", table)
                if parquet and name in ("metrics", "cycles"):
                    write_parquet(workplace / f"{name}.parquet", table)
            (workplace / "gait.json").write_text(summary + "\n", encoding="utf-8")
            (workplace / PAGE).write_text(page, encoding="utf-8")
            _put_in_place(workplace, folder)
        finally:
            shutil.rmtree(workplace, ignore_errors=True)
    except OSError as error:
        raise InputError(
            str(folder),
            f"The folder cannot be written ({error.strerror}).",
            "Choose another folder with -o, or make this one writable.",
        ) from error
    return parquet


def _put_in_place(new: pathlib.Path, folder: pathlib.Path) -> None:
    for name in _FILES:
        if (new / name).exists():
            os.replace(new / name, folder / name)
        else:
            # Of an earlier run, and no longer true.
            (folder / name).unlink(missing_ok=True)
