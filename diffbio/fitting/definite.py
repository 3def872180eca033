"""Factor of an arrow that the data may leave singular: what nothing determines gets a prior.

Few frames inform few control points, and padding informs none. Covariances must be finite all
the same, and what is determined must not feel it.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffbio.fitting.arrow_factor import ArrowFactor, ArrowMatrix, factor_arrow

ROUNDING = 4.0
"""Least pivot relative to the diagonal, in units of the rounding of the numbers' type: what is
below has drowned in rounding."""

PROBE, STIFFER, STIFFEST = 128.0, 10.0, 0.1
"""First lift of the whole diagonal that probes it, in units of rounding, the factor to the next,
and where that ends, relative to the diagonal."""

GROWN = 3.0
"""A pivot vanishes without a lift if it grows so much from one probe to the next. It alone is then
lifted: the same lift for all would shrink the variances of what is flat but determined."""

ABSENT = 1e-12
"""Information, in 1/m^2 or 1/rad^2, below which an unknown counts as not informed at all."""


class _Lift(NamedTuple):
    """Information given to unknowns, relative to what they have.

    Attributes:
        own: control points.
        shared: unknowns they share.
    """

    own: Float[Array, "control n"]
    shared: Float[Array, "shared"]


class _Attempt(NamedTuple):
    """A factor and how it came about.

    Attributes:
        factor: of the lifted arrow.
        lift: what was added.
        probe: lift of the last probe, relative to the diagonal.
        probing: whether this is a probe: the lift is the same for all unknowns.
        before: pivots of the probe before this one; NaN where there was none.
    """

    factor: ArrowFactor
    lift: _Lift
    probe: Float[Array, ""]
    probing: Bool[Array, ""]
    before: _Lift


def factor_definite(arrow: ArrowMatrix) -> tuple[ArrowFactor, Int[Array, ""]]:
    """Factor of an arrow, lifted where it is not definite, and the number of unknowns lifted.

    Nothing is lifted at first. If that fails, two small lifts of everything show the pivots that
    vanish without one, and then only these get information: as little as rounding allows, but a
    unit where that is more. Where all of this fails, everything stays lifted.

    Args:
        arrow: semidefinite up to rounding.
    """
    band, border, corner = arrow
    dtype, eye = band.dtype, jnp.eye(band.shape[2], dtype=band.dtype)
    have = _Lift(jnp.einsum("kii->ki", band[0]), jnp.diagonal(corner))
    # A control point that nothing informs, in padding or beyond a gap, gets a variance of one.
    missing = jax.tree.map(lambda x: jnp.where(x > ABSENT, 0, 1).astype(dtype), have)
    scale = jax.tree.map(jnp.add, have, missing)

    def factored(lift: _Lift) -> ArrowFactor:
        own, shared = jax.tree.map(lambda x, s, m: x * s + m, lift, scale, missing)
        lifted = band.at[0].add(own[..., None] * eye[None])
        return factor_arrow(lifted, border, corner + jnp.diag(shared))

    def pivots(factor: ArrowFactor) -> _Lift:
        own = jnp.einsum("gii->gi", factor.diagonal).reshape(-1, band.shape[2])
        found = _Lift(own[: band.shape[1]], jnp.diagonal(factor.schur))
        return jax.tree.map(lambda x, s: x * x / s, found, scale)

    def all_above(found: _Lift, least: float) -> Array:
        # Comparisons with NaN are false.
        return (found.own > least).all() & (found.shared > least).all()

    def again(now: _Attempt) -> _Attempt:
        found = pivots(now.factor)
        probed = now.probing & all_above(found, 0.0) & all_above(now.before, 0.0)
        probe = jnp.where(probed, now.probe, now.probe * STIFFER)

        def chosen(pivot: Array, before: Array, scale: Array) -> Array:
            given = jnp.where(pivot > GROWN * before, jnp.maximum(probe, 1 / scale), 0)
            return jnp.where(probed, given, probe)

        lift = jax.tree.map(chosen, found, now.before, scale)
        known = now.probing & ~probed
        before = jax.tree.map(lambda x: jnp.where(known, x, jnp.nan), found)
        return _Attempt(factored(lift), lift, probe, ~probed, before)

    def goes_on(now: _Attempt) -> Array:
        drowned = ~all_above(pivots(now.factor), ROUNDING * float(jnp.finfo(dtype).eps))
        return (now.probing | drowned) & (now.probe < STIFFEST)

    # As if probes had found all pivots large: the first factor is of the arrow as it is.
    nothing = jax.tree.map(jnp.zeros_like, have)
    shapes = jax.eval_shape(factored, nothing)
    large = jax.tree.map(lambda x: jnp.full(x.shape, jnp.inf, dtype), (shapes, have))
    before = jnp.asarray(PROBE * jnp.finfo(dtype).eps / STIFFER, dtype)
    first = _Attempt(large[0], nothing, before, jnp.asarray(True), large[1])
    done = jax.lax.while_loop(goes_on, again, first)
    return done.factor, (done.lift.own > 0).sum() + (done.lift.shared > 0).sum()
