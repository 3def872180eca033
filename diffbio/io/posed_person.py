"""A fitted person as bones that move: for pages and files that show more than points."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from diffbio.body.anatomy import Anatomy, PosedAnatomy
from diffbio.body.bones_and_muscles import MusclePaths
from diffbio.errors import InputError
from diffbio.geometry.meshes import simplified
from diffbio.io.axes import OPENSIM_FROM_WORLD
from diffbio.io.read_result import FittedPerson

ANATOMY_OF = "MyoFullBody"
"""The body whose bones and muscles are known."""

_PELVIS = "pelvis"
"""Its axes are X forward, Y up, Z right."""

AGREEMENT = 1e-3
"""In metres: bodies further than this from where the fit has them are of another anatomy."""

_FINE = 500
"""Vertices up to which a mesh is kept as it is."""

_CELL, _LEAST_CELL, _LARGEST_CELL = 0.012, 0.0012, 0.0035
"""Detail that goes from larger meshes: as a share of the bone's size, and its bounds in metres."""

_THICKNESS = 0.09
"""Of the sticks that stand for unknown bones, as a share of their length."""


@dataclasses.dataclass(frozen=True)
class Part:
    """Bodies that do not move within each other, with their bones as one mesh.

    Attributes:
        name: of the topmost of the bodies.
        parent: index of the part it hangs on, -1 for the root.
        vertices: in the frame of that body, in metres.
        faces: indices of three vertices, counter-clockwise from outside.
    """

    name: str
    parent: int
    vertices: Float[np.ndarray, "vertex 3"]
    faces: Int[np.ndarray, "face 3"]


@dataclasses.dataclass(frozen=True)
class PosedPerson:
    """Bones and muscles of a person over time, in the world.

    Attributes:
        parts: parents before children.
        positions: origins of the parts, in metres.
        rotations: `world_from_part`.
        muscles: paths, whose `body` and `local` are of parts; None where they are not known.
        wrapped: points of `muscles.wrapped` in the frame of their part, in metres.
        rest_positions: origins of the parts of the person standing upright, joints at reference,
            facing along x, the root at the origin; in the first frame where bones are not known.
        rest_rotations: `world_from_part`, likewise.
        note: why there are no bones, in a sentence; empty where there are.
    """

    parts: tuple[Part, ...]
    positions: Float[np.ndarray, "time part 3"]
    rotations: Float[np.ndarray, "time part 3 3"]
    muscles: MusclePaths | None
    wrapped: Float[np.ndarray, "time wrapped 3"]
    rest_positions: Float[np.ndarray, "part 3"]
    rest_rotations: Float[np.ndarray, "part 3 3"]
    note: str = ""


def posed_person(person: FittedPerson) -> PosedPerson:
    """Bones and muscles of the default body; sticks between joints for any other.

    The bones are where the model's own kinematics puts them, in the sizes that were fitted, and
    that this is where the fit has them is checked.
    """
    if person.body_model != ANATOMY_OF:
        return _sticks(person, f"Bones and muscles of {person.body_model} are not known.")
    try:
        anatomy = Anatomy(person.scale)
        posed = anatomy.posed(person.root_position, person.root_quaternion, person.joints)
        order = [anatomy.body_names.index(name) for name in person.body_names]
    except (InputError, ValueError) as error:
        return _sticks(person, f"There are no bones: {error}")
    apart = float(np.max(np.abs(posed.positions[:, order] - person.body_positions)))
    if apart > AGREEMENT:
        return _sticks(
            person,
            f"There are no bones: the installed anatomy is not the fitted one "
            f"({1e3 * apart:.0f} mm apart).",
        )
    return _rigid_parts(anatomy, posed, _upright(anatomy), anatomy.rigid_parts(person.joint_names))


def _upright(anatomy: Anatomy) -> PosedAnatomy:
    """One frame: joints at reference, the pelvis level and facing along x."""
    still = anatomy.posed(np.zeros((1, 3)), np.array([[1.0, 0.0, 0.0, 0.0]]), {})
    pelvis = still.rotations[0, anatomy.body_names.index(_PELVIS)]
    turn = OPENSIM_FROM_WORLD.T @ pelvis.T
    return PosedAnatomy(still.positions @ turn.T, turn @ still.rotations, still.wrapped @ turn.T)


def _rigid_parts(
    anatomy: Anatomy, posed: PosedAnatomy, rest: PosedAnatomy, part_of_body: tuple[int, ...]
) -> PosedPerson:
    """Bodies put together with all that they carry rigidly."""
    tops = sorted(set(part_of_body))
    index = {top: i for i, top in enumerate(tops)}
    at, turned = posed.positions[0], posed.rotations[0]
    member = np.array([index[top] for top in part_of_body])
    top = np.asarray(tops)[member]
    # Rigid, so that any frame tells where a body is in its part.
    part_from_body = np.einsum("bji,bjk->bik", turned[top], turned)
    shift = np.einsum("bji,bj->bi", turned[top], at - at[top])
    meshes: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in tops]
    for bone in anatomy.bones:
        vertices, faces = _light(bone.vertices, bone.faces)
        placed = vertices @ part_from_body[bone.body].T + shift[bone.body]
        meshes[member[bone.body]].append((placed, faces))
    parts = []
    for i, body in enumerate(tops):
        above = anatomy.body_parents[body]
        parent = -1 if above < 0 else int(member[above])
        parts.append(Part(anatomy.body_names[body], parent, *_joined(meshes[i])))
    paths = anatomy.muscles
    local = np.einsum("pij,pj->pi", part_from_body[paths.body], paths.local) + shift[paths.body]
    muscles = dataclasses.replace(paths, body=member[paths.body], local=local)
    positions, rotations = posed.positions[:, tops], posed.rotations[:, tops]
    carrier = muscles.body[muscles.wrapped]
    wrapped = np.einsum(
        "tpji,tpj->tpi", rotations[:, carrier], posed.wrapped - positions[:, carrier]
    )
    return PosedPerson(
        tuple(parts),
        positions,
        rotations,
        muscles,
        wrapped,
        rest.positions[0, tops],
        rest.rotations[0, tops],
    )


def _light(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"]
) -> tuple[np.ndarray, np.ndarray]:
    """A mesh with no more detail than a look at the whole body shows."""
    if len(vertices) <= _FINE:
        return vertices, faces
    extent = float(np.ptp(vertices, axis=0).max())
    return simplified(vertices, faces, float(np.clip(_CELL * extent, _LEAST_CELL, _LARGEST_CELL)))


def _joined(meshes: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Several meshes as one."""
    if not meshes:
        return np.zeros((0, 3)), np.zeros((0, 3), int)
    first = np.cumsum([0, *(len(vertices) for vertices, _ in meshes)])
    faces = [faces + start for (_, faces), start in zip(meshes, first, strict=False)]
    return np.concatenate([vertices for vertices, _ in meshes]), np.concatenate(faces)


def _sticks(person: FittedPerson, note: str) -> PosedPerson:
    """Every body with a stick to each of its children."""
    meshes: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in person.body_names]
    at, turned = person.body_positions[0], person.body_rotations[0]
    for child, parent in enumerate(person.body_parents):
        if parent >= 0:
            end = turned[parent].T @ (at[child] - at[parent])
            if np.linalg.norm(end) > 1e-3:
                meshes[parent].append(_stick(end))
    parts = tuple(
        Part(name, parent, *_joined(mesh))
        for name, parent, mesh in zip(person.body_names, person.body_parents, meshes, strict=True)
    )
    none = np.zeros((len(person.time), 0, 3))
    return PosedPerson(
        parts,
        person.body_positions,
        person.body_rotations,
        None,
        none,
        at,
        turned,
        note,
    )


def _stick(end: Float[np.ndarray, "3"]) -> tuple[np.ndarray, np.ndarray]:
    """An octahedron from the origin to a point, thickest at a fifth of the way."""
    length = float(np.linalg.norm(end))
    side = np.cross(end, np.eye(3)[int(np.argmin(np.abs(end)))])
    side *= _THICKNESS * length / np.linalg.norm(side)
    other = np.cross(end / length, side)
    ring = 0.2 * end + np.array([side, other, -side, -other])
    vertices = np.concatenate([np.zeros((1, 3)), ring, end[None]])
    around = [(1 + i, 1 + (i + 1) % 4) for i in range(4)]
    faces = [(0, b, a) for a, b in around] + [(5, a, b) for a, b in around]
    return vertices, np.array(faces)
