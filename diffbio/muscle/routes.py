"""Where muscles run: through points of bones and around surfaces, as plain data out of MJCF."""

import dataclasses
from collections.abc import Sequence

import mujoco
import numpy as np

from diffbio.body.default import default_mjcf
from diffbio.body.mjcf import compile_mjcf
from diffbio.errors import InputError, UnknownNameError
from diffbio.muscle.force import Muscles, muscles_from_mujoco

Vector = tuple[float, float, float]

_SURFACES = {
    int(mujoco.mjtWrap.mjWRAP_CYLINDER): "cylinder",
    int(mujoco.mjtWrap.mjWRAP_SPHERE): "sphere",
}

_FIRST_OF_LEGS, _LAST_OF_LEGS = "addbrev_r", "vasmed_l"
"""The legs' 80 muscles lie together in MyoFullBody, those of the right leg before the left's."""


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


def leg_muscles() -> tuple[tuple[Route, ...], Muscles]:
    """Routes and parameters of the 80 muscles of MyoFullBody's legs.

    Raises:
        InputError: the package with the default body is not installed.
    """
    model = compile_mjcf(default_mjcf())
    first, last = model.actuator(_FIRST_OF_LEGS).id, model.actuator(_LAST_OF_LEGS).id
    names = [model.actuator(one).name for one in range(first, last + 1)]
    return routes_from_model(model, names), parameters_from_model(model, names)


def parameters_from_model(model: mujoco.MjModel, muscles: Sequence[str]) -> Muscles:
    """Force parameters of some muscles of a compiled model.

    Raises:
        UnknownNameError: the model has no such actuator.
        InputError: see `muscles_from_mujoco`.
    """
    chosen = [_actuator(model, muscle) for muscle in muscles]
    return muscles_from_mujoco(
        muscles,
        model.actuator_gainprm[chosen],
        model.actuator_biasprm[chosen],
        model.actuator_dynprm[chosen],
        model.actuator_lengthrange[chosen],
        model.actuator_acc0[chosen],
    )


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
