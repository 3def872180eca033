"""The two ways to the minimum of one objective: first and second order."""

import functools
import time as clock
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from diffbio.cameras.adjustment import COLUMNS, WIDTH, adjustment_of
from diffbio.fitting import gauss_newton
from diffbio.fitting.adamw import LEARNING_RATE, Progress, train
from diffbio.fitting.fit import Outcome
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.residuals.cameras import camera_sd
from diffbio.fitting.residuals.person import PROPORTION_SD, marker_sd
from diffbio.fitting.residuals.reprojection import HUBER_TAIL
from diffbio.fitting.schedule import MAX_ITERATIONS
from diffbio.fitting.spline_basis import SplineBasis, make_spline_basis
from diffbio.trajectories import ImplicitTrajectory, SplineTrajectory

TOLERANCE = 1e-2
"""What the quadratic model may still promise when Gauss-Newton stops, unitless: at most this,
and in long trials this for every `TOLERATED_FRAMES`, since each has unknowns of its own."""

TOLERATED_FRAMES = 300

SHARED_RATE = 1e-2
"""Movement of body parameters and cameras per step of AdamW, in prior standard deviations."""

CONTROL_RATE = 0.3
"""Movement of a spline's control points, relative to that of a network's weights."""


class Solved(NamedTuple):
    """What either solver leaves.

    Attributes:
        unknowns: the estimate.
        iterations: steps taken.
        cost: the objective per frame, unitless.
        outcome: why the solver stopped.
        compile_s: time that compiling took, in seconds.
    """

    unknowns: Unknowns
    iterations: int
    cost: float
    outcome: Outcome
    compile_s: float


def solve_first_order(
    problem: Problem,
    unknowns: Unknowns,
    *,
    steps: int,
    refine: tuple[str, ...],
    progress: Progress | None,
    settled: bool = False,
) -> Solved:
    """Train everything by AdamW, any trajectory; the first half with Huber's loss.

    Args:
        problem: one trial.
        unknowns: where to start.
        steps: of training.
        refine: what is unknown of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.
        progress: called with the step and the median reprojection error, in pixels.
        settled: the start is near the minimum; far detections have lost their pull already.
    """
    first = problem.with_tail(jnp.asarray(HUBER_TAIL, problem.time.dtype))
    trained = train(
        _objective,
        problem if settled else first,
        unknowns,
        step_sizes(unknowns, problem, refine),
        steps=steps,
        later=problem,
        measure=median_px,
        progress=progress,
        compiler_options=problem.body.compiler_options,
    )
    outcome = Outcome.MAX_STEPS if trained.finite else Outcome.NOT_FINITE
    return Solved(trained.unknowns, trained.steps, trained.cost, outcome, trained.compile_s)


def solve_second_order(
    problem: Problem,
    unknowns: Unknowns,
    *,
    refine: tuple[str, ...],
    progress: Progress | None,
) -> Solved:
    """Solve for a spline and all else by Gauss-Newton.

    Args:
        problem: one trial.
        unknowns: where to start.
        refine: what is unknown of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.
        progress: called at the end with the iterations and the median reprojection error.
    """
    basis = basis_of(problem, unknowns)
    tolerance = tolerance_of(problem)
    solve = functools.partial(gauss_newton.solve, refine=refine)
    began = clock.perf_counter()
    # No iteration at first: it compiles, where no trial of the bucket was solved before.
    jax.block_until_ready(solve(problem, basis, unknowns, tolerance, jnp.asarray(0))[1])
    compile_s = clock.perf_counter() - began
    fitted, done = solve(problem, basis, unknowns, tolerance, jnp.asarray(MAX_ITERATIONS))
    iterations = int(done.iterations)
    if progress is not None:
        progress(iterations, float(eqx.filter_jit(median_px)(problem, fitted)))
    per_frame = float(done.cost) / int(problem.n_frames)
    return Solved(fitted, iterations, per_frame, Outcome(int(done.outcome)), compile_s)


def tolerance_of(problem: Problem) -> Float[Array, ""]:
    """Decrease that the quadratic model may still promise at the end of a fit."""
    share = max(1.0, int(problem.n_frames) / TOLERATED_FRAMES)
    return jnp.asarray(TOLERANCE * share, problem.time.dtype)


def basis_of(problem: Problem, unknowns: Unknowns) -> SplineBasis:
    """The sample times of a problem in the knot intervals of a spline."""
    trajectory = unknowns.trajectory
    assert isinstance(trajectory, SplineTrajectory)
    return make_spline_basis(
        np.asarray(problem.time, float),
        float(trajectory.start),
        float(trajectory.spacing),
        len(trajectory.control),
        np.dtype(problem.time.dtype),
    )


def median_px(problem: Problem, unknowns: Unknowns) -> Float[Array, ""]:
    """Median distance of the detections in use from their projected markers, in pixels."""
    return problem.reprojection.median_px(problem.estimate(unknowns))


def _objective(problem: Problem, unknowns: Unknowns) -> Float[Array, ""]:
    """The objective per frame."""
    cost = problem.cost(unknowns)
    return cost / problem.n_frames.astype(cost.dtype)


def step_sizes(unknowns: Unknowns, problem: Problem, refine: tuple[str, ...]) -> Unknowns:
    """Learning rates in each unknown's own unit; zero freezes.

    The reference path is always frozen, of the cameras what is not to be refined.
    """
    dtype = problem.time.dtype
    frozen = jax.tree.map(lambda x: jnp.zeros((), x.dtype), eqx.filter(unknowns, eqx.is_array))
    shared = SHARED_RATE / LEARNING_RATE
    columns = np.zeros((len(problem.rig.names), WIDTH))
    for group in refine:
        columns[:, COLUMNS[group]] = shared
    columns = columns * camera_sd(len(columns), 0)
    sizes = eqx.tree_at(
        lambda u: (u.parameters.log_scale, u.parameters.marker_offset, u.cameras),
        frozen,
        (
            jnp.asarray(shared * PROPORTION_SD, dtype),
            jnp.asarray(shared * marker_sd(problem.body)[:, None], dtype),
            adjustment_of(jnp.asarray(columns, dtype)),
        ),
    )
    if isinstance(unknowns.trajectory, ImplicitTrajectory):
        rates = jax.tree.map(lambda x: jnp.ones((), x.dtype), frozen.trajectory.network)
        return eqx.tree_at(lambda u: u.trajectory.network, sizes, rates)
    rate = jnp.asarray(CONTROL_RATE, dtype)
    return eqx.tree_at(lambda u: u.trajectory.control, sizes, rate)
