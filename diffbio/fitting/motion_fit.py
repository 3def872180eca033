"""Fit one trial end to end: from detections to motion, person and cameras."""

import functools
import time as clock
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from diffbio.body import BodyModel
from diffbio.cameras import CameraRig
from diffbio.errors import UnknownNameError
from diffbio.fitting import gauss_newton
from diffbio.fitting.adamw import LEARNING_RATE, Progress, train
from diffbio.fitting.distil import start_spline, start_trajectory
from diffbio.fitting.evaluate import evaluate_motion, reprojection_error
from diffbio.fitting.fit import Fit, Outcome
from diffbio.fitting.gauss_newton import MAX_ITERATIONS
from diffbio.fitting.problem import Problem, Unknowns, make_problem
from diffbio.fitting.residuals.cameras import POSITION_SD, ROTATION_SD
from diffbio.fitting.residuals.person import PROPORTION_SD, marker_sd
from diffbio.fitting.spline_basis import make_spline_basis
from diffbio.fitting.start import find_start
from diffbio.observations import Keypoints
from diffbio.trajectories import ImplicitTrajectory, SplineTrajectory

STEPS = 1000

SOLVERS = ("adamw", "gauss-newton")

BANDWIDTH_HZ = {"adamw": 12.0, "gauss-newton": 12.0}

TOLERANCE = 1e-2
"""What the quadratic model may still promise when Gauss-Newton stops, unitless."""

SHARED_RATE = 1e-2
"""Movement of body parameters and cameras per step, in prior standard deviations."""


def fit_motion(
    body: BodyModel,
    rig: CameraRig,
    keypoints: Keypoints,
    *,
    key: PRNGKeyArray,
    solver: str = "adamw",
    steps: int = STEPS,
    bandwidth_hz: float | None = None,
    refine_cameras: bool = False,
    progress: Progress | None = None,
) -> Fit:
    """Fit motion, person and, if asked for, cameras to the detections of one trial.

    One objective, two ways to its minimum. `adamw` is the implicit-trajectory method of Cotton
    (2024): one robust reprojection loss trains a network from time to pose together with segment
    scales, marker offsets and cameras. Departures: the start comes from triangulation and
    inverse kinematics, weights are standard deviations, joint ranges are penalties, the root is
    a rotation about a smooth reference. `gauss-newton` solves for the control points of a spline
    instead, by second-order steps.

    Args:
        body: anatomy whose markers are keypoints of the set.
        rig: cameras in the order of the keypoints'; its precision is the fit's.
        keypoints: detections of one person.
        key: randomness of the network's first weights; a spline has none.
        solver: one of `SOLVERS`.
        steps: steps of end-to-end training with AdamW.
        bandwidth_hz: highest frequency of the motion: among the network's features, or Nyquist's
            of the spline's knots. By default `BANDWIDTH_HZ`, or a quarter of the frame rate
            where that is lower, since nothing observes what happens between frames.
        refine_cameras: bundle adjustment of the cameras' poses.
        progress: called with the step and the median reprojection error, in pixels.

    Raises:
        FitError: there is nothing to start from.
        UnknownNameError: there is no such solver.
    """
    if solver not in SOLVERS:
        raise UnknownNameError("fit_motion", "solver", solver, SOLVERS)
    began = clock.perf_counter()
    start = find_start(body.with_kinematics("fused"), rig, keypoints)
    problem = make_problem(body, rig, keypoints, start.depth, dtype=rig.focal_px.dtype)
    interval = float(np.median(np.diff(keypoints.time))) if len(keypoints.time) > 1 else 1.0
    bandwidth_hz = bandwidth_hz or min(BANDWIDTH_HZ[solver], 0.25 / interval)
    still = jnp.zeros_like(problem.rig.camera_from_world_translation)
    if solver == "adamw":
        trajectory = start_trajectory(problem, start, bandwidth_hz, key)
        unknowns = Unknowns(trajectory, start.parameters, still, still)
        started = clock.perf_counter()
        solved = _train(problem, unknowns, steps, refine_cameras, progress)
    else:
        trajectory = start_spline(problem, start, bandwidth_hz)
        unknowns = Unknowns(trajectory, start.parameters, still, still)
        started = clock.perf_counter()
        solved = _solve(problem, unknowns, refine_cameras, progress)
    solve_s = clock.perf_counter() - started - solved.compile_s
    fitted = solved.unknowns
    motion = evaluate_motion(body.with_kinematics("fused"), problem, fitted, keypoints)
    refined = problem.rig.adjusted(fitted.camera_rotation, fitted.camera_shift)
    return Fit(
        body=body,
        parameters=fitted.parameters,
        motion=motion,
        rig=refined,
        rig_before=problem.rig,
        error=reprojection_error(refined, motion.markers, keypoints, body.marker_names),
        solver=solver,
        iterations=solved.iterations,
        cost=solved.cost,
        outcome=solved.outcome,
        time_s={"start": started - began, "compile": solved.compile_s, "solve": solve_s},
    )


class _Solved(NamedTuple):
    """What either solver leaves."""

    unknowns: Unknowns
    iterations: int
    cost: float
    outcome: Outcome
    compile_s: float


def _train(
    problem: Problem,
    unknowns: Unknowns,
    steps: int,
    refine_cameras: bool,
    progress: Progress | None,
) -> _Solved:
    trained = train(
        _objective,
        problem,
        unknowns,
        _step_sizes(unknowns, problem, refine_cameras),
        steps=steps,
        measure=_median_px,
        progress=progress,
        compiler_options=problem.body.compiler_options,
    )
    outcome = Outcome.MAX_STEPS if trained.finite else Outcome.NOT_FINITE
    return _Solved(trained.unknowns, trained.steps, trained.cost, outcome, trained.compile_s)


def _solve(
    problem: Problem, unknowns: Unknowns, refine_cameras: bool, progress: Progress | None
) -> _Solved:
    trajectory = unknowns.trajectory
    assert isinstance(trajectory, SplineTrajectory)
    basis = make_spline_basis(
        np.asarray(problem.time, float),
        float(trajectory.start),
        float(trajectory.spacing),
        len(trajectory.control),
        np.dtype(problem.time.dtype),
    )
    tolerance = jnp.asarray(TOLERANCE, problem.time.dtype)
    solve = functools.partial(gauss_newton.solve, refine_cameras=refine_cameras)
    began = clock.perf_counter()
    # No iteration at first: it compiles, where no trial of the bucket was solved before.
    jax.block_until_ready(solve(problem, basis, unknowns, tolerance, jnp.asarray(0))[1])
    compile_s = clock.perf_counter() - began
    fitted, done = solve(problem, basis, unknowns, tolerance, jnp.asarray(MAX_ITERATIONS))
    iterations = int(done.iterations)
    if progress is not None:
        progress(iterations, float(eqx.filter_jit(_median_px)(problem, fitted)))
    per_frame = float(done.cost) / int(problem.n_frames)
    return _Solved(fitted, iterations, per_frame, Outcome(int(done.outcome)), compile_s)


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
    assert isinstance(unknowns.trajectory, ImplicitTrajectory)
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
