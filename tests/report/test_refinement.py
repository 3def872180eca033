"""What is said of a refined rig, each time of one that is wrong in one way."""

import dataclasses

import jax
import numpy as np
import pytest

from diffbio.report.held_out import HeldOutErrors
from diffbio.report.refined_folder import summary_of_refinement, write_refined
from diffbio.report.refinement import (
    Evidence,
    camera_to_hold_out,
    evidence_of,
    judge_refinement,
)
from tests.walking_figure import (
    as_given,
    walking_fit,
    walking_trial,
    with_clocks,
    with_uncertainty,
)

BETTER = Evidence("cam_02", 5.0, 4.0, 20.0, 16.0, (6.0, 6.5))


def fit_of(turned: float = 1.0):
    """A refined fit with error bars whose corrections are multiplied."""
    fit = with_uncertainty(walking_fit())
    cameras = jax.tree.map(lambda column: turned * np.asarray(column), fit.cameras)
    rig = fit.rig_before.adjusted(cameras)
    return dataclasses.replace(fit, cameras=cameras, rig=rig)


def verdict_of(fit, evidence=(BETTER,)):
    return judge_refinement(fit, walking_trial(walking_fit()), list(evidence))


def test_a_correction_that_helps_is_ok():
    verdict = verdict_of(fit_of())
    assert (verdict.level, verdict.reasons) == ("ok", ())


def test_a_held_out_camera_that_gets_worse_forbids_it():
    worse = dataclasses.replace(BETTER, after_px=5.5)
    verdict = verdict_of(fit_of(), [worse])
    assert verdict.level == "fail"
    assert "gets worse by refining (5.00 to 5.50 px): keep the rig you had" in verdict.reasons[0]


def test_one_of_several_that_gets_worse_is_to_be_looked_at():
    worse = dataclasses.replace(BETTER, after_px=5.5)
    assert verdict_of(fit_of(), [BETTER, BETTER, worse]).level == "check"


def test_no_change_is_no_evidence():
    same = dataclasses.replace(BETTER, after_px=5.0)
    verdict = verdict_of(fit_of(), [same])
    assert verdict.level == "check"
    assert "nothing speaks for the change" in verdict.reasons[0]


def test_what_is_within_its_error_bar_is_nothing_to_correct():
    verdict = verdict_of(fit_of(0.1))
    assert verdict.level == "check"
    assert "Nothing to correct" in verdict.reasons[0]


@pytest.mark.parametrize(("times", "level"), [(15.0, "check"), (60.0, "fail")])
def test_an_implausible_change_is_named(times, level):
    verdict = verdict_of(fit_of(times))
    assert verdict.level == level
    said = "that is no refinement" if level == "fail" else "more than a careful calibration leaves"
    assert any(said in reason and reason.startswith("cam_01") for reason in verdict.reasons)


def test_two_cameras_are_never_ok():
    fit, trial = fit_of(), walking_trial(walking_fit())
    names = trial.rig.names[:2]
    trial = dataclasses.replace(
        trial, rig=trial.rig.subset(names), keypoints=trial.keypoints.of_cameras(names)
    )
    verdict = judge_refinement(fit, trial, [BETTER])
    assert verdict.level == "check"
    assert any("With two cameras none can be kept out" in reason for reason in verdict.reasons)
    assert camera_to_hold_out(trial) is None


def test_a_clock_that_was_corrected_is_said():
    fit = with_uncertainty(with_clocks(walking_fit(), {"cam_03": 0.05}))
    reasons = verdict_of(fit).reasons
    assert any("cam_03 took its pictures 50 ms" in reason for reason in reasons)


def test_a_fit_that_must_not_be_used_refines_nothing():
    fit = fit_of()
    error = dataclasses.replace(fit.error, px=fit.error.px * 20.0)
    verdict = verdict_of(dataclasses.replace(fit, error=error))
    assert verdict.level == "fail"
    assert "Nothing can be refined from it" in verdict.reasons[0]


def test_the_camera_with_most_detections_is_held_out():
    trial = walking_trial(walking_fit())
    confidence = np.asarray(trial.keypoints.confidence).copy()
    confidence[:, ::2] = 0.0
    confidence[3] = trial.keypoints.confidence[3]
    keypoints = dataclasses.replace(trial.keypoints, confidence=confidence)
    assert camera_to_hold_out(dataclasses.replace(trial, keypoints=keypoints)) == "cam_04"


def test_the_summary_has_both_errors_and_every_correction():
    fit, trial = fit_of(), walking_trial(walking_fit())
    verdict = verdict_of(fit)
    summary = summary_of_refinement(as_given(walking_fit()), fit, trial, [BETTER], verdict)
    assert summary["verdict"] == "ok"
    assert summary["not_used"][0]["as_given_px"] == (6.0, 6.5)
    row = summary["cameras"]["cam_02"]
    assert row["median_px_before"] > 0.0 and row["median_px_after"] > 0.0
    assert row["rotation_deg"] == pytest.approx(np.degrees(0.002 * np.sqrt(3.0)), rel=1e-3)
    assert row["rotation_sd_deg"] > 0.0


def test_evidence_says_which_pose_was_used():
    said = "with its pose refitted to the body; 6.00 and 6.50 px with its pose as given"
    assert said in BETTER.sentence
    assert dataclasses.replace(BETTER, as_given_px=None).sentence.endswith("at the person).")


def test_evidence_is_two_fits_without_a_camera():
    before = HeldOutErrors("cam_02", 6.0, 24.0, 5.0, 20.0, 3.0)
    after = HeldOutErrors("cam_02", 6.5, 26.0, 4.0, 16.0, 2.5)
    assert evidence_of(before, after) == BETTER


def test_the_folder_has_a_page_and_no_covariance_of_another_rig(tmp_path):
    fit, trial = fit_of(), walking_trial(walking_fit())
    verdict = verdict_of(fit)
    (tmp_path / "covariance.npz").write_bytes(b"of a board")
    notes = write_refined(
        tmp_path, as_given(walking_fit()), fit, trial, [BETTER], verdict, "what was said"
    )
    assert "of the rig that was there before, and was removed" in notes[0]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["log.txt", "rig.html", "rig.toml", "summary.json"]
    page = (tmp_path / "rig.html").read_text()
    assert "ok: the rig can be used." in page
    assert "place sd, mm" in page
    again = write_refined(
        tmp_path, as_given(walking_fit()), fit, trial, [BETTER], verdict, "what was said"
    )
    assert again == ()
