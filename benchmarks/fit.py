"""`python -m benchmarks fit`: both solvers on the same trials, in one run, to the same cost."""

import argparse
import dataclasses

import jax
import numpy as np

from benchmarks.arguments import positive
from benchmarks.machine import load_average
from benchmarks.table import check_writable, markdown_table, write_result
from diffbio._jax import enable_compilation_cache
from diffbio.body import load_keypoint_set
from diffbio.fitting import Fit, fit_motion
from diffbio.fitting.motion_fit import STEPS
from diffbio.simulation import SimulatedRecording, simulate_walking

SIZES = {"300/43": ("coco_wholebody_133", 5.0), "600/87": ("movi_87", 10.0)}
"""Keypoint set and duration, in seconds at 60 Hz, by frames and keypoints. Eight cameras."""

HEADER = (
    "frames / keypoints / coordinates / cameras",
    "solver",
    "compile, s",
    "solve, s",
    "iterations",
    "cost per frame",
    "markers, mm mean",
    "AdamW to that cost",
)


@dataclasses.dataclass(frozen=True)
class Descent:
    """What AdamW had reached when, training time alone.

    Attributes:
        costs: after each run, per frame.
        seconds: of each run.
        steps: of each run.
    """

    costs: list[float]
    seconds: list[float]
    steps: list[int]

    def time_to(self, cost: float) -> float | None:
        """Seconds of the shortest run that reached a cost, None where none did."""
        reached = [s for c, s in zip(self.costs, self.seconds, strict=True) if c <= cost]
        return min(reached, default=None)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the benchmark."""
    parser.add_argument(
        "--sizes", nargs="+", default=list(SIZES), choices=list(SIZES), help="which trials"
    )
    parser.add_argument("--person", type=int, default=1, help="seed of the person (default 1)")
    parser.add_argument(
        "--steps", type=positive, nargs="+", default=[STEPS // 2, STEPS, 2 * STEPS], metavar="N",
        help="lengths of AdamW's runs; its rate falls to the end of each",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Fit every size with both solvers, and write the result."""
    check_writable(arguments.output)
    enable_compilation_cache()
    measured = {size: measure(size, arguments.person, arguments.steps) for size in arguments.sizes}
    report = markdown_table(HEADER, [row for one in measured.values() for row in rows(one)])
    print(report)
    written = write_result(arguments.output, "fit", {"trials": measured}, report)
    print(f"\nThe result is in {written[0]} and {written[1].name}.")
    return 0


def measure(size: str, person: int, steps: list[int]) -> dict[str, object]:
    """One trial by both solvers. Gauss-Newton runs twice: the first compiles."""
    keypoint_set, duration = SIZES[size]
    recording = simulate_walking(load_keypoint_set(keypoint_set), seed=person, duration=duration)
    first = _fit(recording, "gauss-newton", STEPS)
    second = _fit(recording, "gauss-newton", STEPS)
    rivals = [_fit(recording, "adamw", n) for n in steps]
    seconds = [one.time_s["solve"] for one in rivals]
    descent = Descent([one.cost for one in rivals], seconds, steps)
    return {
        "size": (
            f"{len(recording.keypoints.time)} / {len(recording.body.marker_names)} / "
            f"{6 + len(recording.body.joint_names)} / {len(recording.rig.names)}"
        ),
        "gauss_newton": {**_summary(second, recording), "compile_s": first.time_s["compile"]},
        "adamw": [_summary(one, recording) for one in rivals],
        "adamw_s_to_the_same_cost": descent.time_to(second.cost),
        "load_average": load_average(),
    }


def _fit(recording: SimulatedRecording, solver: str, steps: int) -> Fit:
    return fit_motion(
        recording.body,
        recording.rig.astype(np.float32),
        recording.keypoints,
        key=jax.random.key(0),
        solver=solver,
        steps=steps,
    )


def _summary(fit: Fit, recording: SimulatedRecording) -> dict[str, object]:
    error = 1000 * np.linalg.norm(fit.motion.markers - recording.markers, axis=-1)
    return {
        "compile_s": fit.time_s["compile"],
        "solve_s": fit.time_s["solve"],
        "iterations": fit.iterations,
        "outcome": fit.outcome.name,
        "cost_per_frame": fit.cost,
        "marker_error_mm": float(error.mean()),
    }


def rows(one: dict) -> list[tuple[object, ...]]:
    """Both solvers on one trial."""
    mine, time = one["gauss_newton"], one["adamw_s_to_the_same_cost"]
    ratio = "not reached" if time is None else f"{time:.1f} s, {time / mine['solve_s']:.0f} times"
    found = [("Gauss-Newton", mine, ratio), *(("AdamW", rival, None) for rival in one["adamw"])]
    return [
        (
            one["size"],
            name,
            fit["compile_s"],
            fit["solve_s"],
            fit["iterations"],
            f"{fit['cost_per_frame']:.3f}",
            fit["marker_error_mm"],
            last,
        )
        for name, fit, last in found
    ]
