"""What an answer is asked: pixels within x, and where there is a truth millimetres and degrees."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from diffbio.body import BodyModel, default_body, load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.fitting.evaluate import reprojection_error
from diffbio.fitting.fit import ReprojectionError
from diffbio.fitting.stages import prepare_markers
from diffbio.observations import Keypoints, Markers
from experiments.differentiable_biomechanics.answers import SECOND_ORDER, Answer, solved
from experiments.differentiable_biomechanics.recordings import Walk

SAGITTAL = ("hip_flexion", "knee_angle", "ankle_angle")
LEGS = (*SAGITTAL, "hip_adduction", "hip_rotation")

WITHIN_PX = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 25, 30, 40, 50)
"""Where the curve of geometric consistency is kept."""

CONFIDENT = 0.5
"""Detections that count there (Cotton's lambda)."""

Scores = dict[str, object]
Reference = dict[str, Float[np.ndarray, "time"]]
"""Joint coordinates of an optical fit by name, in radians."""


def pixel_scores(error: ReprojectionError) -> Scores:
    """Median distance over all detections, and the curve of geometric consistency.

    GC_x (Cotton 2024) is the share of detections of a confidence of at least 0.5 whose keypoint is
    reprojected within x px, over all cameras, times and keypoints; nothing is left out as an
    outlier. His code counts distances below the 200 values `linspace(0, 200)`, so that his GC5 is
    GC_5.03 here.
    """
    return {
        "median_px": error.median_px,
        "gc": [error.share_within(float(x), CONFIDENT) for x in WITHIN_PX],
    }


def within(scores: Scores, px: int) -> float:
    """GC of a number of pixels out of `WITHIN_PX`."""
    curve = scores["gc"]
    assert isinstance(curve, list)
    return curve[WITHIN_PX.index(px)]


def score(
    walk: Walk, answer: Answer, used: Keypoints, reference: Reference | None
) -> dict[str, object]:
    """Score an answer to one walk.

    `fitted` are pixels in the cameras that were used, in the rig the answer believes in; `unused`
    those of the other cameras as recorded, in the exact rig, and None where there are none.
    `marker_mm` is the mean distance from the measured markers, `aligned_mm` that after one rigid
    movement of the whole trial, since where the world is cannot be seen where cameras are unknown.
    Angles are compared by `angle_scores`. `covered` is the share of true positions answered.

    Args:
        walk: with its truth.
        answer: to it.
        used: the detections that it was given.
        reference: from the measured markers; see `optical_reference`.
    """
    names = walk.body.marker_names
    others = tuple(name for name in walk.rig.names if name not in used.camera_names)
    unused = None
    if others:
        kept = walk.keypoints.of_cameras(others)
        error = reprojection_error(walk.rig.subset(others), answer.markers, kept, names)
        unused = pixel_scores(error)
    truth = walk.true_markers
    known = np.asarray(np.isfinite(truth).all(-1))
    answered = known & np.asarray(np.isfinite(answer.markers).all(-1))
    away_mm = 1e3 * np.linalg.norm(answer.markers - truth, axis=-1)[answered]
    aligned = 1e3 * np.linalg.norm(best_rigid(answer.markers, truth, answered) - truth, axis=-1)
    scores: dict[str, object] = {
        "fitted": pixel_scores(reprojection_error(answer.rig, answer.markers, used, names)),
        "unused": unused,
        "marker_mm": float(away_mm.mean()),
        "marker_p95_mm": float(np.percentile(away_mm, 95)),
        "aligned_mm": float(aligned[answered].mean()),
        "covered": float(answered.sum() / known.sum()),
        "iterations": answer.iterations,
        "cpu_s": answer.cpu_s,
    }
    if answer.joints is not None and reference is not None:
        scores |= angle_scores(joints_by_name(walk.body, answer.joints), reference)
    return scores


def score_truth(walk: Walk, used: Keypoints) -> dict[str, object]:
    """Pixels that the measured markers themselves leave: the noise of the detections."""
    rig = walk.rig.subset(used.camera_names)
    error = reprojection_error(rig, walk.true_markers, used, walk.body.marker_names)
    return {"fitted": pixel_scores(error)}


def joints_by_name(
    body: BodyModel, joints: Float[np.ndarray, "time joint"]
) -> dict[str, Float[np.ndarray, "time"]]:
    """Coordinates of the legs, by name."""
    return {
        f"{angle}_{side}": joints[:, body.joint_names.index(f"{angle}_{side}")]
        for angle in LEGS
        for side in "rl"
    }


def angle_scores(ours: Reference, reference: Reference) -> dict[str, object]:
    """Differences of leg angles in degrees.

    Returns:
        `legs_deg`, of hips, knees and ankles in the sagittal plane: root mean square with means
        over time removed. `legs_bias_deg`: of these means. `joints_deg`: the former by angle, both
        sides together. `means_deg`: the means by coordinate.
    """
    error_deg = {name: np.rad2deg(ours[name] - reference[name]) for name in reference}

    def root_mean(angles: Sequence[str], summary) -> float:
        values = [summary(error_deg[f"{angle}_{side}"]) for angle in angles for side in "rl"]
        return float(np.sqrt(np.mean(np.square(values))))

    return {
        "legs_deg": root_mean(SAGITTAL, np.nanstd),
        "legs_bias_deg": root_mean(SAGITTAL, np.nanmean),
        "joints_deg": {
            angle: root_mean((angle,), np.nanstd) for angle in LEGS if f"{angle}_r" in reference
        },
        "means_deg": {name: float(np.nanmean(error)) for name, error in error_deg.items()},
    }


def optical_reference(markers: Markers, keypoint_set: str) -> Reference:
    """Leg angles of the fit of the default body to optical markers: what can be known of them.

    Args:
        markers: as measured.
        keypoint_set: whose anchors they have.
    """
    body = default_body(load_keypoint_set(keypoint_set))
    answer = solved(prepare_markers(body, markers), SECOND_ORDER)
    assert answer.joints is not None
    return joints_by_name(body, answer.joints)


def best_rigid(
    points: Float[np.ndarray, "time marker 3"],
    truth: Float[np.ndarray, "time marker 3"],
    known: Bool[np.ndarray, "time marker"],
) -> Float[np.ndarray, "time marker 3"]:
    """Points moved as one rigid body, at all times alike, to lie nearest to the truth."""
    a, b = points[known], truth[known]
    rotation = Rotation.align_vectors(b - b.mean(0), a - a.mean(0))[0]
    return (points - a.mean(0)) @ rotation.as_matrix().T + b.mean(0)


def camera_errors(rig: CameraRig, exact: CameraRig) -> dict[str, float]:
    """How far cameras are from where they stand, means over cameras: degrees and millimetres."""
    a, b = (np.asarray(one.camera_from_world_rotation, float) for one in (rig, exact))
    turn = Rotation.from_matrix(a @ np.swapaxes(b, 1, 2)).magnitude()
    away = np.linalg.norm(np.asarray(rig.centres - exact.centres, float), axis=1)
    return {"camera_deg": float(np.rad2deg(turn).mean()), "camera_mm": float(1e3 * away.mean())}
