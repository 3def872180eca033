"""Skeletons out of MJCF: what moves a few bodies of any model that MuJoCo loads."""

import pathlib
from collections.abc import Iterable

import mujoco
import numpy as np

from diffbio.body.skeleton import Coupling, Inertia, Joint, Skeleton
from diffbio.errors import InputError, UnknownNameError

_KINDS = {
    int(mujoco.mjtJoint.mjJNT_HINGE): "hinge",
    int(mujoco.mjtJoint.mjJNT_SLIDE): "slide",
}


def compile_mjcf(path: str | pathlib.Path) -> mujoco.MjModel:
    """Compile an MJCF file.

    Raises:
        InputError: the file is missing, or MuJoCo cannot load it.
    """
    try:
        return mujoco.MjModel.from_xml_path(str(path))
    except ValueError as error:
        raise InputError(
            str(path),
            f"MuJoCo cannot load this model ({' '.join(str(error).split())}).",
            "Check the path, and that the file opens in MuJoCo's own viewer.",
        ) from error


def skeleton_from_model(model: mujoco.MjModel, name: str, carriers: Iterable[str]) -> Skeleton:
    """The part of a compiled model that moves some of its bodies.

    The root is the body with the free joint where there is one; its place is taken by the
    pose of the root. A model without a free joint is rooted in its world, so that a fit can
    place it anywhere.

    Args:
        model: a compiled model.
        name: what to call the result.
        carriers: bodies that must be kept.

    Raises:
        UnknownNameError: a carrier is not a body of the model.
        InputError: the model uses a joint or coupling that is not supported.
    """
    names = tuple(model.body(b).name or f"body_{b}" for b in range(model.nbody))
    root = _root(model, names, name)
    wanted = set(carriers)
    if unknown := sorted(wanted - set(names)):
        raise UnknownNameError(name, "body", unknown[0], names[1:])
    couplings = _couplings(model, name)
    kept = _ancestors(model, {names.index(body) for body in wanted}, root, name)
    while leaders := _leading_bodies(model, couplings, kept):
        kept = _ancestors(model, {*kept, *leaders}, root, name)
    index = {body: i for i, body in enumerate(kept)}
    position, quaternion = model.body_pos[kept], model.body_quat[kept]
    position[0], quaternion[0] = 0.0, [1.0, 0.0, 0.0, 0.0]
    return Skeleton(
        name=name,
        body_names=tuple(names[b] for b in kept),
        parents=(-1, *(index[int(model.body_parentid[b])] for b in kept[1:])),
        position=position,
        quaternion=quaternion,
        inertia=_lumped_inertia(model, kept),
        joints=tuple(
            _joint(model, j, index[b], couplings.get(j), name)
            for b in kept
            for j in _joints_of(model, b)
            if not (b == root and _is_free(model, b))
        ),
    )


def _joints_of(model: mujoco.MjModel, body: int) -> range:
    """Indices of the joints that move a body in its parent."""
    first = int(model.body_jntadr[body])
    return range(first, first + int(model.body_jntnum[body]))


def _is_free(model: mujoco.MjModel, body: int) -> bool:
    return any(model.jnt_type[j] == mujoco.mjtJoint.mjJNT_FREE for j in _joints_of(model, body))


def _root(model: mujoco.MjModel, names: tuple[str, ...], where: str) -> int:
    """Index of the body with the free joint, or of the world."""
    free = [b for b in range(1, model.nbody) if _is_free(model, b)]
    if len(free) > 1:
        raise InputError(
            where,
            f"Bodies {names[free[0]]!r} and {names[free[1]]!r} both have a free joint.",
            "Keep the person's, and remove what else moves freely.",
        )
    return free[0] if free else 0


def _ancestors(model: mujoco.MjModel, bodies: set[int], root: int, where: str) -> list[int]:
    """The bodies and all that carry them, up to the root, in the order of the model."""
    kept = {root}
    for body in bodies:
        ancestor = body
        while ancestor not in kept:
            if ancestor == 0:
                raise InputError(
                    where,
                    f"Body {model.body(body).name!r} does not descend from the free root, "
                    f"{model.body(root).name!r}.",
                    "Anchor keypoints on the moving body only.",
                )
            kept.add(ancestor)
            ancestor = int(model.body_parentid[ancestor])
    return sorted(kept)


def _leading_bodies(
    model: mujoco.MjModel, couplings: dict[int, Coupling], kept: list[int]
) -> set[int]:
    """Bodies not kept whose joints lead a kept joint (the elevation that moves a scapula)."""
    sources = [c.source for j, c in couplings.items() if model.jnt_bodyid[j] in kept]
    leaders = {int(model.jnt_bodyid[model.joint(s).id]) for s in sources if s is not None}
    return leaders - set(kept)


def _joint(
    model: mujoco.MjModel, joint: int, body: int, coupling: Coupling | None, where: str
) -> Joint:
    """One joint of the model, which moves the body of that index in the skeleton."""
    kind = int(model.jnt_type[joint])
    if kind not in _KINDS:
        raise InputError(
            where,
            f"Joint {model.joint(joint).name!r} is a ball joint.",
            "Replace it by three hinges.",
        )
    x, y, z = map(float, model.jnt_axis[joint])
    a, b, c = map(float, model.jnt_pos[joint])
    low, high = map(float, model.jnt_range[joint])
    return Joint(
        name=model.joint(joint).name or f"joint_{joint}",
        kind=_KINDS[kind],
        body=body,
        axis=(x, y, z),
        anchor=(a, b, c),
        reference=float(model.qpos0[model.jnt_qposadr[joint]]),
        range=(low, high) if model.jnt_limited[joint] else (-np.inf, np.inf),
        coupling=coupling,
    )


def _couplings(model: mujoco.MjModel, where: str) -> dict[int, Coupling]:
    """The joints that follow another, or stand still, by index."""
    couplings = {}
    for e in np.flatnonzero(model.eq_type == mujoco.mjtEq.mjEQ_JOINT):
        if not model.eq_active0[e]:
            continue
        follower, source = int(model.eq_obj1id[e]), int(model.eq_obj2id[e])
        c0, c1, c2, c3, c4 = map(float, model.eq_data[e, :5])
        leader = model.joint(source).name if source >= 0 else None
        couplings[follower] = Coupling(leader, (c0, c1, c2, c3, c4))
    followers = {model.joint(j).name for j in couplings}
    for j, coupling in couplings.items():
        if coupling.source in followers:
            raise InputError(
                where,
                f"Joint {model.joint(j).name!r} follows {coupling.source!r}, a follower itself.",
                "Couple every dependent joint to an independent one.",
            )
    return couplings


def _lumped_inertia(model: mujoco.MjModel, kept: list[int]) -> tuple[Inertia, ...]:
    """Inertia of each kept body together with the pruned bodies it carries, at `qpos0`."""
    state = mujoco.MjData(model)
    mujoco.mj_kinematics(model, state)
    members: dict[int, list[int]] = {body: [body] for body in kept}
    owner = {body: body for body in kept}
    for body in range(1, model.nbody):
        parent = int(model.body_parentid[body])
        # What the root does not carry (the floor, say) belongs to nobody.
        if body not in owner and parent in owner:
            owner[body] = owner[parent]
            members[owner[body]].append(body)
    return tuple(_inertia(model, state, body, members[body]) for body in kept)


def _inertia(model: mujoco.MjModel, state: mujoco.MjData, body: int, members: list[int]) -> Inertia:
    """Inertia of rigidly connected bodies in the frame of one of them."""
    world_from_body = state.xmat[body].reshape(3, 3)
    mass = model.body_mass[members]
    centres = (state.xipos[members] - state.xpos[body]) @ world_from_body
    total = float(mass.sum())
    centre = mass @ centres / total if total > 0 else np.zeros(3)
    tensor = np.zeros((3, 3))
    for b, m, c in zip(members, mass, centres - centre, strict=True):
        axes = world_from_body.T @ state.ximat[b].reshape(3, 3)
        tensor += axes @ np.diag(model.body_inertia[b]) @ axes.T
        tensor += m * (c @ c * np.eye(3) - np.outer(c, c))
    return Inertia(total, centre, tensor)
