"""One person as MJCF: the scaled skeleton, with points of interest as sites."""

import mujoco
import numpy as np
from jaxtyping import Float

from diffbio.body.skeleton import Joint, Skeleton

Sites = dict[str, tuple[str, Float[np.ndarray, "3"]]]
"""Points by name: the body that carries each, and where it is in the body's frame, in metres."""

INERTIA_MARGIN = 1e-4
"""Share of its trace added to each principal inertia: the file keeps six digits, and MuJoCo refuses
a flat body whose largest principal inertia is rounded to more than the sum of the others."""

LEAST_MASS, LEAST_INERTIA = 1e-6, 1e-9
"""In kg and kg m^2: what a massless body gets, for MuJoCo accepts nothing massless that moves."""

SHORTEST_BONE = 0.01
"""In metres; bodies closer to their parent are drawn without a capsule between them."""


def spec_from_skeleton(
    skeleton: Skeleton, scale: Float[np.ndarray, "body"], sites: Sites
) -> mujoco.MjSpec:
    """The MJCF of one person: scaled bodies, joints, couplings and sites.

    The root is free. Coordinates of hinges are those of the skeleton. A slide's displacement from
    its reference is the skeleton's times the size of the parent: it is written in metres of the
    person, with its range and couplings.

    Args:
        skeleton: the anatomy.
        scale: size of each body relative to the skeleton. Origins follow the parent's factor,
            joint anchors their own, masses its cube, inertia its fifth power.
        sites: points to mark.
    """
    spec = mujoco.MjSpec()
    spec.modelname = skeleton.name
    spec.compiler.degree = False
    spec.compiler.autolimits = False
    bodies = _add_bodies(spec, skeleton, scale)
    stretch = _stretches(skeleton, scale)
    for joint in skeleton.joints:
        _add_joint(bodies[joint.body], joint, scale[joint.body], stretch[joint.name])
        _add_coupling(spec, joint, stretch)
    for name, (carrier, position) in sites.items():
        body = bodies[skeleton.body_names.index(carrier)]
        body.add_site(name=name, pos=position, size=[0.008] * 3)
    return spec


def neutral_sites(
    skeleton: Skeleton, scale: Float[np.ndarray, "body"], sites: Sites
) -> dict[str, Float[np.ndarray, "3"]]:
    """Where points of a scaled skeleton are in the neutral pose, in the root's frame, in metres.

    Args:
        skeleton: the anatomy.
        scale: size of each body relative to the skeleton.
        sites: the points.
    """
    model = spec_from_skeleton(skeleton, scale, sites).compile()
    state = mujoco.MjData(model)
    stretch = _stretches(skeleton, scale)
    for joint in skeleton.joints:
        if joint.coupling is not None:
            # With its leader at reference, a follower is displaced by the constant term alone.
            state.joint(joint.name).qpos += joint.coupling.polynomial[0] * stretch[joint.name]
    mujoco.mj_kinematics(model, state)
    return {name: state.site(name).xpos.copy() for name in sites}


def _add_bodies(
    spec: mujoco.MjSpec, skeleton: Skeleton, scale: Float[np.ndarray, "body"]
) -> list[mujoco.MjsBody]:
    """Bodies with their inertia, and a capsule along each bone."""
    bodies: list[mujoco.MjsBody] = []
    labels = _labels(skeleton.body_names)
    for i, (label, parent) in enumerate(zip(labels, skeleton.parents, strict=True)):
        owner = bodies[parent] if parent >= 0 else spec.worldbody
        position = skeleton.position[i] * (scale[parent] if parent >= 0 else 1.0)
        body = owner.add_body(name=label, pos=position, quat=skeleton.quaternion[i])
        mass, centre, tensor = skeleton.inertia[i]
        s = scale[i]
        _set_inertia(body, mass * s**3, centre * s, tensor * s**5)
        if parent < 0:
            body.add_freejoint(name=_unused("root", {joint.name for joint in skeleton.joints}))
        elif np.linalg.norm(skeleton.position[i]) > SHORTEST_BONE:
            owner.add_geom(
                type=mujoco.mjtGeom.mjGEOM_CAPSULE,
                fromto=np.concatenate([np.zeros(3), position]),
                size=[0.012, 0.0, 0.0],
                contype=0,
                conaffinity=0,
                mass=0.0,
            )
        bodies.append(body)
    return bodies


def _labels(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the bodies in a file where `world` means something else."""
    return tuple(_unused("root", set(names)) if name == "world" else name for name in names)


def _unused(name: str, taken: set[str]) -> str:
    """The name, or one like it that is not taken."""
    while name in taken:
        name += "_"
    return name


def _set_inertia(
    body: mujoco.MjsBody,
    mass: float,
    centre: Float[np.ndarray, "3"],
    tensor: Float[np.ndarray, "3 3"],
) -> None:
    """Give a body its inertia, such that MuJoCo accepts it also when read back from a file."""
    body.explicitinertial = True
    body.mass = max(mass, LEAST_MASS)
    body.ipos = centre
    margin = max(LEAST_INERTIA, INERTIA_MARGIN * float(np.trace(tensor)))
    t = tensor + margin * np.eye(3)
    body.fullinertia = [t[0, 0], t[1, 1], t[2, 2], t[0, 1], t[0, 2], t[1, 2]]


def _stretches(skeleton: Skeleton, scale: Float[np.ndarray, "body"]) -> dict[str, float]:
    """What size does to each joint's displacement: a slide moves its body within the parent."""
    return {
        joint.name: float(scale[max(skeleton.parents[joint.body], 0)])
        if joint.kind == "slide"
        else 1.0
        for joint in skeleton.joints
    }


def _add_joint(body: mujoco.MjsBody, joint: Joint, scale: float, stretch: float) -> None:
    limited = bool(np.isfinite(joint.range).all())
    displacement = np.asarray(joint.range if limited else [0.0, 0.0]) - joint.reference
    body.add_joint(
        name=joint.name,
        type=getattr(mujoco.mjtJoint, f"mjJNT_{joint.kind.upper()}"),
        axis=joint.axis,
        pos=np.asarray(joint.anchor) * scale,
        ref=joint.reference,
        limited=int(limited),
        range=joint.reference + stretch * displacement,
    )


def _add_coupling(spec: mujoco.MjSpec, joint: Joint, stretch: dict[str, float]) -> None:
    if joint.coupling is None:
        return
    source = joint.coupling.source
    leading = 1.0 if source is None else stretch[source]
    equality = spec.add_equality(type=mujoco.mjtEq.mjEQ_JOINT, name1=joint.name, name2=source or "")
    polynomial = np.asarray(joint.coupling.polynomial) * stretch[joint.name]
    equality.data[:5] = polynomial / leading ** np.arange(5)
