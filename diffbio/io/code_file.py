"""`code.nc`: the muscle code of one recording, and the kinematic one, self-describing."""

import datetime
import os
import pathlib
from collections.abc import Mapping

import numpy as np
import xarray as xr

import diffbio
from diffbio.errors import InputError
from diffbio.features.kinematic_code import KinematicCode
from diffbio.features.phase_code import PhaseCode, PhaseReference
from diffbio.gait.cycles import ExcludedCycle

_REMEDY = "Give the code.nc that `diffbio code` wrote."

_REFERENCES: dict[PhaseReference, str] = {
    "own": "initial contacts of the muscle's own leg",
    "r": "initial contacts of the right foot, for all muscles",
    "l": "initial contacts of the left foot, for all muscles",
}

_NOT_MEASURED = "activations are predictions of a muscle model, not measured (no EMG)"


def write_code(
    path: pathlib.Path,
    code: PhaseCode,
    kinematics: KinematicCode | None = None,
    provenance: Mapping[str, str | int | float] | None = None,
) -> None:
    """Write the codes of one recording, all of it or nothing.

    Args:
        path: the file to write, NetCDF4.
        code: of activations.
        kinematics: of the same recording, where it is wanted.
        provenance: attributes beside those of every file: trial, person, cohort, where the
            activations come from.
    """
    variables = _activation(code)
    labels: dict[str, object] = {
        "phase": ("phase", code.phase, {"long_name": "share of the gait cycle", "units": "1"}),
        "muscle": list(code.muscles),
    }
    if kinematics is not None:
        if len(kinematics.mean) != len(code.mean):
            raise InputError(
                str(path),
                f"The muscle code has {len(code.mean)} phases, the kinematic code "
                f"{len(kinematics.mean)}.",
                "Make both with the same number of phases.",
            )
        variables |= _kinematics(kinematics)
        labels["kinematic_column"] = list(kinematics.names)
    attributes: dict[str, object] = {
        "title": "diffbio muscle code",
        "diffbio_version": diffbio.__version__,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "phase_reference": code.reference,
        "phase_reference_meaning": _REFERENCES[code.reference],
        "phase_sampling": "linear interpolation at k / n of the cycle, its end not included; "
        "mean over complete cycles",
        "activation_meaning": _NOT_MEASURED,
    }
    data = xr.Dataset(variables, coords=labels, attrs=attributes | dict(provenance or {}))
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        data.to_netcdf(partial, engine="h5netcdf")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_code(path: pathlib.Path) -> PhaseCode:
    """Read the muscle code of one recording.

    Raises:
        InputError: the file cannot be read, is no code, or holds values that cannot be.
    """
    data = _content(path)
    names = ("activation_mean", "activation_sd", "n_cycles", "muscle", "excluded_reason")
    if missing := [name for name in names if name not in data]:
        raise InputError(str(path), f"It is no muscle code: {', '.join(missing)} missing.", _REMEDY)
    said = data.attrs.get("phase_reference")
    known: dict[object, PhaseReference] = {one: one for one in _REFERENCES}
    reference = known.get(said)
    if reference is None:
        found = f"It says {said!r}, none of {', '.join(_REFERENCES)}."
        raise InputError(f"{path}, phase_reference", found, _REMEDY)
    order = ("phase", "muscle")
    mean = np.asarray(data["activation_mean"].transpose(*order).values, float)
    if not np.isfinite(mean).all():
        raise InputError(f"{path}, activation_mean", "Values are missing.", _REMEDY)
    return PhaseCode(
        mean,
        np.asarray(data["activation_sd"].transpose(*order).values, float),
        tuple(str(name) for name in data["muscle"].values),
        np.asarray(data["n_cycles"].values, int),
        reference,
        _excluded(data),
    )


def read_kinematic_code(path: pathlib.Path) -> KinematicCode | None:
    """Read the kinematic code of one recording, None where the file has none.

    Raises:
        InputError: the file cannot be read.
    """
    data = _content(path)
    if "kinematic_mean" not in data:
        return None
    order = ("phase", "kinematic_column")
    mean = data["kinematic_mean"].transpose(*order)
    return KinematicCode(
        np.asarray(mean.values, float),
        np.asarray(data["kinematic_sd"].transpose(*order).values, float),
        tuple(str(name) for name in data["kinematic_column"].values),
        tuple(str(mean.attrs["at_reference"]).split()),
        tuple(str(mean.attrs["left_out"]).split()),
        int(mean.attrs["n_cycles"]),
        "l" if mean.attrs["phase_reference"] == "l" else "r",
    )


def _activation(code: PhaseCode) -> dict[str, object]:
    dims = ("phase", "muscle")
    excluded = code.excluded
    return {
        "activation_mean": (dims, code.mean, {"units": "1", "long_name": "mean over cycles"}),
        "activation_sd": (
            dims,
            code.sd,
            {"units": "1", "long_name": "between cycles of the recording; NaN where one only"},
        ),
        "n_cycles": (("muscle",), code.n_cycles, {"long_name": "cycles in the mean"}),
        "excluded_side": (("excluded",), np.array([one.side for one in excluded], object)),
        "excluded_start": (("excluded",), [one.start for one in excluded], {"units": "s"}),
        "excluded_end": (("excluded",), [one.end for one in excluded], {"units": "s"}),
        "excluded_reason": (("excluded",), np.array([one.reason for one in excluded], object)),
    }


def _kinematics(code: KinematicCode) -> dict[str, object]:
    dims = ("phase", "kinematic_column")
    about = {
        "units": "m, rad, quaternion wxyz; velocities per second",
        "frame": "world of each cycle: origin below the root's mean place, z up, the body looking "
        "along +x in the mean over the cycle; angular velocity in the root's axes",
        "n_cycles": code.n_cycles,
        "phase_reference": code.side,
        "at_reference": " ".join(code.at_reference),
        "left_out": " ".join(code.left_out),
    }
    sd = {"long_name": "between cycles of the recording; NaN where one only"}
    return {
        "kinematic_mean": (dims, code.mean, about),
        "kinematic_sd": (dims, code.sd, sd | {"units": about["units"]}),
    }


def _excluded(data: xr.Dataset) -> tuple[ExcludedCycle, ...]:
    columns = (data[f"excluded_{part}"].values for part in ("side", "start", "end", "reason"))
    return tuple(
        ExcludedCycle("l" if side == "l" else "r", float(start), float(end), str(reason))
        for side, start, end, reason in zip(*columns, strict=True)
    )


def _content(path: pathlib.Path) -> xr.Dataset:
    if not path.is_file():
        raise InputError(str(path), "There is no such file.", _REMEDY)
    try:
        return xr.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(str(path), f"It is no NetCDF file ({error}).", _REMEDY) from error
