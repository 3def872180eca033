"""Lengths and moment arms of muscles on a scaled person, for all frames at once.

The points of all routes are markers of a body model, so they move as markers do. What a tendon
does to the bones at one newton is a few pairs of a force and its moment, one for each piece of the
route that joins two bones; a moment arm is the power of those that lie beyond a joint, per unit of
the joint's speed. Nothing is differentiated, and pieces within a bone cost nothing but length.

Joints that follow another count with it: a moment arm is about an independent coordinate, with
everything that moves along (the kneecap, say).
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffbio.body import BodyModel, BodyParameters, Pose, default_body
from diffbio.body.jacobian import Twists, cross, twist_kinematics
from diffbio.body.keypoint_set import Anchor, AnchorClass, KeypointSet
from diffbio.body.muscle_routes import Route, Surface, Via
from diffbio.muscle.wrapping import Way, around_cylinders, around_spheres, dot

_EXACT = jax.lax.Precision.HIGHEST

_AROUND = {"cylinder": around_cylinders, "sphere": around_spheres}


class PathState(NamedTuple):
    """Muscles in some poses.

    Attributes:
        length: from origin to insertion, in metres.
        moment_arm: about every independent coordinate: minus the derivative of the length, in
            metres (per radian, or per metre of a slide). Positive where the muscle, pulling, turns
            the joint towards larger values.
    """

    length: Float[Array, "time muscle"]
    moment_arm: Float[Array, "time coordinate muscle"]


class _Pulls(NamedTuple):
    """Unit pulls of tendons on bones, in world axes about the root's origin.

    Attributes:
        length: of the pieces they belong to, in metres.
        wrench: force and moment.
    """

    length: Float[Array, "piece time"]
    wrench: Float[Array, "6 pull time"]


class _Wraps(NamedTuple):
    """Pieces around surfaces of one kind.

    Attributes:
        kind: of the surfaces.
        first: marker before each.
        second: marker behind each.
        centre: marker at each one's centre.
        axes: of each surface as rows, in the frame of its body.
        side: a point on the side that is passed, in the axes of the surface, in metres.
        radius: in metres.
    """

    kind: str
    first: Int[np.ndarray, "wrap"]
    second: Int[np.ndarray, "wrap"]
    centre: Int[np.ndarray, "wrap"]
    axes: Float[np.ndarray, "wrap 3 3"]
    side: Float[np.ndarray, "wrap 3"]
    radius: Float[np.ndarray, "wrap"]

    def turn(self, dtype: np.dtype) -> Float[Array, "3 3 wrap 1"]:
        """`surface_from_body` of every surface."""
        return jnp.asarray(np.moveaxis(self.axes, 0, -1), dtype)[..., None]


class MusclePaths:
    """The constant half of the paths of some muscles.

    Attributes:
        names: of the muscles.
        body: whose markers are the points of the routes; its coordinates are those of the moment
            arms, its segments those that scale.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        build: Callable[[KeypointSet], BodyModel] = default_body,
    ) -> None:
        """
        Args:
            routes: of the muscles.
            build: the anatomy, given what it has to carry.
        """
        self.names = tuple(route.muscle for route in routes)
        anchors, straight, around = _pieces(routes)
        points = tuple(anchor.keypoint for anchor in anchors)
        self.body = build(KeypointSet("muscle_paths", points, tuple(anchors)))
        self._twists = twist_kinematics(self.body)
        self._straight = np.asarray([(a, b) for _, a, b in straight], int).reshape(-1, 2)
        self._wraps = [_wraps(kind, around, points) for kind in _AROUND]
        owners = [muscle for muscle, _, _ in straight]
        owners += [muscle for kind in _AROUND for muscle, s, *_ in around if s.kind == kind]
        self._sum = np.eye(len(routes))[:, owners]
        self._arms()

    def _arms(self) -> None:
        """Which pulls lie beyond which movers, and the muscle and coordinate they count for."""
        beyond = np.asarray(self._twists.carried, int)[6 : self._twists.n_own]
        piece_of, tips = self._pulls_on(beyond)
        n_joint = len(self.body.joint_names)
        coordinate = np.concatenate([np.arange(n_joint), np.asarray(self._twists.further) - 6])
        mover, pull = np.nonzero(tips)
        muscle = self._sum.argmax(0)[piece_of[pull]]
        cells = coordinate[mover] * len(self.names) + muscle
        kept, row = np.unique(cells, return_inverse=True)
        self._mover, self._pull = mover + 6, pull
        self._gather = np.zeros((len(kept), len(pull)))
        self._gather[row, np.arange(len(pull))] = tips[mover, pull]
        # Cells without a moment arm read a row of zeros at the end.
        self._cell = np.full(n_joint * len(self.names), len(kept))
        self._cell[kept] = np.arange(len(kept))

    def _pulls_on(
        self, beyond: Int[np.ndarray, "mover marker"]
    ) -> tuple[Int[np.ndarray, "pull"], Int[np.ndarray, "mover pull"]]:
        """The piece each pull belongs to, and 1, -1 or 0 where it acts beyond, before, or on both
        sides of a mover."""
        a, b = self._straight.T
        piece, tips = [np.arange(len(a))], [beyond[:, b] - beyond[:, a]]
        done = len(a)
        for wraps in self._wraps:
            for end in (wraps.first, wraps.second):
                piece.append(done + np.arange(len(end)))
                tips.append(beyond[:, end] - beyond[:, wraps.centre])
            done += len(wraps.centre)
        return np.concatenate(piece), np.concatenate(tips, axis=1)

    @functools.partial(jax.jit, static_argnums=0)
    def __call__(
        self, log_scale: Float[Array, "segment"], joints: Float[Array, "time coordinate"]
    ) -> PathState:
        """Lengths and moment arms. Differentiable in both modes; where a muscle meets or leaves a
        surface, moment arms have a kink.

        Args:
            log_scale: of the segments of `body`.
            joints: independent coordinates of `body`.
        """
        twists = jax.lax.optimization_barrier(self._placed(log_scale, joints))
        scale = jnp.exp(log_scale)[np.asarray(self.body.segment_of_body)][self.body.marker_body]
        pulls = self._pulled(twists, scale)
        of_mover, of_pull = twists.twist[:, self._mover], pulls.wrench[:, self._pull]
        power = dot(of_mover[:3], of_pull[3:]) + dot(of_mover[3:], of_pull[:3])
        rate = jnp.matmul(jnp.asarray(self._gather, power.dtype), power, precision=_EXACT)
        rate = jnp.concatenate([rate, jnp.zeros_like(rate[:1])])[self._cell]
        total = jnp.matmul(jnp.asarray(self._sum, power.dtype), pulls.length, precision=_EXACT)
        shape = (joints.shape[1], len(self.names), joints.shape[0])
        return PathState(total.T, -jnp.moveaxis(rate.reshape(shape), -1, 0))

    def _placed(self, log_scale: Array, joints: Array) -> Twists:
        """The points of all routes with the root at rest in the world's origin."""
        n, dtype = joints.shape[0], joints.dtype
        rest = self.body.neutral_pose(n, dtype)
        nothing = jnp.zeros((len(self.body.marker_names), 3), dtype)
        pose = Pose(rest.root_position, rest.root_quaternion, joints)
        return self._twists(BodyParameters(log_scale, nothing), pose)

    def _pulled(self, twists: Twists, scale: Float[Array, "marker"]) -> _Pulls:
        a, b = twists.arm[:, self._straight[:, 0]], twists.arm[:, self._straight[:, 1]]
        length = jnp.sqrt(dot(b - a, b - a))
        direction = (b - a) / length[None]
        lengths, forces, arms = [length], [direction], [b]
        for wraps in self._wraps:
            way = _way(wraps, twists, scale)
            turn = twists.rotation[:, :, wraps.centre]
            back = jnp.swapaxes(wraps.turn(turn.dtype), 0, 1)
            lengths.append(way.length)
            for end, pull in zip((wraps.first, wraps.second), way.pull, strict=True):
                forces.append(_turned(turn, _turned(back, pull)))
                arms.append(twists.arm[:, end])
        force, arm = jnp.concatenate(forces, axis=1), jnp.concatenate(arms, axis=1)
        return _Pulls(jnp.concatenate(lengths), jnp.concatenate([force, cross(arm, force)]))


def _way(wraps: _Wraps, twists: Twists, scale: Float[Array, "marker"]) -> Way:
    """Around the surfaces of one kind, in their own axes."""
    turn, centre = twists.rotation[:, :, wraps.centre], twists.arm[:, wraps.centre]
    size = scale[wraps.centre]

    def in_surface(markers: Int[np.ndarray, "wrap"]) -> Float[Array, "3 wrap time"]:
        in_body = _turned(jnp.swapaxes(turn, 0, 1), twists.arm[:, markers] - centre)
        return _turned(wraps.turn(in_body.dtype), in_body)

    side = jnp.asarray(wraps.side.T, size.dtype) * size[None]
    radius = jnp.asarray(wraps.radius, size.dtype) * size
    first, second = in_surface(wraps.first), in_surface(wraps.second)
    return _AROUND[wraps.kind](first, second, side[..., None], radius[:, None])


def _turned(
    matrix: Float[Array, "3 3 wrap #time"], vector: Float[Array, "3 wrap time"]
) -> Float[Array, "3 wrap time"]:
    return jnp.stack([dot(row, vector) for row in matrix])


_Straight = tuple[int, int, int]
"""Muscle, and the points at both ends."""

_Around = tuple[int, Surface, int, int, int]
"""Muscle, surface, the points before and behind it, and its centre."""


def _pieces(routes: Sequence[Route]) -> tuple[list[Anchor], list[_Straight], list[_Around]]:
    """Points, and the pieces between them."""
    anchors: list[Anchor] = []
    straight: list[_Straight] = []
    around: list[_Around] = []
    for muscle, route in enumerate(routes):
        at: list[int] = []
        for i, step in enumerate(route.steps):
            at.append(len(anchors))
            name = f"{route.muscle}.{i}"
            anchors.append(Anchor(name, step.body, step.position, AnchorClass.BONY_LANDMARK))
        for i, step in enumerate(route.steps):
            if isinstance(step, Surface):
                around.append((muscle, step, at[i - 1], at[i + 1], at[i]))
            elif i and isinstance(route.steps[i - 1], Via):
                straight.append((muscle, at[i - 1], at[i]))
    return anchors, straight, around


def _wraps(kind: str, around: list[_Around], points: tuple[str, ...]) -> _Wraps:
    chosen = [one for one in around if one[1].kind == kind]
    axes = np.asarray([surface.axes for _, surface, *_ in chosen]).reshape(-1, 3, 3)
    side = [np.subtract(surface.side, surface.position) for _, surface, *_ in chosen]
    in_surface = np.einsum("wij,wj->wi", axes, np.reshape(side, (-1, 3)))
    first, second, centre = np.asarray([one[2:] for one in chosen], int).reshape(-1, 3).T
    radius = np.asarray([surface.radius for _, surface, *_ in chosen])
    return _Wraps(kind, first, second, centre, axes, in_surface, radius)
