"""`python -m benchmarks arrow`: both ways to eliminate the control points of a trial."""

import argparse
import functools
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.arguments import positive
from benchmarks.kinematics_case import Program, program
from benchmarks.machine import load_average, load_sentence
from benchmarks.table import check_writable, markdown_table, write_result
from diffbio.fitting.banded import Method, solve_arrow

SIZES = {"78x37+243": (78, 37, 243), "153x71+324": (153, 71, 324), "2400x37+243": (2400, 37, 243)}
"""Control points, coordinates and shared unknowns: trials of 5 and 10 s, and one of 160 s."""

METHODS: tuple[Method, ...] = ("scan", "cyclic")

ROUNDS = 15

HEADER = (
    "control points x coordinates + shared",
    "method",
    "trace + compile, s",
    "run, ms min (median)",
    "scratch, MiB",
    "times the fastest",
    "max deviation from the scan",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the benchmark."""
    parser.add_argument(
        "--sizes", nargs="+", default=list(SIZES), choices=list(SIZES), help="which systems"
    )
    parser.add_argument(
        "--rounds", type=positive, default=ROUNDS, metavar="N",
        help=f"timed runs of each program (default {ROUNDS})",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Solve every system in both ways, and write the result."""
    check_writable(arguments.output)
    # The first program of a process pays for the compiler's own start.
    program(jnp.linalg.cholesky, {}, jnp.eye(3))
    measured = {size: measure(SIZES[size], arguments.rounds) for size in arguments.sizes}
    loads = load_sentence([one["load_average"] for one in measured.values()])
    table = markdown_table(HEADER, [row for size in measured for row in rows(size, measured[size])])
    report = f"{loads}\n\nOne solution in single precision:\n\n{table}\n\n{verdict(measured)}"
    print(report)
    content = {"rounds": arguments.rounds, "systems": measured}
    written = write_result(arguments.output, "arrow", content, report)
    print(f"\nThe result is in {written[0]} and {written[1].name}.")
    return 0


def measure(size: tuple[int, int, int], rounds: int) -> dict[str, Any]:
    """Both methods on one system, taking turns within every round."""
    arrow = random_arrow(*size)
    made = {name: _program(name, arrow) for name in METHODS}
    solutions = {name: one.call() for name, one in made.items()}
    seconds = _take_turns({name: one.call for name, one in made.items()}, rounds)
    scan = solutions["scan"]
    methods = {
        name: {
            "build_s": one.trace_s + one.compile_s,
            "run_ms": {
                "min": 1e3 * min(seconds[name]),
                "median": 1e3 * statistics.median(seconds[name]),
            },
            "temporary_mib": one.temporary_mib,
            "max_deviation": _deviation(solutions[name], scan),
        }
        for name, one in made.items()
    }
    return {**methods, "load_average": load_average()}


def random_arrow(n_control: int, n: int, n_shared: int) -> tuple[jax.Array, ...]:
    """A definite arrow and right hand sides, in single precision."""
    rng = np.random.default_rng(0)
    band = rng.normal(size=(4, n_control, n, n)).astype(np.float32) / 10
    # Rows sum to less than their diagonal.
    eye = np.eye(n, dtype=np.float32) * (n + n_shared / 10)
    band[0] = 0.5 * (band[0] + np.swapaxes(band[0], 1, 2)) + eye
    border = rng.normal(size=(n_control, n, n_shared)).astype(np.float32) / 10
    corner = np.eye(n_shared, dtype=np.float32) * n_control * n / 10
    right = rng.normal(size=(n_control, n)).astype(np.float32)
    right_shared = rng.normal(size=n_shared).astype(np.float32)
    return tuple(map(jnp.asarray, (band, border, corner, right, right_shared)))


def _program(method: Method, arrow: tuple[jax.Array, ...]) -> Program:
    # As the solver asks for it: an accelerator's default precision is too low.
    with jax.default_matmul_precision("highest"):
        return program(functools.partial(solve_arrow, method=method), {}, *arrow)


def _take_turns(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def _deviation(found: object, scan: object) -> float:
    """Largest difference between two solutions, relative to the largest number in one."""
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(scan), strict=True)
    return max(float(jnp.abs(a - b).max() / jnp.abs(b).max()) for a, b in pairs)


def rows(size: str, one: dict) -> list[tuple[object, ...]]:
    """Both methods on one system."""
    fastest = min(one[name]["run_ms"]["min"] for name in METHODS)
    return [
        (
            size,
            name,
            one[name]["build_s"],
            f"{one[name]['run_ms']['min']:.2f} ({one[name]['run_ms']['median']:.2f})",
            one[name]["temporary_mib"],
            one[name]["run_ms"]["min"] / fastest,
            one[name]["max_deviation"],
        )
        for name in METHODS
    ]


def verdict(measured: dict[str, dict]) -> str:
    """Which method wins, and by how much."""
    return "\n".join(_sentence(size, one) for size, one in measured.items())


def _sentence(size: str, one: dict) -> str:
    times = {name: one[name]["run_ms"]["min"] for name in METHODS}
    ordered: Sequence[str] = sorted(times, key=lambda name: times[name])
    ratio = times[ordered[1]] / times[ordered[0]]
    return f"- {size}: {ordered[0]} wins, {ratio:.2f} times as fast as {ordered[1]}."
