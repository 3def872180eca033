"""Synergies in files: nothing is lost, and muscles are found by name."""

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_array_equal

from diffbio.errors import InputError
from diffbio.io.synergies_file import read_synergies, write_synergies
from diffbio.muscle import Synergies, factorise

NAMES = ("soleus_r", "tibant_r", "recfem_r", "semiten_r")
WEIGHTS = np.random.default_rng(0).uniform(size=(4, 2))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "W.nc"


def test_synergies_survive_their_file(path):
    write_synergies(path, Synergies(NAMES, WEIGHTS), {"source": "a test"})
    read = read_synergies(path, NAMES)
    assert read.synergies.muscle_names == NAMES
    assert_array_equal(read.synergies.weights, WEIGHTS)
    assert read.notes == ()
    assert xr.load_dataset(path, engine="h5netcdf").attrs["source"] == "a test"
    assert [file.name for file in path.parent.iterdir()] == ["W.nc"]


def test_a_factorisation_is_written_with_what_it_accounts_for(path):
    found = factorise(np.random.default_rng(1).uniform(size=(30, 4)), NAMES, 2)
    write_synergies(path, found)
    data = xr.load_dataset(path, engine="h5netcdf")
    assert_array_equal(data["command"], found.command)
    assert_array_equal(data["centre_of_activity"], found.centre)
    assert_array_equal(data["muscle_vaf"], found.muscle_vaf)
    assert float(data["vaf"]) == found.vaf
    assert_array_equal(read_synergies(path, NAMES).synergies.weights, found.synergies.weights)


def test_another_order_is_put_right_by_name_and_said(path):
    write_synergies(path, Synergies(NAMES, WEIGHTS))
    wanted = (NAMES[1], NAMES[0], *NAMES[2:])
    read = read_synergies(path, wanted)
    assert read.synergies.muscle_names == wanted
    assert_array_equal(read.synergies.weights, WEIGHTS[[1, 0, 2, 3]])
    assert len(read.notes) == 1
    assert "2 of 4 muscles stand in another order" in read.notes[0]


def test_weights_brought_along_may_lie_the_other_way_round_and_be_whole(path):
    whole = np.array([[1, 0, 2, 0], [0, 1, 1, 3]], dtype="int32")
    brought = xr.Dataset({"weight": (("synergy", "muscle"), whole)}, {"muscle": list(NAMES)})
    brought.to_netcdf(path, engine="h5netcdf")
    assert_array_equal(read_synergies(path, NAMES).synergies.weights, whole.T)


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        (
            (*NAMES[:3], "gracilis_r"),
            r"without weights \(1\): gracilis_r.*not wanted .1.: semiten_r",
        ),
        ((*NAMES, "gracilis_r"), r"Muscles without weights \(1\): gracilis_r"),
        (NAMES[:3], r"Weights of muscles that are not wanted \(1\): semiten_r"),
    ],
)
def test_other_muscles_are_refused_and_named(path, wanted, complaint):
    write_synergies(path, Synergies(NAMES, WEIGHTS))
    with pytest.raises(InputError, match=complaint) as error:
        read_synergies(path, wanted)
    assert error.value.where == str(path)


@pytest.mark.parametrize(
    ("variables", "names", "complaint"),
    [
        ({}, NAMES, "It holds no weights of named muscles, but nothing"),
        ({"W": (("muscle", "synergy"), WEIGHTS)}, NAMES, r"but W \(muscle x synergy\)"),
        ({"weight": (("muscle", "synergy"), WEIGHTS)}, None, "no weights of named muscles"),
        ({"weight": (("muscle",), WEIGHTS[:, 0])}, NAMES, r"but weight \(muscle\)"),
        ({"weight": (("muscle", "synergy"), -WEIGHTS)}, NAMES, "soleus_r is negative"),
        ({"weight": (("muscle", "synergy"), np.full((4, 1), "x"))}, NAMES, "no numbers"),
        ({"weight": (("muscle", "synergy"), WEIGHTS)}, ("a", "a", "b", "c"), "twice: a"),
    ],
)
def test_files_without_weights_are_refused(path, variables, names, complaint):
    coordinates = {} if names is None else {"muscle": list(names)}
    xr.Dataset(variables, coordinates).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match=complaint):
        read_synergies(path, NAMES)


def test_what_is_no_file_is_refused(path):
    with pytest.raises(InputError, match="There is no such file"):
        read_synergies(path, NAMES)
    path.write_text("muscle,weight")
    with pytest.raises(InputError, match="It is no NetCDF file"):
        read_synergies(path, NAMES)
