"""The summary of fits that went well, and of those that did not."""

import dataclasses
import json

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.report.summary import summary_of, write_summary
from diffbio.report.verdict import judge
from tests.walking_figure import (
    as_given,
    walking_fit,
    walking_trial,
    with_clocks,
    with_held_out,
    with_uncertainty,
)


def summarised(tmp_path, fit):
    trial = walking_trial(walking_fit())
    write_summary(tmp_path / "summary.json", summary_of(fit, trial, judge(fit, trial)))
    return json.loads((tmp_path / "summary.json").read_text())


def test_nothing_detected_gives_null_and_not_nan(tmp_path):
    fit = walking_fit()
    error = dataclasses.replace(fit.error, px=np.full_like(fit.error.px, np.nan))
    blind, trial = dataclasses.replace(fit, error=error, cost=float("nan")), walking_trial(fit)
    write_summary(tmp_path / "summary.json", summary_of(blind, trial, judge(blind, trial)))
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["reprojection_error_px"]["median"] is None
    assert summary["reprojection_error_px"]["per_camera"] == {}
    assert summary["solver"]["cost"] is None
    assert summary["verdict"] == "fail"


def test_stages_not_timed_are_null():
    fit = dataclasses.replace(walking_fit(), time_s={"solve": 2.0})
    times = summary_of(fit, walking_trial(fit), judge(fit, walking_trial(fit)))["time_s"]
    assert times == {"load": None, "compile": None, "solve": 2.0, "write": None, "total": 2.0}


def test_summary_with_nan_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_summary(tmp_path / "summary.json", {"value": float("nan")})


def test_deviations_are_filled_in(tmp_path):
    fit = with_uncertainty(walking_fit(), ("joint/pro_sup_r",))
    assert fit.uncertainty is not None
    summary = summarised(tmp_path, fit)
    thigh = fit.body.segment_names.index("thigh_r")
    scale = summary["body"]["scales"]["thigh_r"]
    relative = np.sqrt(fit.uncertainty.log_scale[thigh, thigh])
    assert_allclose(scale["sd"], scale["value"] * relative, atol=2e-6)
    assert 0.001 < summary["body"]["height_sd_m"] < 0.1
    sure = summary["uncertainty"]
    assert sure["noise"] == 1.4
    assert sure["undetermined"] == ["joint/pro_sup_r"]
    knee = fit.uncertainty.joints[:, fit.body.joint_names.index("knee_angle_l")]
    assert_allclose(sure["median_sd_deg"]["knee_angle_l"], np.rad2deg(np.median(knee)), atol=1e-4)
    assert {"pelvis_tilt", "hip_flexion_r", "ankle_angle_l"} <= set(sure["median_sd_deg"])
    assert "elbow_flex_r" not in sure["median_sd_deg"]


def test_corrections_of_cameras_and_their_deviations(tmp_path):
    fit = with_uncertainty(with_clocks(walking_fit(), {"cam_03": 0.083}))
    row = summarised(tmp_path, fit)["camera_adjustment"]["cam_03"]
    assert_allclose(row["rotation_deg"], np.rad2deg(0.002 * np.sqrt(3)), atol=1e-6)
    assert_allclose(row["rotation_sd_deg"], np.rad2deg(0.0006), atol=1e-6)
    assert_allclose(row["translation_mm"], 4.0 * np.sqrt(3), atol=1e-5)
    assert_allclose(row["translation_sd_mm"], 1.2, atol=1e-6)
    assert_allclose([row["time_offset_ms"], row["time_offset_sd_ms"]], [83.0, 0.8], atol=1e-6)
    assert_allclose([row["time_drift_ppm"], row["time_drift_sd_ppm"]], [0.0, 10.0], atol=1e-6)
    lenses = ["focal_percent", "focal_sd_percent", "k1", "k1_sd", "k2", "k2_sd"]
    assert {row[key] for key in lenses} == {None}


def test_lenses_are_corrected_in_percent(tmp_path):
    fit = as_given(walking_fit())
    cameras = with_clocks(fit, {}).cameras
    assert cameras is not None
    cameras = dataclasses.replace(
        cameras,
        log_focal=jnp.full(6, np.log(1.03)),
        distortion=jnp.tile(jnp.array([0.1, -0.2]), (6, 1)),
    )
    fit = dataclasses.replace(fit, cameras=cameras, refined=("lenses",))
    row = summarised(tmp_path, with_uncertainty(fit))["camera_adjustment"]["cam_02"]
    assert_allclose([row["focal_percent"], row["k1"], row["k2"]], [3.0, 0.1, -0.2], atol=1e-6)
    assert row["focal_sd_percent"] == 0.0
    assert row["rotation_deg"] is None and row["time_offset_ms"] is None


def test_nothing_refined_is_null(tmp_path):
    summary = summarised(tmp_path, as_given(walking_fit()))
    assert {value for row in summary["camera_adjustment"].values() for value in row.values()} == {
        None
    }
    assert summary["heldout_camera"] is None
    assert summary["uncertainty"] is None
    assert summary["body"]["height_sd_m"] is None


def test_held_out_camera_is_summarised(tmp_path):
    fit = with_held_out(walking_fit(), "cam_05", 2.0)
    summary = summarised(tmp_path, fit)
    expected = 2.0 * walking_fit().error.px[4]
    assert summary["heldout_camera"]["name"] == "cam_05"
    assert_allclose(summary["heldout_camera"]["median_px"], np.nanmedian(expected), atol=1e-6)
    assert_allclose(summary["heldout_camera"]["mean_px"], np.nanmean(expected), atol=1e-6)
    # Detections that miss by the errors of the fit, which was multiplied afterwards.
    assert 1.0 < summary["heldout_camera"]["median_px_pose_refitted"] < 2.5
    assert "cam_05" not in summary["cameras"]
    assert "cam_05" not in summary["camera_adjustment"]
    assert "cam_05" not in summary["reprojection_error_px"]["per_camera"]


def test_held_out_camera_that_saw_nothing_is_null(tmp_path):
    fit = with_held_out(walking_fit(), "cam_05", np.nan)
    held_out = summarised(tmp_path, fit)["heldout_camera"]
    assert held_out.pop("name") == "cam_05"
    assert set(held_out.values()) == {None}
