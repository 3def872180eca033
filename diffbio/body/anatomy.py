"""The whole body of one person, bones and muscles, as MyoFullBody has them: what a fit prunes.

A fit moves only the bodies that carry keypoints. Here all bodies, the meshes of the bones and the
paths of the muscles take the person's size and pose, in C MuJoCo. Masses stay the base model's:
this is for looking at, and for files that show bones.
"""

import dataclasses
import tomllib
from collections.abc import Mapping

import mujoco
import numpy as np
from jaxtyping import Float

from diffbio.body.bones_and_muscles import (
    POINTS_PER_WRAP,
    add_neck,
    body_sizes,
    bones_of,
    muscle_paths_of,
    scale_bodies,
)
from diffbio.body.default import TABLE, default_mjcf
from diffbio.errors import UnknownNameError


@dataclasses.dataclass(frozen=True)
class PosedAnatomy:
    """Everything in the world, over time.

    Attributes:
        positions: origins of the bodies, in metres.
        rotations: `world_from_body`.
        wrapped: points of `MusclePaths.wrapped`, in metres. Where a path misses the surface they
            lie on it nonetheless: at a third and two thirds of the way between its neighbours.
    """

    positions: Float[np.ndarray, "time body 3"]
    rotations: Float[np.ndarray, "time body 3 3"]
    wrapped: Float[np.ndarray, "time wrapped 3"]


@dataclasses.dataclass(frozen=True)
class AnatomyJoint:
    """One scalar joint, in the person's size.

    Attributes:
        name: of its coordinate.
        body: index of the body it moves; the joints of a body act in their order.
        slides: whether it displaces, else it turns.
        axis: in the frame of that body.
        anchor: point of the body the axis passes through, in metres.
        reference: coordinate at which it displaces nothing.
        stretch: displacement in metres per coordinate, of a joint that slides; else 1.
        range: lowest and highest coordinate.
        leader: name of the coordinate it follows, None where there is none.
        polynomial: its coordinate's difference from the reference as a polynomial of that of the
            leader, lowest power first; None for an independent joint.
    """

    name: str
    body: int
    slides: bool
    axis: Float[np.ndarray, "3"]
    anchor: Float[np.ndarray, "3"]
    reference: float
    stretch: float
    range: tuple[float, float]
    leader: str | None
    polynomial: Float[np.ndarray, "5"] | None


class Anatomy:
    """MyoFullBody with the proportions of one person.

    Attributes:
        body_names: all bodies, parents before children; the first is the root.
        body_parents: index of each body's parent, -1 for the root.
        bones: all meshes.
        muscles: all paths.
    """

    def __init__(self, scale: Mapping[str, float]) -> None:
        """Build the person.

        Args:
            scale: size of segments relative to the base model, by name. A segment that is not
                named has the size of the segment it hangs on, as in `default_body`.

        Raises:
            InputError: the package with the model is not installed.
            UnknownNameError: a segment is not one of the default body.
        """
        table = tomllib.loads(TABLE.read_text())
        if unknown := sorted(set(scale) - set(table["segments"])):
            raise UnknownNameError("MyoFullBody", "segment", unknown[0], tuple(table["segments"]))
        spec = mujoco.MjSpec.from_file(str(default_mjcf()))
        add_neck(spec, table["neck"])
        sizes = body_sizes(spec, table["segments"], scale)
        scale_bodies(spec, sizes)
        self._model = spec.compile()
        self._state = mujoco.MjData(self._model)
        self._original = {new: old for old, new in table["coordinates"].items()}
        model = self._model
        # MuJoCo's body 0 is the world.
        self.body_names = tuple(model.body(b).name for b in range(1, model.nbody))
        self.body_parents = tuple(int(b) - 1 for b in model.body_parentid[1:])
        self._stretch = np.array(
            [
                sizes.get(model.body(model.body_parentid[b]).name, 1.0)
                if model.jnt_type[j] == mujoco.mjtJoint.mjJNT_SLIDE
                else 1.0
                for j, b in enumerate(model.jnt_bodyid)
            ]
        )
        self.bones = tuple(bones_of(model))
        self.muscles, self._slot_after_site = muscle_paths_of(model)
        # Some tendons have no muscle.
        self._pulled = np.isin(np.arange(model.ntendon), model.actuator_trnid[:, 0])

    @property
    def body_pose(self) -> tuple[Float[np.ndarray, "body 3"], Float[np.ndarray, "body 4"]]:
        """Origin (m) and `parent_from_body` (wxyz) of each body, its joints at reference."""
        return self._model.body_pos[1:].copy(), self._model.body_quat[1:].copy()

    @property
    def joints(self) -> tuple[AnatomyJoint, ...]:
        """All joints but the free one of the root, in the order in which they act."""
        model = self._model
        renamed = {old: new for new, old in self._original.items()}
        names = [model.joint(j).name for j in range(model.njnt)]
        names = [renamed.get(name, name) for name in names]
        follows = {follower: (leader, p) for follower, leader, p in self._couplings()}
        joints = []
        for j in np.flatnonzero(model.jnt_type != mujoco.mjtJoint.mjJNT_FREE):
            leader, polynomial = follows.get(int(j), (-1, None))
            limited = bool(model.jnt_limited[j])
            low, high = model.jnt_range[j] if limited else (-np.inf, np.inf)
            joints.append(
                AnatomyJoint(
                    name=names[j],
                    body=int(model.jnt_bodyid[j]) - 1,
                    slides=bool(model.jnt_type[j] == mujoco.mjtJoint.mjJNT_SLIDE),
                    axis=model.jnt_axis[j].copy(),
                    anchor=model.jnt_pos[j].copy(),
                    reference=float(model.qpos0[model.jnt_qposadr[j]]),
                    stretch=float(self._stretch[j]),
                    range=(float(low), float(high)),
                    leader=names[leader] if leader >= 0 else None,
                    polynomial=None if polynomial is None else polynomial.copy(),
                )
            )
        return tuple(joints)

    def rigid_parts(self, coordinates: tuple[str, ...]) -> tuple[int, ...]:
        """For each body, the body it is rigidly joined to when only these coordinates move.

        Args:
            coordinates: names of the joint coordinates that move; others that are coupled to them
                move with them.

        Returns:
            Index of the topmost body of each rigid part: its own for a body that moves in its
            parent.
        """
        model = self._model
        moves = {self._joint(name) for name in coordinates}
        moves |= {follower for follower, leader, _ in self._couplings() if leader in moves}
        part = []
        for body, parent in enumerate(self.body_parents):
            first = int(model.body_jntadr[body + 1])
            joints = range(first, first + int(model.body_jntnum[body + 1]))
            own = parent < 0 or any(j in moves for j in joints)
            part.append(body if own else part[parent])
        return tuple(part)

    def posed(
        self,
        root_position: Float[np.ndarray, "time 3"],
        root_quaternion: Float[np.ndarray, "time 4"],
        joints: Mapping[str, Float[np.ndarray, "time"]],
    ) -> PosedAnatomy:
        """Forward kinematics of bodies and muscles.

        Args:
            root_position: origin of the root in the world, in metres.
            root_quaternion: `world_from_root`, wxyz.
            joints: coordinates by name, radians, and for slides metres in the base model's size
                (the convention of `Pose`). Others stay at their reference; those that are coupled
                follow.

        Raises:
            UnknownNameError: a coordinate is not one of the model.
        """
        model, state = self._model, self._state
        qpos = self._generalised_positions(root_position, root_quaternion, joints)
        positions, rotations, wrapped = [], [], []
        for q in qpos:
            state.qpos[:] = q
            mujoco.mj_kinematics(model, state)
            mujoco.mj_comPos(model, state)
            mujoco.mj_tendon(model, state)
            positions.append(state.xpos[1:].copy())
            rotations.append(state.xmat[1:].reshape(-1, 3, 3).copy())
            wrapped.append(self._wrapped_points())
        return PosedAnatomy(np.array(positions), np.array(rotations), np.array(wrapped))

    def _joint(self, name: str) -> int:
        known = [self._model.joint(j).name for j in range(self._model.njnt)]
        original = self._original.get(name, name)
        if original not in known:
            raise UnknownNameError("MyoFullBody", "joint", name, tuple(known[1:]))
        return known.index(original)

    def _couplings(self) -> list[tuple[int, int, Float[np.ndarray, "5"]]]:
        """Follower, leader (-1 for none) and polynomial of every joint equality."""
        model = self._model
        return [
            (int(model.eq_obj1id[e]), int(model.eq_obj2id[e]), model.eq_data[e, :5])
            for e in np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_JOINT)
            if model.eq_active0[e]
        ]

    def _generalised_positions(
        self,
        root_position: Float[np.ndarray, "time 3"],
        root_quaternion: Float[np.ndarray, "time 4"],
        joints: Mapping[str, Float[np.ndarray, "time"]],
    ) -> Float[np.ndarray, "time qpos"]:
        """`qpos` of every frame: the root, coordinates, couplings, slides in the person's size."""
        model = self._model
        at = model.jnt_qposadr
        displacement = np.zeros((len(root_position), model.njnt))
        for name, values in joints.items():
            j = self._joint(name)
            displacement[:, j] = values - model.qpos0[at[j]]
        for follower, leader, polynomial in self._couplings():
            z = displacement[:, leader] if leader >= 0 else np.zeros(len(displacement))
            displacement[:, follower] = np.polynomial.polynomial.polyval(z, polynomial)
        qpos = np.tile(model.qpos0, (len(displacement), 1))
        free = model.jnt_type == mujoco.mjtJoint.mjJNT_FREE
        qpos[:, at[~free]] += (displacement * self._stretch)[:, ~free]
        root = int(at[np.flatnonzero(free)[0]])
        qpos[:, root : root + 3], qpos[:, root + 3 : root + 7] = root_position, root_quaternion
        return qpos

    def _wrapped_points(self) -> Float[np.ndarray, "wrapped 3"]:
        """Points on wrapping surfaces in the present pose."""
        state, count = self._state, int(self._state.ten_wrapnum.sum())
        pulled = np.repeat(self._pulled, state.ten_wrapnum)
        points = state.wrap_xpos.reshape(-1, 3)[:count][pulled]
        on_surface = state.wrap_obj.reshape(-1)[:count][pulled] >= 0
        sites = points[~on_surface]
        slot = self._slot_after_site
        before = np.flatnonzero(slot >= 0)
        between = np.stack(
            [
                (2 * sites[before] + sites[before + 1]) / 3,
                (sites[before] + 2 * sites[before + 1]) / 3,
            ],
            axis=1,
        ).reshape(-1, 3)
        # A path's two points on a surface follow the site before it.
        first = np.flatnonzero(on_surface)[::POINTS_PER_WRAP]
        at = slot[np.cumsum(~on_surface)[first] - 1]
        between[at], between[at + 1] = points[first], points[first + 1]
        return between
