"""Fit one trial end to end: from detections to motion, person and cameras."""

import dataclasses
import time as clock
from typing import NamedTuple

from jaxtyping import PRNGKeyArray

from diffbio.body import BodyModel
from diffbio.cameras import CameraRig
from diffbio.cameras.adjustment import GROUPS, no_adjustment
from diffbio.errors import FitError, UnknownNameError
from diffbio.fitting.adamw import Progress
from diffbio.fitting.distil import distilled, start_spline, start_trajectory
from diffbio.fitting.fit import Fit, Outcome
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.solvers import Solved, solve_first_order, solve_second_order
from diffbio.fitting.stages import BANDWIDTH_HZ, bandwidth_of, finish, prepare
from diffbio.fitting.start import Start
from diffbio.observations import Keypoints

STEPS = 1000

SOLVERS = {"gauss-newton": "spline", "adamw": "implicit"}
"""Each with the trajectory it takes unless told otherwise."""

TRAJECTORIES = ("spline", "implicit")


def fit_motion(
    body: BodyModel,
    rig: CameraRig,
    keypoints: Keypoints,
    *,
    key: PRNGKeyArray,
    solver: str = "gauss-newton",
    trajectory: str | None = None,
    warm_start: bool = False,
    steps: int = STEPS,
    bandwidth_hz: float | None = None,
    refine: tuple[str, ...] = (),
    hold_out: str | None = None,
    progress: Progress | None = None,
) -> Fit:
    """Fit motion, person and, if asked for, cameras to the detections of one trial.

    One objective, two trajectories, two ways to the minimum. `gauss-newton` solves for the
    control points of a spline by second-order steps. `adamw` with an implicit trajectory is the
    method of Cotton (2024): one robust reprojection loss trains a network from time to pose
    together with segment scales, marker offsets and cameras. Departures: the start comes from
    triangulation and inverse kinematics, weights are standard deviations, joint ranges are
    penalties, the root is a rotation about a smooth reference.

    Args:
        body: anatomy whose markers are keypoints of the set.
        rig: cameras in the order of the keypoints'; its precision is the fit's.
        keypoints: detections of one person.
        key: randomness of the network's first weights; a spline has none.
        solver: one of `SOLVERS`.
        trajectory: one of `TRAJECTORIES`; by default the one `SOLVERS` names.
        warm_start: begin AdamW where Gauss-Newton ended, not at inverse kinematics.
        steps: of AdamW.
        bandwidth_hz: highest frequency of the motion: among the network's features, or Nyquist's
            of the spline's knots. By default what `bandwidth_of` says.
        refine: what to correct of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.
        hold_out: name of a camera to keep out of the fit and to measure it by.
        progress: called with the step and the median reprojection error, in pixels.

    Raises:
        FitError: there is nothing to start from, or the solver does not go with the trajectory.
        UnknownNameError: there is no such solver, trajectory, group or camera.
    """
    trajectory = _checked(solver, trajectory, refine, warm_start)
    if solver == "gauss-newton" and body.kinematics_name != "fused":
        raise FitError(
            "Gauss-Newton has exact derivatives of the fused kinematics alone; fit with adamw to "
            f"use {body.kinematics_name}."
        )
    prepared = prepare(body, rig, keypoints, refine=refine, hold_out=hold_out)
    bandwidth_hz = bandwidth_of(keypoints, trajectory, bandwidth_hz)
    how = _How(solver, trajectory, warm_start, steps, bandwidth_hz, refine, key, progress)
    began = clock.perf_counter()
    solved = _solve(prepared.problem, prepared.start, how)
    solve_s = clock.perf_counter() - began - solved.compile_s
    return finish(prepared, solved, solver=solver, bandwidth_hz=bandwidth_hz, solve_s=solve_s)


class _How(NamedTuple):
    """What was asked for; see `fit_motion`."""

    solver: str
    trajectory: str
    warm_start: bool
    steps: int
    bandwidth_hz: float
    refine: tuple[str, ...]
    key: PRNGKeyArray
    progress: Progress | None


def _solve(problem: Problem, start: Start, how: _How) -> Solved:
    nothing = no_adjustment(len(problem.rig.names), problem.time.dtype)
    first = None
    if how.warm_start or how.trajectory == "spline":
        smooth = how.bandwidth_hz
        if how.trajectory == "implicit":
            smooth = min(smooth, BANDWIDTH_HZ["spline"])
        spline = start_spline(problem, start, smooth)
        unknowns = Unknowns(spline, start.parameters, nothing)
    else:
        network = start_trajectory(problem, start, how.bandwidth_hz, how.key)
        unknowns = Unknowns(network, start.parameters, nothing)
    if how.solver == "gauss-newton":
        return solve_second_order(problem, unknowns, refine=how.refine, progress=how.progress)
    if how.warm_start:
        exact = dataclasses.replace(problem, body=problem.body.with_kinematics("fused"))
        first = solve_second_order(exact, unknowns, refine=how.refine, progress=None)
        if first.outcome == Outcome.NOT_FINITE:
            return first
        unknowns = first.unknowns
        if how.trajectory == "implicit":
            unknowns = distilled(problem, unknowns, how.bandwidth_hz, how.key)
    solved = solve_first_order(
        problem,
        unknowns,
        steps=how.steps,
        refine=how.refine,
        progress=how.progress,
        settled=how.warm_start,
    )
    return solved._replace(compile_s=solved.compile_s + (first.compile_s if first else 0.0))


def _checked(solver: str, trajectory: str | None, refine: tuple[str, ...], warm_start: bool) -> str:
    if solver not in SOLVERS:
        raise UnknownNameError("fit_motion", "solver", solver, tuple(SOLVERS))
    trajectory = trajectory or SOLVERS[solver]
    if trajectory not in TRAJECTORIES:
        raise UnknownNameError("fit_motion", "trajectory", trajectory, TRAJECTORIES)
    for group in refine:
        if group not in GROUPS:
            raise UnknownNameError("fit_motion", "group of corrections", group, GROUPS)
    if solver == "gauss-newton" and trajectory == "implicit":
        raise FitError(
            "Gauss-Newton solves for the control points of a spline. Train an implicit trajectory "
            "with adamw, from a warm start if it shall begin at Gauss-Newton's solution."
        )
    if solver == "gauss-newton" and warm_start:
        raise FitError("A warm start is Gauss-Newton's solution; it is for adamw to begin at.")
    return trajectory
