"""Trials of two sizes by both solvers, and many simulated people: speed, truth, wrong minima."""

import argparse
import sys
from collections.abc import Mapping, Sequence

import numpy as np
from tqdm import tqdm

from benchmarks.fit_case import SIZES, simulate
from benchmarks.fit_solve import ANGLES, descend, errors, lane_at_truth, lane_of, prepared, solve
from benchmarks.machine import load_average
from benchmarks.table import markdown_table

WRONG_SHARE, WRONG_COST = 1e-3, 5.0
"""A minimum is another, and a wrong one, where its cost is above that of the minimum next to the
truth by more than this share and by more than so many units."""

ARMS = ("upper_arm", "forearm")

SIZE = "frames / keypoints / coordinates / cameras"
SPEED_HEADER = (
    SIZE, "solver", "compile, s", "solve, s", "iterations", "rejected", "cost per frame",
    "times as long",
)  # fmt: skip
TRUTH_HEADER = (
    SIZE, "solver", "markers, mm mean", "every frame centred", "hip, ° means removed (bias)",
    "knee", "ankle", "pelvis and legs, % RMS", "arms",
)  # fmt: skip
SEEDS_HEADER = (
    SIZE, "people", "wrong minima", "rejected, %", "iterations", "solve, s", "markers, mm",
    "hip, ° means removed (bias)", "knee", "ankle", "pelvis and legs, % RMS", "arms",
)  # fmt: skip


def measure_sizes(arguments: argparse.Namespace) -> dict[str, dict]:
    """One person per size: Gauss-Newton, and AdamW until it has reached the same cost."""
    measured = {}
    for size in tqdm(arguments.sizes, desc="sizes", file=sys.stderr, dynamic_ncols=True):
        case = simulate(SIZES[size], seed=0)
        ready = prepared(case)
        mine = solve(lane_of(ready), arguments.rounds)
        cost = float(mine.progress.cost) / len(case.keypoints.time)
        rivals = descend(ready, cost, arguments.steps)
        measured[size] = {
            "start_s": ready.seconds,
            "gauss_newton": {
                **mine.summary(), "cost_per_frame": cost, **errors(case, ready, mine.unknowns)
            },
            "adamw": [
                {**one, "unknowns": None, **errors(case, ready, one["unknowns"])}
                for one in rivals
            ],
            "load_average": load_average(),
        }  # fmt: skip
    return measured


def report_sizes(measured: Mapping[str, dict]) -> str:
    """Time of both, then truth."""
    speed, truth = [], []
    for size, one in measured.items():
        mine = one["gauss_newton"]
        taken = mine["compile_s"], mine["solve_s"], mine["iterations"], mine["rejected"]
        speed.append((size, "Gauss-Newton", *taken, _fine(mine["cost_per_frame"]), 1.0))
        truth.append((size, "Gauss-Newton", *_truth(mine)))
        for rival in one["adamw"]:
            ratio = rival["solve_s"] / mine["solve_s"]
            taken = rival["compile_s"], rival["solve_s"], rival["steps"], None
            reached = rival["cost_per_frame"] <= mine["cost_per_frame"]
            shown = f"{ratio:.1f}, reached" if reached else f"over {ratio:.1f}"
            speed.append((size, "AdamW", *taken, _fine(rival["cost_per_frame"]), shown))
        steps = one["adamw"][-1]["steps"]
        truth.append((size, f"AdamW, {steps} steps", *_truth(one["adamw"][-1])))
    return "\n\n".join(
        [
            "Cameras refined; the quickest of the solves once compiled. AdamW trains an implicit "
            "trajectory from the same start, in longer and longer runs until one reaches the cost:",
            markdown_table(SPEED_HEADER, speed),
            "Against the truth:",
            markdown_table(TRUTH_HEADER, truth),
        ]
    )


def measure_seeds(arguments: argparse.Namespace) -> dict[str, list[dict]]:
    """Many people per size, each solved from the start that a fit finds and from the truth."""
    jobs = [(size, seed) for size in arguments.sizes for seed in range(arguments.seeds)]
    measured: dict[str, list[dict]] = {size: [] for size in arguments.sizes}
    for size, seed in tqdm(jobs, desc="seeds", file=sys.stderr, dynamic_ncols=True):
        case = simulate(SIZES[size], seed)
        ready = prepared(case)
        mine, best = solve(lane_of(ready)), solve(lane_at_truth(ready, case))
        excess = float(mine.progress.cost) - float(best.progress.cost)
        measured[size].append(
            {
                "seed": seed,
                **mine.summary(),
                "cost_from_truth": float(best.progress.cost),
                "wrong": is_wrong(excess, float(best.progress.cost)),
                **errors(case, ready, mine.unknowns),
                "load_average": load_average(),
            }
        )
    return measured


def is_wrong(excess: float, cost: float) -> bool:
    """Whether a minimum is worse than the one next to the truth, beyond rounding and stopping."""
    return not excess <= max(WRONG_SHARE * cost, WRONG_COST)


def report_seeds(measured: Mapping[str, Sequence[dict]]) -> str:
    """One row per size: medians over people."""
    rows = []
    for size, ones in measured.items():
        iterations = sum(one["iterations"] for one in ones)
        rejected = 100 * sum(one["rejected"] for one in ones) / iterations
        medians = [
            float(np.median([one[key] for one in ones])) for key in ("iterations", "solve_s")
        ]
        rows.append(
            (
                size,
                len(ones),
                sum(one["wrong"] for one in ones),
                rejected,
                *medians,
                float(np.median([one["markers_mm"] for one in ones])),
                *(_angle([one["angles"][angle] for one in ones]) for angle in ANGLES),
                *np.median([_segments(one) for one in ones], axis=0).tolist(),
            )
        )
    return (
        "Simulated people, medians. A minimum is wrong where its cost is more than "
        f"{100 * WRONG_SHARE:g} % and {WRONG_COST:g} units above that of a solve from the truth:"
        f"\n\n{markdown_table(SEEDS_HEADER, rows)}"
    )


def _truth(one: Mapping) -> tuple[object, ...]:
    angles = [_angle([one["angles"][angle]]) for angle in ANGLES]
    return one["markers_mm"], one["markers_centred_mm"], *angles, *_segments(one)


def _segments(one: Mapping) -> tuple[float, float]:
    """Root mean squares over pelvis and legs, and over the arms, in per cent."""
    percent = one["segments_percent"]
    arms = [name for name in percent if name.startswith(ARMS)]
    rest = [name for name in percent if name not in arms]
    legs_rms, arms_rms = (
        float(np.sqrt(np.mean([percent[name] ** 2 for name in names]))) for names in (rest, arms)
    )
    return legs_rms, arms_rms


def _angle(ones: Sequence[Mapping[str, float]]) -> str:
    noise, bias = (
        np.median([one[key] for one in ones]) for key in ("means_removed_deg", "bias_deg")
    )
    return f"{noise:.2f} ({bias:.2f})"


def _fine(cost: float) -> str:
    return f"{cost:.3f}"
