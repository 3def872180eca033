"""Populations in files: nothing is lost, and nothing goes to another body."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_array_equal

from diffbio.body import default_body, load_keypoint_set
from diffbio.cohort import first_population
from diffbio.errors import InputError
from diffbio.io.cohort_file import (
    number_names,
    population_id,
    read_population,
    write_population,
)


@pytest.fixture(scope="module")
def body():
    return default_body(load_keypoint_set("body_25"))


@pytest.fixture(scope="module")
def population(body):
    """One without any structure that a writer could rely on."""
    guess = first_population(body)
    rng, n = np.random.default_rng(0), len(guess.mean)
    rows = rng.normal(size=(2, n, 2 * n))
    return dataclasses.replace(
        guess,
        mean=rng.normal(size=n),
        covariance=rows[0] @ rows[0].T,
        mean_covariance=rows[1] @ rows[1].T,
        n_participants=7,
    )


def same(a, b):
    for part in ("mean", "covariance", "mean_covariance"):
        assert_array_equal(getattr(a, part), getattr(b, part))
    assert a.n_participants == b.n_participants


def test_a_population_survives_its_file(tmp_path, body, population):
    path = tmp_path / "cohort.nc"
    write_population(path, population, body, "body_25")
    same(read_population(path, body), population)
    assert [file.name for file in tmp_path.iterdir()] == ["cohort.nc"]


def test_numbers_are_found_by_name_not_by_place(tmp_path, body, population):
    path = tmp_path / "cohort.nc"
    write_population(path, population, body, "body_25")
    data = xr.load_dataset(path, engine="h5netcdf")
    order = np.random.default_rng(1).permutation(data.sizes["number"])
    data.isel(number=order, other_number=order).to_netcdf(path, engine="h5netcdf")
    same(read_population(path, body), population)


def test_names_say_what_a_number_is(body):
    names = number_names(body)
    assert names[0] == f"log_scale:{body.segment_names[0]}"
    assert names[-1] == f"marker_offset:{body.marker_names[-1]}:z"
    assert len(set(names)) == len(names) == len(body.segment_names) + 3 * len(body.marker_names)


def test_other_numbers_have_another_name(population):
    other = dataclasses.replace(population, mean=population.mean + 1e-12)
    assert population_id(other) != population_id(population)
    assert population_id(dataclasses.replace(population)) == population_id(population)


def test_another_body_is_refused(tmp_path, body, population):
    path = tmp_path / "cohort.nc"
    write_population(path, population, body, "body_25")
    other = default_body(load_keypoint_set("halpe_26"))
    with pytest.raises(InputError, match=r"keypoints of body_25.*same body and keypoint set"):
        read_population(path, other)


def test_what_is_no_population_is_refused(tmp_path, body, population):
    path = tmp_path / "cohort.nc"
    with pytest.raises(InputError, match="no such file"):
        read_population(path, body)
    path.write_text("not NetCDF")
    with pytest.raises(InputError, match="no NetCDF file"):
        read_population(path, body)
    xr.Dataset({"mean": ("x", np.zeros(3))}).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match="It is no population: covariance, mean_covariance"):
        read_population(path, body)
    broken = dataclasses.replace(population, mean=np.full_like(population.mean, np.nan))
    write_population(path, broken, body, "body_25")
    with pytest.raises(InputError, match="not finite"):
        read_population(path, body)
