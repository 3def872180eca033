"""How the time of a fit grows with frames, cameras, and trials in one call."""

import argparse
import sys
from collections.abc import Sequence

import jax
from tqdm import tqdm

from benchmarks.fit_case import Size, simulate
from benchmarks.fit_solve import REFINE, lane_of, prepared, solve
from benchmarks.machine import load_average
from benchmarks.table import markdown_table
from diffbio.fitting.batch import solve_stacked

FRAMES = 300
GROWTH_HEADER = (
    "compile, s", "solve, s", "iterations", "rejected", "ms / iteration", "µs / frame / iteration",
    "cost per frame", "outcome",
)  # fmt: skip
BATCH_HEADER = (
    "trials", "compile, s", "solve, s", "s / trial", "times as fast as one by one",
    "iterations, mean", "most",
)  # fmt: skip


def measure_frames(arguments: argparse.Namespace) -> list[dict]:
    """Trials of several lengths."""
    return [_growth(Size(False, n), n, arguments) for n in _bar("frames", arguments.frames)]


def measure_cameras(arguments: argparse.Namespace) -> list[dict]:
    """Trials of several numbers of cameras."""
    chosen = _bar("cameras", arguments.cameras)
    return [_growth(Size(False, FRAMES, n), n, arguments) for n in chosen]


def _growth(size: Size, count: int, arguments: argparse.Namespace) -> dict[str, object]:
    ready = prepared(simulate(size, seed=0))
    solution = solve(lane_of(ready), arguments.rounds)
    return {
        "count": count,
        "frames": size.frames,
        "start_s": ready.seconds,
        **solution.summary(),
        "load_average": load_average(),
    }


def report_frames(measured: Sequence[dict]) -> str:
    """One row per length."""
    first, last = measured[0], measured[-1]
    ratio = _per_frame_us(last) / _per_frame_us(first)
    return (
        "Length of the trial (59 keypoints, 37 coordinates, 8 cameras, 60 Hz):\n\n"
        f"{_growth_table('frames', measured)}\n\nTime per frame and iteration at "
        f"{last['count']} frames is {ratio:.2f} times that at {first['count']}."
    )


def report_cameras(measured: Sequence[dict]) -> str:
    """One row per number of cameras."""
    return f"Number of cameras ({FRAMES} frames):\n\n{_growth_table('cameras', measured)}"


def _growth_table(what: str, measured: Sequence[dict]) -> str:
    rows = [
        (
            one["count"],
            one["compile_s"],
            one["solve_s"],
            one["iterations"],
            one["rejected"],
            1e3 * one["solve_s"] / one["iterations"],
            _per_frame_us(one),
            f"{one['cost'] / one['frames']:.3f}",
            one["outcome"],
        )
        for one in measured
    ]
    return markdown_table((what, *GROWTH_HEADER), rows)


def _per_frame_us(one: dict) -> float:
    return 1e6 * one["solve_s"] / one["iterations"] / one["frames"]


def measure_batch(arguments: argparse.Namespace) -> list[dict]:
    """Trials of different people in one call, and the same trials one by one."""
    lanes, alone_s, measured = [], [], []
    for count in _bar("batch", sorted(arguments.batch)):
        for seed in range(len(lanes), count):
            lanes.append(lane_of(prepared(simulate(Size(False, FRAMES), seed))))
            alone_s.append(min(solve(lanes[-1]).seconds))
        solved, each_s = solve_stacked(lanes[:count], REFINE)
        iterations = [one.iterations for one in solved]
        measured.append(
            {
                "trials": count,
                "compile_s": solved[0].compile_s,
                "solve_s": count * each_s,
                "one_by_one_s": sum(alone_s[:count]),
                "iterations": iterations,
                "outcomes": [one.outcome.name for one in solved],
                "memory_bytes": _peak_bytes(),
                "load_average": load_average(),
            }
        )
    return measured


def report_batch(measured: Sequence[dict]) -> str:
    """One row per size of the batch."""
    rows = []
    for one in measured:
        trials, iterations = one["trials"], one["iterations"]
        rows.append(
            (
                trials,
                one["compile_s"],
                one["solve_s"],
                one["solve_s"] / trials,
                one["one_by_one_s"] / one["solve_s"],
                sum(iterations) / trials,
                max(iterations),
            )
        )
    memory = measured[-1]["memory_bytes"]
    note = f"\n\nPeak of the device's memory: {memory / 2**30:.1f} GiB." if memory else ""
    return (
        f"Trials in one call ({FRAMES} frames); all wait for the slowest of them:\n\n"
        f"{markdown_table(BATCH_HEADER, rows)}{note}"
    )


def _peak_bytes() -> int | None:
    """Of the device's own memory; None where it has none."""
    found = jax.devices()[0].memory_stats()
    return found.get("peak_bytes_in_use") if found else None


def _bar(name: str, counts: Sequence[int]) -> tqdm:
    return tqdm(counts, desc=name, file=sys.stderr, dynamic_ncols=True)
