"""How a damped Gauss-Newton iteration is led: its stages, its damping, and when it ends.

Scalars alone, so that one trial's compiled loop and a participant's many trials follow the same.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from diffbio.fitting.fit import Outcome
from diffbio.fitting.residuals.reprojection import CAUCHY_TAIL, HUBER_TAIL

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


class Course(NamedTuple):
    """Where an iteration stands.

    Attributes:
        cost: the objective at the present state, unitless.
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

    @property
    def free(self) -> Bool[Array, ""]:
        """Whether the shared unknowns may move."""
        return self.stage > HELD

    @property
    def tail(self) -> Float[Array, ""]:
        """Of the robust loss."""
        return tail_of(self.stage, self.cost.dtype)

    def priced(self, cost: Float[Array, ""]) -> "Course":
        """With what the state costs under the present loss, written down for this iteration."""
        return self._replace(cost=cost, costs=self.costs.at[self.iterations - 1].set(cost))

    def ended(self) -> "Course":
        """With an outcome, whatever stopped it."""
        ran_out = jnp.where(self.outcome < 0, int(Outcome.MAX_STEPS), self.outcome)
        return self._replace(
            outcome=jnp.where(jnp.isfinite(self.cost), ran_out, int(Outcome.NOT_FINITE))
        )


def tail_of(stage: Int[Array, ""] | int, dtype: np.dtype) -> Float[Array, ""]:
    """Tail of the robust loss in a stage."""
    return jnp.asarray(TAILS, dtype)[stage]


def first_course(cost: Float[Array, ""]) -> Course:
    """Before the first iteration.

    Args:
        cost: of the start, under the loss of the first stage.
    """
    dtype = cost.dtype
    nothing = jnp.full(MAX_ITERATIONS, jnp.nan, dtype)
    return Course(
        cost=cost,
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


def goes_on(now: Course, limit: Int[Array, ""]) -> Bool[Array, ""]:
    """Whether there is another iteration to make, of so many at most."""
    return (now.outcome < 0) & (now.iterations < jnp.minimum(limit, MAX_ITERATIONS))


def judge(
    now: Course,
    cost: Float[Array, ""],
    decrement: Float[Array, ""],
    promised: Float[Array, ""],
    tolerance: Float[Array, ""],
) -> tuple[Bool[Array, ""], Course]:
    """Whether a step is taken, and what follows for the next.

    Args:
        now: before the step.
        cost: where the step leads, under the present loss.
        decrement: by how much the quadratic model falls without damping.
        promised: by how much it falls along the step.
        tolerance: decrease that the quadratic model may still promise at the end.

    Returns:
        Whether it is taken, and the course with the cost of the state it leaves. Where the stage
        is another now, so is the loss, and the cost has to be evaluated anew (`priced`).
    """
    dtype = now.cost.dtype
    # Near the minimum the difference of two costs is rounding; the model decides there.
    slack = 4 * jnp.finfo(dtype).eps * jnp.abs(now.cost)
    blurred = promised < 8 * slack
    better = jnp.isfinite(cost) & (cost <= now.cost + slack)
    floor = jnp.where(now.free, FREE_FLOOR, HELD_FLOOR).astype(dtype)
    gained = now.cost - cost
    # The better the model foretold the gain, the more the next step may trust it (Nielsen
    # 1999): damping that is merely right stays, instead of being undershot every other time.
    trust = jnp.where(blurred, 1.0, jnp.clip(gained / promised, 0.0, 1.0))
    eased = jnp.maximum(now.damping * jnp.maximum(1 - (2 * trust - 1) ** 3, EASING), floor)
    last = now.stage == LAST
    settled = better & ~last & (gained < SETTLED * jnp.abs(now.cost))
    near = (decrement < tolerance) & (now.damping <= TRUSTED)
    quiet = jnp.where(last & ~(better & (gained >= tolerance)), now.quiet + 1, 0)
    converged = last & ((better & near) | (quiet >= QUIET))
    stuck = ~better & (now.damping >= HIGHEST_DAMPING)
    why = jnp.where(jnp.isfinite(now.cost), int(Outcome.STALLED), int(Outcome.NOT_FINITE))
    outcome = jnp.where(converged, int(Outcome.CONVERGED), jnp.where(stuck, why, -1))
    kept = jnp.where(better, cost, now.cost)
    stage = (now.stage + jnp.where(settled, 1, 0)).astype(now.stage.dtype)
    return better, Course(
        cost=kept,
        damping=jnp.where(better, eased, now.damping * now.stiffening),
        stiffening=jnp.where(better, STIFFENING, 2 * now.stiffening).astype(dtype),
        stage=stage,
        iterations=now.iterations + 1,
        rejected=now.rejected + jnp.where(better, 0, 1),
        quiet=quiet.astype(now.quiet.dtype),
        outcome=outcome.astype(now.outcome.dtype),
        costs=now.costs.at[now.iterations].set(kept),
        decrements=now.decrements.at[now.iterations].set(decrement),
    )
