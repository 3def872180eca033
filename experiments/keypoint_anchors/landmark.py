"""Anatomical points, and the geometric rules that find them on a bone."""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from diffbio.body.keypoint_set import AnchorClass
from experiments.keypoint_anchors.skeleton import Skeleton

JOINT_CENTRE, BONY_LANDMARK, SOFT_TISSUE, CLUSTER = AnchorClass

FORWARD = np.array([1.0, 0.0, 0.0])
UP = np.array([0.0, 1.0, 0.0])
RIGHT = np.array([0.0, 0.0, 1.0])

# Depth from the skin to the bone where only skin covers it (malleoli, epicondyles, styloids), and
# where a little fat or tendon lies between (iliac spines, heel, spinous processes), in metres.
THIN_SKIN = 0.005
PADDED_SKIN = 0.010
# Optical markers of 14 mm diameter: their centre stands off the skin by their radius.
MARKER_RADIUS = 0.007


@dataclasses.dataclass(frozen=True)
class Landmark:
    """One anatomical point of the default body.

    Attributes:
        body: name of the body that carries it.
        position: in the common frame of the neutral skeleton, in metres.
        kind: class of the anchor.
        source: the rule that found it, in a few words.
    """

    body: str
    position: Float[np.ndarray, "3"]
    kind: AnchorClass
    source: str


def lateral(side: str) -> Float[np.ndarray, "3"]:
    """Direction away from the midline, for the side `r` or `l`."""
    return RIGHT if side == "r" else -RIGHT


def furthest(
    points: Float[np.ndarray, "point 3"], direction: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "3"]:
    """The point that lies furthest along a direction."""
    return points[np.argmax(points @ direction)]


def reach(points: Float[np.ndarray, "point 3"], direction: Float[np.ndarray, "3"]) -> float:
    """How far the points extend along a direction, in metres from the common origin."""
    return float(np.max(points @ direction))


def between(
    points: Float[np.ndarray, "point 3"],
    direction: Float[np.ndarray, "3"],
    low: float,
    high: float,
) -> Float[np.ndarray, "kept 3"]:
    """The points between two fractions of the extent of them all along a direction."""
    along = points @ direction
    fraction = (along - along.min()) / np.ptp(along)
    return points[(fraction >= low) & (fraction <= high)]


def near(
    points: Float[np.ndarray, "point 3"],
    direction: Float[np.ndarray, "3"],
    level: float,
    half_width: float,
) -> Float[np.ndarray, "kept 3"]:
    """The points whose coordinate along a direction is within a band around a level, in metres."""
    return points[np.abs(points @ direction - level) <= half_width]


def pieces(skeleton: Skeleton, bone: str) -> list[Float[np.ndarray, "vertex 3"]]:
    """The separate bones drawn in one mesh (foot, rib cage), those with most vertices first."""
    # Sharp edges repeat a vertex; joining what lies within 10 um restores the surface.
    vertices, joined = np.unique(np.round(skeleton.bones[bone], 5), axis=0, return_inverse=True)
    faces = joined.ravel()[skeleton.bone_faces[bone]]
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    graph = coo_matrix((np.ones(len(edges)), tuple(edges.T)), shape=(len(vertices),) * 2)
    n_pieces, piece = connected_components(graph, directed=False)
    found = [vertices[piece == index] for index in range(n_pieces)]
    return sorted(found, key=len, reverse=True)


def around_shaft(
    ends: tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]],
    side: str,
    fraction: float,
    degrees: float,
    radius: float,
) -> Float[np.ndarray, "3"]:
    """A point of the skin around a long segment.

    Args:
        ends: proximal and distal joint centre, in metres.
        side: `r` or `l`.
        fraction: along the segment, 0 at its proximal end.
        degrees: around the segment, 0 lateral, 90 anterior, 180 medial.
        radius: from the axis of the segment, in metres.
    """
    proximal, distal = ends
    axis = (distal - proximal) / np.linalg.norm(distal - proximal)
    outward = lateral(side) - axis * (axis @ lateral(side))
    outward /= np.linalg.norm(outward)
    ahead = FORWARD - axis * (axis @ FORWARD) - outward * (outward @ FORWARD)
    ahead /= np.linalg.norm(ahead)
    angle = np.deg2rad(degrees)
    radial = np.cos(angle) * outward + np.sin(angle) * ahead
    return proximal + fraction * (distal - proximal) + radius * radial
