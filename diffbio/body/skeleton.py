"""A skeleton as plain arrays: the bodies, joints and couplings that move a set of anchors."""

import dataclasses
import hashlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Coupling(NamedTuple):
    """Displacement of a joint as a quartic of an independent coordinate's displacement."""

    source: str | None
    polynomial: tuple[float, float, float, float, float]


@dataclasses.dataclass(frozen=True)
class Joint:
    """One scalar joint.

    Attributes:
        name: name of the coordinate.
        kind: `hinge` (radians) or `slide` (metres).
        body: index of the body it moves.
        axis: unit axis in the frame of that body.
        anchor: point of that body the axis passes through, in metres.
        reference: coordinate at which the joint displaces nothing (MuJoCo's `qpos0`).
        range: (lowest, highest) coordinate; infinite where the joint is not limited.
        coupling: how it follows another joint, or None for an independent joint.
    """

    name: str
    kind: str
    body: int
    axis: tuple[float, float, float]
    anchor: tuple[float, float, float]
    reference: float
    range: tuple[float, float]
    coupling: Coupling | None


class Inertia(NamedTuple):
    """Mass in kg, centre of mass in m, inertia about it in kg m^2, all in the body frame."""

    mass: float
    centre: Float[np.ndarray, "3"]
    tensor: Float[np.ndarray, "3 3"]


@dataclasses.dataclass(frozen=True, eq=False)
class Skeleton:
    """Bodies in topological order; body 0 is the root, moved by the pose of the root.

    Attributes:
        name: name of the model it was taken from.
        body_names: one per body.
        parents: index of the parent of each body, -1 for the root.
        position: origin of each body in its parent's frame, in metres.
        quaternion: `parent_from_body` at the reference coordinates, wxyz.
        inertia: inertia of each body, pruned descendants included.
        joints: joints in the order in which they act, root to leaves.
    """

    name: str
    body_names: tuple[str, ...]
    parents: tuple[int, ...]
    position: Float[np.ndarray, "body 3"]
    quaternion: Float[np.ndarray, "body 4"]
    inertia: tuple[Inertia, ...]
    joints: tuple[Joint, ...]

    @property
    def independent(self) -> tuple[Joint, ...]:
        """Joints that follow no other joint."""
        return tuple(joint for joint in self.joints if joint.coupling is None)

    def fingerprint(self) -> str:
        """A digest of the content: equal for equal skeletons."""
        digest = hashlib.sha256()
        digest.update(repr((self.name, self.body_names, self.parents, self.joints)).encode())
        arrays = [np.hstack([i.mass, i.centre, i.tensor.ravel()]) for i in self.inertia]
        for array in (self.position, self.quaternion, *arrays):
            digest.update(array.tobytes())
        return digest.hexdigest()


def freeze_unobserved(skeleton: Skeleton, carriers: set[str]) -> Skeleton:
    """The skeleton without the joints that move none of the carriers: they stay at reference.

    A joint that a kept joint follows is kept.
    """
    moves = [False] * len(skeleton.body_names)
    for body in reversed(range(len(moves))):
        moves[body] |= skeleton.body_names[body] in carriers
        if moves[body] and skeleton.parents[body] >= 0:
            moves[skeleton.parents[body]] = True
    kept = [joint for joint in skeleton.joints if moves[joint.body]]
    leaders = {joint.coupling.source for joint in kept if joint.coupling is not None}
    joints = tuple(j for j in skeleton.joints if moves[j.body] or j.name in leaders)
    return dataclasses.replace(skeleton, joints=joints)


def joint_polynomials(
    skeleton: Skeleton,
) -> tuple[np.ndarray, Float[np.ndarray, "joint 5"]]:
    """Every joint's displacement as a quartic of one independent coordinate.

    Returns:
        The index of the independent joint each joint follows, and the coefficients, lowest
        order first. An independent joint follows itself.
    """
    index = {joint.name: i for i, joint in enumerate(skeleton.independent)}
    source, polynomial = [], []
    for joint in skeleton.joints:
        if joint.coupling is None:
            source.append(index[joint.name])
            polynomial.append((0.0, 1.0, 0.0, 0.0, 0.0))
        elif joint.coupling.source is None:
            source.append(0)
            polynomial.append((joint.coupling.polynomial[0], 0.0, 0.0, 0.0, 0.0))
        else:
            source.append(index[joint.coupling.source])
            polynomial.append(joint.coupling.polynomial)
    return np.asarray(source, int), np.asarray(polynomial, float).reshape(-1, 5)
