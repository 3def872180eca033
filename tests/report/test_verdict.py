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
from tests.walking_figure import walking_fit, walking_trial

TYPICAL_MM = 1.7 / 1000 * 4.5 * 1e3  # px / focal length * distance


def with_error(px: np.ndarray, unmoved: bool = False) -> Fit:
    fit = walking_fit()
    confidence = np.where(np.isfinite(px), 0.9, 0.0)
    error = dataclasses.replace(fit.error, px=px, confidence=confidence)
    return dataclasses.replace(fit, error=error, rig_before=fit.rig if unmoved else fit.rig_before)


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


def test_camera_adjustment_is_the_one_that_was_made():
    moved = quality.camera_adjustment(walking_fit())
    assert set(moved) == set(walking_fit().rig.names)
    angle, shift = np.rad2deg(0.002 * np.sqrt(3)), 4.0 * np.sqrt(3)
    assert_allclose(moved["cam_04"]["rotation_deg"], angle, atol=1e-9)  # deg
    assert_allclose(moved["cam_04"]["translation_mm"], shift, atol=1e-6)  # mm
    assert quality.cameras_were_refined(walking_fit())
    assert not quality.cameras_were_refined(with_error(walking_fit().error.px, unmoved=True))
