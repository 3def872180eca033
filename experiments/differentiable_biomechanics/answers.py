"""The ways from detections to motion: in two stages, or end to end."""

import dataclasses
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.body import BodyModel
from diffbio.cameras import CameraRig, triangulate
from diffbio.fitting.evaluate import evaluate_motion
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.stages import Prepared, prepare, prepare_markers
from diffbio.gait.smoothing import fill_gaps, low_pass
from diffbio.observations import MIN_CONFIDENCE, Keypoints, Markers
from experiments.trajectories.trials import Trial
from experiments.trajectories.ways import GAUSS_NEWTON, How, Solutions

POINTS = "points alone"
FRAMES = "points, then poses frame by frame"
STAGES = "points, then a body"
TOLD = "points, then a body, told their error"
END_TO_END = "end to end"
BUNDLE = "end to end, cameras refined"

CUTOFF_HZ = 6.0
"""Of the low-pass filter of triangulated points: what is customary for walking (Winter 1974)."""

ROBUST_SD = 1.4826
"""Standard deviation of a Gaussian per median absolute deviation."""

SECOND_ORDER = How(GAUSS_NEWTON)


class Answer(NamedTuple):
    """What a way says.

    Attributes:
        markers: in metres, NaN where it says nothing.
        joints: coordinates in the order of the body's, in radians or metres; None without a body.
        rig: the cameras it believes in.
        iterations: steps of its solver; 0 where it has none.
        cpu_s: that solving took, without compiling, triangulation and first poses.
        cost_per_frame: of its objective, unitless; NaN where it has none.
    """

    markers: Float[np.ndarray, "time marker 3"]
    joints: Float[np.ndarray, "time joint"] | None
    rig: CameraRig
    iterations: int = 0
    cpu_s: float = 0.0
    cost_per_frame: float = float("nan")


def triangulated(
    body: BodyModel, rig: CameraRig, keypoints: Keypoints, *, filtered: bool = True
) -> Markers:
    """Robust triangulation of every frame; short gaps bridged and filtered without lag.

    Args:
        body: its markers are keypoints of the set.
        rig: cameras in the order of the keypoints'.
        keypoints: detections of one person.
        filtered: False for the points as they come.
    """
    order = [keypoints.names.index(name) for name in body.marker_names]
    dtype = rig.focal_px.dtype
    confidence = np.asarray(keypoints.confidence)[:, :, order]
    used = np.where(confidence >= MIN_CONFIDENCE, confidence, 0.0)
    pixels = np.asarray(keypoints.pixels)[:, :, order]
    found = jax.jit(triangulate)(rig, jnp.asarray(pixels, dtype), jnp.asarray(used, dtype))
    points, time = np.asarray(found.points, float), np.asarray(keypoints.time, float)
    if filtered:
        each = (fill_gaps(points[:, i], time) for i in range(points.shape[1]))
        points = np.stack([low_pass(one, time, CUTOFF_HZ) for one in each], axis=1)
    return Markers(body.marker_names, points, time, "triangulated points")


def two_stages(
    body: BodyModel,
    rig: CameraRig,
    keypoints: Keypoints,
    *,
    truth: Float[np.ndarray, "time marker 3"] | None = None,
) -> dict[str, Answer]:
    """Triangulate and filter; then a body, which never sees the pictures.

    Args:
        body: its markers are keypoints of the set.
        rig: cameras in the order of the keypoints'.
        keypoints: detections of one person.
        truth: where the markers are, in metres, to be told how far off points typically are.

    Returns:
        `POINTS`, the filtered points themselves. `FRAMES`, the classical way: sizes from distances
        between points, keypoints at the model's anchors, and each frame's pose on its own.
        `STAGES`: sizes, keypoint offsets and a smooth motion at once, by the same solver, body and
        priors as end to end, with points in space in the place of pixels; their standard deviation
        is that of optical markers, 10 mm. `TOLD`, where there is a truth: the same with their true
        typical error in its place, which nobody knows of a real recording.

    Raises:
        FitError: there are too few points to begin with.
    """
    points = triangulated(body, rig, keypoints)
    prepared = prepare_markers(body, points)
    start = prepared.start
    frames = np.asarray(body.marker_positions(start.parameters, start.pose), float)
    joints = np.array(start.pose.joints, float)
    answers = {
        POINTS: Answer(points.positions, None, rig),
        FRAMES: Answer(
            np.where(start.posed[:, None, None], frames, np.nan),
            np.where(start.posed[:, None], joints, np.nan),
            rig,
        ),
        STAGES: solved(prepared, SECOND_ORDER)._replace(rig=rig),
    }
    if truth is not None:
        typical = ROBUST_SD * float(np.nanmedian(np.abs(points.positions - truth)))
        answers[TOLD] = solved(_with_point_sd(prepared, typical), SECOND_ORDER)._replace(rig=rig)
    return answers


def _with_point_sd(prepared: Prepared, sd: float) -> Prepared:
    """The same, with another standard deviation of points per axis, in metres."""
    problem = prepared.problem
    assert problem.placement is not None
    told = jnp.asarray(sd, problem.placement.sd.dtype)
    return dataclasses.replace(
        prepared,
        problem=dataclasses.replace(
            problem, placement=dataclasses.replace(problem.placement, sd=told)
        ),
    )


def end_to_end(
    body: BodyModel,
    rig: CameraRig,
    keypoints: Keypoints,
    *,
    refine: tuple[str, ...] = (),
) -> Answer:
    """Motion and person from pixels, all at once, and the cameras where they are refined.

    Args:
        body: its markers are keypoints of the set.
        rig: cameras in the order of the keypoints'.
        keypoints: detections of one person.
        refine: what to correct of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.

    Raises:
        FitError: there is nothing to start from.
    """
    return solved(prepare(body, rig, keypoints, refine=refine), SECOND_ORDER)


def solved(prepared: Prepared, how: How) -> Answer:
    """The minimum of an objective, as one of the ways of `experiments.trajectories` finds it."""
    return answer_of(Solutions(Trial(prepared, None)), how)


def answer_of(solutions: Solutions, how: How) -> Answer:
    """Evaluate one way to the minimum at the sample times."""
    prepared, timed = solutions.prepared, solutions(how)
    unknowns = timed.value.unknowns
    motion = evaluate_motion(prepared.body, prepared.problem, unknowns, prepared.used)
    return Answer(
        motion.markers,
        motion.joints,
        prepared.problem.rig.adjusted(unknowns.cameras),
        timed.value.iterations,
        timed.cpu_s,
        float(_cost(prepared.problem, unknowns)) / int(prepared.problem.n_frames),
    )


@eqx.filter_jit
def _cost(problem: Problem, unknowns: Unknowns) -> Float[Array, ""]:
    return problem.cost(unknowns)
