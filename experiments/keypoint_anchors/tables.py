"""Writing keypoint tables in TOML."""

import os
import pathlib

from experiments.keypoint_anchors.dictionary import landmarks
from experiments.keypoint_anchors.edges import edges
from experiments.keypoint_anchors.sets import SETS
from experiments.keypoint_anchors.skeleton import neutral_skeleton


def anchor_line(keypoint: str, point: str) -> str:
    """One anchor as an inline table, its position in the frame of its body to 0.1 mm."""
    landmark = landmarks()[point]
    local = neutral_skeleton().in_body(landmark.body, landmark.position)
    # Adding zero turns a rounded -0.0 into 0.0.
    position = ", ".join(f"{round(float(value), 4) + 0.0:.4f}" for value in local)
    return (
        f'"{keypoint}" = {{ body = "{landmark.body}", position = [{position}], '
        f'class = "{landmark.kind}", source = "{landmark.source}" }}'
    )


def table(name: str) -> str:
    """The whole table of one set."""
    description = SETS[name]
    keypoints = "".join(f'    "{keypoint}",\n' for keypoint in description.points)
    pairs = "".join(f'    ["{a}", "{b}"],\n' for a, b in edges(description.points))
    anchors = "\n".join(
        anchor_line(keypoint, point)
        for keypoint, point in description.points.items()
        if point is not None
    )
    return (
        f"# {description.title}\n"
        "# Positions in metres in the frame of the body named (X forward, Y up, Z right), on the\n"
        "# unscaled default body. Written by `python -m experiments.keypoint_anchors`; change the\n"
        "# rules there, not the numbers here.\n"
        f'name = "{name}"\n\n'
        f"keypoints = [\n{keypoints}]\n\n"
        f"edges = [\n{pairs}]\n\n"
        f"[anchors]\n{anchors}\n"
    )


def write_table(name: str, folder: pathlib.Path) -> pathlib.Path:
    """Write the table of one set into a folder and return its path."""
    path = folder / f"{name}.toml"
    unfinished = path.with_suffix(".toml.part")
    unfinished.write_text(table(name), encoding="utf-8")
    os.replace(unfinished, path)
    return path
