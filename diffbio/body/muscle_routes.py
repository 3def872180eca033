"""Where muscles run: through points of bones and around surfaces, as plain data out of MJCF."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import mujoco
import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError, UnknownNameError

Vector = tuple[float, float, float]

_SURFACES = {
    int(mujoco.mjtWrap.mjWRAP_CYLINDER): "cylinder",
    int(mujoco.mjtWrap.mjWRAP_SPHERE): "sphere",
}


@dataclasses.dataclass(frozen=True)
class Via:
    """A point of a bone that a muscle passes.

    Attributes:
        body: name of the body that carries it.
        position: in the frame of that body, on the unscaled model, in metres.
    """

    body: str
    position: Vector


@dataclasses.dataclass(frozen=True)
class Surface:
    """What a muscle wraps around between two points, when it has to.

    Attributes:
        kind: `cylinder` (of no ends) or `sphere`.
        body: name of the body that carries it.
        position: of its centre, in the frame of that body, on the unscaled model, in metres.
        axes: of the surface as rows, in the frame of the body; a cylinder's axis is the last.
        radius: in metres.
        side: point of the same body on the side of the surface that the muscle passes, in metres.
    """

    kind: str
    body: str
    position: Vector
    axes: tuple[Vector, Vector, Vector]
    radius: float
    side: Vector


@dataclasses.dataclass(frozen=True)
class Route:
    """The way of one muscle from its origin to its insertion.

    Attributes:
        muscle: its name.
        steps: points, and surfaces between two of them.
    """

    muscle: str
    steps: tuple[Via | Surface, ...]


class ForceArrays(NamedTuple):
    """What MuJoCo's muscle force depends on, one row for each muscle.

    Attributes:
        names: of the muscles.
        gain: `actuator_gainprm`.
        bias: `actuator_biasprm`.
        dynamics: `actuator_dynprm`.
        path_range: `actuator_lengthrange`, in metres.
        acceleration: `actuator_acc0`.
    """

    names: tuple[str, ...]
    gain: Float[np.ndarray, "muscle parameter"]
    bias: Float[np.ndarray, "muscle parameter"]
    dynamics: Float[np.ndarray, "muscle parameter"]
    path_range: Float[np.ndarray, "muscle 2"]
    acceleration: Float[np.ndarray, "muscle"]


def forces_from_model(model: mujoco.MjModel, muscles: Sequence[str]) -> ForceArrays:
    """Force parameters of some muscles of a compiled model.

    Raises:
        UnknownNameError: the model has no such actuator.
    """
    chosen = [_actuator(model, muscle) for muscle in muscles]
    return ForceArrays(
        tuple(muscles),
        model.actuator_gainprm[chosen],
        model.actuator_biasprm[chosen],
        model.actuator_dynprm[chosen],
        model.actuator_lengthrange[chosen],
        model.actuator_acc0[chosen],
    )


def muscles_between(model: mujoco.MjModel, first: str, last: str) -> tuple[str, ...]:
    """Names of muscles that lie together in a model, the first and the last one included.

    Raises:
        UnknownNameError: the model has no such actuator.
    """
    ends = _actuator(model, first), _actuator(model, last)
    return tuple(model.actuator(one).name for one in range(ends[0], ends[1] + 1))


def routes_from_model(model: mujoco.MjModel, muscles: Sequence[str]) -> tuple[Route, ...]:
    """Routes of some muscles of a compiled model.

    Raises:
        UnknownNameError: the model has no such actuator.
        InputError: a muscle has a route that is not supported: pulleys, surfaces that are passed on
            the inside or on no stated side, an actuator that pulls no tendon through points.
    """
    return tuple(Route(muscle, _steps(model, muscle)) for muscle in muscles)


def _actuator(model: mujoco.MjModel, muscle: str) -> int:
    number = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_ACTUATOR, muscle)
    if number < 0:
        known = tuple(model.actuator(one).name for one in range(model.nu))
        raise UnknownNameError("muscle model", "muscle", muscle, known)
    return number


def _steps(model: mujoco.MjModel, muscle: str) -> tuple[Via | Surface, ...]:
    actuator = _actuator(model, muscle)
    if int(model.actuator_trntype[actuator]) != int(mujoco.mjtTrn.mjTRN_TENDON):
        raise _unsupported(muscle, "It pulls no tendon.")
    tendon = int(model.actuator_trnid[actuator, 0])
    start = int(model.tendon_adr[tendon])
    steps: list[Via | Surface] = []
    for wrap in range(start, start + int(model.tendon_num[tendon])):
        kind, number = int(model.wrap_type[wrap]), int(model.wrap_objid[wrap])
        if kind == int(mujoco.mjtWrap.mjWRAP_SITE):
            body = model.body(int(model.site_bodyid[number])).name
            steps.append(Via(body, _vector(model.site_pos[number])))
        elif kind in _SURFACES:
            side = int(model.wrap_prm[wrap])
            steps.append(_surface(model, muscle, _SURFACES[kind], number, side))
        else:
            raise _unsupported(muscle, "Its tendon runs over a pulley or along a joint.")
    return tuple(steps)


def _surface(model: mujoco.MjModel, muscle: str, kind: str, geom: int, side: int) -> Surface:
    axes = np.zeros(9)
    mujoco.mju_quat2Mat(axes, model.geom_quat[geom])
    axes = axes.reshape(3, 3).T
    centre, radius = model.geom_pos[geom], float(model.geom_size[geom, 0])
    if side < 0:
        raise _unsupported(muscle, "A surface has no site on the side where it is passed.")
    if model.site_bodyid[side] != model.geom_bodyid[geom]:
        raise _unsupported(muscle, "A surface and the site on its side are on two bodies.")
    if np.linalg.norm(model.site_pos[side] - centre) < radius:
        raise _unsupported(muscle, "It passes on the inside of a surface.")
    return Surface(
        kind,
        model.body(int(model.geom_bodyid[geom])).name,
        _vector(centre),
        (_vector(axes[0]), _vector(axes[1]), _vector(axes[2])),
        radius,
        _vector(model.site_pos[side]),
    )


def _vector(values: np.ndarray) -> Vector:
    x, y, z = map(float, values)
    return (x, y, z)


def _unsupported(muscle: str, found: str) -> InputError:
    remedy = "Leave the muscle out, or take its lengths from MuJoCo."
    return InputError(f"muscle {muscle!r}", found, remedy)
