"""Fit one trial end to end: from detections to motion, person and cameras."""

import time as clock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from diffbio.body import BodyModel
from diffbio.cameras import CameraRig
from diffbio.fitting.adamw import LEARNING_RATE, Progress, train
from diffbio.fitting.distil import start_trajectory
from diffbio.fitting.evaluate import evaluate_motion, reprojection_error
from diffbio.fitting.fit import Fit, Outcome
from diffbio.fitting.problem import Problem, Unknowns, make_problem
from diffbio.fitting.residuals.cameras import POSITION_SD, ROTATION_SD
from diffbio.fitting.residuals.person import PROPORTION_SD, marker_sd
from diffbio.fitting.start import find_start
from diffbio.observations import Keypoints

STEPS = 1000
BANDWIDTH_HZ = 12.0

SHARED_RATE = 1e-2
"""Movement of body parameters and cameras per step, in prior standard deviations."""


def fit_motion(
    body: BodyModel,
    rig: CameraRig,
    keypoints: Keypoints,
    *,
    key: PRNGKeyArray,
    steps: int = STEPS,
    bandwidth_hz: float | None = None,
    refine_cameras: bool = False,
    progress: Progress | None = None,
) -> Fit:
    """Fit motion, person and, if asked for, cameras to the detections of one trial.

    The implicit-trajectory method of Cotton (2024): one robust reprojection loss trains a
    network from time to pose together with segment scales, marker offsets and cameras.
    Departures: the start comes from triangulation and inverse kinematics, weights are standard
    deviations, joint ranges are penalties, the root is a rotation about a smooth reference.

    Args:
        body: anatomy whose markers are keypoints of the set.
        rig: cameras in the order of the keypoints'; its precision is the fit's.
        keypoints: detections of one person.
        key: randomness of the network's first weights.
        steps: steps of end-to-end training.
        bandwidth_hz: highest frequency among the trajectory's features; by default
            `BANDWIDTH_HZ`, or a quarter of the frame rate where that is lower, since nothing
            observes what happens between frames.
        refine_cameras: bundle adjustment of the cameras' poses.
        progress: called with the step and the median reprojection error, in pixels.

    Raises:
        FitError: there is nothing to start from.
    """
    began = clock.perf_counter()
    start = find_start(body.with_kinematics("fused"), rig, keypoints)
    problem = make_problem(body, rig, keypoints, start.depth, dtype=rig.focal_px.dtype)
    interval = float(np.median(np.diff(keypoints.time))) if len(keypoints.time) > 1 else 1.0
    bandwidth_hz = bandwidth_hz or min(BANDWIDTH_HZ, 0.25 / interval)
    trajectory = start_trajectory(problem, start, bandwidth_hz, key)
    started = clock.perf_counter()
    unknowns = Unknowns(
        trajectory,
        start.parameters,
        jnp.zeros_like(problem.rig.camera_from_world_translation),
        jnp.zeros_like(problem.rig.camera_from_world_translation),
    )
    trained = train(
        _objective,
        problem,
        unknowns,
        _step_sizes(unknowns, problem, refine_cameras),
        steps=steps,
        measure=_median_px,
        progress=progress,
        compiler_options=body.compiler_options,
    )
    solved = clock.perf_counter()
    fitted = trained.unknowns
    motion = evaluate_motion(body.with_kinematics("fused"), problem, fitted, keypoints)
    refined = problem.rig.adjusted(fitted.camera_rotation, fitted.camera_shift)
    return Fit(
        body=body,
        parameters=fitted.parameters,
        motion=motion,
        rig=refined,
        rig_before=problem.rig,
        error=reprojection_error(refined, motion.markers, keypoints, body.marker_names),
        solver="adamw",
        iterations=trained.steps,
        cost=trained.cost,
        outcome=Outcome.MAX_STEPS if trained.finite else Outcome.NOT_FINITE,
        time_s={
            "start": started - began,
            "compile": trained.compile_s,
            "solve": solved - started - trained.compile_s,
        },
    )


def _objective(problem: Problem, unknowns: Unknowns) -> Float[Array, ""]:
    """The objective per frame."""
    cost = problem.cost(unknowns)
    return cost / problem.n_frames.astype(cost.dtype)


def _median_px(problem: Problem, unknowns: Unknowns) -> Float[Array, ""]:
    """Median distance of the detections in use from their projected markers, in pixels."""
    return problem.reprojection.median_px(problem.estimate(unknowns))


def _step_sizes(unknowns: Unknowns, problem: Problem, refine_cameras: bool) -> Unknowns:
    """Learning rates in each unknown's own unit; zero freezes.

    The reference path is always frozen, the cameras unless they are to be refined.
    """
    dtype = problem.time.dtype
    frozen = jax.tree.map(lambda x: jnp.zeros((), x.dtype), eqx.filter(unknowns, eqx.is_array))
    shared = SHARED_RATE / LEARNING_RATE
    cameras = shared if refine_cameras else 0.0
    return eqx.tree_at(
        lambda u: (
            u.trajectory.network,
            u.parameters.log_scale,
            u.parameters.marker_offset,
            u.camera_rotation,
            u.camera_shift,
        ),
        frozen,
        (
            jax.tree.map(lambda x: jnp.ones((), x.dtype), frozen.trajectory.network),
            jnp.asarray(shared * PROPORTION_SD, dtype),
            jnp.asarray(shared * marker_sd(problem.body)[:, None], dtype),
            jnp.asarray(cameras * ROTATION_SD, dtype),
            jnp.asarray(cameras * POSITION_SD, dtype),
        ),
    )
