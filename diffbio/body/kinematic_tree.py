"""The constant half of forward kinematics: which frames turn, and the links between them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from diffbio.body.skeleton import Joint, Skeleton

_IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])


class Node(NamedTuple):
    """A frame that turns: the root, and one per hinge.

    Attributes:
        parent: index of the node it turns in, -1 for the root.
        joint: index of the hinge that turns it, -1 for the root.
        fixed: `parent_from_node` while the hinge displaces nothing, wxyz.
        axis: quaternion product of `fixed` and the hinge's axis, so that `parent_from_node` is
            `fixed * cos(angle / 2) + axis * sin(angle / 2)`.
        path: indices of the links that lead from the root to the hinge's anchor.
    """

    parent: int
    joint: int
    fixed: Float[np.ndarray, "4"]
    axis: Float[np.ndarray, "4"]
    path: tuple[int, ...]


class Link(NamedTuple):
    """A vector fixed in a node.

    Attributes:
        node: index of the node.
        vector: in the frame of the node; in metres, or per metre of a slide's displacement.
        body: index of the body whose size scales it.
        slide: index of the joint that displaces along it, -1 for a link of constant length.
    """

    node: int
    vector: Float[np.ndarray, "3"]
    body: int
    slide: int


class Frame(NamedTuple):
    """A frame fixed in a node.

    Attributes:
        node: index of the node.
        turn: `node_from_frame`, wxyz.
        path: indices of the links that lead from the root to its origin.
    """

    node: int
    turn: Float[np.ndarray, "4"]
    path: tuple[int, ...]


class KinematicTree:
    """A skeleton as nodes and links, found by one walk from the root to the leaves.

    Attributes:
        nodes: by depth, the root first.
        links: in the order of the walk; links of no length are left out.
        bodies: the frame of every body, behind all its joints.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self.nodes = [Node(-1, -1, _IDENTITY, np.zeros(4), ())]
        self.links: list[Link] = []
        self.bodies: list[Frame] = []
        for body, parent in enumerate(skeleton.parents):
            frame = Frame(0, _IDENTITY, ())
            if parent >= 0:
                frame = self._along(self.bodies[parent], skeleton.position[body], parent)
                frame = frame._replace(turn=_multiply(frame.turn, skeleton.quaternion[body]))
            for index, joint in enumerate(skeleton.joints):
                if joint.body != body:
                    continue
                if joint.kind == "slide":
                    # A slide displaces its body within the parent, so the parent's size counts.
                    frame = self._along(frame, np.asarray(joint.axis), max(parent, 0), index)
                else:
                    frame = self._behind_hinge(frame, joint, index)
            self.bodies.append(frame)
        self._sort_nodes_by_depth()

    def _along(self, frame: Frame, vector: np.ndarray, body: int, slide: int = -1) -> Frame:
        """The frame moved by a new link, given in its own axes."""
        if not vector.any():
            return frame
        self.links.append(Link(frame.node, _rotate(frame.turn, vector), body, slide))
        return frame._replace(path=(*frame.path, len(self.links) - 1))

    def _behind_hinge(self, frame: Frame, joint: Joint, index: int) -> Frame:
        """The frame a new hinge turns: to the hinge's anchor, around, and back."""
        anchor = np.asarray(joint.anchor)
        frame = self._along(frame, anchor, joint.body)
        axis = _multiply(frame.turn, np.array([0.0, *joint.axis]))
        self.nodes.append(Node(frame.node, index, frame.turn, axis, frame.path))
        turned = Frame(len(self.nodes) - 1, _IDENTITY, frame.path)
        return self._along(turned, -anchor, joint.body)

    def _sort_nodes_by_depth(self) -> None:
        depth = [0]
        for node in self.nodes[1:]:
            depth.append(depth[node.parent] + 1)
        order = np.argsort(depth, kind="stable")
        rank = [int(place) for place in np.argsort(order)]
        nodes = [self.nodes[old] for old in order]
        self.nodes = [nodes[0], *(n._replace(parent=rank[n.parent]) for n in nodes[1:])]
        self.links = [link._replace(node=rank[link.node]) for link in self.links]
        self.bodies = [frame._replace(node=rank[frame.node]) for frame in self.bodies]


def _multiply(a: Float[np.ndarray, "4"], b: Float[np.ndarray, "4"]) -> Float[np.ndarray, "4"]:
    """Quaternion product, wxyz."""
    vector = a[0] * b[1:] + b[0] * a[1:] + np.cross(a[1:], b[1:])
    return np.concatenate([[a[0] * b[0] - a[1:] @ b[1:]], vector])


def _rotate(q: Float[np.ndarray, "4"], vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """A vector turned by a unit quaternion."""
    twice = 2 * np.cross(q[1:], vector)
    return vector + q[0] * twice + np.cross(q[1:], twice)
