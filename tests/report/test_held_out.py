"""The camera that was not used: where it was said to stand, and where it fits best."""

import dataclasses

import jax
import numpy as np
import pytest

from diffbio.report.held_out import held_out_errors
from tests.walking_figure import walking_fit, walking_trial, with_held_out


def errors_of(fit, rig):
    found = held_out_errors(fit, dataclasses.replace(walking_trial(walking_fit()), rig=rig))
    assert found is not None
    return found


def test_a_camera_turned_away_is_placed_anew():
    """Its own pose is wrong by half a degree; that is no error of the others."""
    whole = walking_fit()
    fit = with_held_out(whole, "cam_03")
    right = errors_of(fit, whole.rig)
    turned = jax.tree.map(lambda column: 2.0 * np.asarray(column), whole.cameras)
    wrong = errors_of(fit, whole.rig.adjusted(turned))
    assert wrong.refitted_px == pytest.approx(right.refitted_px, abs=1e-3)
    # The simulated errors have a median of 1.7 px, at 4.5 m and 1000 px.
    assert right.refitted_px == pytest.approx(1.7, abs=0.15)
    assert right.refitted_mm == pytest.approx(7.7, abs=1.0)


def test_both_errors_are_named_and_so_is_that_of_the_others():
    whole = walking_fit()
    found = errors_of(with_held_out(whole, "cam_05", 3.0), whole.rig)
    assert found.given_px == pytest.approx(3.0 * np.nanmedian(whole.error.px[4]))
    assert found.ratio == pytest.approx(found.given_px / found.others_px)
    assert found.sentence.startswith("cam_05 was not used in the fit; median error there: ")
    assert f"{found.given_px:.2f} px with its pose as given, {found.refitted_px:.2f} px with its "\
        "pose refitted to the body" in found.sentence  # fmt: skip


def test_few_detections_do_not_tell_a_pose():
    whole = walking_fit()
    fit = with_held_out(whole, "cam_05")
    assert fit.held_out is not None
    px = fit.held_out.error.px.copy()
    px[:, 3:] = np.nan
    px[:, :3, 10:] = np.nan
    few = dataclasses.replace(fit.held_out.error, px=px)
    fit = dataclasses.replace(fit, held_out=dataclasses.replace(fit.held_out, error=few))
    found = errors_of(fit, whole.rig)
    assert np.isnan(found.refitted_px)
    assert "too few detections to refit its pose" in found.sentence


def test_nobody_held_out_and_nothing_seen():
    trial = walking_trial(walking_fit())
    assert held_out_errors(walking_fit(), trial) is None
    assert held_out_errors(with_held_out(walking_fit(), "cam_05", np.nan), trial) is None
