"""fit.nc, read back with xarray alone."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from diffbio.io.netcdf_cameras import detections
from diffbio.io.write_netcdf import write_netcdf
from tests.walking_figure import (
    FRAMES,
    as_given,
    walking_fit,
    walking_trial,
    with_clocks,
    with_held_out,
    with_uncertainty,
)


def read_back(path, fit):
    write_netcdf(path, fit, walking_trial(walking_fit()))
    with xr.open_dataset(path, engine="h5netcdf") as data:
        return data.load()


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return read_back(tmp_path_factory.mktemp("netcdf") / "fit.nc", walking_fit())


@pytest.fixture(scope="module")
def fitted():
    """Cameras and clocks refined, one camera held out, with uncertainty."""
    fit = with_clocks(with_held_out(walking_fit(), "cam_05", 2.0), {"cam_03": 0.083})
    return with_uncertainty(fit, ("joint/pro_sup_r", "camera/cam_02/clock_offset"))


@pytest.fixture(scope="module")
def uncertain(tmp_path_factory, fitted):
    return read_back(tmp_path_factory.mktemp("netcdf") / "fit.nc", fitted)


def test_dimensions_carry_names(stored):
    fit = walking_fit()
    assert stored.sizes["time"] == FRAMES
    assert tuple(stored["marker"].values) == fit.body.marker_names
    assert tuple(stored["joint"].values) == fit.body.joint_names
    assert tuple(stored["segment"].values) == fit.body.segment_names
    assert tuple(stored["camera"].values) == fit.rig.names
    assert stored["marker_position"].dims == ("time", "marker", "axis")


def test_values_survive(stored):
    fit = walking_fit()
    knee = stored["coordinate_value"].sel(coordinate="knee_angle_r").values
    assert_allclose(knee, fit.motion.joints[:, fit.body.joint_names.index("knee_angle_r")])
    assert str(stored["coordinate_units"].sel(coordinate="knee_angle_r").item()) == "rad"
    assert_allclose(stored["marker_position"].values, fit.motion.markers)
    assert_allclose(stored["joint_velocity"].values, fit.motion.joint_velocity)
    assert_allclose(stored["segment_scale"].values, np.exp(np.asarray(fit.parameters.log_scale)))
    assert_allclose(
        stored["given_camera_from_world_translation"].values,
        np.asarray(fit.rig_before.camera_from_world_translation),
    )
    assert stored["seen"].values.all()
    # float32 of an image 1280 px wide is good to 6e-5 px.
    assert_allclose(stored["reprojection_error_px"].values, fit.error.px, atol=1e-4)


def test_every_quantity_says_its_unit(uncertain):
    unitless = {"seen", "coordinate_units", "joint_units"}
    unitless |= {"camera_fisheye", "given_camera_fisheye", "held_out_camera_fisheye"}
    # xarray keeps the unit of time in the encoding of the coordinate; the file has it.
    without = {str(n) for n, v in uncertain.data_vars.items() if "units" not in v.attrs}
    assert without == unitless
    bare = {"units", "comment"}
    assert all(bare <= set(v.attrs) for n, v in uncertain.data_vars.items() if n.endswith("_sd"))


def test_standard_deviations_say_that_they_are_not_estimated(stored):
    names = [name for name in stored.data_vars if name.endswith("_sd")]
    assert len(names) == 11
    for name in names:
        if name.startswith("camera_adjustment"):
            continue
        assert np.isnan(stored[name].values).all()
        assert "not estimated in this fit (adamw)" in stored[name].attrs["comment"]


def test_provenance(stored):
    assert stored.attrs["trial"] == "walk_01"
    assert stored.attrs["keypoint_set"] == "body_25b"
    assert stored.attrs["solver_outcome"] == "converged"
    assert stored.attrs["reader_notes"] == "Of two people the one tracked best was taken."


def test_detections_are_matched_by_name():
    fit = walking_fit()
    detected = detections(fit.error, walking_trial(fit), fit.body.marker_names)
    distance = np.linalg.norm(detected - fit.error.projected_px, axis=-1)
    assert_allclose(distance, fit.error.px, atol=1e-9)  # px; also NaN in the same places


def test_standard_deviations_survive(uncertain, fitted):
    sure = fitted.uncertainty
    knee = uncertain["coordinate_value_sd"].sel(coordinate="knee_angle_r").values
    assert_allclose(knee, sure.joints[:, fitted.body.joint_names.index("knee_angle_r")])
    assert_allclose(uncertain["marker_position_sd"].values, sure.markers)
    assert_allclose(uncertain["marker_offset_sd"].values, sure.marker_offset)
    thigh = uncertain["segment_scale_sd"].sel(segment="thigh_r").item()
    i = fitted.body.segment_names.index("thigh_r")
    scale = np.exp(np.asarray(fitted.parameters.log_scale)[i])
    assert_allclose(thigh, scale * np.sqrt(sure.log_scale[i, i]))
    assert 0.001 < uncertain["height_sd"].item() < 0.1  # m
    for name, variable in uncertain.data_vars.items():
        if name.endswith("_sd") and "lenses" not in name:
            lenses = name.startswith(("camera_adjustment_log_focal", "camera_adjustment_dist"))
            assert np.isfinite(variable.values).all() != lenses, name
    assert uncertain.attrs["noise_factor"] == sure.noise
    assert uncertain.attrs["undetermined"].split("\n") == list(sure.undetermined)


def test_corrections_of_cameras_make_the_fitted_rig_of_the_given(uncertain):
    """Rodrigues' formula by hand, from the file alone."""
    assert uncertain.attrs["refined"] == "poses clocks"
    for name in uncertain["camera"].values:
        one = uncertain.sel(camera=name)
        x, y, z = one["camera_adjustment_rotation"].values
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        angle = np.sqrt(x * x + y * y + z * z)
        turn = np.eye(3) + np.sin(angle) / angle * cross
        turn += (1 - np.cos(angle)) / angle**2 * cross @ cross
        given = one["given_camera_from_world_rotation"].values
        fitted = one["camera_from_world_rotation"].values
        assert_allclose(fitted, turn @ given, atol=1e-12)
        centre = -fitted.T @ one["camera_from_world_translation"].values
        before = -given.T @ one["given_camera_from_world_translation"].values
        assert_allclose(centre - before, one["camera_adjustment_shift"].values, atol=1e-12)  # m
    clock = uncertain["camera_adjustment_clock_offset"]
    assert clock.sel(camera="cam_03").item() == 0.083
    assert clock.attrs["units"] == "s"
    assert uncertain["camera_adjustment_log_focal"].attrs["comment"].startswith("not refined")
    assert np.isnan(uncertain["camera_adjustment_log_focal_sd"].values).all()


def test_one_group_refined_and_no_uncertainty(stored, tmp_path):
    assert stored.attrs["refined"] == "poses"
    assert np.isnan(stored["camera_adjustment_rotation_sd"].values).all()
    assert "not estimated in this fit" in stored["camera_adjustment_rotation_sd"].attrs["comment"]
    assert (stored["camera_adjustment_rotation"].values == -0.002).all()
    plain = read_back(tmp_path / "fit.nc", as_given(walking_fit()))
    assert plain.attrs["refined"] == "nothing"
    assert (plain["camera_adjustment_rotation"].values == 0).all()
    assert "not refined" in plain["camera_adjustment_clock_offset_sd"].attrs["comment"]


def test_held_out_camera_is_apart(uncertain, fitted, stored):
    assert "cam_05" not in uncertain["camera"].values
    assert list(uncertain["held_out_camera"].values) == ["cam_05"]
    assert uncertain.attrs["held_out_camera"] == "cam_05"
    px = uncertain["held_out_reprojection_error_px"]
    assert px.dims == ("held_out_camera", "time", "marker")
    assert_allclose(px.values, fitted.held_out.error.px, atol=1e-4)  # px, float32
    focal = uncertain["held_out_camera_focal_px"].values
    assert_allclose(focal, np.asarray(fitted.rig.focal_px)[:1])
    assert stored.attrs["held_out_camera"] == "none"
    assert "held_out_camera" not in stored.sizes


def test_detections_of_the_cameras_that_were_fitted(fitted):
    """The trial has a camera more; its own detections are matched by name."""
    trial = walking_trial(walking_fit())
    detected = detections(fitted.error, trial, fitted.body.marker_names)
    distance = np.linalg.norm(detected - fitted.error.projected_px, axis=-1)
    assert_allclose(distance, fitted.error.px, atol=1e-9)  # px
    honest = dataclasses.replace(fitted.held_out.error, px=fitted.held_out.error.px / 2.0)
    alone = detections(honest, trial, fitted.body.marker_names)
    distance = np.linalg.norm(alone - honest.projected_px, axis=-1)
    assert_allclose(distance, honest.px, atol=1e-9)  # px
