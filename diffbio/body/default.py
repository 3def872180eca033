"""The default body: MyoFullBody with a neck, OpenSim's coordinate names and scale groups."""

import dataclasses
import functools
import importlib.util
import math
import pathlib
import tomllib
from typing import Any

import numpy as np

from diffbio.body.keypoint_set import Anchor, AnchorClass, KeypointSet
from diffbio.body.mjcf import compile_mjcf, skeleton_from_model
from diffbio.body.model import BodyModel
from diffbio.body.skeleton import Joint, Skeleton, freeze_unobserved
from diffbio.errors import InputError

NECK_AXES = {
    "extension": (0.0, 0.0, 1.0),
    "bending": (1.0, 0.0, 0.0),
    "rotation": (0.0, 1.0, 0.0),
}
TABLE = pathlib.Path(__file__).with_name("myofullbody.toml")


def default_mjcf() -> pathlib.Path:
    """Path of MyoFullBody's MJCF in the installed package `musclemimic-models`.

    Raises:
        InputError: the package is not installed.
    """
    found = importlib.util.find_spec("musclemimic_models")
    if found is None or found.origin is None:
        raise InputError(
            "musclemimic-models",
            "The package with the default body is not installed.",
            "Run `pip install musclemimic-models`, or give a model of your own.",
        )
    return pathlib.Path(found.origin).parent / "model" / "body" / "myofullbody.xml"


@functools.lru_cache(maxsize=8)
def default_body(keypoints: KeypointSet, kinematics: str = "fused") -> BodyModel:
    """MyoFullBody reduced to the bodies that carry a keypoint set.

    Args:
        keypoints: the keypoints to predict.
        kinematics: `fused` or `mjx`.
    """
    table = tomllib.loads(TABLE.read_text())
    top, bottom = (_height_point(table["height"], end) for end in ("top", "bottom"))
    carriers = {anchor.body for anchor in keypoints.anchors}
    kept = carriers | {"pelvis", top.body, bottom.body}
    skeleton = skeleton_from_model(compile_mjcf(default_mjcf()), "MyoFullBody", kept)
    skeleton = freeze_unobserved(_with_neck(skeleton, table["neck"]), carriers)
    skeleton = _rename_coordinates(skeleton, table["coordinates"])
    names, groups = _segments(skeleton, table["segments"])
    return BodyModel(
        skeleton=skeleton,
        segment_names=names,
        segment_of_body=groups,
        anchors=keypoints.anchors,
        pelvis_name="pelvis",
        height_points=(top, bottom),
        posture=tuple((joint, *_radians(pair)) for joint, pair in table["posture_deg"].items()),
        kinematics_name=kinematics,
    )


def body_from_mjcf(
    path: str | pathlib.Path, keypoints: KeypointSet, kinematics: str = "fused"
) -> BodyModel:
    """Any MJCF reduced to the bodies that carry a keypoint set; every body is its own segment.

    Raises:
        InputError: the file does not load, or uses joints that are not supported.
        UnknownNameError: an anchor names a body the model does not have.
    """
    carriers = {anchor.body for anchor in keypoints.anchors}
    skeleton = skeleton_from_model(compile_mjcf(path), pathlib.Path(path).stem, carriers)
    skeleton = freeze_unobserved(skeleton, carriers)
    groups = tuple(range(len(skeleton.body_names)))
    return BodyModel(
        skeleton, skeleton.body_names, groups, keypoints.anchors, kinematics_name=kinematics
    )


def _radians(pair_deg: list[float]) -> tuple[float, float]:
    first, second = pair_deg
    return math.radians(first), math.radians(second)


def _height_point(table: dict[str, Any], end: str) -> Anchor:
    x, y, z = table[end]["position"]
    return Anchor(end, table[end]["body"], (x, y, z), AnchorClass.BONY_LANDMARK)


def _with_neck(skeleton: Skeleton, neck: dict[str, list[float]]) -> Skeleton:
    """Three hinges between thorax and neck; the skull keeps its place in the neutral pose."""
    if "neck" not in skeleton.body_names:
        return skeleton
    body = skeleton.body_names.index("neck")
    base = np.asarray(neck["position"])
    position = skeleton.position.copy()
    position[body] += base
    for child, parent in enumerate(skeleton.parents):
        if parent == body:
            position[child] -= base
    inertia = list(skeleton.inertia)
    inertia[body] = inertia[body]._replace(centre=inertia[body].centre - base)
    hinges = tuple(
        Joint(
            name=f"neck_{motion}",
            kind="hinge",
            body=body,
            axis=axis,
            anchor=(0.0, 0.0, 0.0),
            reference=0.0,
            range=_radians(neck[f"{motion}_range_deg"]),
            coupling=None,
        )
        for motion, axis in NECK_AXES.items()
    )
    before = tuple(joint for joint in skeleton.joints if joint.body < body)
    after = skeleton.joints[len(before) :]
    return dataclasses.replace(
        skeleton, position=position, inertia=tuple(inertia), joints=before + hinges + after
    )


def _rename_coordinates(skeleton: Skeleton, names: dict[str, str]) -> Skeleton:
    def renamed(joint: Joint) -> Joint:
        coupling = joint.coupling
        if coupling is not None and coupling.source is not None:
            coupling = coupling._replace(source=names.get(coupling.source, coupling.source))
        return dataclasses.replace(joint, name=names.get(joint.name, joint.name), coupling=coupling)

    return dataclasses.replace(skeleton, joints=tuple(map(renamed, skeleton.joints)))


def _segments(
    skeleton: Skeleton, table: dict[str, list[str]]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Segment names in use, and the segment of every body; children inherit their parent's."""
    first = {body: segment for segment, bodies in table.items() for body in bodies}
    owner: list[str] = []
    for body, parent in zip(skeleton.body_names, skeleton.parents, strict=True):
        owner.append(first.get(body) or owner[parent])
    names = tuple(segment for segment in table if segment in owner)
    return names, tuple(names.index(segment) for segment in owner)
