"""`python -m benchmarks fit`: how fast, how surely and how exactly trials are solved.

Made of parts; each can be measured alone, and the result file keeps what the others found on the
same machine before. Nothing is taken from a compilation cache, so that compiling is timed.
"""

import argparse
import datetime
import json
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from benchmarks.arguments import positive
from benchmarks.fit_case import SIZES
from benchmarks.fit_floor import measure_floor, report_floor
from benchmarks.fit_scaling import (
    measure_batch,
    measure_cameras,
    measure_frames,
    report_batch,
    report_cameras,
    report_frames,
)
from benchmarks.fit_sizes import measure_seeds, measure_sizes, report_seeds, report_sizes
from benchmarks.machine import load_average, short_name
from benchmarks.table import check_writable, write_result


class Part(NamedTuple):
    """One part of the benchmark.

    Attributes:
        measure: from the arguments to what was found, ready for JSON.
        report: from that to Markdown.
        arguments: those that say what was asked for, to be kept with the result.
    """

    measure: Callable[[argparse.Namespace], Any]
    report: Callable[[Any], str]
    arguments: tuple[str, ...]


PARTS = {
    "sizes": Part(measure_sizes, report_sizes, ("sizes", "steps", "rounds")),
    "seeds": Part(measure_seeds, report_seeds, ("sizes", "seeds")),
    "frames": Part(measure_frames, report_frames, ("frames", "rounds")),
    "cameras": Part(measure_cameras, report_cameras, ("cameras", "rounds")),
    "batch": Part(measure_batch, report_batch, ("batch",)),
    "floor": Part(measure_floor, report_floor, ("sizes", "rounds")),
}

FRAMES = (150, 300, 600, 1200, 2400, 4800, 9600)
CAMERAS = (2, 4, 8, 16)
BATCH = (1, 4, 16, 64)
COUNTS = {
    "frames": (FRAMES, "lengths of the trials of `frames`"),
    "cameras": (CAMERAS, "numbers of cameras of `cameras`"),
    "batch": (BATCH, "numbers of trials of `batch`"),
}
SEEDS, STEPS, ROUNDS = 20, 8000, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the benchmark."""
    parser.add_argument(
        "--parts", nargs="+", default=list(PARTS), choices=list(PARTS), help="what to measure"
    )
    parser.add_argument(
        "--sizes", nargs="+", default=list(SIZES), choices=list(SIZES), metavar="SIZE",
        help=f"trials of `sizes`, `seeds` and `floor` (default {' '.join(SIZES)})",
    )  # fmt: skip
    for name, default, what in (
        ("seeds", SEEDS, "people of each size in `seeds`"),
        ("steps", STEPS, "of AdamW's longest run at most, in `sizes`"),
        ("rounds", ROUNDS, "solves, of which the quickest counts"),
    ):
        parser.add_argument(
            f"--{name}", type=positive, default=default, metavar="N",
            help=f"{what} (default {default})",
        )  # fmt: skip
    for name, (counts, what) in COUNTS.items():
        parser.add_argument(
            f"--{name}", type=positive, nargs="+", default=list(counts), metavar="N",
            help=f"{what} (default {' '.join(map(str, counts))})",
        )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Measure every part asked for, print it, and write it beside the others' latest results."""
    check_writable(arguments.output)
    written = None
    for name in arguments.parts:
        part = PARTS[name]
        # What another part compiled in this process would be timed as nothing.
        jax.clear_caches()
        measured = part.measure(arguments)
        print(f"{part.report(measured)}\n", flush=True)
        found = {
            "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
            "load_average": load_average(),
            "arguments": {key: getattr(arguments, key) for key in part.arguments},
            "measured": measured,
        }
        # One after the other, so that a run that is stopped leaves what it has found.
        parts = {**earlier(arguments.output), name: found}
        parts = {known: parts[known] for known in PARTS if known in parts}
        written = write_result(arguments.output, "fit", {"parts": parts}, report(parts))
    assert written is not None
    print(f"The result is in {written[0]} and {written[1].name}.")
    return 0


def earlier(folder: pathlib.Path) -> dict[str, dict]:
    """Parts that were measured on this machine before, by name."""
    path = folder / f"fit-{short_name()}.json"
    if not path.is_file():
        return {}
    return json.loads(path.read_text(encoding="utf-8")).get("parts", {})


def report(parts: dict[str, dict]) -> str:
    """All parts as Markdown, each with its own date."""
    texts = []
    for name, one in parts.items():
        load = ", ".join(f"{value:g}" for value in one["load_average"])
        texts.append(
            f"## {name}\n\nMeasured {one['date']}; load average at the end {load}.\n\n"
            f"{PARTS[name].report(one['measured'])}"
        )
    return "\n\n".join(texts)
