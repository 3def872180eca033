"""One trial of the benchmark of fits solved, and how far the solution is from the truth."""

import dataclasses
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from benchmarks.fit_case import Case
from diffbio.cameras.adjustment import no_adjustment
from diffbio.fitting import gauss_newton
from diffbio.fitting.batch import Lane
from diffbio.fitting.distil import start_spline, start_trajectory
from diffbio.fitting.evaluate import evaluate_motion
from diffbio.fitting.fit import Outcome
from diffbio.fitting.problem import Unknowns
from diffbio.fitting.schedule import MAX_ITERATIONS, Course
from diffbio.fitting.solvers import basis_of, solve_first_order, tolerance_of
from diffbio.fitting.stages import Prepared, bandwidth_of, prepare

REFINE = ("poses",)
ANGLES = ("hip_flexion", "knee_angle", "ankle_angle")
SEGMENTS = ("pelvis", "thigh", "shank", "upper_arm", "forearm")
"""Whose size follows from the motion of the joints at both ends, or from several markers."""


@dataclasses.dataclass(frozen=True)
class Solution:
    """What Gauss-Newton left.

    Attributes:
        unknowns: the estimate.
        progress: of the solver.
        seconds: of every solve, once compiled.
        compile_s: time of the first call, which iterates not once.
    """

    unknowns: Unknowns
    progress: Course
    seconds: list[float]
    compile_s: float

    def summary(self) -> dict[str, object]:
        """Everything about the way to the solution."""
        done = self.progress
        iterations, rejected = int(done.iterations), int(done.rejected)
        return {
            "compile_s": self.compile_s,
            "solve_s": min(self.seconds),
            "all_solve_s": self.seconds,
            "iterations": iterations,
            "rejected": rejected,
            "cost": float(done.cost),
            "outcome": Outcome(int(done.outcome)).name,
            "costs": _made(done.costs, iterations),
            "decrements": _made(done.decrements, iterations),
        }


def _made(values: Array, count: int) -> list[float]:
    return np.asarray(values, float)[:count].tolist()


def prepared(case: Case) -> Prepared:
    """A trial in single precision, its cameras to be refined."""
    return prepare(case.body, case.rig.astype(np.float32), case.keypoints, refine=REFINE)


def lane_of(ready: Prepared) -> Lane:
    """The trial as Gauss-Newton takes it, at the start that a fit finds."""
    problem, start = ready.problem, ready.start
    spline = start_spline(problem, start, bandwidth_of(ready.keypoints, "spline"))
    nothing = no_adjustment(len(problem.rig.names), problem.time.dtype)
    unknowns = Unknowns(spline, start.parameters, nothing)
    return Lane(problem, basis_of(problem, unknowns), unknowns)


def lane_at_truth(ready: Prepared, case: Case) -> Lane:
    """The same, at the truth."""
    dtype = ready.problem.time.dtype
    known = jax.tree.map(
        lambda x: jnp.asarray(x, dtype), (case.parameters, case.pose, case.cameras)
    )
    parameters, pose, cameras = known
    posed = np.ones(len(case.markers), bool)
    start = dataclasses.replace(ready.start, parameters=parameters, pose=pose, posed=posed)
    lane = lane_of(dataclasses.replace(ready, start=start))
    return Lane(lane.problem, lane.basis, Unknowns(lane.unknowns.trajectory, parameters, cameras))


def solve(lane: Lane, rounds: int = 1) -> Solution:
    """Gauss-Newton as `diffbio fit` calls it, timed apart from its compilation."""
    tolerance = tolerance_of(lane.problem)

    def call(limit: int) -> tuple[Unknowns, Course]:
        parts = lane.problem, lane.basis, lane.unknowns, tolerance, jnp.asarray(limit)
        return jax.block_until_ready(gauss_newton.solve(*parts, refine=REFINE))

    began = time.perf_counter()
    unknowns, progress = call(0)
    compile_s, seconds = time.perf_counter() - began, []
    for _ in range(rounds):
        began = time.perf_counter()
        unknowns, progress = call(MAX_ITERATIONS)
        seconds.append(time.perf_counter() - began)
    return Solution(unknowns, progress, seconds, compile_s)


def descend(ready: Prepared, cost: float, most: int, first: int = 500) -> list[dict[str, Any]]:
    """AdamW on an implicit trajectory, in runs twice as long each, until one reaches a cost.

    Its learning rate falls to the end of each run, so a longer run is no continuation.

    Args:
        ready: the trial.
        cost: per frame.
        most: steps of the longest run.
        first: steps of the shortest.
    """
    problem, start, runs = ready.problem, ready.start, []
    network = start_trajectory(
        problem, start, bandwidth_of(ready.keypoints, "implicit"), jax.random.key(0)
    )
    nothing = no_adjustment(len(problem.rig.names), problem.time.dtype)
    unknowns = Unknowns(network, start.parameters, nothing)
    steps = min(first, most)
    while not runs or (runs[-1]["cost_per_frame"] > cost and steps <= most):
        began = time.perf_counter()
        solved = solve_first_order(problem, unknowns, steps=steps, refine=REFINE, progress=None)
        seconds = time.perf_counter() - began - solved.compile_s
        one = {"steps": steps, "solve_s": seconds, "compile_s": solved.compile_s}
        runs.append({**one, "cost_per_frame": solved.cost, "unknowns": solved.unknowns})
        steps *= 2
    return runs


def errors(case: Case, ready: Prepared, unknowns: Unknowns) -> dict[str, object]:
    """Markers, angles of the legs and sizes of segments against the truth.

    The bias of an angle is its mean error over time; sides are summarised by root mean squares.
    """
    body = case.body.with_kinematics("fused")
    motion = evaluate_motion(body, ready.problem, unknowns, case.keypoints)
    distance = 1e3 * np.linalg.norm(motion.markers - case.markers, axis=-1)
    angles = {}
    for angle in ANGLES:
        columns = [body.joint_names.index(f"{angle}_{side}") for side in "rl"]
        error = np.rad2deg(motion.joints - np.asarray(case.pose.joints, float))[:, columns]
        angles[angle] = {
            "rmse_deg": float(np.sqrt((error**2).mean())),
            "means_removed_deg": float(np.sqrt((error - error.mean(0)).var(0).mean())),
            "bias_deg": float(np.sqrt((error.mean(0) ** 2).mean())),
        }
    ratio = np.asarray(unknowns.parameters.log_scale, float) - np.asarray(case.parameters.log_scale)
    percent = dict(zip(body.segment_names, (100 * np.expm1(ratio)).tolist(), strict=True))
    stems = {name: name.removesuffix("_r").removesuffix("_l") for name in percent}
    return {
        "markers_mm": float(distance.mean()),
        "markers_centred_mm": float(_centred(motion.markers - case.markers)),
        "angles": angles,
        "segments_percent": {name: percent[name] for name in percent if stems[name] in SEGMENTS},
    }


def _centred(error: np.ndarray) -> float:
    """Mean distance in millimetres once every frame's mean error is taken off."""
    return 1e3 * np.linalg.norm(error - error.mean(1, keepdims=True), axis=-1).mean()
