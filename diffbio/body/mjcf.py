"""Skeletons from MJCF and back. With `mjx_kinematics`, the only importer of mujoco."""

import pathlib
from collections.abc import Iterable

import mujoco
import numpy as np
from jaxtyping import Float

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
            f"MuJoCo cannot load this model ({str(error).strip().splitlines()[0]}).",
            "Check the path, and that the file opens in MuJoCo's own viewer.",
        ) from error


def skeleton_from_model(
    model: mujoco.MjModel, name: str, carriers: Iterable[str] | None = None
) -> Skeleton:
    """The part of a compiled model that moves some of its bodies.

    The root is the body with the free joint where there is one; its place is taken by the
    pose of the root. A model without a free joint is rooted in its world, so that a fit can
    place it anywhere.

    Args:
        model: a compiled model.
        name: what to call the result.
        carriers: bodies that must be kept; all of them when None.

    Raises:
        UnknownNameError: a carrier is not a body of the model.
        InputError: the model uses a joint or coupling that is not supported.
    """
    names = [model.body(b).name or f"body_{b}" for b in range(model.nbody)]
    free = [b for b in range(1, model.nbody) if _is_free(model, b)]
    root = free[0] if free else 0
    if len(free) > 1 or (free and model.body_parentid[root] != 0):
        raise InputError(
            name,
            f"Body {names[free[-1]]!r} has a free joint but is not the single root of the model.",
            "Keep one free joint, on a child of the world.",
        )
    wanted = set(names[1:] if carriers is None else carriers)
    if unknown := sorted(wanted - set(names)):
        raise UnknownNameError(name, "body", unknown[0], tuple(names[1:]))
    kept = _ancestors(model, [names.index(body) for body in wanted], root, name)
    while leaders := _leaders(model, kept):
        kept = _ancestors(model, [*kept, *leaders], root, name)
    index = {body: i for i, body in enumerate(kept)}
    joints = _joints(model, kept, index, name)
    return Skeleton(
        name=name,
        body_names=tuple(names[b] for b in kept),
        parents=tuple(-1 if b == root else index[model.body_parentid[b]] for b in kept),
        position=np.where(np.asarray(kept)[:, None] == root, 0.0, model.body_pos[kept]),
        quaternion=np.where(
            np.asarray(kept)[:, None] == root, [1.0, 0.0, 0.0, 0.0], model.body_quat[kept]
        ),
        inertia=_lumped_inertia(model, kept, root),
        joints=joints,
    )


def _is_free(model: mujoco.MjModel, body: int) -> bool:
    first = model.body_jntadr[body]
    return first >= 0 and model.jnt_type[first] == mujoco.mjtJoint.mjJNT_FREE


def _ancestors(model: mujoco.MjModel, bodies: list[int], root: int, name: str) -> list[int]:
    kept = {root}
    for body in bodies:
        while body not in kept:
            kept.add(body)
            if body == 0:
                raise InputError(
                    name,
                    f"Body {model.body(bodies[0]).name!r} does not descend from the free root.",
                    "Anchor keypoints on the moving body only.",
                )
            body = int(model.body_parentid[body])
    return sorted(kept)


def _leaders(model: mujoco.MjModel, kept: list[int]) -> set[int]:
    """Bodies not kept whose joints lead a kept joint (the elevation that moves a scapula)."""
    leaders = set()
    for e in range(model.neq):
        follower, leader = int(model.eq_obj1id[e]), int(model.eq_obj2id[e])
        if model.eq_type[e] == mujoco.mjtEq.mjEQ_JOINT and leader >= 0 and model.eq_active0[e]:
            if model.jnt_bodyid[follower] in kept:
                leaders.add(int(model.jnt_bodyid[leader]))
    return leaders - set(kept)


def _joints(
    model: mujoco.MjModel, kept: list[int], index: dict[int, int], name: str
) -> tuple[Joint, ...]:
    couplings = _couplings(model, name)
    joints = []
    for body in kept:
        first = model.body_jntadr[body]
        for j in range(first, first + model.body_jntnum[body]):
            kind = int(model.jnt_type[j])
            if kind == mujoco.mjtJoint.mjJNT_FREE:
                continue
            if kind not in _KINDS:
                raise InputError(
                    name,
                    f"Joint {model.joint(j).name!r} is a ball joint.",
                    "Replace it by three hinges.",
                )
            limited = bool(model.jnt_limited[j])
            low, high = model.jnt_range[j] if limited else (-np.inf, np.inf)
            joints.append(
                Joint(
                    name=model.joint(j).name or f"joint_{j}",
                    kind=_KINDS[kind],
                    body=index[body],
                    axis=tuple(map(float, model.jnt_axis[j])),
                    anchor=tuple(map(float, model.jnt_pos[j])),
                    reference=float(model.qpos0[model.jnt_qposadr[j]]),
                    range=(float(low), float(high)),
                    coupling=couplings.get(j),
                )
            )
    return tuple(joints)


def _couplings(model: mujoco.MjModel, name: str) -> dict[int, Coupling]:
    couplings = {}
    for e in range(model.neq):
        if model.eq_type[e] != mujoco.mjtEq.mjEQ_JOINT or not model.eq_active0[e]:
            continue
        follower, source = int(model.eq_obj1id[e]), int(model.eq_obj2id[e])
        polynomial = tuple(map(float, model.eq_data[e, :5]))
        couplings[follower] = Coupling(model.joint(source).name if source >= 0 else None, polynomial)
    followers = {model.joint(j).name for j in couplings}
    for j, coupling in couplings.items():
        if coupling.source in followers:
            raise InputError(
                name,
                f"Joint {model.joint(j).name!r} follows {coupling.source!r}, a follower itself.",
                "Couple every dependent joint to an independent one.",
            )
    return couplings


def _lumped_inertia(model: mujoco.MjModel, kept: list[int], root: int) -> tuple[Inertia, ...]:
    """Inertia of each kept body together with the pruned bodies it carries, at `qpos0`."""
    state = mujoco.MjData(model)
    mujoco.mj_kinematics(model, state)
    owner = {}
    for body in range(model.nbody):
        owner[body] = body if body in kept else owner.get(int(model.body_parentid[body]), root)
    lumped = []
    for body in kept:
        members = [b for b, o in owner.items() if o == body and (b != 0 or root == 0)]
        mass = model.body_mass[members]
        world_from_body = state.xmat[body].reshape(3, 3)
        centres = (state.xipos[members] - state.xpos[body]) @ world_from_body
        total = float(mass.sum())
        centre = mass @ centres / total if total > 0 else np.zeros(3)
        tensor = np.zeros((3, 3))
        for b, m, c in zip(members, mass, centres - centre, strict=True):
            axes = world_from_body.T @ state.ximat[b].reshape(3, 3)
            tensor += axes @ np.diag(model.body_inertia[b]) @ axes.T
            tensor += m * (c @ c * np.eye(3) - np.outer(c, c))
        lumped.append(Inertia(total, centre, tensor))
    return tuple(lumped)


def spec_from_skeleton(
    skeleton: Skeleton,
    scale: Float[np.ndarray, "body"],
    markers: dict[str, tuple[str, Float[np.ndarray, "3"]]],
) -> mujoco.MjSpec:
    """The MJCF of one person: scaled bodies, joints, couplings, markers as sites.

    Args:
        skeleton: the anatomy.
        scale: size of each body relative to the skeleton. Origins follow the parent's factor,
            joint anchors their own, masses its cube, inertia its fifth power.
        markers: body and position in its frame, in metres, of every marker.
    """
    spec = mujoco.MjSpec()
    spec.modelname = skeleton.name
    spec.compiler.degree = False
    spec.compiler.autolimits = False
    bodies = []
    for i, (name, parent) in enumerate(zip(skeleton.body_names, skeleton.parents, strict=True)):
        mass, centre, tensor = skeleton.inertia[i]
        s = scale[i]
        up = scale[parent] if parent >= 0 else 1.0
        owner = bodies[parent] if parent >= 0 else spec.worldbody
        label = name if name != "world" else "root"
        body = owner.add_body(
            name=label, pos=skeleton.position[i] * up, quat=skeleton.quaternion[i]
        )
        _set_inertia(body, mass * s**3, centre * s, tensor * s**5)
        if parent < 0:
            body.add_freejoint(name="root")
        elif np.linalg.norm(skeleton.position[i]) > 0.01:
            owner.add_geom(
                type=mujoco.mjtGeom.mjGEOM_CAPSULE,
                fromto=np.concatenate([np.zeros(3), skeleton.position[i] * up]),
                size=[0.012, 0.0, 0.0],
                contype=0,
                conaffinity=0,
                mass=0.0,
            )
        bodies.append(body)
    for joint in skeleton.joints:
        _add_joint(spec, bodies[joint.body], joint, scale, skeleton.parents)
    for name, (carrier, position) in markers.items():
        bodies[skeleton.body_names.index(carrier)].add_site(name=name, pos=position, size=[0.008] * 3)
    return spec


def _set_inertia(body: mujoco.MjsBody, mass: float, centre: np.ndarray, tensor: np.ndarray) -> None:
    """Give a body its inertia; a massless body gets the least that MuJoCo accepts."""
    body.explicitinertial = True
    body.mass = max(mass, 1e-6)
    body.ipos = centre
    floor = max(1e-9, 1e-6 * float(np.trace(tensor)))
    t = tensor + floor * np.eye(3)
    body.fullinertia = [t[0, 0], t[1, 1], t[2, 2], t[0, 1], t[0, 2], t[1, 2]]


def _add_joint(
    spec: mujoco.MjSpec,
    body: mujoco.MjsBody,
    joint: Joint,
    scale: Float[np.ndarray, "body"],
    parents: tuple[int, ...],
) -> None:
    # A slide displaces its body within the parent, so it grows with the parent.
    stretch = scale[parents[joint.body]] if joint.kind == "slide" else 1.0
    limited = bool(np.isfinite(joint.range).all())
    body.add_joint(
        name=joint.name,
        type=getattr(mujoco.mjtJoint, f"mjJNT_{joint.kind.upper()}"),
        axis=joint.axis,
        pos=np.asarray(joint.anchor) * scale[joint.body],
        ref=joint.reference,
        limited=int(limited),
        range=joint.reference + stretch * (np.asarray(joint.range) - joint.reference)
        if limited
        else [0.0, 0.0],
    )
    if joint.coupling is not None:
        equality = spec.add_equality(
            type=mujoco.mjtEq.mjEQ_JOINT, name1=joint.name, name2=joint.coupling.source or ""
        )
        equality.data[:5] = np.asarray(joint.coupling.polynomial) * stretch
