"""Second-order fit of a spline trajectory, the person and the cameras, all at once.

Damped Gauss-Newton with robust reweighting (IRLS). The system is an arrow: a band over the
control points, bordered by what all times share. First the shared unknowns are held while the
poses settle, then everything moves. One compiled loop, no word to Python until it ends.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffbio.fitting.problem import Problem, Unknowns
from diffbio.fitting.schedule import Course, first_course, goes_on, judge, tail_of
from diffbio.fitting.spline_basis import SplineBasis
from diffbio.fitting.system import State, System
from diffbio.trajectories.spline import SplineTrajectory


@eqx.filter_jit
def solve(
    problem: Problem,
    basis: SplineBasis,
    unknowns: Unknowns,
    tolerance: Float[Array, ""],
    limit: Int[Array, ""],
    *,
    refine: tuple[str, ...],
) -> tuple[Unknowns, Course]:
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
        state, done = _iterate(system, first, tolerance, limit)
    return system.unknowns(state), done


def _iterate(
    system: System, first: State, tolerance: Float[Array, ""], limit: Int[Array, ""]
) -> tuple[State, Course]:
    cost_of = jax.jit(system.cost)

    def advance(at: tuple[State, Course]) -> tuple[State, Course]:
        state, now = at
        step = system.step(state, now.damping, now.tail, now.free)
        cost = cost_of(step.state, now.tail)
        better, after = judge(now, cost, step.decrement, step.promised, tolerance)
        state = jax.tree.map(lambda a, b: jnp.where(better, b, a), state, step.state)
        # Another loss is another objective: what the same state costs under it.
        cost = jax.lax.cond(
            after.tail == now.tail, lambda: after.cost, lambda: cost_of(state, after.tail)
        )
        return state, after.priced(cost)

    def more(at: tuple[State, Course]) -> Bool[Array, ""]:
        return goes_on(at[1], limit)

    start = first_course(cost_of(first, tail_of(0, first.control.dtype)))
    state, done = jax.lax.while_loop(more, advance, (first, start))
    return state, done.ended()
