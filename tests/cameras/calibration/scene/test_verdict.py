"""Every way in which known points may be wrong, and what the verdict says of it."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.cameras.calibration.scene import (
    SceneViews,
    calibrate_scene,
    judge_scene,
    measure_scene,
)
from diffbio.cameras.rig_changes import rescaled
from diffbio.simulation.recording import ring_of_cameras

RIG = ring_of_cameras(4)
PLACES = np.random.default_rng(0).uniform([-1.0, -1.0, 0.0], [1.0, 1.0, 1.5], (8, 3))


def views_of(places: np.ndarray = PLACES) -> SceneViews:
    exact = np.asarray(RIG.project(jnp.asarray(places)))
    clicks = np.random.default_rng(1).standard_normal(exact.shape)
    names = tuple("abcdefgh")[: len(places)]
    return SceneViews(names, places, np.zeros(len(places)), RIG.names, exact + clicks)


def verdict_of(views: SceneViews, lenses=RIG, **options):
    calibration = calibrate_scene(views, lenses, **options)
    return judge_scene(calibration, measure_scene(calibration))


def test_good_points_are_ok():
    verdict = verdict_of(views_of())
    assert verdict.level == "ok"
    assert verdict.reasons == ()


def test_numbers_are_in_their_units():
    calibration = calibrate_scene(views_of(), RIG)
    quality = measure_scene(calibration)
    assert quality.distance_m["cam01"] == pytest.approx(5.0, abs=0.3)
    # 1 px per axis at 5 m and 1150 px: a point is predicted to about a centimetre.
    assert 2.0 < quality.left_out_mm["cam02"] < 20.0
    assert 5.0 < quality.centre_sd_mm["cam02"] < 60.0
    assert quality.focal_sd_percent["cam02"] == 0.0
    assert 1.0 < quality.triangulated_mm < 15.0


def test_exchanged_labels_are_named():
    views = views_of()
    views.pixels[0, [2, 5]] = views.pixels[0, [5, 2]]
    verdict = verdict_of(views)
    assert verdict.level == "check"
    assert verdict.reasons[0].startswith("Camera cam01: points c and f are swapped")


def test_a_wrong_click_is_named():
    views = views_of()
    views.pixels[1, 3] += [40.0, 10.0]
    reasons = verdict_of(views).reasons
    assert any(reason.startswith("Camera cam02: point d was seen 4") for reason in reasons)


def test_a_wrong_survey_is_told_from_wrong_clicks():
    views = views_of()
    places = views.places.copy()
    places[3] += [0.3, 0.0, 0.0]
    reasons = verdict_of(dataclasses.replace(views, places=places)).reasons
    assert any("4 cameras left out point d: its surveyed place is wrong" in r for r in reasons)


def test_left_handed_axes_are_said():
    views = dataclasses.replace(views_of(), places=PLACES * [1.0, -1.0, 1.0])
    verdict = verdict_of(views)
    assert verdict.level == "fail"
    assert all("its axes are left-handed" in verdict.reasons[camera] for camera in range(4))


def test_left_handed_axes_of_a_plane_put_cameras_below_it():
    flat = PLACES * [1.0, 1.0, 0.0]
    views = dataclasses.replace(views_of(flat), places=flat * [1.0, -1.0, 1.0])
    verdict = verdict_of(views)
    assert verdict.level == "fail"
    assert any("comes out below its points" in reason for reason in verdict.reasons)


def test_the_lens_of_another_resolution_is_said():
    verdict = verdict_of(views_of(), rescaled(RIG, 3840, 2160))
    assert verdict.level == "fail"
    assert "give --image-size 1920x1080" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("factor", "said"),
    [(1000.0, "as if the survey were millimetres"), (0.001, "a larger unit than metres")],
)
def test_another_unit_is_suspected(factor, said):
    verdict = verdict_of(dataclasses.replace(views_of(), places=factor * PLACES))
    assert verdict.level == "fail"
    assert any(said in reason for reason in verdict.reasons)


def test_four_points_of_a_small_plane_leave_two_poses():
    square = np.array([[-0.1, -0.1, 1.0], [0.1, -0.1, 1.0], [0.1, 0.1, 1.0], [-0.1, 0.1, 1.0]])
    verdict = verdict_of(views_of(square))
    assert verdict.level == "fail"
    assert any("do not tell two poses apart" in reason for reason in verdict.reasons)
    assert any("found from 4 points, which hardly check" in reason for reason in verdict.reasons)


def test_a_focal_length_that_is_hardly_known_is_said():
    verdict = verdict_of(views_of(), focal=True)
    assert any("focal length of camera cam01 is known to +-" in r for r in verdict.reasons)


def test_points_that_are_nothing_like_the_clicks_fail():
    views = views_of()
    shuffled = np.random.default_rng(2).permutation(8)
    verdict = verdict_of(dataclasses.replace(views, pixels=views.pixels[:, shuffled]))
    assert verdict.level == "fail"
    assert any("misses its points by" in reason for reason in verdict.reasons)
