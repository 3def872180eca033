"""The person as BVH, which Blender, Unreal and MotionBuilder open: a skeleton and its motion."""

import pathlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from diffbio.io.axes import OPENSIM_FROM_WORLD, opensim_from_world
from diffbio.io.posed_person import PosedPerson

CENTIMETRES = 100.0
"""Per metre: the unit that programs expect of the format."""

_STILL = 1e-5
"""In metres: a joint that moves less in its parent than this only turns."""

_COINCIDENT = 1e-4
"""In metres: of several joints in one place the last is kept, which turns as they all do."""

_ROTATION = "Zrotation Xrotation Yrotation"


class _Joint(NamedTuple):
    """A joint of the file.

    Attributes:
        part: index of the part it moves.
        children: joints that hang on it.
        end: where its bone ends, from it, at rest.
    """

    part: int
    children: list[int]
    end: Float[np.ndarray, "3"]


def write_bvh(path: pathlib.Path, posed: PosedPerson, time: Float[np.ndarray, "time"]) -> None:
    """Write a skeleton at rest and its motion.

    Lengths in centimetres, X forward, Y up, Z right. At rest the person stands upright facing
    along X, and every joint's axes are those of the world. Angles are in degrees, applied in the
    order Z, X, Y. The position of the root, and of the few joints that also slide (knees,
    shoulders), is stored in every frame: it takes the place of the joint's offset.

    Args:
        path: the file to write.
        posed: the person.
        time: of the frames, in seconds, evenly spaced.
    """
    kept = _kept(posed)
    parent = _parents(posed, kept)
    joints = _tree(posed, kept, parent)
    # At rest all joints have the axes of the world.
    turns = OPENSIM_FROM_WORLD @ posed.rotations @ np.swapaxes(posed.rest_rotations, -1, -2)
    turns = turns @ OPENSIM_FROM_WORLD.T
    places = CENTIMETRES * opensim_from_world(posed.positions)
    rest = CENTIMETRES * opensim_from_world(posed.rest_positions)
    lines, columns = ["HIERARCHY"], []

    def add(index: int, depth: int) -> None:
        joint, above = joints[index], parent[kept[index]]
        indent = "  " * depth
        local = places[:, joint.part]
        turn, offset = turns[:, joint.part], rest[joint.part]
        if above >= 0:
            local = _carried(turns[:, above], local - places[:, above])
            turn = np.swapaxes(turns[:, above], -1, -2) @ turn
            offset = offset - rest[above]
        slides = above < 0 or np.abs(local - offset).max() > CENTIMETRES * _STILL
        channels = f"6 Xposition Yposition Zposition {_ROTATION}" if slides else f"3 {_ROTATION}"
        name = posed.parts[joint.part].name.replace(" ", "_")
        lines.extend(
            [
                f"{indent}{'ROOT' if above < 0 else 'JOINT'} {name}",
                f"{indent}{{",
                f"{indent}  OFFSET {_numbers(offset)}",
                f"{indent}  CHANNELS {channels}",
            ]
        )
        columns.extend([local] if slides else [])
        columns.append(np.rad2deg(euler_zxy(turn)))
        for child in joint.children:
            add(child, depth + 1)
        if not joint.children:
            end = _numbers(CENTIMETRES * opensim_from_world(joint.end))
            lines.extend([f"{indent}  End Site", f"{indent}  {{"])
            lines.extend([f"{indent}    OFFSET {end}", f"{indent}  }}"])
        lines.append(f"{indent}}}")

    add(0, 0)
    period = float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    lines.extend(["MOTION", f"Frames: {len(time)}", f"Frame Time: {period:.8f}"])
    lines.extend(_numbers(row) for row in np.concatenate(columns, axis=1))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def euler_zxy(rotation: Float[np.ndarray, "time 3 3"]) -> Float[np.ndarray, "time 3"]:
    """Angles of rotations about z, then the new x, then the new y, continuous in time, in radians.

    Where x is a right angle only the sum or difference of the others is known; z then has it all.
    """
    sine = np.clip(rotation[:, 2, 1], -1.0, 1.0)
    locked = np.abs(sine) > 1.0 - 1e-12
    z = np.arctan2(-rotation[:, 0, 1], rotation[:, 1, 1])
    y = np.arctan2(-rotation[:, 2, 0], rotation[:, 2, 2])
    z = np.where(locked, np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0]), z)
    y = np.where(locked, 0.0, y)
    return np.stack([np.unwrap(z), np.arcsin(sine), np.unwrap(y)], axis=-1)


def _kept(posed: PosedPerson) -> list[int]:
    """Parts that get a joint: not those whose only child is always in the same place."""
    children: dict[int, list[int]] = {}
    for i, part in enumerate(posed.parts):
        children.setdefault(part.parent, []).append(i)
    kept = []
    for i, part in enumerate(posed.parts):
        below = children.get(i, [])
        apart = [np.abs(posed.positions[:, c] - posed.positions[:, i]).max() for c in below]
        hollow = len(part.vertices) == 0 and len(below) == 1 and apart[0] < _COINCIDENT
        dead = len(part.vertices) == 0 and not below
        if i == 0 or not (hollow or dead):
            kept.append(i)
    return kept


def _parents(posed: PosedPerson, kept: list[int]) -> dict[int, int]:
    """For each part kept, the nearest one above it that is kept, -1 for the root."""
    parents = {}
    for i in kept:
        above = posed.parts[i].parent
        while above >= 0 and above not in kept:
            above = posed.parts[above].parent
        parents[i] = above
    return parents


def _tree(posed: PosedPerson, kept: list[int], parent: dict[int, int]) -> list[_Joint]:
    joints = []
    for part in kept:
        children = [k for k, child in enumerate(kept) if parent[child] == part]
        vertices, end = posed.parts[part].vertices, np.zeros(3)
        if len(vertices):
            # The far end of the bone, in the world at rest.
            far = vertices[int(np.argmax(np.linalg.norm(vertices, axis=1)))]
            end = posed.rest_rotations[part] @ far
        joints.append(_Joint(part, children, end))
    return joints


def _carried(
    turns: Float[np.ndarray, "time 3 3"], vectors: Float[np.ndarray, "time 3"]
) -> Float[np.ndarray, "time 3"]:
    """Vectors in turned axes."""
    return np.einsum("tji,tj->ti", turns, vectors)


def _numbers(values: Float[np.ndarray, "*n"]) -> str:
    return " ".join(f"{value:.6f}" for value in values.tolist())
