"""`python -m benchmarks memory`: how memory and time grow with the length of a trial.

Every fit is made in a process of its own, whose peak of resident memory is read at the end.
"""

import argparse
import json
import pathlib
import resource
import sys

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from benchmarks.arguments import positive
from benchmarks.cold import measure_in_new_process
from benchmarks.machine import load_average, load_sentence
from benchmarks.table import check_writable, markdown_table, write_result
from diffbio._jax import enable_compilation_cache
from diffbio.body import load_keypoint_set
from diffbio.fitting import fit_motion
from diffbio.fitting.motion_fit import STEPS
from diffbio.observations import Keypoints
from diffbio.simulation import SimulatedRecording, simulate_walking
from diffbio.simulation.detector import DetectorErrors, detect

KEYPOINT_SET, FRAME_RATE_HZ = "falisse_markers", 60.0
FRAMES = (150, 600, 2400, 9600)
RIVAL_FRAMES = 600
HEADER = (
    "frames, solver",
    "peak, MiB",
    "of it before the fit",
    "start, s",
    "compile, s",
    "solve, s",
    "iterations",
    "ms / frame",
    "us / frame / iteration",
    "px median",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the benchmark."""
    parser.add_argument(
        "--frames", type=positive, nargs="+", default=list(FRAMES), metavar="N",
        help=f"lengths fitted by Gauss-Newton (default {' '.join(map(str, FRAMES))})",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=positive, default=STEPS, metavar="N",
        help=f"of AdamW, which fits {RIVAL_FRAMES} frames (default {STEPS})",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Fit every length, and write the result."""
    check_writable(arguments.output)
    jobs = [(frames, "gauss-newton") for frames in sorted(arguments.frames)]
    jobs.append((RIVAL_FRAMES, "adamw"))
    measured = []
    bar = tqdm(jobs, unit="fit", file=sys.stderr, dynamic_ncols=True)
    for frames, solver in bar:
        bar.set_description(f"{frames} {solver}")
        words = str(frames), solver, str(arguments.steps)
        one = measure_in_new_process("benchmarks.memory", *words)
        measured.append({**one, "load_average": load_average()})
    mine = [one for one in measured if one["solver"] == "gauss-newton"]
    report = "\n\n".join(
        [
            f"59 keypoints, 37 coordinates, 8 cameras, {FRAME_RATE_HZ:g} Hz; a simulated person "
            f"on a treadmill. {load_sentence([one['load_average'] for one in measured])}",
            markdown_table(HEADER, [row(one) for one in measured]),
            *([growth(mine)] if len(mine) > 1 else []),
        ]
    )
    print(report)
    written = write_result(arguments.output, "memory", {"fits": measured}, report)
    print(f"\nThe result is in {written[0]} and {written[1].name}.")
    return 0


def growth(measured: list[dict]) -> str:
    """Straight lines through peak memory and through time, as a sentence."""
    frames = np.asarray([one["frames"] for one in measured], float)
    peak = np.asarray([one["peak_mib"] for one in measured])
    per_iteration = [one["time_s"]["solve"] / one["iterations"] for one in measured]
    slope, constant = np.polyfit(frames, peak, 1)
    worst = np.abs(np.polyval([slope, constant], frames) - peak).max()
    rate = np.asarray(per_iteration) / frames
    return (
        f"Peak memory is {constant:.0f} MiB and {1024 * slope:.0f} KiB per frame, within "
        f"{worst:.0f} MiB. Time per frame and iteration at {frames[-1]:.0f} frames is "
        f"{rate[-1] / rate[0]:.2f} times that at {frames[0]:.0f}."
    )


def row(one: dict) -> tuple[object, ...]:
    """One line of the table."""
    times, per_frame = one["time_s"], one["time_s"]["solve"] / one["frames"]
    return (
        f"{one['frames']}, {one['solver']}",
        one["peak_mib"],
        one["before_mib"],
        times["start"],
        times["compile"],
        times["solve"],
        one["iterations"],
        1e3 * per_frame,
        1e6 * per_frame / one["iterations"],
        one["median_px"],
    )


def measure(frames: int, solver: str, steps: int) -> dict[str, object]:
    """Fit a trial of so many frames in this process."""
    enable_compilation_cache()
    recording, keypoints = treadmill(frames)
    before = peak_mib()
    fit = fit_motion(
        recording.body,
        recording.rig.astype(np.float32),
        keypoints,
        key=jax.random.key(0),
        solver=solver,
        steps=steps,
    )
    return {
        "frames": frames,
        "solver": solver,
        "peak_mib": peak_mib(),
        "before_mib": before,
        "time_s": fit.time_s,
        "iterations": fit.iterations,
        "outcome": fit.outcome.name,
        "median_px": fit.error.median_px,
    }


def treadmill(frames: int) -> tuple[SimulatedRecording, Keypoints]:
    """A walk that stays in view however long it is: every frame moved back along the walkway."""
    recording = simulate_walking(
        load_keypoint_set(KEYPOINT_SET), seed=0, duration=frames / FRAME_RATE_HZ
    )
    way = np.asarray(recording.pose.root_position, float)[:, :1] * [[1.0, 0.0, 0.0]]
    exact = np.asarray(recording.rig.project(jnp.asarray(recording.markers - way[:, None])), float)
    visible = np.ones(exact.shape[:3], bool)
    pixels, confidence = detect(exact, visible, DetectorErrors(), np.random.default_rng(0))
    old = recording.keypoints
    return recording, Keypoints(
        pixels, confidence, old.time, old.names, old.set_name, old.camera_names
    )


def peak_mib() -> float:
    """Highest resident memory of this process so far.

    Linux hands the parent's peak down to the child in `getrusage`, so its own table comes first.
    """
    table = pathlib.Path("/proc/self/status")
    if table.is_file():
        for line in table.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
