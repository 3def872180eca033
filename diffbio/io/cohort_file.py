"""`cohort.nc`: a population of people, the base from which later fits may start."""

import datetime
import hashlib
import os
import pathlib
from collections.abc import Mapping

import numpy as np
import xarray as xr

import diffbio
from diffbio.body import BodyModel
from diffbio.cohort import Population
from diffbio.errors import InputError

_REMEDY = "Give the cohort.nc that `diffbio cohort fit` wrote."

_VARIABLES = ("mean", "covariance", "mean_covariance")


def number_names(body: BodyModel) -> tuple[str, ...]:
    """What a person's numbers are called, in order: `cohort.prior.flat` says which.

    `log_scale:femur_r` is unitless, `marker_offset:LHeel:x` in metres along an axis of the body
    that carries the marker.
    """
    scales = tuple(f"log_scale:{segment}" for segment in body.segment_names)
    offsets = (f"marker_offset:{marker}:{axis}" for marker in body.marker_names for axis in "xyz")
    return scales + tuple(offsets)


def population_id(population: Population) -> str:
    """A short name of a population, different for different numbers."""
    digest = hashlib.sha256()
    for part in _VARIABLES:
        digest.update(np.ascontiguousarray(getattr(population, part), float).tobytes())
    return digest.hexdigest()[:12]


def write_population(
    path: pathlib.Path,
    population: Population,
    body: BodyModel,
    keypoint_set: str,
    provenance: Mapping[str, str | int | float] | None = None,
) -> None:
    """Write a population, all of it or nothing.

    Args:
        path: the file to write, NetCDF4.
        population: of people of the body.
        body: the base model.
        keypoint_set: name of its keypoints.
        provenance: attributes beside those of every file.
    """
    dims = ("number", "other_number")
    about = {
        "mean": "of people, the base model's own being zero",
        "covariance": "between people",
        "mean_covariance": "of the mean as an estimate",
    }
    units = {"units": "log scales unitless, marker offsets in m along axes of the carrying body"}
    data = xr.Dataset(
        {
            name: (dims[: getattr(population, name).ndim], getattr(population, name),
                   {"long_name": what} | units)
            for name, what in about.items()
        },
        coords={name: list(number_names(body)) for name in dims},
        attrs={
            "title": "diffbio population",
            "diffbio_version": diffbio.__version__,
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "body_model": body.name,
            "keypoint_set": keypoint_set,
            "n_participants": population.n_participants,
            "population": population_id(population),
            **(provenance or {}),
        },
    )  # fmt: skip
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        data.to_netcdf(partial, engine="h5netcdf")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_population(path: pathlib.Path, body: BodyModel) -> Population:
    """Read a population that goes with a body.

    Args:
        path: written by `write_population`.
        body: whose segments and markers the population must have; their order may differ.

    Raises:
        InputError: it cannot be read, or is of another body or other keypoints.
    """
    data = _content(path)
    missing = [name for name in _VARIABLES if name not in data]
    if missing or "n_participants" not in data.attrs:
        found = f"It is no population: {', '.join(missing) or 'n_participants'} is missing."
        raise InputError(str(path), found, _REMEDY)
    wanted, there = number_names(body), [str(name) for name in data["number"].values]
    if set(wanted) != set(there) or data.attrs.get("body_model") != body.name:
        raise InputError(
            str(path),
            f"It is a population of {data.attrs.get('body_model')} with keypoints of "
            f"{data.attrs.get('keypoint_set')}: {len(there)} numbers a person, and the body of "
            f"this fit, {body.name}, has {len(wanted)}, {len(set(wanted) - set(there))} of them "
            "unknown to the file.",
            "Give a cohort.nc learnt with the same body and keypoint set.",
        )
    order = [there.index(name) for name in wanted]
    mean, covariance, of_mean = (np.asarray(data[name].values, float) for name in _VARIABLES)
    square = np.ix_(order, order)
    if not all(np.isfinite(part).all() for part in (mean, covariance, of_mean)):
        raise InputError(str(path), "It holds numbers that are not finite.", _REMEDY)
    n_participants = int(data.attrs["n_participants"])
    return Population(mean[order], covariance[square], of_mean[square], n_participants)


def _content(path: pathlib.Path) -> xr.Dataset:
    if not path.is_file():
        raise InputError(str(path), "There is no such file.", _REMEDY)
    try:
        return xr.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(str(path), f"It is no NetCDF file ({error}).", _REMEDY) from error
