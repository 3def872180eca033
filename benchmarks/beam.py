"""A person on a beam filmed by four real cameras: Pose2Sim's demonstration recording."""

import dataclasses
import json
import pathlib
import sys

import jax.numpy as jnp
import numpy as np

from benchmarks.angles import ANGLES, INCLINATION, MotionFile, agreement, both_sides, read_motion
from benchmarks.cold import measure_in_new_process
from benchmarks.one_fit import HowToFit, fit_keypoints, fit_summary
from benchmarks.table import markdown_table
from diffbio.cameras import CameraRig
from diffbio.cameras.triangulation import triangulate_dlt
from diffbio.errors import InputError
from diffbio.fitting import Fit
from diffbio.io.read import read_trial
from diffbio.io.trial import Trial
from diffbio.observations import MIN_CONFIDENCE, Keypoints

PROJECT = pathlib.Path("pose2sim-demo")
TRIAL = "balancing"
PEERS = ("ik-body25b", "ik-lstm")
HELD_OUT = "cam_02"
FITS = {
    "beam": HowToFit(),
    "beam-refined": HowToFit(refine=("poses",)),
    "beam-clocks": HowToFit(refine=("poses", "clocks")),
    "beam-held-out": HowToFit(hold_out=HELD_OUT),
    "beam-held-out-refined": HowToFit(refine=("poses", "clocks"), hold_out=HELD_OUT),
}
"""As given; cameras refined; clocks as well; and the first and last without one camera."""

COSTS = {
    "beam-cold": HowToFit(),
    "beam-cold-fused": HowToFit(solver="adamw"),
    "beam-cold-mjx": HowToFit(solver="adamw", kinematics="mjx"),
}

PEER_PX = {"median": 13.9, "mean": 17.4}
"""Model markers of Pose2Sim 0.6's own OpenSim result on this recording, rig as given, over the
same detections (confidence 0.3 or more)."""

LABELS = {
    "beam": "diffbio",
    "beam-refined": "diffbio, cameras refined",
    "beam-clocks": "diffbio, cameras and clocks refined",
    "beam-held-out": f"diffbio without {HELD_OUT}",
    "beam-held-out-refined": f"diffbio without {HELD_OUT}, cameras and clocks refined",
}
HEADER = (
    "rig as given unless said", "px median", "px mean", "within 10 px, %",
    f"{HELD_OUT} unseen, px median", "mean", "height, m", "iterations", "solve, s",
)  # fmt: skip
COST_HEADER = (
    "solver, kinematics", "trace + compile, s", "solve, s", "iterations", "ms / iteration",
    "px median",
)  # fmt: skip


def read_beam(recordings: pathlib.Path) -> Trial:
    """The trial, as `diffbio fit` reads it."""
    return read_trial(recordings / PROJECT, trial=TRIAL)


def measure_beam(recordings: pathlib.Path, how: HowToFit) -> dict[str, object]:
    """Fit the trial; pixels over all detections, and agreement with Pose2Sim's two answers."""
    trial = read_beam(recordings)
    fit = fit_keypoints(trial.rig, trial.keypoints, how)
    peers = {name: _read_peer(recordings, name, fit) for name in PEERS}
    first, second = peers.values()
    between = {
        angle: float((first.columns[angle] - second.columns[angle]).std())
        for angle in (f"{angle}_{side}" for angle in ANGLES for side in "rl")
    }
    return {
        "frames": len(fit.motion.time),
        "detections": int(np.isfinite(fit.error.px).sum()),
        "dlt_px": dlt_error(trial.rig, trial.keypoints),
        "agreement": {name: agreement(fit, motion, {}) for name, motion in peers.items()},
        "peers_rmse_deg": between,
        **fit_summary(fit),
    }


def _read_peer(recordings: pathlib.Path, name: str, fit: Fit) -> MotionFile:
    """One of Pose2Sim's answers, one row per frame, on the clock of the fit.

    Its own clock gives the first frame the time 1 / 60 s.
    """
    motion = read_motion(recordings / PROJECT / TRIAL / f"{name}.mot")
    if len(motion.time) != len(fit.motion.time):
        raise InputError(
            f"{name}.mot",
            f"It has {len(motion.time)} rows for {len(fit.motion.time)} frames.",
            "Use the files of one recording.",
        )
    return dataclasses.replace(motion, time=fit.motion.time)


def dlt_error(rig: CameraRig, keypoints: Keypoints) -> dict[str, float]:
    """What points free of any body leave: the linear triangulation of the same detections."""
    confidence = np.asarray(keypoints.confidence)
    used = np.where(confidence >= MIN_CONFIDENCE, confidence, 0.0)
    found = triangulate_dlt(
        rig, jnp.asarray(keypoints.pixels, jnp.float32), jnp.asarray(used, jnp.float32)
    )
    px = np.asarray(found.residual_px, float)[(used > 0) & np.isfinite(found.residual_px)]
    return {"median": float(np.median(px)), "mean": float(px.mean())}


def measure_cold(recordings: pathlib.Path, how: HowToFit) -> dict[str, object]:
    """A fit in a fresh process in which nothing is compiled: what solver and kinematics cost.

    Raises:
        ColdError: the process failed.
    """
    words = str(recordings.resolve()), how.solver, how.kinematics, str(how.steps)
    return {**measure_in_new_process("benchmarks.beam", *words), "kinematics": how.kinematics}


def beam_tables(measured: dict[str, dict]) -> str:
    """Pixels, clocks and agreement of the fits, and what kinematics costs."""
    costs = {name: one for name, one in measured.items() if name in COSTS}
    fits = {name: one for name, one in measured.items() if name not in COSTS}
    parts = []
    if fits:
        parts += [_pixels(fits), _clocks(fits), _agreement(fits)]
    if costs:
        parts += ["Cost, in a fresh process without a compilation cache:", _costs(costs)]
    return "\n\n".join(part for part in parts if part)


def _pixels(fits: dict[str, dict]) -> str:
    whole = [one for one in fits.values() if one["held_out"] is None]
    rows: list[tuple[object, ...]] = [
        ("Pose2Sim + OpenSim", PEER_PX["median"], PEER_PX["mean"], *[None] * 6)
    ]
    if whole:
        dlt = whole[0]["dlt_px"]
        free = "linear triangulation, no body", dlt["median"], dlt["mean"], *[None] * 6
        rows.insert(0, free)
    for name, one in fits.items():
        unseen = one["held_out"] or {"median_px": None, "mean_px": None}
        rows.append(
            (
                _label(name),
                one["median_px"],
                one["mean_px"],
                100 * one["gc10"],
                unseen["median_px"],
                unseen["mean_px"],
                one["height_m"],
                one["iterations"],
                one["time_s"]["solve"],
            )
        )
    return markdown_table(HEADER, rows)


def _label(name: str) -> str:
    fit, comma, solver = name.partition(", ")
    return f"{LABELS[fit]}{comma}{solver}"


def _clocks(fits: dict[str, dict]) -> str:
    """When the cameras took their pictures, where that was estimated."""
    found = {name: one["clock_offset_ms"] for name, one in fits.items() if one["clock_offset_ms"]}
    if not found:
        return ""
    cameras = list(dict.fromkeys(camera for late in found.values() for camera in late))
    rows = [
        (_label(name), *(late.get(camera) for camera in cameras)) for name, late in found.items()
    ]
    return markdown_table(("pictures later than their time stamps by, ms", *cameras), rows)


def _agreement(fits: dict[str, dict]) -> str:
    rows = []
    for name, one in fits.items():
        for peer, compared in one["agreement"].items():
            pairs = [both_sides(compared, angle) for angle in ANGLES]
            pairs.append(tuple(compared[INCLINATION].values()))
            cells = [f"{rmse:.1f} ({bias:+.1f})" for rmse, bias in pairs]
            rows.append((f"{name} against {peer}", *cells))
    between = next(iter(fits.values()))["peers_rmse_deg"]
    sides = [[between[f"{angle}_{side}"] for side in "rl"] for angle in ANGLES]
    cells = [f"{np.sqrt(np.mean(np.square(pair))):.1f}" for pair in sides]
    rows.append((" against ".join(PEERS), *cells, None))
    header = ("agreement, ° RMSE (bias)", "hip", "knee", "ankle", "pelvis inclination")
    return markdown_table(header, rows)


def _costs(costs: dict[str, dict]) -> str:
    rows = [
        (
            f"{one['solver']}, {one['kinematics']}",
            one["time_s"]["compile"],
            one["time_s"]["solve"],
            one["iterations"],
            1e3 * one["time_s"]["solve"] / one["iterations"],
            one["median_px"],
        )
        for one in costs.values()
    ]
    return markdown_table(COST_HEADER, rows)


if __name__ == "__main__":
    _how = HowToFit(solver=sys.argv[2], kinematics=sys.argv[3], steps=int(sys.argv[4]))
    print(json.dumps(measure_beam(pathlib.Path(sys.argv[1]), _how)))
