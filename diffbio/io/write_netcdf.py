"""`fit.nc`: the whole result in one self-describing file (NetCDF4)."""

import datetime
import pathlib
from typing import TypeAlias

import numpy as np
import xarray as xr
from jaxtyping import Float

import diffbio
from diffbio.cameras import CameraRig
from diffbio.fitting.fit import Fit
from diffbio.io.axes import PELVIS_ANGLES
from diffbio.io.coordinates import coordinates_of
from diffbio.io.trial import Trial

_Variable: TypeAlias = tuple[tuple[str, ...], object, dict[str, str]]

WORLD = "world: x forward, y left, z up"
CAMERA = "camera: x right, y down, z forward"


def write_netcdf(path: pathlib.Path, fit: Fit, trial: Trial) -> None:
    """Write everything a fit estimated, with named dimensions and units.

    Standard deviations are present for every estimate and NaN where the solver does not
    estimate them; their `comment` says so.

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
    variables = (
        _motion(fit)
        | _coordinates(fit)
        | _person(fit)
        | _observations(fit, trial)
        | _rig(fit.rig, "")
        | _rig(fit.rig_before, "given_")
    )
    return xr.Dataset(variables, coords=_labels(fit, trial), attrs=_provenance(fit, trial))


def detections(fit: Fit, trial: Trial) -> Float[np.ndarray, "camera time marker 2"]:
    """Detected pixels of the fitted keypoints, in marker order; NaN where nothing was used."""
    names = trial.keypoints.names
    order = [names.index(name) for name in fit.body.marker_names]
    pixels = np.asarray(trial.keypoints.pixels)[:, :, order]
    return np.where(np.isfinite(fit.error.px)[..., None], pixels, np.nan)


def _labels(fit: Fit, trial: Trial) -> dict[str, object]:
    body = fit.body
    return {
        "time": ("time", fit.motion.time, {"units": "s"}),
        "coordinate": list(coordinates_of(fit).names),
        "joint": list(body.joint_names),
        "marker": list(body.marker_names),
        "body": list(body.body_names),
        "segment": list(body.segment_names),
        "camera": list(trial.keypoints.camera_names),
        "axis": ["x", "y", "z"],
        "pelvis_angle": list(PELVIS_ANGLES),
    }


def _motion(fit: Fit) -> dict[str, _Variable]:
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
        "marker_position_sd": _not_estimated(fit, ("time", "marker", "axis"), motion.markers, "m"),
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


def _coordinates(fit: Fit) -> dict[str, _Variable]:
    motion, coordinates = fit.motion, coordinates_of(fit)
    per_second = "unit of the joint (joint_units) per second"
    return {
        "coordinate_value": (
            ("time", "coordinate"),
            coordinates.values,
            {"long_name": "pelvis in OpenSim axes, then joints", "units": "see coordinate_units"},
        ),
        "coordinate_units": (("coordinate",), list(coordinates.units), {}),
        "coordinate_value_sd": _not_estimated(
            fit, ("time", "coordinate"), coordinates.values, "see coordinate_units"
        ),
        "joint_units": (("joint",), list(coordinates.units[6:]), {}),
        "joint_velocity": (("time", "joint"), motion.joint_velocity, {"units": per_second}),
        "joint_acceleration": (
            ("time", "joint"),
            motion.joint_acceleration,
            {"units": f"{per_second} squared"},
        ),
    }


def _person(fit: Fit) -> dict[str, _Variable]:
    body, parameters = fit.body, fit.parameters
    scale = np.exp(np.asarray(parameters.log_scale))
    offset = np.asarray(parameters.marker_offset)
    height = body.height(parameters)
    return {
        "segment_scale": (
            ("segment",),
            scale,
            {"units": "1", "long_name": "size relative to the base model"},
        ),
        "segment_scale_sd": _not_estimated(fit, ("segment",), scale, "1"),
        "marker_offset": (
            ("marker", "axis"),
            offset,
            {"units": "m", "frame": "body that carries the marker"},
        ),
        "marker_offset_sd": _not_estimated(fit, ("marker", "axis"), offset, "m"),
        "height": (
            (),
            np.nan if height is None else height,
            {"units": "m", "long_name": "standing; NaN where the body model does not define it"},
        ),
        "mass": ((), body.mass(parameters), {"units": "kg"}),
    }


def _observations(fit: Fit, trial: Trial) -> dict[str, _Variable]:
    error, dims = fit.error, ("camera", "time", "marker")
    px = {"units": "px", "frame": "image: u right, v down, origin at the top-left pixel's centre"}
    return {
        "detected_px": ((*dims, "uv"), detections(fit, trial), px),
        "projected_px": ((*dims, "uv"), error.projected_px, px),
        "reprojection_error_px": (dims, error.px, {"units": "px"}),
        "confidence": (dims, error.confidence, {"units": "1"}),
    }


def _rig(rig: CameraRig, prefix: str) -> dict[str, _Variable]:
    which = {"comment": "as given" if prefix else "as fitted"}
    px = {"units": "px"} | which
    rotation = np.asarray(rig.camera_from_world_rotation)
    return {
        f"{prefix}camera_focal_px": (("camera", "uv"), np.asarray(rig.focal_px), px),
        f"{prefix}camera_principal_px": (("camera", "uv"), np.asarray(rig.principal_px), px),
        f"{prefix}camera_distortion": (
            ("camera", "distortion"),
            np.asarray(rig.distortion),
            {"units": "1", "long_name": "OpenCV k1 k2 p1 p2 k3; fisheye k1 k2 k3 k4 0"} | which,
        ),
        f"{prefix}camera_from_world_rotation": (
            ("camera", "row", "column"),
            rotation,
            {"units": "1", "frame": CAMERA} | which,
        ),
        f"{prefix}camera_from_world_translation": (
            ("camera", "axis"),
            np.asarray(rig.camera_from_world_translation),
            {"units": "m", "frame": CAMERA} | which,
        ),
        f"{prefix}camera_image_size_px": (
            ("camera", "width_height"),
            np.asarray(rig.image_size),
            px,
        ),
        f"{prefix}camera_fisheye": (("camera",), np.asarray(rig.fisheye), which),
    }


def _not_estimated(fit: Fit, dims: tuple[str, ...], like: np.ndarray, units: str) -> _Variable:
    comment = f"standard deviation, not estimated by this solver ({fit.solver})"
    return dims, np.full(like.shape, np.nan), {"units": units, "comment": comment}


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
        "time_offsets": f"not estimated by this solver ({fit.solver})",
    }
