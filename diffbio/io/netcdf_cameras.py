"""The part of `fit.nc` that is about cameras: what they saw, where they are, how they moved."""

from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from diffbio.cameras import CameraRig
from diffbio.fitting.fit import Fit, ReprojectionError
from diffbio.io.trial import Trial

Variable: TypeAlias = tuple[tuple[str, ...], object, dict[str, str]]
"""Dimensions, values and attributes of a variable, as xarray takes it."""

WORLD = "world: x forward, y left, z up"
CAMERA = "camera: x right, y down, z forward"
IMAGE = "image: u right, v down, origin at the top-left pixel's centre"

ADJUSTMENTS = {
    "rotation": ("poses", ("axis",), "rad", "rotation vector, on the left of the given rotation"),
    "shift": ("poses", ("axis",), "m", "movement of the camera's centre"),
    "log_focal": ("lenses", (), "1", "natural logarithm of the factor of both focal lengths"),
    "distortion": ("lenses", ("k1_k2",), "1", "added to k1 and k2"),
    "clock_offset": ("clocks", (), "s", "added to the time stamps; positive: taken later"),
    "clock_drift": ("clocks", (), "s s-1", "growth of the offset, zero in the middle of the trial"),
}
"""Group, further dimensions, unit and meaning of every field of `CameraAdjustment`."""

_FRAMES = {"rotation": CAMERA, "shift": WORLD}


def camera_variables(fit: Fit, trial: Trial) -> dict[str, Variable]:
    """Detections, errors, calibration as given and as fitted, and what was corrected."""
    variables = (
        _observations(fit.error, trial, fit.body.marker_names, "")
        | _rig(fit.rig, "", "camera", "as fitted")
        | _rig(fit.rig_before, "given_", "camera", "as given")
        | _adjustments(fit)
    )
    if fit.held_out is None:
        return variables
    rig = trial.rig.subset((fit.held_out.name,))
    return (
        variables
        | _observations(fit.held_out.error, trial, fit.body.marker_names, "held_out_")
        | _rig(rig, "held_out_", "held_out_camera", "as given; the fit did not use this camera")
    )


def detections(
    error: ReprojectionError, trial: Trial, marker_names: tuple[str, ...]
) -> Float[np.ndarray, "camera time marker 2"]:
    """Detected pixels that an error is about, in its own order; NaN where nothing was used."""
    keypoints = trial.keypoints.of_cameras(error.camera_names)
    order = [keypoints.names.index(name) for name in marker_names]
    pixels = np.asarray(keypoints.pixels)[:, :, order]
    return np.where(np.isfinite(error.px)[..., None], pixels, np.nan)


def sd_variable(
    fit: Fit,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    sd: Float[np.ndarray, "*any"] | float | None,
    units: str,
) -> Variable:
    """Standard deviations, or NaN of that shape and the reason where there are none."""
    if sd is None:
        comment = f"standard deviation, not estimated in this fit ({fit.solver})"
        return dims, np.full(shape, np.nan), {"units": units, "comment": comment}
    comment = "marginal standard deviation, as far as model and priors are right"
    if not np.all(np.isfinite(sd)):
        comment += "; NaN where it is not known"
    return dims, np.asarray(sd, float), {"units": units, "comment": comment}


def _observations(
    error: ReprojectionError, trial: Trial, marker_names: tuple[str, ...], prefix: str
) -> dict[str, Variable]:
    """Frames are those of each camera's recording, by its own clock."""
    dims = (f"{prefix}camera", "time", "marker")
    comment = "frames as recorded; the clock's correction is not applied to the time axis"
    px = {"units": "px", "comment": comment}
    if prefix:
        px["comment"] = "a camera the fit did not use; pose, lens and clock as given"
    image = px | {"frame": IMAGE}
    detected = detections(error, trial, marker_names)
    return {
        f"{prefix}detected_px": ((*dims, "uv"), detected, image),
        f"{prefix}projected_px": ((*dims, "uv"), error.projected_px, image),
        f"{prefix}reprojection_error_px": (dims, error.px, px),
        f"{prefix}confidence": (dims, error.confidence, {"units": "1"}),
    }


def _rig(rig: CameraRig, prefix: str, camera: str, comment: str) -> dict[str, Variable]:
    which = {"comment": comment}
    px = {"units": "px"} | which
    pose = {"frame": CAMERA} | which
    rotation = np.asarray(rig.camera_from_world_rotation)
    translation = np.asarray(rig.camera_from_world_translation)
    coefficients = {"units": "1", "long_name": "OpenCV k1 k2 p1 p2 k3; fisheye k1 k2 k3 k4 0"}
    return {
        f"{prefix}camera_focal_px": ((camera, "uv"), np.asarray(rig.focal_px), px),
        f"{prefix}camera_principal_px": ((camera, "uv"), np.asarray(rig.principal_px), px),
        f"{prefix}camera_distortion": (
            (camera, "distortion"),
            np.asarray(rig.distortion),
            coefficients | which,
        ),
        f"{prefix}camera_from_world_rotation": (
            (camera, "row", "column"),
            rotation,
            {"units": "1"} | pose,
        ),
        f"{prefix}camera_from_world_translation": (
            (camera, "axis"),
            translation,
            {"units": "m"} | pose,
        ),
        f"{prefix}camera_image_size_px": ((camera, "width_height"), np.asarray(rig.image_size), px),
        f"{prefix}camera_fisheye": ((camera,), np.asarray(rig.fisheye), which),
    }


def _adjustments(fit: Fit) -> dict[str, Variable]:
    """What was added to the given calibration: zero, and no deviation, where not refined."""
    variables: dict[str, Variable] = {}
    n_cameras = len(fit.error.camera_names)
    for field, (group, further, units, meaning) in ADJUSTMENTS.items():
        refined = fit.cameras is not None and group in fit.refined
        shape = (n_cameras, *({"axis": 3, "k1_k2": 2}[name] for name in further))
        values = np.asarray(getattr(fit.cameras, field)) if refined else np.zeros(shape)
        sd = None
        if refined and fit.uncertainty is not None:
            sd = np.asarray(getattr(fit.uncertainty.cameras, field))
        attributes = {"units": units, "long_name": meaning}
        if field in _FRAMES:
            attributes["frame"] = _FRAMES[field]
        attributes["comment"] = "refined" if refined else "not refined: taken as given"
        name, dims = f"camera_adjustment_{field}", ("camera", *further)
        variables[name] = (dims, values, attributes)
        deviation = sd_variable(fit, dims, shape, sd, units)
        if not refined:
            deviation[2]["comment"] = "standard deviation, not estimated: not refined"
        variables[f"{name}_sd"] = deviation
    return variables
