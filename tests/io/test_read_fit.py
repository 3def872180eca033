"""The motion in fit.nc, read back from what the writer wrote."""

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.io.coordinates import coordinates_of
from diffbio.io.read_fit import read_fit
from diffbio.io.write_netcdf import write_netcdf
from tests.walking_figure import walking_fit, walking_trial, with_uncertainty


@pytest.fixture(scope="module")
def fitted():
    return with_uncertainty(walking_fit(), ("joint/pro_sup_r",))


@pytest.fixture(scope="module")
def path(tmp_path_factory, fitted):
    path = tmp_path_factory.mktemp("result") / "fit.nc"
    write_netcdf(path, fitted, walking_trial(walking_fit()))
    return path


def test_motion_survives(path, fitted):
    read = read_fit(path)
    assert read.markers.names == fitted.body.marker_names
    assert_allclose(read.markers.time, fitted.motion.time)
    seen = fitted.motion.seen
    assert_allclose(read.markers.positions[seen], fitted.motion.markers[seen])
    assert np.isnan(read.markers.positions[~seen]).all()
    assert read.markers.sd is not None and fitted.uncertainty is not None
    assert_allclose(read.markers.sd, fitted.uncertainty.markers)
    written = coordinates_of(fitted)
    assert (read.coordinates.names, read.coordinates.units) == (written.names, written.units)
    assert_allclose(read.coordinates.values, written.values)
    assert read.coordinates.sd is not None and written.sd is not None
    assert_allclose(read.coordinates.sd, written.sd)


def test_without_error_bars_there_are_none(tmp_path):
    write_netcdf(tmp_path / "fit.nc", walking_fit(), walking_trial(walking_fit()))
    read = read_fit(tmp_path / "fit.nc")
    assert read.markers.sd is None and read.coordinates.sd is None


def test_what_is_no_fit_is_refused(path, tmp_path):
    with pytest.raises(InputError, match=r"none\.nc: It cannot be read"):
        read_fit(tmp_path / "none.nc")
    (tmp_path / "text.nc").write_text("no result")
    with pytest.raises(InputError, match=r"text\.nc: It cannot be read"):
        read_fit(tmp_path / "text.nc")
    with xr.open_dataset(path, engine="h5netcdf") as data:
        data.load().drop_vars("seen").to_netcdf(tmp_path / "less.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=r"less\.nc, seen: The variable is missing"):
        read_fit(tmp_path / "less.nc")
