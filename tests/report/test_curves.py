"""How coordinates are named, paired and grouped for drawing."""

import numpy as np
import pytest

from diffbio.io.coordinates import Coordinates
from diffbio.report.curves import charts_of, drawn_frames, split_side

NAMES = ("pelvis_tx", "hip_flexion_r", "tail_curl", "hip_flexion_l", "knee_angle_l")


def test_sides_share_a_chart_in_anatomical_order():
    units = ("m", "deg", "deg", "deg", "deg")
    charts = charts_of(Coordinates(NAMES, units, np.zeros((2, 5))))
    assert [chart.title for chart in charts] == [
        "Pelvis forward",
        "Hip flexion",
        "Knee angle",
        "Tail curl",
    ]
    assert charts[0].unit == "m"
    assert charts[1].column == {"r": 1, "l": 3}
    assert charts[2].column == {"l": 4}
    assert charts[3].group == "Other"


@pytest.mark.parametrize(
    ("name", "split"), [("knee_angle_r", ("knee_angle", "r")), ("pelvis", ("pelvis", "m"))]
)
def test_split_side(name, split):
    assert split_side(name) == split


@pytest.mark.parametrize(("count", "most"), [(10, 20), (100, 20), (101, 20), (1, 5)])
def test_drawn_frames_start_at_the_first_and_are_few(count, most):
    frames = drawn_frames(count, most)
    assert frames[0] == 0
    assert len(frames) <= most
    assert len(set(np.diff(frames))) <= 1
    assert frames[-1] >= count - -(-count // most)
