"""Second-order fit of a spline trajectory, the person and the cameras, all at once.

Damped Gauss-Newton with robust reweighting (IRLS). The system is an arrow: a band over the
control points, bordered by what all times share. First the shared unknowns are held while the
poses settle, then everything moves. One compiled loop, no word to Python until it ends.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffbio.fitting.fit import Outcome
from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.residuals.reprojection import CAUCHY_TAIL, HUBER_TAIL
from diffbio.fitting.spline_basis import SplineBasis
from diffbio.fitting.system import State, System
from diffbio.trajectories.spline import SplineTrajectory

MAX_ITERATIONS = 60

FIRST_DAMPING, HIGHEST_DAMPING = 1e-1, 1e6
"""Relative to the diagonal of the Hessian."""

EASING, STIFFENING = 0.1, 4.0
"""Least factor of the damping after a step that was taken, first factor after one that was not."""

HELD_FLOOR, FREE_FLOOR = 1e-4, 1e-7
"""Lowest damping while the shared unknowns are held and after. Directions in which angles,
offsets and cameras trade against each other are so flat that any higher floor stops in them."""

TRUSTED = 1e-4
"""Highest damping at which a short step means that the minimum is near."""

QUIET = 6
"""Steps in a row that gain less than the tolerance, taken or not: the valley is so bent that
what is left of it is not worth the walk."""

SETTLED = 3e-2
"""Relative decrease at which a stage has done its work."""

TAILS = (HUBER_TAIL, HUBER_TAIL, 1.5, CAUCHY_TAIL)
"""How the loss treats far detections, by stage. First the poses settle while the shared unknowns
are held, then everything moves, then detections that nothing explains lose their pull."""

HELD, LAST = 0, len(TAILS) - 1


class Progress(NamedTuple):
    """What the loop carries besides the state, and what it leaves.

    Attributes:
        state: the estimate.
        cost: the objective there, unitless.
        damping: relative to the diagonal of the Hessian.
        stiffening: factor of the damping should the next step be rejected.
        stage: place in `TAILS`.
        iterations: linear systems solved.
        rejected: steps that were not taken.
        quiet: last steps in a row that gained less than the tolerance.
        outcome: why it stopped; -1 while it runs.
        costs: the objective after every iteration; NaN for those not made.
        decrements: of the quadratic model, likewise.
    """

    state: State
    cost: Float[Array, ""]
    damping: Float[Array, ""]
    stiffening: Float[Array, ""]
    stage: Int[Array, ""]
    iterations: Int[Array, ""]
    rejected: Int[Array, ""]
    quiet: Int[Array, ""]
    outcome: Int[Array, ""]
    costs: Float[Array, "iteration"]
    decrements: Float[Array, "iteration"]


@eqx.filter_jit
def solve(
    problem: Problem,
    basis: SplineBasis,
    unknowns: Unknowns,
    tolerance: Float[Array, ""],
    limit: Int[Array, ""],
    *,
    refine: tuple[str, ...],
) -> tuple[Unknowns, Progress]:
    """Minimise the objective of a problem.

    Args:
        problem: one trial.
        basis: its sample times in the knot intervals of the trajectory.
        unknowns: where to start; the trajectory is a spline.
        tolerance: decrease that the quadratic model may still promise at the end, unitless:
            at 0.01 no unknown is farther than 0.15 standard deviations from the minimum.
        limit: linear systems to solve at most; no more than `MAX_ITERATIONS`.
        refine: what is unknown of the cameras, out of `diffbio.cameras.adjustment.GROUPS`.
    """
    trajectory = unknowns.trajectory
    assert isinstance(trajectory, SplineTrajectory)
    # An accelerator's default rounds factors to ten bits: too few for a Schur complement.
    with jax.default_matmul_precision("highest"):
        system = System(problem, basis, trajectory, refine)
        first = State(trajectory.control, unknowns.parameters, unknowns.cameras.columns())
        done = _iterate(system, first, tolerance, limit)
    return system.unknowns(done.state), done


def _iterate(
    system: System, first: State, tolerance: Float[Array, ""], limit: Int[Array, ""]
) -> Progress:
    dtype, cost_of = first.control.dtype, jax.jit(system.cost)
    tails = jnp.asarray(TAILS, dtype)
    nothing = jnp.full(MAX_ITERATIONS, jnp.nan, dtype)
    start = Progress(
        state=first,
        cost=cost_of(first, tails[HELD]),
        damping=jnp.asarray(FIRST_DAMPING, dtype),
        stiffening=jnp.asarray(STIFFENING, dtype),
        stage=jnp.asarray(HELD),
        iterations=jnp.asarray(0),
        rejected=jnp.asarray(0),
        quiet=jnp.asarray(0),
        outcome=jnp.asarray(-1),
        costs=nothing,
        decrements=nothing,
    )

    def advance(now: Progress) -> Progress:
        free, tail = now.stage > HELD, tails[now.stage]
        step = system.step(now.state, now.damping, tail, free)
        cost = cost_of(step.state, tail)
        # Near the minimum the difference of two costs is rounding; the model decides there.
        slack = 4 * jnp.finfo(dtype).eps * jnp.abs(now.cost)
        blurred = step.promised < 8 * slack
        better = jnp.isfinite(cost) & (cost <= now.cost + slack)
        floor = jnp.where(free, FREE_FLOOR, HELD_FLOOR).astype(dtype)
        gained = now.cost - cost
        # The better the model foretold the gain, the more the next step may trust it (Nielsen
        # 1999): damping that is merely right stays, instead of being undershot every other time.
        trust = jnp.where(blurred, 1.0, jnp.clip(gained / step.promised, 0.0, 1.0))
        eased = jnp.maximum(now.damping * jnp.maximum(1 - (2 * trust - 1) ** 3, EASING), floor)
        last = now.stage == LAST
        settled = better & ~last & (gained < SETTLED * jnp.abs(now.cost))
        near = (step.decrement < tolerance) & (now.damping <= TRUSTED)
        quiet = jnp.where(last & ~(better & (gained >= tolerance)), now.quiet + 1, 0)
        converged = last & ((better & near) | (quiet >= QUIET))
        stuck = ~better & (now.damping >= HIGHEST_DAMPING)
        why = jnp.where(jnp.isfinite(now.cost), int(Outcome.STALLED), int(Outcome.NOT_FINITE))
        at = now.iterations
        state = jax.tree.map(lambda a, b: jnp.where(better, b, a), now.state, step.state)
        stage = now.stage + jnp.where(settled, 1, 0)
        cost = jnp.where(better, cost, now.cost)
        # Another loss is another objective: what the same state costs under it.
        cost = jax.lax.cond(
            tails[stage] == tail, lambda: cost, lambda: cost_of(state, tails[stage])
        )
        outcome = jnp.where(converged, int(Outcome.CONVERGED), jnp.where(stuck, why, -1))
        return Progress(
            state=state,
            cost=cost,
            damping=jnp.where(better, eased, now.damping * now.stiffening),
            stiffening=jnp.where(better, STIFFENING, 2 * now.stiffening).astype(dtype),
            stage=stage.astype(now.stage.dtype),
            iterations=at + 1,
            rejected=now.rejected + jnp.where(better, 0, 1),
            quiet=quiet.astype(now.quiet.dtype),
            outcome=outcome.astype(now.outcome.dtype),
            costs=now.costs.at[at].set(cost),
            decrements=now.decrements.at[at].set(step.decrement),
        )

    def goes_on(now: Progress) -> Bool[Array, ""]:
        return (now.outcome < 0) & (now.iterations < jnp.minimum(limit, MAX_ITERATIONS))

    end = jax.lax.while_loop(goes_on, advance, start)
    ran_out = jnp.where(end.outcome < 0, int(Outcome.MAX_STEPS), end.outcome)
    finite = jnp.isfinite(end.cost)
    outcome = jnp.where(finite, ran_out, int(Outcome.NOT_FINITE))
    return end._replace(outcome=outcome)
