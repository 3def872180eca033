"""Simulated walks of simulated people, for which the truth is known: the demo, on other seeds."""

import numpy as np

from benchmarks.one_fit import HowToFit, fit_keypoints, fit_summary
from benchmarks.table import markdown_table
from diffbio.body import load_keypoint_set
from diffbio.cli.demo import KEYPOINT_SET
from diffbio.simulation import differences, simulate_walking

ANGLES = ("hip_flexion", "knee_angle", "ankle_angle")
SEEDS = range(5)
HEADER = (
    "simulated person",
    "px median",
    "markers, mm mean",
    "hip, ° RMSE (means removed)",
    "knee",
    "ankle",
    "worst segment, %",
    "height, mm",
    "solve, s",
)


def simulated_names() -> list[str]:
    """One per seed."""
    return [f"simulated-{seed}" for seed in SEEDS]


def measure_simulated(name: str, how: HowToFit) -> dict[str, object]:
    """Simulate, fit, and compare as `diffbio demo` does."""
    seed = int(name.rpartition("-")[2])
    recording = simulate_walking(load_keypoint_set(KEYPOINT_SET), seed=seed)
    fit = fit_keypoints(recording.rig, recording.keypoints, how)
    rows = differences(fit, recording)
    return {
        "simulated": True,
        "frames": len(fit.motion.time),
        "differences": [row._asdict() for row in rows],
        **fit_summary(fit),
    }


def simulated_table(measured: dict[str, dict]) -> str:
    """One row per simulated person."""
    return markdown_table(HEADER, [_row(name, one) for name, one in measured.items()])


def _row(name: str, one: dict) -> tuple[object, ...]:
    error = {row["name"]: row["error"] for row in one["differences"]}
    lengths = [
        100 * row["error"] / row["true"] for row in one["differences"] if " length " in row["name"]
    ]
    return (
        name,
        one["median_px"],
        error["marker position, mean"],
        *(_angle(error, angle) for angle in ANGLES),
        max(lengths, key=abs),
        error["standing height"],
        one["time_s"]["solve"],
    )


def _angle(error: dict[str, float], angle: str) -> str:
    """RMSE of both sides together, with and without their means."""
    rms, centred = (
        float(np.sqrt(np.mean([error[f"{angle}_{side}, {kind}"] ** 2 for side in "rl"])))
        for kind in ("RMS", "RMS with means removed")
    )
    return f"{rms:.1f} ({centred:.1f})"
