"""`fit.nc`: the whole result in one self-describing file (NetCDF4)."""

import datetime
import pathlib

import numpy as np
import xarray as xr

import diffbio
from diffbio.fitting.fit import Fit
from diffbio.io.axes import PELVIS_ANGLES
from diffbio.io.coordinates import Coordinates, coordinates_of
from diffbio.io.deviations import height_sd, scale_sd
from diffbio.io.netcdf_cameras import WORLD, Variable, camera_variables, sd_variable
from diffbio.io.trial import Trial


def write_netcdf(path: pathlib.Path, fit: Fit, trial: Trial) -> None:
    """Write everything a fit estimated, with named dimensions and units.

    Every estimate has a standard deviation beside it (`_sd`). It is NaN where it was not
    estimated, and its `comment` says so.

    Args:
        path: the file to write.
        fit: the result.
        trial: what was fitted.
    """
    data = dataset_of(fit, trial)
    encoding = {
        # Pixels to 1e-4 are ample; the file is half as large.
        str(name): {"zlib": True, "complevel": 4}
        | ({"dtype": "float32"} if str(name).endswith("_px") else {})
        for name, variable in data.data_vars.items()
        if variable.ndim >= 2 and variable.dtype.kind == "f"
    }
    data.to_netcdf(path, engine="h5netcdf", encoding=encoding)


def dataset_of(fit: Fit, trial: Trial) -> xr.Dataset:
    """The content of `fit.nc` as an xarray dataset: SI units, radians, pixels."""
    coordinates = coordinates_of(fit)
    variables = (
        _motion(fit) | _coordinates(fit, coordinates) | _person(fit) | camera_variables(fit, trial)
    )
    return xr.Dataset(variables, coords=_labels(fit, coordinates), attrs=_provenance(fit, trial))


def _labels(fit: Fit, coordinates: Coordinates) -> dict[str, object]:
    body = fit.body
    labels = {
        "time": ("time", fit.motion.time, {"units": "s"}),
        "coordinate": list(coordinates.names),
        "joint": list(body.joint_names),
        "marker": list(body.marker_names),
        "body": list(body.body_names),
        "segment": list(body.segment_names),
        "camera": list(fit.error.camera_names),
        "axis": ["x", "y", "z"],
        "pelvis_angle": list(PELVIS_ANGLES),
    }
    if fit.held_out is not None:
        labels["held_out_camera"] = [fit.held_out.name]
    return labels


def _motion(fit: Fit) -> dict[str, Variable]:
    motion = fit.motion
    metres = {"units": "m", "frame": WORLD}
    rotation = {"units": "1", "frame": WORLD}
    return {
        "root_position": (("time", "axis"), motion.root_position, metres),
        "root_quaternion": (
            ("time", "wxyz"),
            motion.root_quaternion,
            rotation | {"long_name": "world_from_root, unit quaternion, w first"},
        ),
        "marker_position": (("time", "marker", "axis"), motion.markers, metres),
        "marker_position_sd": sd_variable(
            fit,
            ("time", "marker", "axis"),
            motion.markers.shape,
            None if fit.uncertainty is None else fit.uncertainty.markers,
            "m",
        ),
        "body_position": (("time", "body", "axis"), motion.body_positions, metres),
        "body_rotation": (
            ("time", "body", "row", "column"),
            motion.body_rotations,
            rotation | {"long_name": "world_from_body"},
        ),
        "seen": (
            ("time",),
            motion.seen,
            {"long_name": "any camera saw the person; false means interpolated"},
        ),
    }


def _coordinates(fit: Fit, coordinates: Coordinates) -> dict[str, Variable]:
    motion, dims = fit.motion, ("time", "coordinate")
    per_second = "unit of the joint (joint_units) per second"
    return {
        "coordinate_value": (
            dims,
            coordinates.values,
            {"long_name": "pelvis in OpenSim axes, then joints", "units": "see coordinate_units"},
        ),
        "coordinate_units": (("coordinate",), list(coordinates.units), {}),
        "coordinate_value_sd": sd_variable(
            fit, dims, coordinates.values.shape, coordinates.sd, "see coordinate_units"
        ),
        "joint_units": (("joint",), list(coordinates.units[6:]), {}),
        "joint_velocity": (("time", "joint"), motion.joint_velocity, {"units": per_second}),
        "joint_acceleration": (
            ("time", "joint"),
            motion.joint_acceleration,
            {"units": f"{per_second} squared"},
        ),
    }


def _person(fit: Fit) -> dict[str, Variable]:
    body, parameters = fit.body, fit.parameters
    scale = np.exp(np.asarray(parameters.log_scale))
    offset = np.asarray(parameters.marker_offset)
    height = body.height(parameters)
    offset_sd = None if fit.uncertainty is None else fit.uncertainty.marker_offset
    return {
        "segment_scale": (
            ("segment",),
            scale,
            {"units": "1", "long_name": "size relative to the base model"},
        ),
        "segment_scale_sd": sd_variable(fit, ("segment",), scale.shape, scale_sd(fit), "1"),
        "marker_offset": (
            ("marker", "axis"),
            offset,
            {"units": "m", "frame": "body that carries the marker"},
        ),
        "marker_offset_sd": sd_variable(fit, ("marker", "axis"), offset.shape, offset_sd, "m"),
        "height": (
            (),
            np.nan if height is None else height,
            {"units": "m", "long_name": "standing; NaN where the body model does not define it"},
        ),
        "height_sd": sd_variable(fit, (), (), height_sd(fit), "m"),
        "mass": ((), body.mass(parameters), {"units": "kg"}),
    }


def _provenance(fit: Fit, trial: Trial) -> dict[str, object]:
    return {
        "title": f"diffbio fit of {trial.name}",
        "diffbio_version": diffbio.__version__,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "trial": trial.name,
        "source": str(trial.source),
        "reader_notes": "\n".join(trial.notes),
        "frame_rate_hz": float(trial.frame_rate_hz),
        "keypoint_set": trial.keypoints.set_name,
        "body_model": fit.body.name,
        "solver": fit.solver,
        "solver_iterations": int(fit.iterations),
        "solver_outcome": fit.outcome.name.lower(),
        "solver_cost": float(fit.cost),
        "world_axes": WORLD,
        "time_offsets": "camera_adjustment_clock_offset and _drift"
        if "clocks" in fit.refined
        else "not refined: clocks as given",
        "refined": " ".join(fit.refined) or "nothing",
        "held_out_camera": "none" if fit.held_out is None else fit.held_out.name,
        **_certainty(fit),
    }


def _certainty(fit: Fit) -> dict[str, object]:
    """What was found out about the noise, and what not about the unknowns."""
    if fit.uncertainty is None:
        return {"uncertainty": "not estimated in this fit"}
    return {
        "uncertainty": "marginal standard deviations; multiply by 1.645 for 90 % bands",
        "noise_factor": float(fit.uncertainty.noise),
        "noise_factor_meaning": "deviation of the detections relative to what the fit assumed",
        "undetermined": "\n".join(fit.uncertainty.undetermined),
    }
