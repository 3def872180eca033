"""One trial as part of a whole: what it says about the person, once all of its own is eliminated.

Trials of one person share segment scales and marker offsets, and nothing else. Each eliminates
its motion and its cameras and hands up one small matrix and one gradient; their sums are the
system of the person; the step of the person sent down again settles each trial's own. This is
the elimination of the whole, not an approximation of it.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Bool, Float

from diffbio.fitting.banded import Reduced, reduce_arrow, restore_band
from diffbio.fitting.problem import Problem
from diffbio.fitting.spline_basis import SplineBasis
from diffbio.fitting.system import HOLD, State, System, braked
from diffbio.trajectories.spline import SplineTrajectory


class Share(eqx.Module):
    """A trial as its solver takes it.

    Attributes:
        problem: its objective, without a prior on the person.
        basis: its sample times in the knot intervals of the trajectory.
        trajectory: whose control points are unknown.
        refine: what is unknown of its cameras (static).
    """

    problem: Problem
    basis: SplineBasis
    trajectory: SplineTrajectory
    refine: tuple[str, ...] = eqx.field(static=True)

    @property
    def system(self) -> System:
        """The objective and its linear system, as functions of the state."""
        return System(self.problem, self.basis, self.trajectory, self.refine)


class Offer(NamedTuple):
    """What a trial says about the person: log scales, then marker offsets.

    Attributes:
        information: second derivatives, everything of the trial's own eliminated.
        gradient: likewise.
        diagonal: of the second derivatives before elimination, to which damping is relative.
    """

    information: Float[Array, "person person"]
    gradient: Float[Array, "person"]
    diagonal: Float[Array, "person"]


class Kept(NamedTuple):
    """What a trial keeps, to move its own unknowns once the person has moved.

    Attributes:
        reduced: the trial without its band.
        root: triangular factor of what is left of its own shared unknowns.
        onto: the factor applied to their block against the person.
        own: the factor applied to their right hand side.
        by_control: gradient of the control points.
        by_shared: gradient of the person and of the own shared unknowns.
        raised: what damping added to the control points' diagonal.
        lift: and to that of the own shared unknowns.
    """

    reduced: Reduced
    root: Float[Array, "own own"]
    onto: Float[Array, "own person"]
    own: Float[Array, "own"]
    by_control: Float[Array, "control n"]
    by_shared: Float[Array, "shared"]
    raised: Float[Array, "control n"]
    lift: Float[Array, "own"]


class Moved(NamedTuple):
    """Where a trial stands after a step.

    Attributes:
        state: with the person moved as well.
        cost: of the trial there, unitless.
        decrement: its part of the model's decrease without damping, the person's own aside.
        held_back: its part of what damping took from that.
    """

    state: State
    cost: Float[Array, ""]
    decrement: Float[Array, ""]
    held_back: Float[Array, ""]


@eqx.filter_jit
def offer(
    share: Share,
    state: State,
    damping: Float[Array, ""],
    tail: Float[Array, ""],
    free: Bool[Array, ""],
) -> tuple[Offer, Kept]:
    """Eliminate everything of a trial but the person.

    Args:
        share: the trial.
        state: where it stands.
        damping: relative to the diagonal of the Hessian.
        tail: of the robust loss.
        free: whether what all its times share may move.
    """
    with jax.default_matmul_precision("highest"):
        arrow = share.system.normal_equations(state, tail)
        n = state.parameters.log_scale.size + state.parameters.marker_offset.size
        band, raised = braked(arrow.band, damping)
        diagonal = jnp.diagonal(arrow.corner)
        hold = jnp.where(free, 0.0, HOLD).astype(diagonal.dtype) * arrow.prior
        lift = jnp.where(arrow.prior > 0, damping * diagonal + hold, 0.0)[n:]
        corner = arrow.corner + jnp.diag(jnp.pad(lift, (n, 0)))
        reduced = reduce_arrow(
            band, arrow.border, corner, -arrow.own_gradient, -arrow.shared_gradient
        )
        root = jnp.linalg.cholesky(reduced.matrix[n:, n:])
        both = jnp.concatenate([reduced.matrix[n:, :n], reduced.right[n:, None]], axis=1)
        solved = solve_triangular(root, both, lower=True)
        onto, own = solved[:, :n], solved[:, n]
        said = Offer(
            information=reduced.matrix[:n, :n] - onto.T @ onto,
            gradient=onto.T @ own - reduced.right[:n],
            diagonal=diagonal[:n],
        )
    gradients = (arrow.own_gradient, arrow.shared_gradient)
    return said, Kept(reduced, root, onto, own, *gradients, raised, lift)


@eqx.filter_jit
def follow(
    share: Share,
    state: State,
    kept: Kept,
    person: Float[Array, "person"],
    tail: Float[Array, ""],
) -> Moved:
    """Move everything of a trial's own after the person.

    Args:
        share: the trial.
        state: where it stands.
        kept: what `offer` left there.
        person: the step of log scales and marker offsets.
        tail: of the robust loss.
    """
    with jax.default_matmul_precision("highest"):
        own = solve_triangular(kept.root, kept.own - kept.onto @ person, lower=True, trans=1)
        shared = jnp.concatenate([person, own])
        control = restore_band(kept.reduced, shared, *kept.by_control.shape)
        moved = share.system.moved(state, control, shared)
        falls = (control * kept.by_control).sum() + (shared * kept.by_shared).sum()
        held_back = (control * control * kept.raised).sum() + (own * own * kept.lift).sum()
        return Moved(moved, share.system.cost(moved, tail), -0.5 * falls, held_back)


@eqx.filter_jit
def cost_of(share: Share, state: State, tail: Float[Array, ""]) -> Float[Array, ""]:
    """The objective of a trial, unitless."""
    return share.system.cost(state, tail)
