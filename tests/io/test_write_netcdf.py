"""fit.nc, read back with xarray alone."""

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from diffbio.io.write_netcdf import detections, write_netcdf
from tests.walking_figure import FRAMES, walking_fit, walking_trial


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    path = tmp_path_factory.mktemp("netcdf") / "fit.nc"
    fit = walking_fit()
    write_netcdf(path, fit, walking_trial(fit))
    with xr.open_dataset(path, engine="h5netcdf") as data:
        yield data.load()


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


def test_every_quantity_says_its_unit(stored):
    unitless = {"seen", "coordinate_units", "joint_units"}
    unitless |= {"camera_fisheye", "given_camera_fisheye"}
    # xarray keeps the unit of time in the encoding of the coordinate; the file has it.
    without = {str(n) for n, v in stored.data_vars.items() if "units" not in v.attrs}
    assert without == unitless


def test_standard_deviations_say_that_they_are_not_estimated(stored):
    for name in ("coordinate_value_sd", "segment_scale_sd", "marker_position_sd"):
        assert np.isnan(stored[name].values).all()
        assert "not estimated by this solver (adamw)" in stored[name].attrs["comment"]


def test_provenance(stored):
    assert stored.attrs["trial"] == "walk_01"
    assert stored.attrs["keypoint_set"] == "body_25b"
    assert stored.attrs["solver_outcome"] == "converged"
    assert stored.attrs["reader_notes"] == "Of two people the one tracked best was taken."


def test_detections_are_matched_by_name():
    fit = walking_fit()
    detected = detections(fit, walking_trial(fit))
    distance = np.linalg.norm(detected - fit.error.projected_px, axis=-1)
    assert_allclose(distance, fit.error.px, atol=1e-9)  # px; also NaN in the same places
