"""Anatomical points of the head."""

import numpy as np

from diffbio.body.keypoint_set import AnchorClass
from experiments.keypoint_anchors.landmark import (
    BONY_LANDMARK,
    FORWARD,
    JOINT_CENTRE,
    MARKER_RADIUS,
    RIGHT,
    SOFT_TISSUE,
    THIN_SKIN,
    UP,
    Landmark,
    between,
    furthest,
    lateral,
    near,
    reach,
)
from experiments.keypoint_anchors.skeleton import Skeleton

ON_SKIN = THIN_SKIN + MARKER_RADIUS
# Soft parts of the face in front of the skull, in metres (adult means; to a few millimetres).
NOSE_BEYOND_NASAL_BONE = 0.016
LIPS_BEYOND_TEETH = 0.010
CHIN_BEYOND_JAW = 0.010
EYE_BEHIND_BROW = 0.008
SCALP = 0.008
# Distances between the pupils, the inner and the outer corners of the eyes, and the corners of
# the mouth.
PUPILS, INNER_CORNERS, OUTER_CORNERS, MOUTH = 0.063, 0.033, 0.090, 0.050


def head(skeleton: Skeleton) -> dict[str, Landmark]:
    """Points of the head on the midline."""
    skull, jaw = skeleton.bones["hat_skull"], skeleton.bones["hat_jaw"]
    midline = near(skull, RIGHT, 0.0, 0.008)
    nasal, top, chin = nasal_bone(skeleton), furthest(skull, UP), furthest(jaw, -UP)
    teeth = furthest(between(near(jaw, RIGHT, 0.0, 0.02), UP, 0.3, 1.0), FORWARD)
    # The nasal spine is the foremost point of the floor of the nasal opening.
    base = furthest(near(midline, UP, float((nasal + teeth)[1]) / 2, 0.006), FORWARD)

    def on_midline(x: float, y: float, kind: AnchorClass, words: str) -> Landmark:
        return Landmark("head", np.array([x, y, 0.0]), kind, words)

    # Above the nasal bones the profile of the skull falls back to the root of the nose.
    root = furthest(near(midline, UP, float(nasal[1]) + 0.018, 0.006), FORWARD)
    # The tip of the nose stands a third of the way up from the floor of the nasal opening.
    tip_height = base[1] + (nasal[1] - base[1]) / 3
    ears = [ear_opening(skeleton, side) for side in "rl"]
    return {
        "nose": on_midline(
            nasal[0] + NOSE_BEYOND_NASAL_BONE, tip_height, SOFT_TISSUE, "tip of the nose"
        ),
        "nose_bridge": on_midline(
            nasal[0] + THIN_SKIN, nasal[1], BONY_LANDMARK, "end of the nasal bones, skin"
        ),
        "nose_root": on_midline(
            root[0] + THIN_SKIN, root[1], BONY_LANDMARK, "root of the nose between the eyes, skin"
        ),
        "nose_base": on_midline(
            nasal[0] + 0.002, base[1], SOFT_TISSUE, "where the nose meets the lip"
        ),
        "lips": on_midline(teeth[0] + LIPS_BEYOND_TEETH, teeth[1], SOFT_TISSUE, "between the lips"),
        "chin": on_midline(
            chin[0] + CHIN_BEYOND_JAW, chin[1], BONY_LANDMARK, "lower front of the jaw, skin"
        ),
        "head_top": on_midline(top[0], top[1] + SCALP, BONY_LANDMARK, "vertex of the skull, skin"),
        "head_centre": Landmark(
            "head", np.mean(ears, axis=0), JOINT_CENTRE, "mid of the openings of the ears"
        ),
    }


def nasal_bone(skeleton: Skeleton) -> np.ndarray:
    """Free end of the nasal bones: foremost of the skull on the midline, in metres."""
    return furthest(near(skeleton.bones["hat_skull"], RIGHT, 0.0, 0.008), FORWARD)


def ear_opening(skeleton: Skeleton, side: str) -> np.ndarray:
    """Opening of the ear canal: behind the head of the jaw, in metres."""
    jaw, outward = skeleton.bones["hat_jaw"], lateral(side)
    condyle = furthest(between(jaw[jaw @ outward > 0], UP, 0.85, 1.0), -FORWARD)
    breadth = reach(skeleton.bones["hat_skull"], outward)
    return np.array([condyle[0] - 0.008, condyle[1], 0.0]) + breadth * outward


def head_side(skeleton: Skeleton, side: str) -> dict[str, Landmark]:
    """Eye, ear, mouth corner, jaw and scalp of one side."""
    skull, jaw, outward = skeleton.bones["hat_skull"], skeleton.bones["hat_jaw"], lateral(side)
    # The eyes lie halfway between the vertex and the chin, the rule of draughtsmen; the orbits of
    # this skull agree.
    eye_level = (reach(skull, UP) - reach(jaw, -UP)) / 2
    brow_ridge = near(near(skull, UP, eye_level + 0.025, 0.008), outward, PUPILS / 2, 0.010)
    brow = furthest(brow_ridge, FORWARD)
    middle = head(skeleton)
    lips, bridge = middle["lips"].position, middle["nose_bridge"].position

    def on_face(x: float, y: float, breadth: float, words: str) -> Landmark:
        point = np.array([x, y, 0.0]) + breadth / 2 * outward
        return Landmark("head", point, SOFT_TISSUE, words)

    eye = brow[0] - EYE_BEHIND_BROW
    scalp_level = eye_level + 0.035
    ring = near(skull, UP, scalp_level, 0.010)
    half = ring[ring @ outward > 0]
    front, rear = outward + 1.3 * FORWARD, outward - 1.6 * FORWARD
    # The angle of the jaw: furthest down and back of its outline.
    jaw_half = jaw[jaw @ outward > 0]
    angle = furthest(jaw_half, -UP - 1.2 * FORWARD)
    cheek = furthest(
        near(skull[skull @ outward > 0.03], UP, eye_level - 0.025, 0.008), FORWARD + outward
    )

    def bony(point: np.ndarray, direction: np.ndarray, words: str) -> Landmark:
        unit = direction / np.linalg.norm(direction)
        return Landmark("head", point + ON_SKIN * unit, BONY_LANDMARK, words)

    return {
        "eye": on_face(eye, eye_level, PUPILS, "pupil"),
        "eye_inner": on_face(eye, eye_level, INNER_CORNERS, "inner corner of the eye"),
        "eye_outer": on_face(eye - 0.012, eye_level, OUTER_CORNERS, "outer corner of the eye"),
        "brow": on_face(brow[0] + THIN_SKIN, brow[1], PUPILS, "eyebrow above the pupil"),
        "nostril": on_face(bridge[0] - 0.004, middle["nose_base"].position[1], 0.034, "nostril"),
        "mouth": on_face(lips[0] - 0.015, lips[1], MOUTH, "corner of the mouth"),
        "ear": Landmark(
            "head", ear_opening(skeleton, side), SOFT_TISSUE, "opening of the ear, skin"
        ),
        "jaw_angle": bony(angle, outward, "angle of the jaw, skin"),
        "cheek": bony(cheek, FORWARD + outward, "cheekbone, skin"),
        "forehead": bony(furthest(half, front), front, "front of the scalp's side"),
        "hindhead": bony(furthest(half, rear), rear, "back of the scalp's side"),
    }
