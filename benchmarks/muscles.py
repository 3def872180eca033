"""`python -m benchmarks muscles`: how fast and how exact muscles share moments."""

import argparse
import importlib
import importlib.util
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse

from benchmarks.arguments import positive
from benchmarks.kinematics_case import program
from benchmarks.machine import load_average, load_sentence
from benchmarks.muscle_legs import leg_capacity
from benchmarks.muscle_paths import measure_paths, paths_report
from benchmarks.table import check_writable, markdown_table, write_result
from benchmarks.timing import timing
from diffbio.muscle import Activations, Effort, effort, static_optimisation

PARTS = ("paths", "redundancy")

MUSCLES, COORDINATES, FRAMES, ROUNDS = 80, 20, 600, 7

EVERY, OVERLOAD = 10, 2.5
"""Every so many frames ask for so many times what the muscles were made to make."""

TOLERANCES = (1e-9, 1e-12)
"""Of the library's gap and residuals. Activations are only as exact as the root of it, times that
of the effort, which is in the ten thousands where muscles are overloaded."""

LIBRARY = "clarabel"
"""Interior-point solver of conic programs, in Rust; it solves the squares."""

HEADER = (
    "solver",
    "power",
    "trace + compile, s",
    "CPU, ms / frame min (median)",
    "wall, ms / frame",
    "iterations, median (most)",
    "KKT residual, worst",
    "not converged",
)

DIFFERENCE_HEADER = (
    "against",
    "effort, relative, worst",
    "activation, worst",
    "the same, frames not overloaded",
    "reserve, Nm, worst",
)


class Problems(NamedTuple):
    """One problem per frame.

    Attributes:
        capacity: frame x coordinate x muscle, Nm when fully active.
        moment: frame x coordinate, Nm.
    """

    capacity: np.ndarray
    moment: np.ndarray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the benchmark."""
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument(
        "--frames", type=positive, default=FRAMES, metavar="N", help=f"default {FRAMES}"
    )
    parser.add_argument(
        "--rounds", type=positive, default=ROUNDS, metavar="N",
        help=f"timed runs of each program (default {ROUNDS})",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Measure paths, and solve all frames by ourselves and with the library; write the result."""
    check_writable(arguments.output)
    # Double precision is asked for here, and float32 arrays stay what they are.
    jax.config.update("jax_enable_x64", True)
    parts: dict[str, Any] = {}
    texts = []
    if "paths" in arguments.parts:
        parts["paths"] = measure_paths(arguments.frames, arguments.rounds)
        texts.append(f"## paths\n\n{paths_report(parts['paths'])}")
    if "redundancy" in arguments.parts:
        parts["redundancy"] = measured = {}
        for case in arguments.cases:
            problems = with_moments(CASES[case](arguments.frames))
            solved = measure(problems, arguments.rounds)
            measured[case] = {"size": problems.capacity.shape, **solved}
        texts.append(f"## redundancy\n\n{report(measured)}")
    text = "\n\n".join(texts)
    print(text)
    written = write_result(arguments.output, "muscles", {"parts": parts}, text)
    print(f"\nThe result is in {written[0]} and {written[1].name}.")
    return 0


def measure(problems: Problems, rounds: int) -> dict[str, dict]:
    """Every solver on the same frames, and how far apart they end."""
    solvers, solutions = {}, {}
    for dtype in ("float64", "float32"):
        for power in (2, 3):
            name = f"diffbio, {dtype}, p = {power}"
            solvers[name], solutions[name] = ours(problems, dtype, power, rounds)
    differences = {}
    if importlib.util.find_spec(LIBRARY):
        reference = solutions["diffbio, float64, p = 2"]
        for tolerance in TOLERANCES:
            name = f"{LIBRARY}, {tolerance:.0e}"
            solvers[name], found = by_library(problems, tolerance)
            differences[name] = compare(problems, found, reference, 2)
    for power in (2, 3):
        single, double = (f"diffbio, {dtype}, p = {power}" for dtype in ("float32", "float64"))
        differences[single] = compare(
            problems, solutions[single].activation, solutions[double], power
        )
    return {"solvers": solvers, "differences": differences}


def with_moments(capacity: np.ndarray) -> Problems:
    """Moments that activations from a beta distribution (1/2, 3) make; every tenth frame 2.5 times.

    Args:
        capacity: frame x coordinate x muscle, Nm.
    """
    activation = np.random.default_rng(1).beta(0.5, 3, (len(capacity), capacity.shape[2]))
    moment = np.einsum("fcm,fm->fc", capacity, activation)
    moment[::EVERY] *= OVERLOAD
    return Problems(capacity, moment)


def random_capacity(n_frames: int) -> np.ndarray:
    """Muscles of 200 to 5000 N, log-uniform, over 1 to 3 coordinates, moment arms of 1 to 6 cm.

    Moment arms vary by a tenth (standard deviation) from frame to frame.
    """
    rng = np.random.default_rng(0)
    mean = np.zeros((COORDINATES, MUSCLES))
    for muscle in range(MUSCLES):
        crossed = rng.choice(COORDINATES, rng.integers(1, 4), replace=False)
        arms = rng.uniform(0.01, 0.06, crossed.size) * rng.choice([-1, 1], crossed.size)
        mean[crossed, muscle] = arms * np.exp(rng.uniform(np.log(200), np.log(5000)))
    return mean * (1 + 0.1 * rng.normal(size=(n_frames, *mean.shape)))


CASES: dict[str, Callable[[int], np.ndarray]] = {"random": random_capacity, "legs": leg_capacity}


def ours(problems: Problems, dtype: str, power: int, rounds: int) -> tuple[dict[str, Any], Any]:
    """One compiled program over all frames."""
    _, n_coordinates, n_muscles = problems.capacity.shape
    chosen = effort(n_muscles, n_coordinates, power=power, dtype=jnp.dtype(dtype))
    capacity, moment = (jnp.asarray(array, dtype) for array in problems)

    def solve(capacity: jax.Array, moment: jax.Array, chosen: Effort) -> Activations:
        return static_optimisation(capacity, moment, chosen)

    made = program(solve, {}, capacity, moment, chosen)
    found = jax.tree.map(np.asarray, jax.jit(solve)(capacity, moment, chosen))
    timed = timing(made.call, rounds, len(problems.moment))
    return {
        "power": power,
        "build_s": made.trace_s + made.compile_s,
        **timed,
        "iterations": {
            "median": float(np.median(found.iterations)), "most": int(found.iterations.max())
        },
        "residual": float(found.residual.max()),
        "not_converged": int((~found.converged).sum()),
        "load_average": load_average(),
    }, found  # fmt: skip


def by_library(problems: Problems, tolerance: float) -> tuple[dict[str, Any], Any]:
    """Frame after frame with Clarabel: activations and reserves as unknowns, moments as equalities.

    Its own defaults, except for the tolerance. Timed are setup and solution; matrices are made
    before.
    """
    library = importlib.import_module(LIBRARY)
    options = library.DefaultSettings()
    options.verbose = False
    options.tol_gap_abs = options.tol_gap_rel = options.tol_feas = tolerance
    n_frames, m, n = problems.capacity.shape
    curvature = scipy.sparse.csc_matrix(2 * np.eye(n + m))
    bounds = np.hstack([np.vstack([np.eye(n), -np.eye(n)]), np.zeros((2 * n, m))])
    rows = [
        scipy.sparse.csc_matrix(np.vstack([np.hstack([one, np.eye(m)]), bounds]))
        for one in problems.capacity
    ]
    right = [np.concatenate([one, np.ones(n), np.zeros(n)]) for one in problems.moment]
    cones = [library.ZeroConeT(m), library.NonnegativeConeT(2 * n)]
    solved = []
    began = time.process_time(), time.perf_counter()
    for frame in range(n_frames):
        solver = library.DefaultSolver(
            curvature, np.zeros(n + m), rows[frame], right[frame], cones, options
        )
        solved.append(solver.solve())
    spent = 1e3 * (time.process_time() - began[0]), 1e3 * (time.perf_counter() - began[1])
    activation = np.array([one.x for one in solved])[:, :n]
    iterations = [one.iterations for one in solved]
    return {
        "power": 2,
        "cpu_ms": {"min": spent[0] / n_frames, "median": spent[0] / n_frames},
        "wall_ms": spent[1] / n_frames,
        "iterations": {"median": float(np.median(iterations)), "most": max(iterations)},
        "not_converged": sum(str(one.status) != "Solved" for one in solved),
        "load_average": load_average(),
    }, np.clip(activation, 0, 1)


def compare(
    problems: Problems, found: np.ndarray, reference: Activations, power: int
) -> dict[str, float]:
    """Largest differences between two solutions of the same frames."""
    theirs = np.asarray(found, np.float64)
    ours = np.asarray(reference.activation)
    made = [np.einsum("fcm,fm->fc", problems.capacity, one) for one in (theirs, ours)]
    reserves = [problems.moment - one for one in made]
    efforts = [
        (one**power).sum(1) + (left**2).sum(1)
        for one, left in zip((theirs, ours), reserves, strict=True)
    ]
    apart = np.abs(theirs - ours).max(1)
    return {
        "effort": float(np.max(np.abs(efforts[0] - efforts[1]) / efforts[1])),
        "activation": float(apart.max()),
        "activation_not_overloaded": float(apart[np.arange(len(apart)) % EVERY > 0].max()),
        "reserve": float(np.abs(reserves[0] - reserves[1]).max()),
    }


def report(measured: dict[str, dict]) -> str:
    """The tables."""
    solvers = [one for case in measured.values() for one in case["solvers"].values()]
    parts = [load_sentence([one["load_average"] for one in solvers])]
    for name, case in measured.items():
        n_frames, n_coordinates, n_muscles = case["size"]
        size = f"{n_muscles} muscles, {n_coordinates} coordinates, {n_frames} frames"
        rows = [_row(solver, one) for solver, one in case["solvers"].items()]
        parts.append(f"{name}: {size}, reserves of 1 Nm:")
        parts.append(markdown_table(HEADER, rows))
        compared = [(other, *one.values()) for other, one in case["differences"].items()]
        parts.append(f"{name}: differences from diffbio's double precision at the same power:")
        parts.append(markdown_table(DIFFERENCE_HEADER, compared))
    return "\n\n".join(parts)


def _row(name: str, one: dict) -> tuple[object, ...]:
    return (
        name,
        one["power"],
        one.get("build_s"),
        f"{one['cpu_ms']['min']:.3f} ({one['cpu_ms']['median']:.3f})",
        f"{one['wall_ms']:.3f}",
        f"{one['iterations']['median']:.0f} ({one['iterations']['most']})",
        one.get("residual"),
        one["not_converged"],
    )
