"""The shortest way around a cylinder or a sphere, on a stated side, and how it pulls.

A way is two straight pieces and an arc between them, all in one plane once a cylinder is unrolled:
its length is that of the straight line on the unrolled surface. What a point at its end feels is
the direction of the piece that ends there, whatever the arc does (its ends lie where the length is
least, so moving them changes nothing).

Which of the two ways around is taken, and when neither is, is as MuJoCo 4 decides, so that both
programs agree: the one whose middle is nearer to the side, and none of more than half a turn.
Arrays have time last.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

TINY = 1e-12
"""Square metres, below which a direction is arbitrary."""

TOO_LONG = -2.0
"""Less than any cosine: no favour at all."""


class Way(NamedTuple):
    """A way around surfaces, in their own axes.

    Attributes:
        length: from end to end, in metres; of the straight line where nothing is in the way.
        pull: derivative of the length with respect to the first and the second end.
        wrapped: whether it touches the surface.
    """

    length: Float[Array, "surface time"]
    pull: tuple[Float[Array, "3 surface time"], Float[Array, "3 surface time"]]
    wrapped: Bool[Array, "surface time"]


class _Arc(NamedTuple):
    """One of two ways around a circle.

    Attributes:
        straight: length of both straight pieces.
        sine: of the angle between the points where they touch, in the way's direction.
        cosine: likewise.
        first: derivative of the way's length by the first end.
        second: likewise by the second.
        favour: how near the way's middle is to the wanted side; `TOO_LONG` after half a turn.
    """

    straight: Array
    sine: Array
    cosine: Array
    first: Array
    second: Array
    favour: Array


def around_cylinders(
    first: Float[Array, "3 surface time"],
    second: Float[Array, "3 surface time"],
    side: Float[Array, "3 surface 1"],
    radius: Float[Array, "surface 1"],
) -> Way:
    """Around cylinders along their third axis.

    Args:
        first: one end, in the axes of the cylinder, in metres.
        second: the other end.
        side: a point on the side that is passed.
        radius: in metres.
    """
    towards = _unit(side[:2])
    planar, a, b, wrapped = _around_circle(first[:2], second[:2], towards, radius)
    rise = second[2] - first[2]
    length = jnp.sqrt(planar**2 + rise**2)
    flat, steep = (planar / length)[None], (rise / length)[None]
    pull = (
        jnp.concatenate([flat * a, -steep]),
        jnp.concatenate([flat * b, steep]),
    )
    return _or_straight(Way(length, pull, wrapped), first, second)


def around_spheres(
    first: Float[Array, "3 surface time"],
    second: Float[Array, "3 surface time"],
    side: Float[Array, "3 surface 1"],
    radius: Float[Array, "surface 1"],
) -> Way:
    """Around spheres, in the plane of both ends and the centre; see `around_cylinders`."""
    x = _unit(first)
    across = second - dot(second, x)[None] * x
    y = _unit(across)

    def flat(point: Array) -> Array:
        return jnp.stack([dot(point, x), dot(point, y)])

    planar, a, b, wrapped = _around_circle(flat(first), flat(second), _unit(flat(side)), radius)
    pull = (a[:1] * x + a[1:] * y, b[:1] * x + b[1:] * y)
    return _or_straight(Way(planar, pull, wrapped), first, second)


def _or_straight(way: Way, first: Array, second: Array) -> Way:
    """The straight line where nothing is wrapped."""
    between = second - first
    distance = jnp.sqrt(jnp.maximum(dot(between, between), TINY))
    direct = between / distance[None]
    wrapped = way.wrapped[None]
    a, b = way.pull
    return Way(
        jnp.where(way.wrapped, way.length, distance),
        (jnp.where(wrapped, a, -direct), jnp.where(wrapped, b, direct)),
        way.wrapped,
    )


def _around_circle(
    first: Float[Array, "2 surface time"],
    second: Float[Array, "2 surface time"],
    side: Float[Array, "2 surface #time"],
    radius: Float[Array, "surface 1"],
) -> tuple[Array, Array, Array, Array]:
    """Length, its derivatives by both ends, and whether the circle is touched.

    What it returns where the circle is not touched is finite and means nothing.
    """
    near, far = dot(first, first), dot(second, second)
    between = second - first
    share = -dot(between, first) / jnp.maximum(dot(between, between), TINY)
    nearest = first + jnp.clip(share, 0, 1)[None] * between
    outside = (near >= radius**2) & (far >= radius**2)
    in_the_way = (dot(nearest, nearest) <= radius**2) | (dot(side, nearest) < 0)
    one, other = (_arc(first, second, side, radius, turn) for turn in (1.0, -1.0))
    # Clockwise only where it is better, as MuJoCo decides where both are as good.
    clockwise = one.favour > other.favour
    arc = jax.tree.map(
        lambda x, y: jnp.where(jnp.broadcast_to(clockwise, x.shape), x, y), one, other
    )
    length = arc.straight + radius * jnp.arctan2(arc.sine, arc.cosine)
    return length, arc.first, arc.second, outside & in_the_way & (arc.favour > TOO_LONG)


def _arc(
    first: Array, second: Array, side: Array, radius: Float[Array, "surface 1"], turn: float
) -> _Arc:
    """The way that turns clockwise (`turn` 1) or the other way (-1) around the circle."""
    start, piece = _tangent(first, radius, turn)
    end, last = _tangent(second, radius, -turn)
    cosine = dot(start, end)
    sine = -turn * (start[0] * end[1] - start[1] * end[0])
    favour = jnp.where(sine < 0, TOO_LONG, dot(_unit(start + end), side))
    a = -turn * jnp.stack([start[1], -start[0]])
    b = turn * jnp.stack([end[1], -end[0]])
    return _Arc(piece + last, sine, cosine, a, b, favour)


def _tangent(point: Array, radius: Array, turn: float) -> tuple[Array, Array]:
    """Unit vector to where a line from a point touches the circle, and the line's length."""
    squared = jnp.maximum(dot(point, point), TINY)
    beyond = squared - radius**2
    # The root has no derivative at zero, where the point lies on the circle.
    piece = jnp.where(beyond > 0, jnp.sqrt(jnp.where(beyond > 0, beyond, 1.0)), 0.0)
    turned = jnp.stack([point[1], -point[0]])
    return (radius[None] * point + turn * piece[None] * turned) / squared[None], piece


def _unit(vector: Array) -> Array:
    return vector / jnp.sqrt(jnp.maximum(dot(vector, vector), TINY))[None]


def dot(a: Array, b: Array) -> Array:
    """Written out: XLA on a CPU does not vectorise a sum over the first axis."""
    product = a[0] * b[0]
    for x, y in zip(a[1:], b[1:], strict=True):
        product = product + x * y
    return product
