"""Codes in files: nothing is lost, and the file says what it holds."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_array_equal

from diffbio.errors import InputError
from diffbio.features import KinematicCode, PhaseCode
from diffbio.gait.cycles import ExcludedCycle
from diffbio.io.code_file import read_code, read_kinematic_code, write_code


@pytest.fixture
def code():
    rng = np.random.default_rng(0)
    mean, sd = rng.uniform(size=(2, 30, 4))
    sd[:, 2] = np.nan
    names = ("vasmed_r", "soleus_r", "vasmed_l", "soleus_l")
    left_out = ExcludedCycle("l", 1.0, 2.5, "Values are missing in it.")
    return PhaseCode(mean, sd, names, np.array([3, 3, 1, 2]), "own", (left_out,))


@pytest.fixture
def kinematics():
    mean, sd = np.random.default_rng(1).normal(size=(2, 30, 3))
    names = ("root_x", "knee_angle_r", "hip_flexion_r")
    return KinematicCode(mean, sd, names, ("hip_flexion_r",), ("neck_rotation",), 4, "l")


def same(a, b):
    for field in dataclasses.fields(a):
        one, other = getattr(a, field.name), getattr(b, field.name)
        if isinstance(one, np.ndarray):
            assert_array_equal(one, other)
        else:
            assert one == other


def test_codes_survive_their_file(tmp_path, code, kinematics):
    path = tmp_path / "code.nc"
    write_code(path, code, kinematics, {"trial": "walk 1", "person": "S01"})
    same(read_code(path), code)
    found = read_kinematic_code(path)
    assert found is not None
    same(found, kinematics)
    assert [file.name for file in tmp_path.iterdir()] == ["code.nc"]


def test_without_kinematics_and_exclusions(tmp_path, code):
    path = tmp_path / "code.nc"
    bare = dataclasses.replace(code, excluded=(), reference="r")
    write_code(path, bare)
    same(read_code(path), bare)
    assert read_kinematic_code(path) is None


def test_the_file_says_what_it_holds(tmp_path, code):
    path = tmp_path / "code.nc"
    write_code(path, code, provenance={"trial": "walk 1"})
    data = xr.load_dataset(path, engine="h5netcdf")
    assert data["activation_mean"].dims == ("phase", "muscle")
    assert data["phase"].values[-1] == 29 / 30
    assert data.attrs["phase_reference_meaning"] == "initial contacts of the muscle's own leg"
    assert "not measured" in data.attrs["activation_meaning"]
    assert data.attrs["trial"] == "walk 1"


def test_other_files_are_refused(tmp_path, code):
    path = tmp_path / "code.nc"
    with pytest.raises(InputError, match="There is no such file"):
        read_code(path)
    path.write_text("no NetCDF")
    with pytest.raises(InputError, match="It is no NetCDF file"):
        read_code(path)
    xr.Dataset({"mean": ("x", [1.0])}).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match="It is no muscle code: activation_mean, activation_sd"):
        read_code(path)
    write_code(path, dataclasses.replace(code, mean=code.mean * np.nan))
    with pytest.raises(InputError, match="activation_mean: Values are missing"):
        read_code(path)
    data = xr.load_dataset(path, engine="h5netcdf")
    data.assign_attrs(phase_reference="heel").to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match="phase_reference: It says 'heel', none of own, r, l"):
        read_code(path)


def test_both_codes_must_have_the_same_phases(tmp_path, code, kinematics):
    short = dataclasses.replace(kinematics, mean=kinematics.mean[:20], sd=kinematics.sd[:20])
    with pytest.raises(InputError, match="has 30 phases, the kinematic code 20"):
        write_code(tmp_path / "code.nc", code, short)
