"""What was not seen, and what is not determined."""

import dataclasses

import numpy as np
import pytest

from diffbio.io.read_sight import ENOUGH_CAMERAS, ENOUGH_KEYPOINTS, Sight, read_sight
from diffbio.io.write_netcdf import write_netcdf
from diffbio.report import quality
from diffbio.report.gait_analysis import analyse
from diffbio.report.gait_page import render_gait
from diffbio.report.gait_quality import quality_sentences, sight_summary
from tests.gait.fitted_walker import fitted, write_result
from tests.gait.walkers import Walker
from tests.walking_figure import walking_fit, walking_trial, with_uncertainty


def sight(views=(2, 2, 1, 0, 2), located=(1.0, 0.5), undetermined=("joint/wrist_dev_r",)):
    return Sight(
        ("cam1", "cam2"), np.array([3.0, np.nan]), np.array([4.0, np.nan]), np.array([1.0, 0.4]),
        np.arange(5) / 10, np.array(views), ("Heel", "Toe"), np.array(located), undetermined,
    )  # fmt: skip


def test_a_fit_says_what_its_cameras_saw(tmp_path):
    fit = with_uncertainty(walking_fit(), ("segment_scale/head",))
    write_netcdf(tmp_path / "fit.nc", fit, walking_trial(fit))
    found = read_sight(tmp_path / "fit.nc")
    assert found is not None and found.cameras == fit.error.camera_names
    medians = [one["median"] for one in fit.error.per_camera().values()]
    assert found.median_px == pytest.approx(medians, rel=1e-5)
    np.testing.assert_array_equal(found.views, quality.views(fit))
    assert found.undetermined == ("segment_scale/head",)
    assert (ENOUGH_KEYPOINTS, ENOUGH_CAMERAS) == (quality.MIN_MARKERS_IN_VIEW, quality.MIN_VIEWS)


def test_a_file_that_does_not_say_has_no_sight(tmp_path):
    assert read_sight(write_result(tmp_path, fitted(Walker())) / "fit.nc") is None


def test_gaps_and_keypoints_are_named():
    seen, open_ = quality_sentences(sight(), fitted(Walker()).markers)
    assert "Fewer than two cameras saw the person from 0.20 to 0.30 s" in seen[0]
    assert "in less than 90 % of the frames: Toe 50 %." in seen[1]
    assert open_ == [
        "The images say little about wrist deviation (right): draw no conclusions from these."
    ]
    numbers = sight_summary(sight())
    assert numbers is not None
    assert numbers["fewer_than_two_cameras_s"] == [[0.2, 0.3]]
    assert numbers["cameras"][1] == {
        "name": "cam2", "median_px": None, "mean_px": None, "seen_percent": 40.0,
    }  # fmt: skip


def test_where_all_is_seen_that_is_said():
    seen, open_ = quality_sentences(sight((2,) * 5, (1.0, 1.0), ()), fitted(Walker()).markers)
    assert seen == ["Two cameras or more saw the person in every frame."]
    assert open_ == ["The images determine every angle and every size of the body."]


def test_markers_that_were_lost_are_named():
    walk = fitted(Walker())
    positions = walk.markers.positions.copy()
    positions[: len(positions) // 2, 4] = np.nan
    lost = dataclasses.replace(walk.markers, positions=positions)
    assert quality_sentences(None, lost) == (
        ["Markers seen in less than 90 % of the frames: MidHip 50 %."], [],
    )  # fmt: skip


def test_it_is_on_the_page():
    page = render_gait(analyse(dataclasses.replace(fitted(Walker()), sight=sight())))
    assert "What is not determined" in page and "wrist deviation" in page
    assert "Frames in which it saw the person, %" in page and "<td>40</td>" in page
