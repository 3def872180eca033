"""Tables in Markdown, and the files a benchmark leaves."""

import datetime
import json
import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.machine import describe_machine, short_name
from diffbio.errors import InputError

ABSENT = "–"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows under a header, columns aligned so that the source reads as a table too.

    Numbers are written by `cell`; the first column is flush left, the others flush right.

    Raises:
        ValueError: a row has more or fewer cells than the header.
    """
    lines = [list(header), *([cell(value) for value in row] for row in rows)]
    if ragged := [line for line in lines if len(line) != len(header)]:
        raise ValueError(f"{len(ragged[0])} cells under {len(header)} headings: {ragged[0]}")
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(header))]
    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(
        "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |"
        for line in [lines[0], rule, *lines[1:]]
    )


def cell(value: object) -> str:
    """One value for a reader: three digits of a number, a dash for None and NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ABSENT if value is None else str(value)
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return ABSENT
    if value == 0:
        return "0"
    if abs(value) < 1e-3:
        return f"{value:.1e}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 4
    return f"{value:.{digits}f}"


def check_writable(folder: pathlib.Path) -> None:
    """Find out before the measuring, not after it.

    Raises:
        InputError: results cannot be written there.
    """
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        remedy = "Choose another --output."
        raise InputError(str(folder), "Results cannot be written there.", remedy)


def write_result(
    folder: pathlib.Path, name: str, measured: Mapping[str, Any], report: str
) -> tuple[pathlib.Path, pathlib.Path]:
    """Write `NAME-MACHINE.json` and `.md`, each complete or not at all.

    Args:
        folder: made where it is missing.
        name: of the benchmark.
        measured: everything, for programs.
        report: tables, for people.

    Returns:
        The two files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    machine, now = describe_machine(), datetime.datetime.now()
    date = now.astimezone().isoformat(timespec="minutes")
    stem = f"{name}-{short_name()}"
    content = {"benchmark": name, "date": date, "machine": machine, **measured}
    described = ", ".join(f"{key} {_plain(value)}" for key, value in machine.items())
    text = f"# {name}, {date}\n\nMachine: {described}.\n\n{report.strip()}\n"
    return (
        _replace(folder / f"{stem}.json", json.dumps(_finite(content), indent=1) + "\n"),
        _replace(folder / f"{stem}.md", text),
    )


def _plain(value: object) -> str:
    return " / ".join(map(str, value)) if isinstance(value, list) else str(value)


def _finite(value: Any) -> Any:
    """JSON has no NaN: numbers that are not finite become null."""
    if isinstance(value, Mapping):
        return {str(key): _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _replace(path: pathlib.Path, text: str) -> pathlib.Path:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return path
