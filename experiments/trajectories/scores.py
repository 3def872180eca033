"""What a solution is asked: pixels it was fitted to, pixels it was not, and the truth."""

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from diffbio.fitting.evaluate import (
    evaluate_motion,
    held_out_error,
    pictured_error,
    reprojection_error,
)
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.simulation import SimulatedRecording
from diffbio.simulation.truth import ANGLES
from experiments.trajectories.trials import Trial

Scores = dict[str, float]


def score(trial: Trial, unknowns: Unknowns) -> Scores:
    """Cost per frame, errors in pixels, and where there is a truth in millimetres and degrees.

    `fitted_px` and `held_out_px` are medians over the detections of the cameras in the fit and
    of the one kept out, `..._mean_px` their means. The distances from the truth are named by
    `_true_errors`.
    """
    prepared, problem = trial.prepared, trial.prepared.problem
    body = prepared.body
    cameras = prepared.clocks.added_to(unknowns.cameras)
    rig = problem.rig.adjusted(unknowns.cameras)
    fitted = pictured_error(body, problem, unknowns, rig, prepared.used, cameras)
    assert prepared.hold_out is not None
    everything = prepared.rig, prepared.keypoints, prepared.hold_out
    left_out = held_out_error(body, problem, unknowns, *everything).error
    scores = {
        "cost_per_frame": float(_cost(problem, unknowns)) / int(problem.n_frames),
        "fitted_px": fitted.median_px,
        "fitted_mean_px": fitted.mean_px,
        "held_out_px": left_out.median_px,
        "held_out_mean_px": left_out.mean_px,
    }
    if trial.truth is None:
        return scores
    motion = evaluate_motion(body, problem, unknowns, prepared.used)
    exact = _exact_px(trial.truth)
    index = prepared.keypoints.camera_names.index(prepared.hold_out)
    clean_px = np.linalg.norm(fitted.projected_px - np.delete(exact, index, axis=0), axis=-1)
    unseen_px = np.linalg.norm(left_out.projected_px[0] - exact[index], axis=-1)
    return {
        **scores,
        "clean_px": float(np.median(clean_px[np.isfinite(fitted.px)])),
        "held_out_clean_px": float(np.median(unseen_px[np.isfinite(left_out.px[0])])),
        **_true_errors(trial.truth, motion.markers, motion.joints),
    }


def score_of_truth(trial: Trial) -> Scores:
    """The noise of the detections: what the true motion of the true person leaves in pixels."""
    assert trial.truth is not None and trial.prepared.hold_out is not None
    px = _truth_error(trial.truth).px
    index = trial.prepared.keypoints.camera_names.index(trial.prepared.hold_out)
    fitted, left_out = np.delete(px, index, axis=0), px[index]
    return {
        "fitted_px": float(np.nanmedian(fitted)),
        "fitted_mean_px": float(np.nanmean(fitted)),
        "held_out_px": float(np.nanmedian(left_out)),
        "held_out_mean_px": float(np.nanmean(left_out)),
    }


def _true_errors(
    truth: SimulatedRecording,
    markers: Float[np.ndarray, "time marker 3"],
    joints: Float[np.ndarray, "time joint"],
) -> Scores:
    """Distance of the markers, and hips, knees and ankles with their means removed.

    `marker_mm` is the mean over all markers and frames, `marker_change_mm` what is left of it when
    each marker's mean over time is removed: offsets and sizes gone, motion only.
    """
    error_mm = 1e3 * (markers - truth.markers)
    changing = error_mm - error_mm.mean(0)
    names = truth.body.joint_names
    columns = [names.index(f"{angle}_{side}") for angle in ANGLES for side in "rl"]
    error_deg = np.rad2deg(joints - np.asarray(truth.pose.joints, float))[:, columns]
    return {
        "marker_mm": float(np.linalg.norm(error_mm, axis=-1).mean()),
        "marker_change_mm": float(np.linalg.norm(changing, axis=-1).mean()),
        "legs_deg": float(np.sqrt((error_deg.std(0) ** 2).mean())),
    }


def _exact_px(truth: SimulatedRecording) -> Float[np.ndarray, "camera time marker 2"]:
    """Where the cameras would have seen the markers without noise."""
    return _truth_error(truth).projected_px


def _truth_error(truth: SimulatedRecording):
    names = truth.body.marker_names
    return reprojection_error(truth.rig, truth.markers, truth.keypoints, names)


@eqx.filter_jit
def _cost(problem: Problem, unknowns: Unknowns) -> Float[Array, ""]:
    return problem.cost(unknowns)
