"""Derive the keypoint tables of diffbio from the default body, and draw them."""

import pathlib

import matplotlib

matplotlib.use("Agg")

from diffbio.body.keypoint_set import load_keypoint_set
from experiments.keypoint_anchors.picture import draw_overview, draw_set
from experiments.keypoint_anchors.sets import SETS
from experiments.keypoint_anchors.tables import write_table

HERE = pathlib.Path(__file__).parent
TABLES = HERE.parents[1] / "diffbio" / "body" / "keypoint_sets"


def main() -> None:
    """Write every table, then draw what was written."""
    TABLES.mkdir(exist_ok=True)
    sets = []
    for name in SETS:
        sets.append(load_keypoint_set(write_table(name, TABLES)))
        draw_set(sets[-1], HERE / f"anchors_{name}.png")
        print(f"{name}: {len(sets[-1].anchors)} of {len(sets[-1].keypoints)} keypoints anchored")
    draw_overview(sets, HERE / "overview.png")


if __name__ == "__main__":
    main()
