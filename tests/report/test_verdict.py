"""Every finding of the verdict, each from a fit that is wrong in one way."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import BodyParameters
from diffbio.fitting.fit import Fit, Outcome
from diffbio.report import quality
from diffbio.report.verdict import judge
from tests.walking_figure import (
    as_given,
    walking_fit,
    walking_trial,
    with_clocks,
    with_held_out,
    with_uncertainty,
)

TYPICAL_MM = 1.7 / 1000 * 4.5 * 1e3  # px / focal length * distance


def with_error(px: np.ndarray, unmoved: bool = False) -> Fit:
    fit = walking_fit()
    confidence = np.where(np.isfinite(px), 0.9, 0.0)
    error = dataclasses.replace(fit.error, px=px, confidence=confidence)
    return dataclasses.replace(as_given(fit) if unmoved else fit, error=error)


def with_scales(log_scale: np.ndarray) -> Fit:
    fit = walking_fit()
    parameters = BodyParameters(jnp.array(log_scale), fit.parameters.marker_offset)
    return dataclasses.replace(fit, parameters=parameters)


def verdict_of(fit: Fit):
    return judge(fit, walking_trial(walking_fit()))


def test_good_fit_is_ok_and_says_its_error_in_millimetres():
    verdict = verdict_of(walking_fit())
    assert verdict.level == "ok"
    assert verdict.messages == ()
    assert "the typical error is 8 mm at the person (1.7 px)" in verdict.sentence
    # mm: depths range over 3 to 6 m, so the median is near that of the middle
    assert_allclose(np.nanmedian(quality.error_mm(walking_fit())), TYPICAL_MM, atol=1.0)


@pytest.mark.parametrize(("factor", "level"), [(3.0, "check"), (8.0, "fail")])
def test_large_error(factor, level):
    verdict = verdict_of(with_error(walking_fit().error.px * factor))
    assert verdict.level == level
    assert "the typical error is" in verdict.sentence
    assert "mm at the person" in verdict.messages[0]


@pytest.mark.parametrize(
    ("unmoved", "remedy"),
    [(True, "try --refine-cameras"), (False, "refining did not cure it")],
)
def test_a_bad_camera_is_named(unmoved, remedy):
    px = walking_fit().error.px.copy()
    px[2] *= 2.0
    verdict = verdict_of(with_error(px, unmoved))
    assert verdict.level == "check"
    assert len(verdict.messages) == 1
    assert verdict.messages[0].startswith("cam_03 disagrees with the others (3.")
    assert remedy in verdict.messages[0]


def test_a_camera_that_shows_something_else_is_told_apart_from_a_bad_one():
    px = walking_fit().error.px.copy()
    px[2] *= 40.0
    message = next(m for m in verdict_of(with_error(px)).messages if m.startswith("cam_03"))
    assert "may belong to another camera" in message
    assert "e+" not in message


def test_a_camera_is_not_named_for_errors_that_do_not_matter():
    px = walking_fit().error.px / 10
    px[2] *= 3.0
    assert verdict_of(with_error(px)).messages == ()


def test_implausible_height():
    giant = np.asarray(walking_fit().parameters.log_scale) + np.log(1.6)
    verdict = verdict_of(with_scales(giant))
    assert verdict.level == "fail"
    assert "m tall" in verdict.sentence
    assert "check that the calibration is in metres" in verdict.messages[0]


def test_odd_proportions_are_listed_and_a_child_is_not_odd():
    fit = walking_fit()
    odd = np.zeros(len(fit.body.segment_names))
    odd[fit.body.segment_names.index("thigh_r")] = np.log(1.4)
    verdict = verdict_of(with_scales(odd))
    assert verdict.level == "check"
    assert "the proportions are unusual (thigh_r +40 %" in verdict.messages[0]
    assert verdict_of(with_scales(np.full(odd.shape, np.log(0.6)))).level == "ok"


@pytest.mark.parametrize(("share", "level"), [(0.05, "ok"), (0.3, "check"), (0.6, "fail")])
def test_frames_that_fewer_than_two_cameras_saw(share, level):
    px = walking_fit().error.px.copy()
    px[1:, : int(share * px.shape[1])] = np.nan
    verdict = verdict_of(with_error(px))
    assert verdict.level == level
    if level != "ok":
        percent = f"in {100 * share:.0f} % of the frames fewer than two cameras saw the person"
        assert percent in verdict.messages[0]


@pytest.mark.parametrize(
    ("count", "level", "words"),
    [
        (2, "check", "only two cameras saw the person (cam_01, cam_02)"),
        (1, "fail", "only cam_01 saw the person"),
    ],
)
def test_few_cameras(count, level, words):
    px = walking_fit().error.px.copy()
    px[count:] = np.nan
    verdict = verdict_of(with_error(px))
    assert verdict.level == level
    assert words in verdict.messages[0]


def test_no_result_at_all():
    lost = dataclasses.replace(walking_fit(), outcome=Outcome.NOT_FINITE)
    assert "not finite" in verdict_of(lost).sentence
    blind = with_error(np.full_like(walking_fit().error.px, np.nan))
    verdict = verdict_of(blind)
    assert verdict.level == "fail"
    assert "no camera detected any keypoint in walk_01" in verdict.sentence


@pytest.mark.parametrize(
    ("refined", "remedy"),
    [
        ((), "try --refine-cameras --refine-clocks"),
        (("clocks",), "try --refine-cameras"),
        (("poses",), "refining did not cure it, so try --refine-clocks"),
        (("poses", "clocks"), "refining did not cure it, so check its lens calibration"),
    ],
)
def test_a_bad_camera_is_offered_what_was_not_tried(refined, remedy):
    px = walking_fit().error.px.copy()
    px[2] *= 2.0
    fit = dataclasses.replace(with_error(px), refined=refined)
    assert remedy in verdict_of(fit).messages[0]


def test_a_corrected_clock_is_reported_and_the_fit_stays_usable():
    verdict = verdict_of(with_clocks(walking_fit(), {"cam_03": 0.083, "cam_02": -0.009}))
    assert verdict.level == "ok"
    assert "The body explains what the cameras saw" in verdict.sentence
    assert len(verdict.messages) == 1  # 9 ms are less than half a frame of 20 ms
    later = "cam_03 took its pictures 83 ms (4.2 frames) later than its time stamps say"
    assert verdict.messages[0].startswith(f"{later}: the fit corrects it")
    earlier = verdict_of(with_clocks(walking_fit(), {"cam_03": -0.02})).messages[0]
    assert "20 ms (1.0 frames) earlier" in earlier


def test_a_clock_that_is_not_known_is_to_be_checked():
    fit = with_uncertainty(with_clocks(walking_fit(), {"cam_03": 0.02}))
    assert fit.uncertainty is not None
    assert verdict_of(fit).level == "ok"
    vague = dataclasses.replace(fit.uncertainty.cameras, clock_offset=np.full(6, 0.03))
    unsure = dataclasses.replace(fit.uncertainty, cameras=vague)
    verdict = verdict_of(dataclasses.replace(fit, uncertainty=unsure))
    assert verdict.level == "check"
    assert "known to within 49 ms only" in verdict.messages[0]  # 1.645 * 30 ms


@pytest.mark.parametrize(
    ("turn", "shift", "level"), [(1.4, 40, "ok"), (2, 0, "check"), (0, 50, "check")]
)
def test_a_camera_that_moved_implausibly(turn, shift, level):
    """Three deviations of a careful calibration are 1.5 deg and 45 mm."""
    fit = as_given(walking_fit())
    cameras = with_clocks(fit, {}).cameras
    assert cameras is not None
    rotation, centres = np.zeros((6, 3)), np.zeros((6, 3))
    rotation[1, 2], centres[1, 0] = np.deg2rad(turn), shift / 1e3
    cameras = dataclasses.replace(cameras, rotation=rotation, shift=centres)
    moved = dataclasses.replace(
        fit, rig=fit.rig_before.adjusted(cameras), cameras=cameras, refined=("poses",)
    )
    verdict = verdict_of(moved)
    assert verdict.level == level
    if level == "check":
        words = f"cam_02 was turned by {turn:.1f} deg and moved by {shift:.0f} mm, more than"
        assert verdict.messages[0].startswith(words)
        assert "calibrate it again" in verdict.messages[0]


def test_an_implausible_lens_is_named():
    fit = as_given(walking_fit())
    cameras = with_clocks(fit, {}).cameras
    assert cameras is not None
    cameras = dataclasses.replace(cameras, log_focal=np.array([0, 0, 0, -0.05, 0, 0]))
    verdict = verdict_of(dataclasses.replace(fit, cameras=cameras, refined=("lenses",)))
    assert verdict.messages[0].startswith("cam_04 had its focal length changed by -4.9 %")


@pytest.mark.parametrize(("worse", "level"), [(1.2, "ok"), (2.5, "check")])
def test_held_out_camera(worse, level):
    verdict = verdict_of(with_held_out(as_given(walking_fit()), "cam_05", worse))
    assert verdict.level == level
    assert len(verdict.messages) == (level == "check")
    if level == "check":
        assert "cam_05, which the fit did not use, is 2.5 times worse (4." in verdict.messages[0]
        assert (
            "px with its pose refitted: check its calibration and its clock"
            in (verdict.messages[0])
        )


def test_fewer_pixels_are_no_evidence_where_cameras_were_refined():
    verdict = verdict_of(with_held_out(walking_fit(), "cam_05"))
    assert verdict.level == "ok"
    assert len(verdict.messages) == 1
    words = "fewer pixels in the cameras that were fitted are no evidence by themselves"
    assert words in verdict.messages[0]
    said = "judge by cam_05, which was not used, with its pose refitted (1."
    assert said in verdict.messages[0]


def test_held_out_camera_that_saw_nothing():
    verdict = verdict_of(with_held_out(walking_fit(), "cam_05", np.nan))
    assert verdict.messages[0].startswith("cam_05 was kept out of the fit but detected nothing")


@pytest.mark.parametrize(
    ("names", "level", "words"),
    [
        ((), "ok", None),
        (("joint/pro_sup_r",), "ok", "say little about forearm rotation (right): draw no"),
        (("joint/knee_angle_l",), "check", "say little about knee angle (left): draw no"),
    ],
)
def test_undetermined_unknowns(names, level, words):
    verdict = verdict_of(with_uncertainty(walking_fit(), names))
    assert verdict.level == level
    assert len(verdict.messages) == len(names)
    if words:
        assert words in verdict.messages[0]
