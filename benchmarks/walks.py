"""Walks filmed by eight virtual cameras: the motion was measured, the images were simulated."""

import pathlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from benchmarks.angles import ANGLES, INCLINATION, agreement, both_sides, read_motion
from benchmarks.one_fit import HowToFit, fit_keypoints, fit_summary
from benchmarks.table import markdown_table
from diffbio.fitting import Fit
from diffbio.io.read import read_trial

RECORDINGS = pathlib.Path("falisse-virtual-cameras")
RIG = pathlib.Path("rigs", "ring-8cam.toml")
INVERSE_KINEMATICS = pathlib.Path("falisse-walking", "ik")

SIGNS = {"knee_angle_r": -1.0, "knee_angle_l": -1.0}
"""The reference model counts knee extension as positive."""

HEADER = (
    "trial",
    "frames",
    "px median",
    "px mean",
    "markers, mm mean",
    "p95",
    "hip, ° RMSE (bias)",
    "knee",
    "ankle",
    "pelvis inclination",
    "solve, s",
)


def walk_names(recordings: pathlib.Path) -> list[str]:
    """Trials with inverse kinematics to compare with: optical markers first, then body points."""
    return [
        f"{motion.stem}-{kind}"
        for kind in ("markers", "body")
        for motion in sorted((recordings / INVERSE_KINEMATICS).glob("*.mot"))
        if (recordings / RECORDINGS / f"{motion.stem}-{kind}.npz").is_file()
    ]


def measure_walk(recordings: pathlib.Path, name: str, how: HowToFit) -> dict[str, object]:
    """Fit one walk; score markers against the measured ones and angles against OpenSim's.

    The truth is opened after the fit, and is no part of the trial.
    """
    archive = recordings / RECORDINGS / f"{name}.npz"
    trial = read_trial(archive, rig=recordings / RIG)
    fit = fit_keypoints(trial.rig, trial.keypoints, how)
    walk = name.rpartition("-")[0]
    reference = read_motion(recordings / INVERSE_KINEMATICS / f"{walk}.mot")
    return {
        "frames": len(fit.motion.time),
        "frames_without_views": int((~fit.motion.seen).sum()),
        **marker_errors(fit, archive),
        "angles": agreement(fit, reference, SIGNS),
        **fit_summary(fit),
    }


def marker_errors(fit: Fit, archive: pathlib.Path) -> dict[str, object]:
    """Distance of model markers from the measured ones, over all frames that have a truth."""
    with np.load(archive, allow_pickle=False) as content:
        names = [str(name) for name in content["keypoint_names"]]
        truth: Float[np.ndarray, "time marker 3"] = content["xyz_world"]
    order = [names.index(name) for name in fit.body.marker_names]
    distance = 1e3 * np.linalg.norm(fit.motion.markers - truth[:, order], axis=-1)
    per_marker = np.nanmean(distance, axis=0)
    return {
        "marker_error_mm": {
            "mean": float(np.nanmean(distance)),
            "median": float(np.nanmedian(distance)),
            "p95": float(np.nanpercentile(distance, 95)),
            "per_marker": dict(zip(fit.body.marker_names, map(float, per_marker), strict=True)),
        }
    }


def walk_table(measured: dict[str, dict]) -> str:
    """One row per walk, and one of the means over each kind of keypoint and solver."""
    rows = [_row(name, one) for name, one in measured.items()]
    for kind in ("markers", "body"):
        for solver in dict.fromkeys(one["solver"] for one in measured.values()):
            ones = [
                one
                for name, one in measured.items()
                if f"-{kind}" in name and one["solver"] == solver
            ]
            if len(ones) > 1:
                rows.append(_means(f"mean of {len(ones)}, {kind}, {solver}", ones))
    return markdown_table(HEADER, rows)


def _row(name: str, one: dict) -> tuple[object, ...]:
    return (
        name,
        one["frames"],
        one["median_px"],
        one["mean_px"],
        one["marker_error_mm"]["mean"],
        one["marker_error_mm"]["p95"],
        *(_angle(*both_sides(one["angles"], angle)) for angle in ANGLES),
        _angle(*one["angles"][INCLINATION].values()),
        one["time_s"]["solve"],
    )


def _means(name: str, ones: Sequence[dict]) -> tuple[object, ...]:
    sides = [[both_sides(one["angles"], angle) for angle in ANGLES] for one in ones]
    inclination = [tuple(one["angles"][INCLINATION].values()) for one in ones]
    return (
        name,
        sum(one["frames"] for one in ones),
        *(float(np.mean([one[key] for one in ones])) for key in ("median_px", "mean_px")),
        *(float(np.mean([one["marker_error_mm"][key] for one in ones])) for key in ("mean", "p95")),
        *(_angle(*pair) for pair in np.mean(sides, axis=0)),
        _angle(*np.mean(inclination, axis=0)),
        float(np.mean([one["time_s"]["solve"] for one in ones])),
    )


def _angle(rmse_deg: float, bias_deg: float) -> str:
    return f"{rmse_deg:.1f} ({bias_deg:+.1f})"
