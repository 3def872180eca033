"""The kinematic code: how MyoFullBody without fingers moves at 30 phases of the gait cycle.

5,310 numbers = 30 phases x (89 coordinates + 88 velocities), in the order of MuJoCo's `qpos` and
`qvel`: the root's position (3) and quaternion (4), then 82 joints; the root's velocity (3) and
angular velocity in its own axes (3), then those of the joints. `Layout.names` says each by name.
"""

import dataclasses
import functools
import re
import tomllib

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from diffbio.body.default import TABLE, default_mjcf
from diffbio.body.mjcf import compile_mjcf, skeleton_from_model
from diffbio.body.skeleton import Coupling, Joint, Skeleton
from diffbio.errors import InputError
from diffbio.features.phase_code import N_PHASES, phases_of_cycle
from diffbio.fitting.fit import Fit
from diffbio.gait.cycles import Cycle, Cycles
from diffbio.gait.events import Side

_FINGER = re.compile(r"(?:cmc|mp|ip|mcp\d|pm\d|md\d)_(?:flexion|abduction)_[rl]")
"""Twenty joints of each hand, from the thumb's carpometacarpal joint on."""

_ROOT = tuple(f"root_{axis}" for axis in "xyz")


@dataclasses.dataclass(frozen=True)
class Layout:
    """Joints of the code, in their order.

    Attributes:
        joints: of the model, with OpenSim's names where diffbio renames them, root excluded.
        facing: angle about the vertical, in the root's axes, of where the neutral body looks.
    """

    joints: tuple[Joint, ...]
    facing: float

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns of one phase are called; velocities end on `_velocity`."""
        joints = tuple(joint.name for joint in self.joints)
        turns = tuple(f"root_angular_{axis}" for axis in "xyz")
        positions = (*_ROOT, *(f"root_q{part}" for part in "wxyz"), *joints)
        return positions + tuple(f"{name}_velocity" for name in (*_ROOT, *turns, *joints))

    @property
    def n_coordinates(self) -> int:
        """How many columns are positions: the first ones."""
        return 7 + len(self.joints)


@dataclasses.dataclass(frozen=True)
class CoordinateMotion:
    """A motion by names of its coordinates.

    Attributes:
        time: sample times, in seconds.
        root_position: in the world, z up, in metres.
        root_quaternion: `world_from_root`, unit, wxyz.
        joints: radians for hinges, metres for slides.
        joint_velocity: their derivative by time.
        joint_names: one per column, as of `BodyModel.joint_names`.
    """

    time: Float[np.ndarray, "time"]
    root_position: Float[np.ndarray, "time 3"]
    root_quaternion: Float[np.ndarray, "time 4"]
    joints: Float[np.ndarray, "time joint"]
    joint_velocity: Float[np.ndarray, "time joint"]
    joint_names: tuple[str, ...]

    @classmethod
    def of_fit(cls, fit: Fit) -> "CoordinateMotion":
        """The motion of a fit, also while no camera saw the person: interpolated."""
        motion = fit.motion
        return cls(
            motion.time,
            motion.root_position,
            motion.root_quaternion,
            motion.joints,
            motion.joint_velocity,
            fit.body.joint_names,
        )

    @classmethod
    def of_samples(
        cls,
        time: Float[np.ndarray, "time"],
        root_position: Float[np.ndarray, "time 3"],
        root_quaternion: Float[np.ndarray, "time 4"],
        joints: Float[np.ndarray, "time joint"],
        joint_names: tuple[str, ...],
    ) -> "CoordinateMotion":
        """A motion whose velocities are not known: central differences of its samples."""
        velocity = np.gradient(joints, time, axis=0)
        return cls(time, root_position, root_quaternion, joints, velocity, joint_names)


@dataclasses.dataclass(frozen=True)
class KinematicCode:
    """Coordinates and velocities over the cycle, averaged over a person's cycles.

    The world of each cycle is its own: the origin is below the root's mean place, z is up, and
    the body looks along +x, in the mean over the cycle. Neither the place in the room nor the
    direction of walking is in the code.

    Attributes:
        mean: over cycles, SI units and radians; the quaternion has unit length.
        sd: between cycles (n - 1); NaN where there was one.
        names: of the columns.
        at_reference: joints the motion does not have: they stay at the model's reference.
        left_out: joints of the motion that the layout does not have.
        n_cycles: how many the mean is of.
        side: whose contacts are phase 0.
    """

    mean: Float[np.ndarray, "phase column"]
    sd: Float[np.ndarray, "phase column"]
    names: tuple[str, ...]
    at_reference: tuple[str, ...]
    left_out: tuple[str, ...]
    n_cycles: int
    side: Side


@functools.lru_cache(maxsize=1)
def finger_less_layout() -> Layout:
    """The 82 joints of MyoFullBody without fingers: 89 coordinates, 88 velocities.

    Raises:
        InputError: the package with the default body is not installed.
    """
    model = compile_mjcf(default_mjcf())
    bodies = [model.body(number).name for number in range(1, model.nbody)]
    skeleton = skeleton_from_model(model, "MyoFullBody", bodies)
    renamed = tomllib.loads(TABLE.read_text())["coordinates"]
    kept = (joint for joint in skeleton.joints if not _FINGER.fullmatch(joint.name))
    return Layout(tuple(_renamed(joint, renamed) for joint in kept), _facing(skeleton))


def kinematic_code(
    motion: CoordinateMotion,
    cycles: Cycles,
    *,
    side: Side = "r",
    layout: Layout | None = None,
    n_phases: int = N_PHASES,
) -> KinematicCode:
    """Average the cycles of a motion, phase by phase.

    Joints are found by name. Coupled ones follow the joint that leads them, value and velocity;
    others that the motion does not have stay at the model's reference. The root's velocities are
    central differences of the samples, linear in the cycle's world, angular in the root's axes.

    Args:
        motion: with the clock of the cycles.
        cycles: of both feet.
        side: whose contacts are phase 0.
        layout: of the columns; by default MyoFullBody without fingers.
        n_phases: of the cycle.

    Raises:
        InputError: the foot has no complete cycle within the motion.
    """
    layout = finger_less_layout() if layout is None else layout
    joints, velocity = _joints(motion, layout)
    found = []
    for cycle in cycles.of(side):
        if motion.time[0] <= cycle.start.time and cycle.end.time <= motion.time[-1]:
            columns = _of_cycle(cycle, motion, (joints, velocity), layout.facing, n_phases)
            if np.isfinite(columns).all():
                found.append(columns)
    if not found:
        raise InputError(
            f"{'right' if side == 'r' else 'left'} leg",
            "It has no complete cycle within the motion.",
            "Record two successive contacts of the foot, or choose the other side.",
        )
    stack = np.stack(found)
    mean = stack.mean(0)
    mean[:, 3:7] /= np.linalg.norm(mean[:, 3:7], axis=1, keepdims=True)
    sd = stack.std(0, ddof=1) if len(stack) > 1 else np.full_like(mean, np.nan)
    there = {joint.name for joint in layout.joints}
    free = (joint for joint in layout.joints if joint.coupling is None)
    return KinematicCode(
        mean,
        sd,
        layout.names,
        tuple(joint.name for joint in free if joint.name not in motion.joint_names),
        tuple(name for name in motion.joint_names if name not in there),
        len(stack),
        side,
    )


def _facing(skeleton: Skeleton) -> float:
    """Angle about z, in the root's axes, of the pelvis's first axis: it points forward."""
    body, forward = skeleton.body_names.index("pelvis"), np.array([1.0, 0.0, 0.0])
    while body > 0:
        forward = Rotation.from_quat(skeleton.quaternion[body], scalar_first=True).apply(forward)
        body = skeleton.parents[body]
    # The model is turned by right angles, rounded to three digits.
    return float(np.round(np.arctan2(forward[1], forward[0]) / (np.pi / 2)) * (np.pi / 2))


def _renamed(joint: Joint, names: dict[str, str]) -> Joint:
    coupling = joint.coupling
    if coupling is not None and coupling.source is not None:
        coupling = coupling._replace(source=names.get(coupling.source, coupling.source))
    return dataclasses.replace(joint, name=names.get(joint.name, joint.name), coupling=coupling)


def _joints(motion: CoordinateMotion, layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Values and velocities of all joints of the layout, at the samples of the motion."""
    reference = {joint.name: joint.reference for joint in layout.joints}
    column = {name: number for number, name in enumerate(motion.joint_names)}
    values, rates = np.zeros((2, len(motion.time), len(layout.joints)))
    for number, joint in enumerate(layout.joints):
        coupling = joint.coupling or Coupling(joint.name, (0.0, 1.0, 0.0, 0.0, 0.0))
        polynomial = np.polynomial.Polynomial(coupling.polynomial)
        leader = coupling.source
        moved, rate = np.zeros((2, len(motion.time)))
        if leader in column:
            moved = motion.joints[:, column[leader]] - reference.get(leader, 0.0)
            rate = motion.joint_velocity[:, column[leader]]
        values[:, number] = joint.reference + polynomial(moved)
        rates[:, number] = polynomial.deriv()(moved) * rate
    return values, rates


def _of_cycle(
    cycle: Cycle,
    motion: CoordinateMotion,
    joints: tuple[np.ndarray, np.ndarray],
    facing: float,
    n_phases: int,
) -> Float[np.ndarray, "phase column"]:
    """All columns of one cycle, in the cycle's own world."""
    inside = (motion.time >= cycle.start.time) & (motion.time <= cycle.end.time)
    world_from_root = Rotation.from_quat(motion.root_quaternion, scalar_first=True)
    mean = Rotation.from_quat(motion.root_quaternion[inside], scalar_first=True).mean()
    w, _, _, z = mean.as_quat(scalar_first=True)
    heading = 2.0 * np.arctan2(z, w) + facing
    cycle_from_world = Rotation.from_rotvec([0.0, 0.0, -heading])
    position = cycle_from_world.apply(motion.root_position)
    cycle_from_root = cycle_from_world * world_from_root
    # A quaternion and its opposite are one rotation: near the neutral stance, w is positive.
    quaternion = cycle_from_root.as_quat(canonical=True, scalar_first=True)
    moving = np.gradient(position, motion.time, axis=0)
    turning = _angular_velocity(motion.time, cycle_from_root)
    columns = np.hstack([position, quaternion, joints[0], moving, turning, joints[1]])
    phases = phases_of_cycle(cycle, motion.time, columns, n_phases)
    phases[:, :2] -= phases[:, :2].mean(0)
    phases[:, 3:7] /= np.linalg.norm(phases[:, 3:7], axis=1, keepdims=True)
    return phases


def _angular_velocity(
    time: Float[np.ndarray, "time"], rotation: Rotation
) -> Float[np.ndarray, "time 3"]:
    """In the axes of what turns, in radians per second: over two samples, at the ends over one."""
    here = np.arange(len(time))
    before, after = np.maximum(here - 1, 0), np.minimum(here + 1, len(time) - 1)
    quaternion = rotation.as_quat()
    earlier, later = (Rotation.from_quat(quaternion[part]) for part in (before, after))
    turn = (earlier.inv() * later).as_rotvec()
    return turn / (time[after] - time[before])[:, None]
