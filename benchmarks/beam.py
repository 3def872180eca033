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
FITS = {
    "beam": HowToFit(),
    "beam-refined": HowToFit(refine_cameras=True),
}
COSTS = {"beam-cold-fused": "fused", "beam-cold-mjx": "mjx"}

PEER_PX = {"median": 13.9, "mean": 17.4}
"""Model markers of Pose2Sim 0.6's own OpenSim result on this recording, rig as given, over the
same detections (confidence 0.3 or more)."""

HEADER = ("rig as given unless said", "px median", "px mean", "within 10 px, %", "height, m")
COST_HEADER = ("kinematics", "trace + compile, s", "steps / s", "ms / step", "steps", "px median")


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


def measure_cold(recordings: pathlib.Path, kinematics: str, steps: int) -> dict[str, object]:
    """The same fit in a fresh process in which nothing is compiled: what kinematics costs.

    Raises:
        ColdError: the process failed.
    """
    words = str(recordings.resolve()), kinematics, str(steps)
    return measure_in_new_process("benchmarks.beam", *words)


def beam_tables(measured: dict[str, dict]) -> str:
    """Pixels and agreement of the fits, and what kinematics costs."""
    fits = {name: one for name, one in measured.items() if name in FITS}
    costs = {COSTS[name]: one for name, one in measured.items() if name in COSTS}
    parts = []
    if fits:
        parts += [_pixels(fits), _agreement(fits)]
    if costs:
        parts += ["Cost, in a fresh process without a compilation cache:", _costs(costs)]
    return "\n\n".join(parts)


def _pixels(fits: dict[str, dict]) -> str:
    dlt = next(iter(fits.values()))["dlt_px"]
    rows: list[tuple[object, ...]] = [
        ("linear triangulation, no body", dlt["median"], dlt["mean"], None, None),
        ("Pose2Sim + OpenSim", PEER_PX["median"], PEER_PX["mean"], None, None),
    ]
    for name, one in fits.items():
        label = "diffbio, cameras refined" if name == "beam-refined" else "diffbio"
        rows.append((label, one["median_px"], one["mean_px"], 100 * one["gc10"], one["height_m"]))
    return markdown_table(HEADER, rows)


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
            name,
            one["time_s"]["compile"],
            one["steps_per_s"],
            1e3 / one["steps_per_s"],
            one["steps"],
            one["median_px"],
        )
        for name, one in costs.items()
    ]
    return markdown_table(COST_HEADER, rows)


if __name__ == "__main__":
    _how = HowToFit(kinematics=sys.argv[2], steps=int(sys.argv[3]))
    print(json.dumps(measure_beam(pathlib.Path(sys.argv[1]), _how)))
