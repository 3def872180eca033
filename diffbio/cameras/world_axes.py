"""The world a rig stands in: which way its axes point, where its floor is, and a check of both."""

import dataclasses
import re

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.cameras.rig import CameraRig
from diffbio.errors import InputError

DIRECTIONS = {
    "forward": (1.0, 0.0, 0.0),
    "backward": (-1.0, 0.0, 0.0),
    "left": (0.0, 1.0, 0.0),
    "right": (0.0, -1.0, 0.0),
    "up": (0.0, 0.0, 1.0),
    "down": (0.0, 0.0, -1.0),
}
"""In diffbio's world: x forward, y left, z up."""

_STRAIGHT = 0.02
"""Points of a floor whose second extent is a smaller share of their first say nothing of it."""

_EXAMPLE = "Write for example x=forward,y=left,z=up."


@dataclasses.dataclass(frozen=True)
class WorldChange:
    """Another world for the same things: `p_new = turn @ (p_old - origin)`.

    Attributes:
        turn: new from old; its determinant is -1 where the old axes are left-handed.
        origin: of the new world, in the old one, in metres.
    """

    turn: Float[np.ndarray, "3 3"]
    origin: Float[np.ndarray, "3"]

    def of_points(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Points in the new world, in metres."""
        return (points - self.origin) @ self.turn.T

    def of_rig(self, rig: CameraRig) -> CameraRig:
        """The cameras in the new world.

        Raises:
            InputError: it is the mirror image of the old one, in which no camera is a camera.
        """
        if np.linalg.det(self.turn) < 0.0:
            raise InputError(
                "--axes",
                "They make a right-handed world left-handed, and pictures would be mirrored.",
                "Turn one axis round: seen from the tip of z, x goes to y against the clock.",
            )
        rotation = np.asarray(rig.camera_from_world_rotation, float) @ self.turn.T
        centres = self.of_points(np.asarray(rig.centres, float))
        dtype = rig.focal_px.dtype
        return eqx.tree_at(
            lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
            rig,
            (
                jnp.asarray(rotation, dtype),
                jnp.asarray(-np.einsum("cij,cj->ci", rotation, centres), dtype),
            ),
        )


def axes_in_words(text: str) -> WorldChange:
    """Which way the axes of the old world point, in words.

    Args:
        text: such as `x=right,y=forward,z=up`; out of `DIRECTIONS`.

    Raises:
        InputError: an axis is missing or unknown, or two point along one line.
    """
    words = dict(part.split("=", 1) for part in re.split(r"[,\s]+", text.strip()) if "=" in part)
    if set(words) != set("xyz") or not set(words.values()) <= set(DIRECTIONS):
        raise InputError(
            "--axes",
            f"Found {text!r}.",
            f"Say of x, y and z each which way it points, out of {', '.join(DIRECTIONS)}. "
            f"{_EXAMPLE}",
        )
    turn = np.array([DIRECTIONS[words[axis]] for axis in "xyz"]).T
    if np.linalg.matrix_rank(turn) < 3:
        raise InputError("--axes", f"In {text!r} two axes point along one line.", f"{_EXAMPLE}")
    return WorldChange(turn, np.zeros(3))


def level_on(
    points: Float[np.ndarray, "point 3"], centres: Float[np.ndarray, "camera 3"]
) -> WorldChange:
    """The world whose floor, z = 0, is the plane through points, with the cameras above it.

    The old origin stays above or below where it was, and x keeps its direction as seen from above.

    Args:
        points: on the floor, three or more, not on one line, in metres.
        centres: where cameras stand, in metres.

    Raises:
        InputError: the points determine no plane, or cameras stand on both sides of it.
    """
    middle = points.mean(axis=0)
    if len(points) < 3:
        raise InputError("--floor", f"Found {len(points)} points.", "Give three or more.")
    _, sizes, axes = np.linalg.svd(points - middle)
    if sizes[1] < _STRAIGHT * sizes[0]:
        raise InputError(
            "--floor",
            "Its points lie on one line, about which the floor may be turned freely.",
            "Give a point beside that line.",
        )
    heights = (centres - middle) @ axes[2]
    if heights.min() < 0.0 < heights.max():
        above = int((heights > 0.0).sum())
        raise InputError(
            "--floor",
            f"Of the cameras {above} would stand on one side of the floor and "
            f"{len(heights) - above} on the other.",
            "Give points that lie on the floor, and check their places.",
        )
    up = axes[2] * (1.0 if heights.mean() > 0.0 else -1.0)
    first = np.array([1.0, 0.0, 0.0]) if abs(up[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    forward = first - (first @ up) * up
    forward /= np.linalg.norm(forward)
    turn = np.stack([forward, np.cross(up, forward), up])
    return WorldChange(turn, up * (middle @ up))


def heading(origin: Float[np.ndarray, "3"], ahead: Float[np.ndarray, "3"]) -> WorldChange:
    """The world turned about its vertical and moved over its floor.

    Args:
        origin: the point at which x and y shall be zero, in metres.
        ahead: a point towards which x shall point, as seen from above.

    Raises:
        InputError: the two points are one above the other.
    """
    across = (ahead - origin)[:2]
    length = float(np.linalg.norm(across))
    if length < 1e-3:
        raise InputError(
            "--heading",
            "Its two points lie one above the other.",
            "Give two points that are apart on the floor.",
        )
    cosine, sine = across / length
    turn = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    return WorldChange(turn, np.array([origin[0], origin[1], 0.0]))


def floor_height_mm(rig: CameraRig, on_floor: Float[np.ndarray, "point 3"]) -> float:
    """How far what stands on the floor is from z = 0, rms, with every camera above it.

    Args:
        rig: the cameras.
        on_floor: points that are on the floor, in the world of the rig, in metres.

    Raises:
        InputError: a camera is below the floor, so that the vertical points down.
    """
    heights = np.asarray(rig.centres)[:, 2]
    if heights.min() < 0.0:
        below = [name for name, z in zip(rig.names, heights, strict=True) if z < 0.0]
        raise InputError(
            "--floor",
            f"Camera {', '.join(below)} would stand {1e3 * -heights.min():.0f} mm below the floor.",
            "Check which way z points, and that the points are those of the floor.",
        )
    return float(1e3 * np.sqrt(np.mean(on_floor[:, 2] ** 2)))
