"""`W.nc`: synergies that confine the activations of muscles, found here or brought along."""

import datetime
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

import diffbio
from diffbio.errors import InputError
from diffbio.muscle.synergies import Factorisation, Synergies

_REMEDY = (
    "Give a NetCDF file with `weight` (muscle x synergy) and the names of the muscles in `muscle`."
)


class SynergiesRead(NamedTuple):
    """Synergies out of a file.

    Attributes:
        synergies: of the muscles asked for, in their order.
        notes: what was decided on the way, as sentences.
    """

    synergies: Synergies
    notes: tuple[str, ...]


def write_synergies(
    path: pathlib.Path,
    found: Synergies | Factorisation,
    provenance: Mapping[str, str | int | float] | None = None,
) -> None:
    """Write synergies, all of them or nothing.

    Args:
        path: the file to write, NetCDF4.
        found: of a factorisation, commands and VAF are written too.
        provenance: attributes beside those of every file.
    """
    synergies = found if isinstance(found, Synergies) else found.synergies
    about = "activation of each muscle per unit of each synergy's command"
    variables = {
        "weight": (("muscle", "synergy"), synergies.weights, {"long_name": about, "units": "1"})
    }
    if isinstance(found, Factorisation):
        of_total = "of all muscles together: 1 - |X - Xr|^2 / |X|^2, not about the mean"
        variables |= {
            "command": (("sample", "synergy"), found.command, {"units": "1"}),
            "centre_of_activity": (("synergy",), found.centre, {"units": "cycle"}),
            "vaf": ((), found.vaf, {"long_name": of_total, "units": "1"}),
            "muscle_vaf": (("muscle",), found.muscle_vaf, {"units": "1"}),
        }
    data = xr.Dataset(
        variables,
        coords={
            "muscle": list(synergies.muscle_names),
            "synergy": np.arange(1, synergies.n_synergies + 1),
        },
        attrs={
            "title": "diffbio synergies",
            "diffbio_version": diffbio.__version__,
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            **(provenance or {}),
        },
    )
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        data.to_netcdf(partial, engine="h5netcdf")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_synergies(path: pathlib.Path, muscle_names: Sequence[str]) -> SynergiesRead:
    """Read synergies of given muscles, whatever their order in the file.

    Args:
        path: written by `write_synergies`, or by whoever has weights; only `weight`, muscle x
            synergy or the other way round, and the names in `muscle` are needed.
        muscle_names: of all the muscles that synergies shall move, in the order wanted.

    Raises:
        InputError: it cannot be read, is of other muscles, or its weights have no meaning.
    """
    data = _content(path)
    weight = data.get("weight")
    if weight is None or set(weight.dims) != {"muscle", "synergy"} or "muscle" not in data.coords:
        there = ", ".join(f"{name} ({' x '.join(map(str, data[name].dims))})" for name in data)
        found = f"It holds no weights of named muscles, but {there or 'nothing'}."
        raise InputError(str(path), found, _REMEDY)
    names = tuple(str(name) for name in data["muscle"].values)
    values = weight.transpose("muscle", "synergy").values
    if not np.issubdtype(values.dtype, np.number):
        raise InputError(str(path), f"The weights are {values.dtype}, no numbers.", _REMEDY)
    try:
        brought = Synergies(names, np.asarray(values, float))
        wanted = brought.reordered(muscle_names)
    except InputError as error:
        raise InputError(str(path), error.found, error.remedy) from error
    if names == wanted.muscle_names:
        return SynergiesRead(wanted, ())
    moved = sum(a != b for a, b in zip(names, wanted.muscle_names, strict=True))
    return SynergiesRead(
        wanted,
        (f"{path}: {moved} of {len(names)} muscles stand in another order; put right by name.",),
    )


def _content(path: pathlib.Path) -> xr.Dataset:
    if not path.is_file():
        raise InputError(str(path), "There is no such file.", _REMEDY)
    try:
        return xr.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(str(path), f"It is no NetCDF file ({error}).", _REMEDY) from error
