"""Pictures of the body with the anchors of a set, to be looked at."""

import dataclasses
import functools
import pathlib

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from diffbio.body.keypoint_set import Anchor, AnchorClass, KeypointSet
from experiments.keypoint_anchors.skeleton import neutral_skeleton

COLOURS = {
    AnchorClass.JOINT_CENTRE: "#d62728",
    AnchorClass.BONY_LANDMARK: "#1f5fbf",
    AnchorClass.SOFT_TISSUE: "#1a9641",
    AnchorClass.CLUSTER: "#7b3294",
}
LIGHT = np.array([0.3, 0.5, 0.8])


@dataclasses.dataclass(frozen=True)
class View:
    """One way to look at the skeleton.

    Attributes:
        page_from_common: rows point across the page, up the page and towards the reader.
        bodies: only bones whose body name starts with one of these; all where empty.
        across: limits across the page, in metres.
        up: limits up the page, in metres.
    """

    title: str
    page_from_common: tuple[tuple[float, float, float], ...]
    bodies: tuple[str, ...]
    across: tuple[float, float]
    up: tuple[float, float]

    def __call__(self, point: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
        """A point of the common frame on the page, in metres."""
        return np.array(self.page_from_common) @ point


# The common frame is X forward, Y up, Z right; seen from the front, the right is on the left.
FROM_FRONT = ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
FROM_RIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
FROM_ABOVE = ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
FRONT = View("front", FROM_FRONT, (), (-0.30, 0.30), (-0.96, 0.78))
SIDE = View("right side", FROM_RIGHT, (), (-0.26, 0.20), (-0.96, 0.78))
HEAD = View("head", FROM_RIGHT, ("head", "neck"), (-0.24, 0.04), (0.49, 0.78))
FOOT = View(
    "right foot", FROM_ABOVE, ("calcn_r", "toes_r", "talus_r"), (-0.17, 0.17), (-0.17, -0.01)
)


@functools.cache
def bones_image(view: View) -> np.ndarray:
    """The shaded bones of a view, nearest on top, as an RGB image."""
    skeleton = neutral_skeleton()
    drawn = [
        bone
        for bone, body in skeleton.bodies_of_bones.items()
        if not view.bodies or body.startswith(view.bodies)
    ]
    corners = np.concatenate([skeleton.bones[b][skeleton.bone_faces[b]] for b in drawn])
    triangles = corners @ np.array(view.page_from_common).T
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    shade = 0.70 + 0.25 * np.abs(normals @ LIGHT) / np.linalg.norm(LIGHT)
    nearest_last = np.argsort(triangles[:, :, 2].mean(axis=1))
    inches = 8.0 / max(np.ptp(view.across), np.ptp(view.up))
    size = (inches * np.ptp(view.across), inches * np.ptp(view.up))
    figure = Figure(figsize=size, dpi=110)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0), xlim=view.across, ylim=view.up)
    axes.axis("off")
    grey = np.repeat(shade[nearest_last, None], 3, axis=1)
    axes.add_collection(
        PolyCollection(list(triangles[nearest_last][:, :, :2]), facecolors=grey, edgecolors="none")
    )
    canvas.draw()
    # Few greys compress well and leave the palette of the picture to the anchors.
    image = np.asarray(canvas.buffer_rgba())[:, :, :3] // 12 * 12 + 3
    return np.minimum(image, 255).astype(np.uint8)


def draw_bones(axes: Axes, view: View) -> None:
    """The bones of a view, to the scale of the axes."""
    axes.imshow(bones_image(view), extent=(*view.across, *view.up), interpolation="bilinear")
    axes.axis("off")


def position_of(anchor: Anchor) -> Float[np.ndarray, "3"]:
    """Where an anchor is in the common frame, in metres."""
    return neutral_skeleton().from_body(anchor.body, np.array(anchor.position))


def draw_anchors(axes: Axes, anchors: list[Anchor], view: View, size: float) -> None:
    """One dot per anchor, coloured by class."""
    for anchor in anchors:
        x, y, _ = view(position_of(anchor))
        axes.plot(x, y, "o", ms=size, color=COLOURS[anchor.kind], mec="white", mew=0.3)


def label_in_margins(axes: Axes, anchors: list[Anchor], view: View) -> None:
    """Names in two columns beside the bones, with a line from each name to its dot."""
    points = {anchor.keypoint: view(position_of(anchor)) for anchor in anchors}
    middle = np.median([point[0] for point in points.values()]) if points else 0.0
    line = np.ptp(view.up) / {FRONT: 62, SIDE: 62, FOOT: 14}.get(view, 26)
    for is_left in (True, False):
        names = [name for name, point in points.items() if (point[0] < middle) == is_left]
        names.sort(key=lambda name: points[name][1])
        wanted = np.array([points[name][1] for name in names])
        heights = wanted.copy()
        for index in range(1, len(heights)):
            heights[index] = max(heights[index], heights[index - 1] + line)
        shift = np.mean(heights - wanted) if names else 0.0
        edge = view.across[0] if is_left else view.across[1]
        for name, height in zip(names, heights - shift, strict=True):
            x, y, _ = points[name]
            axes.plot([edge, x], [height, y], color="0.45", lw=0.3, clip_on=False)
            side = "right" if is_left else "left"
            axes.text(edge, height, f" {name} ", fontsize=5.5, va="center", ha=side)


def on_the_right(anchors: tuple[Anchor, ...]) -> list[Anchor]:
    """The anchors of the right side and of the midline."""
    return [a for a in anchors if position_of(a)[2] > -0.01]


def draw_set(keypoints: KeypointSet, path: pathlib.Path) -> None:
    """Front, right side, and close-ups of head and right foot, with names."""
    figure = plt.figure(figsize=(13, 8))
    grid = figure.add_gridspec(2, 3, width_ratios=[1, 0.9, 0.9], wspace=0.25, hspace=0.05)
    right = on_the_right(keypoints.anchors)
    in_foot = [a for a in right if a.body.startswith((*FOOT.bodies, "tibia"))]
    for cell, view, shown in (
        (grid[:, 0], FRONT, list(keypoints.anchors)),
        (grid[:, 1], SIDE, right),
        (grid[0, 2], HEAD, [a for a in right if a.body == "head"]),
        (grid[1, 2], FOOT, [a for a in in_foot if position_of(a)[1] < -0.8]),
    ):
        axes = figure.add_subplot(cell)
        draw_bones(axes, view)
        label_in_margins(axes, shown, view)
        draw_anchors(axes, shown, view, size=3.5)
        axes.set_xlim(view.across)
        axes.set_ylim(view.up)
        axes.set_title(f"{keypoints.name}, {view.title}", fontsize=9)
    handles = [
        Line2D([], [], marker="o", ls="", color=colour, label=kind.replace("_", " "))
        for kind, colour in COLOURS.items()
    ]
    figure.legend(handles=handles, fontsize=8, loc="lower right", frameon=False, ncols=3)
    save(figure, path, dots_per_inch=110)


def draw_overview(sets: list[KeypointSet], path: pathlib.Path) -> None:
    """Every set from the front and from the right, without names."""
    figure, rows = plt.subplots(2, len(sets), figsize=(1.7 * len(sets), 7.2))
    for column, keypoints in enumerate(sets):
        for axes, view in ((rows[0, column], FRONT), (rows[1, column], SIDE)):
            draw_bones(axes, view)
            draw_anchors(axes, list(keypoints.anchors), view, size=2.5)
        rows[0, column].set_title(
            f"{keypoints.name}\n{len(keypoints.anchors)} of {len(keypoints.keypoints)}", fontsize=7
        )
    figure.tight_layout(pad=0.2)
    save(figure, path, dots_per_inch=80)


def save(figure: Figure, path: pathlib.Path, dots_per_inch: int) -> None:
    """Write a figure as a PNG of 64 colours, which keeps it small in the repository."""
    figure.savefig(path, dpi=dots_per_inch, bbox_inches="tight", pad_inches=0.05)
    plt.close(figure)
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(64, Image.Quantize.MAXCOVERAGE)
    small.save(path, optimize=True)
