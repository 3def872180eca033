"""What points say about everything that moves them: information added up from the leaves.

The information of all points beyond a joint about a twist is one 6 x 6 matrix, as the inertia of
all bodies beyond it is (the composite rigid body method, Walker and Orin 1982). Two movers meet
through the points beyond both: through the matrix of the one that is farther out.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

PAIRS = tuple(itertools.combinations_with_replacement(range(6), 2))
PLACE = [[PAIRS.index((min(a, b), max(a, b))) for b in range(6)] for a in range(6)]
"""Where an element of a symmetric matrix stands among those of its upper triangle."""


def moments(
    arm: Float[Array, "3 marker time"], information: list[list[Array]]
) -> Float[Array, "21 *camera marker time"]:
    """Information about a twist about the root from that about a point, upper triangle.

    Args:
        arm: the points relative to the root, in metres.
        information: about their positions, (x, y, z) against (x, y, z), for some cameras or all.
    """
    x, y, z = arm
    if information[0][0].ndim == 3:
        x, y, z = x[None], y[None], z[None]
    h = information
    # Column by column p x H, then row by row p x (that).
    mixed = [_cross((x, y, z), [h[i][j] for i in range(3)]) for j in range(3)]
    mixed = [[mixed[j][i] for j in range(3)] for i in range(3)]
    turning = [_cross((x, y, z), mixed[i]) for i in range(3)]
    blocks = {(0, 0): turning, (0, 1): mixed, (1, 1): h}
    unique = [blocks[a // 3, b // 3][a % 3][b % 3] for a, b in PAIRS]
    return jax.lax.optimization_barrier(jnp.stack(unique))


def beyond(
    carried: Bool[np.ndarray, "mover marker"], each: Float[Array, "*batch marker time"]
) -> Float[Array, "*batch mover time"]:
    """Sums over the markers beyond each mover."""
    return jnp.asarray(carried, each.dtype) @ each


def pressed(
    unique: Float[Array, "21 *camera mover time"], twist: Float[Array, "6 mover time"]
) -> Float[Array, "6 *camera mover time"]:
    """Symmetric matrices times twists: what resists each mover."""
    if unique.ndim == 4:
        twist = twist[:, None]
    rows = [sum(unique[PLACE[i][c]] * twist[c] for c in range(6)) for i in range(6)]
    return jax.lax.optimization_barrier(jnp.stack(rows))


def both_ways(
    contains: Bool[np.ndarray, "a b"],
    contained: Bool[np.ndarray, "b a"],
    outer: Float[Array, "*batch a b"],
    inner: Float[Array, "*batch a b"],
) -> Float[Array, "*batch a b"]:
    """Products of movers a and b, each pair through the one that is farther out.

    Args:
        contains: whether a contains b.
        contained: whether b contains a.
        outer: twist of a times what resists b, right where a contains b.
        inner: what resists a times the twist of b, right where b contains a.
    """
    outer = jnp.where(jnp.asarray(contains), outer, 0)
    return jnp.where(jnp.asarray(contained.T & ~contains), inner, outer)


def _cross(a: tuple[Array, ...], b: list[Array]) -> list[Array]:
    return [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
