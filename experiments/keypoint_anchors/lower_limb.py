"""Anatomical points of the pelvis, thigh, shank and foot."""

import numpy as np

from experiments.keypoint_anchors.landmark import (
    BONY_LANDMARK,
    CLUSTER,
    FORWARD,
    JOINT_CENTRE,
    MARKER_RADIUS,
    PADDED_SKIN,
    SOFT_TISSUE,
    THIN_SKIN,
    UP,
    Landmark,
    around_shaft,
    between,
    furthest,
    lateral,
    near,
    pieces,
)
from experiments.keypoint_anchors.skeleton import Skeleton

# Circumferences of about 0.53 m (mid thigh) and 0.37 m (calf) of a man of 1.7 m, plus a marker on
# its base plate: the thigh's axis from hip to knee lies nearer its inner side.
THIGH_LATERAL_RADIUS = 0.110
THIGH_ANTERIOR_RADIUS = 0.095
SHANK_RADIUS = 0.070
ACHILLES = 0.015


def pelvis(skeleton: Skeleton, side: str) -> dict[str, Landmark]:
    """Iliac spines, hip and buttock of one side."""
    bone, outward = skeleton.bones[f"{side}_pelvis"], lateral(side)
    hip = skeleton.body_positions[f"femur_{side}"]
    # The pubis is as far forward as the spine; the spine is the lateral one of the two.
    asis = furthest(bone[bone @ outward > 0.10], FORWARD)
    # The ischium lies behind too; the posterior spine is above the hip centre.
    psis = furthest(bone[bone @ UP > hip @ UP + 0.05], -FORWARD)
    on_skin = PADDED_SKIN + MARKER_RADIUS
    return {
        "hip": Landmark("pelvis", hip, JOINT_CENTRE, "origin of the femur"),
        # People who label images see no bone at the hip; what detectors learn from them lies
        # centimetres from the joint, most of all to the side. Same point, looser class.
        "hip_seen": Landmark("pelvis", hip, SOFT_TISSUE, "origin of the femur, as people label it"),
        "asis": Landmark(
            "pelvis", asis + on_skin * FORWARD, BONY_LANDMARK, "front of the iliac spine, skin"
        ),
        "psis": Landmark(
            "pelvis", psis - on_skin * FORWARD, BONY_LANDMARK, "back of the iliac spine, skin"
        ),
        "iliac_spines": Landmark(
            "pelvis", (asis + psis) / 2, BONY_LANDMARK, "between the iliac spines of one side"
        ),
        # 0.12 m: half the depth of the buttocks of an adult.
        "buttock": Landmark(
            "pelvis", hip - 0.12 * FORWARD, SOFT_TISSUE, "behind the hip, on the skin"
        ),
    }


def thigh(skeleton: Skeleton, side: str) -> dict[str, Landmark]:
    """Epicondyles, knee centre and skin of the thigh of one side."""
    bone, body, outward = skeleton.bones[f"{side}_femur"], f"femur_{side}", lateral(side)
    condyles = between(bone, UP, 0.0, 0.15)
    outer, inner = furthest(condyles, outward), furthest(condyles, -outward)
    knee = (outer + inner) / 2
    shaft = (skeleton.body_positions[body], knee)
    on_skin = THIN_SKIN + MARKER_RADIUS

    def skin(fraction: float, degrees: float, radius: float, words: str) -> Landmark:
        return Landmark(
            body, around_shaft(shaft, side, fraction, degrees, radius), SOFT_TISSUE, words
        )

    side_radius, front_radius = THIGH_LATERAL_RADIUS, THIGH_ANTERIOR_RADIUS
    somewhere = around_shaft(shaft, side, 0.60, 45, side_radius)
    return {
        "thigh_cluster": Landmark(body, somewhere, CLUSTER, "anywhere on the thigh"),
        "knee": Landmark(body, knee, JOINT_CENTRE, "mid of the epicondyles"),
        "knee_lateral": Landmark(
            body, outer + on_skin * outward, BONY_LANDMARK, "lateral epicondyle, skin"
        ),
        "knee_medial": Landmark(
            body, inner - on_skin * outward, BONY_LANDMARK, "medial epicondyle, skin"
        ),
        "thigh_front": skin(0.50, 90, front_radius, "front of the thigh at half its length"),
        "thigh_side": skin(0.50, 0, side_radius, "side of the thigh at half its length"),
        "thigh_inner_front": skin(0.50, 130, front_radius, "inner front of the thigh, half length"),
        "thigh_high_front": skin(0.25, 5, side_radius, "side of the thigh, 25 % of its length"),
        "thigh_high_back": skin(0.25, -25, side_radius, "back of its side, 25 % of its length"),
        "thigh_high_low": skin(0.35, -5, side_radius, "side of the thigh, 35 % of its length"),
        "thigh_mid_front": skin(0.45, 60, front_radius, "outer front of the thigh, 45 %"),
        "thigh_mid_back": skin(0.45, 20, side_radius, "side of the thigh, 45 % of its length"),
        "thigh_mid_low": skin(0.60, 40, front_radius, "outer front of the thigh, 60 %"),
    }


def shank(skeleton: Skeleton, side: str) -> dict[str, Landmark]:
    """Malleoli, ankle centre and skin of the shank of one side."""
    body, outward = f"tibia_{side}", lateral(side)
    fibula, tibia = skeleton.bones[f"{side}_fibula"], skeleton.bones[f"{side}_tibia"]
    # ISB takes the tips of both malleoli. The fibula bows out further above its tip.
    outer = furthest(between(fibula, UP, 0.0, 0.04), outward)
    inner = furthest(between(tibia, UP, 0.0, 0.15), -outward)
    ankle = skeleton.body_positions[f"talus_{side}"]
    shaft = (skeleton.body_positions[body], ankle)
    on_skin = THIN_SKIN + MARKER_RADIUS

    def skin(fraction: float, degrees: float, words: str) -> Landmark:
        point = around_shaft(shaft, side, fraction, degrees, SHANK_RADIUS)
        return Landmark(body, point, SOFT_TISSUE, words)

    somewhere = around_shaft(shaft, side, 0.45, 30, SHANK_RADIUS)
    crest = furthest(near(tibia, UP, float((shaft[0] + shaft[1]) @ UP) / 2, 0.02), FORWARD)
    return {
        "shank_cluster": Landmark(body, somewhere, CLUSTER, "anywhere on the shank"),
        "ankle": Landmark(body, ankle, JOINT_CENTRE, "talocrural centre, the origin of the talus"),
        "malleoli": Landmark(body, (outer + inner) / 2, JOINT_CENTRE, "mid of the malleoli"),
        "ankle_lateral": Landmark(
            body, outer + on_skin * outward, BONY_LANDMARK, "lateral malleolus, skin"
        ),
        "ankle_medial": Landmark(
            body, inner - on_skin * outward, BONY_LANDMARK, "medial malleolus, skin"
        ),
        "shin": Landmark(
            body, crest + on_skin * FORWARD, SOFT_TISSUE, "crest of the tibia at half its length"
        ),
        "shank_front": skin(0.48, 20, "front of the side of the shank, 48 %"),
        "shank_back": skin(0.48, -30, "back of the side of the shank, 48 %"),
        "shank_low": skin(0.60, -5, "side of the shank, 60 % of its length"),
    }


def foot_bones(skeleton: Skeleton, side: str) -> dict[str, np.ndarray]:
    """The bones drawn in the two meshes of a foot, in metres; rays count from the big toe."""
    # The meshes draw every metatarsal with the same number of vertices, between those of the
    # calcaneus and the tarsals, and the distal phalanges with the fewest.
    hindfoot = pieces(skeleton, f"{side}_foot")
    phalanges = pieces(skeleton, f"{side}_bofoot")

    def outwards(bones: list[np.ndarray]) -> list[np.ndarray]:
        return sorted(bones, key=lambda bone: bone.mean(axis=0) @ lateral(side))

    return {
        "calcaneus": hindfoot[0],
        **{f"metatarsal_{i}": bone for i, bone in enumerate(outwards(hindfoot[1:6]), start=1)},
        **{f"distal_{i}": bone for i, bone in enumerate(outwards(phalanges[-5:]), start=1)},
        "proximal_1": outwards(phalanges[:-5])[0],
    }


def foot(skeleton: Skeleton, side: str) -> dict[str, Landmark]:
    """Heel, instep, metatarsals and toes of one side."""
    bones, outward = foot_bones(skeleton, side), lateral(side)
    calcn, toes = f"calcn_{side}", f"toes_{side}"
    heel = bones["calcaneus"]
    marker, pad = THIN_SKIN + MARKER_RADIUS, PADDED_SKIN + MARKER_RADIUS
    rear = furthest(heel, -FORWARD)
    # Over the upper edge of the calcaneus the Achilles tendon lies between bone and skin.
    upper_rear = furthest(between(heel, UP, 0.85, 1.0), -FORWARD) - ACHILLES * FORWARD
    ankle = skeleton.body_positions[f"talus_{side}"]
    wall = near(heel, FORWARD, float(ankle @ FORWARD), 0.015)
    heads = {ray: between(bones[f"metatarsal_{ray}"], FORWARD, 0.85, 1.0) for ray in (1, 2, 3, 5)}
    bases = {ray: between(bones[f"metatarsal_{ray}"], FORWARD, 0.0, 0.2) for ray in (1, 5)}
    tips = {ray: furthest(bones[f"distal_{ray}"], FORWARD) for ray in (1, 2, 4, 5)}

    def at(body: str, point: np.ndarray, words: str) -> Landmark:
        return Landmark(body, point, BONY_LANDMARK, words)

    # Markers on the first metatarsal sit on its inner edge, clear of the ground.
    inward = (UP - outward) / np.sqrt(2)
    ball = (heads[1].mean(axis=0) + heads[5].mean(axis=0)) / 2
    return {
        "heel": at(calcn, rear - PADDED_SKIN * FORWARD, "rear of the calcaneus, skin"),
        "heel_marker": at(calcn, rear - pad * FORWARD, "rear of the calcaneus, marker"),
        "heel_markers": at(
            calcn,
            (rear - PADDED_SKIN * FORWARD + upper_rear) / 2 - MARKER_RADIUS * FORWARD,
            "mid of the two markers behind the calcaneus",
        ),
        "heel_upper": at(
            calcn, upper_rear - MARKER_RADIUS * FORWARD, "upper rear of the calcaneus, marker"
        ),
        "heel_outer": at(
            calcn,
            furthest(wall, outward) + pad * outward,
            "outer wall of the calcaneus below the malleolus",
        ),
        "heel_inner": at(
            calcn, furthest(wall, -outward) - pad * outward, "sustentaculum tali, marker"
        ),
        "metatarsal_5_base": at(
            calcn, furthest(bases[5], outward) + marker * outward, "base of the fifth metatarsal"
        ),
        "metatarsal_5_head": at(
            calcn, furthest(heads[5], outward) + marker * outward, "head of the fifth metatarsal"
        ),
        "metatarsal_1_head": at(
            calcn, furthest(heads[1], inward) + marker * inward, "head of the first metatarsal"
        ),
        "metatarsal_23_heads": at(
            calcn,
            (furthest(heads[2], UP) + furthest(heads[3], UP)) / 2 + marker * UP,
            "between the heads of the second and third metatarsal, dorsum",
        ),
        "metatarsal_1_base": at(
            calcn, furthest(bases[1], inward) + marker * inward, "base of the first metatarsal"
        ),
        "ball": at(calcn, ball, "between the heads of the first and fifth metatarsal"),
        "hallux": at(
            toes,
            furthest(bones["proximal_1"], FORWARD + UP) + marker * UP,
            "joint between the phalanges of the big toe, dorsum",
        ),
        "hallux_nail": at(
            toes, bones["distal_1"].mean(axis=0) + marker * UP, "nail of the big toe"
        ),
        # Not the tips: detected feet are shorter than bones, and shoes hide both (see README).
        "big_toe": at(toes, bones["distal_1"].mean(axis=0), "distal phalanx of the big toe"),
        "small_toe": at(toes, bones["distal_5"].mean(axis=0), "distal phalanx of the small toe"),
        "fourth_toe": at(toes, tips[4] + marker * UP, "distal phalanx of the fourth toe"),
        "foot_tip": at(toes, (tips[1] + tips[2]) / 2, "between the tips of the first two toes"),
    }
