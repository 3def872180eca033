"""Fitting to optical markers: the same objective, with measured positions instead of pixels."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from diffbio._jax import round_up_to_bucket
from diffbio.body import BodyModel, BodyParameters
from diffbio.cameras import CameraRig
from diffbio.errors import FitError
from diffbio.fitting.problem import (
    CORRELATION_TIME,
    THRESHOLD_SD,
    Problem,
    elapsed_time,
    person_priors,
)
from diffbio.fitting.residuals import CameraPrior, Placement, Reprojection
from diffbio.fitting.residuals.reprojection import CAUCHY_TAIL
from diffbio.fitting.start import Start, start_from_points
from diffbio.observations import Markers

SKIN_SD = 0.010
"""In metres and per axis: how far markers slide over bone, besides their constant offset. Shank
and landmarks 5 to 15 mm, thigh 10 to 30 mm (Leardini 2005)."""


def no_cameras(dtype: np.dtype | type) -> CameraRig:
    """A rig of no camera at all."""
    pairs, triples = jnp.zeros((0, 2), dtype), jnp.zeros((0, 3), dtype)
    return CameraRig(
        focal_px=pairs,
        principal_px=pairs,
        distortion=jnp.zeros((0, 5), dtype),
        camera_from_world_rotation=jnp.zeros((0, 3, 3), dtype),
        camera_from_world_translation=triples,
        names=(),
        image_size=(),
        fisheye=(),
    )


def start_at_markers(
    body: BodyModel,
    markers: Markers,
    *,
    expected: BodyParameters | None = None,
    dtype: np.dtype | type = np.float32,
) -> Start:
    """A first guess from optical markers.

    Args:
        body: its markers are among those measured, by name.
        markers: measured.
        expected: the person before anything was seen; by default the base model itself.
        dtype: of the result.

    Raises:
        FitError: a marker of the body was not measured, or no frame has enough of them.
    """
    points = _in_order(body, markers)
    n = len(markers.time)
    padding = ((0, round_up_to_bucket(n) - n), (0, 0), (0, 0))
    padded = np.pad(points, padding, constant_values=np.nan)
    elapsed = np.asarray(markers.time, float) - float(markers.time[0])
    return start_from_points(body, padded, elapsed, expected, np.dtype(dtype))


def make_marker_problem(
    body: BodyModel,
    markers: Markers,
    *,
    dtype: np.dtype | type = np.float32,
    padded: int | None = None,
    posture_share: float = 1.0,
) -> Problem:
    """Assemble the objective of one trial of optical motion capture; it has no cameras.

    Args:
        body: its markers are among those measured, by name.
        markers: measured.
        dtype: of everything.
        padded: length to pad time to; by default the bucket of the trial's own.
        posture_share: what counts of the prior on posture; see `JointRange`.

    Raises:
        FitError: a marker of the body was not measured.
    """
    points, n = _in_order(body, markers), len(markers.time)
    # A second where there is one sample, as for keypoints.
    interval = 1 / markers.frame_rate_hz if n > 1 else 1.0
    padded = padded or round_up_to_bucket(n)

    def array(x: np.ndarray | float) -> Array:
        return jnp.asarray(x, dtype)

    seen = np.isfinite(points).all(-1)
    weight = np.pad(seen * min(1.0, interval / CORRELATION_TIME), ((0, padded - n), (0, 0)))
    positions = np.pad(np.nan_to_num(points), ((0, padded - n), (0, 0), (0, 0)))
    nothing = array(np.zeros((0, padded, len(body.marker_names))))
    loss = (array(THRESHOLD_SD), array(CAUCHY_TAIL))
    priors = person_priors(body, n, interval, padded, dtype=dtype, posture_share=posture_share)
    return Problem(
        body=body,
        timed=False,
        rig=no_cameras(dtype),
        time=array(elapsed_time(markers.time, interval, padded)),
        lag=array(np.zeros((0, padded))),
        reprojection=Reprojection(nothing, nothing, nothing, array(np.zeros(0)), *loss),
        priors=(*priors, CameraPrior(array(np.ones((0, 11))))),
        n_frames=jnp.asarray(n),
        placement=Placement(array(positions), array(weight), array(SKIN_SD), *loss),
    )


def _in_order(body: BodyModel, markers: Markers) -> np.ndarray:
    """Measured positions in the order of the body's markers."""
    missing = [name for name in body.marker_names if name not in markers.names]
    if missing:
        raise FitError(
            f"{markers.source} has no marker {', '.join(missing)}. Choose a keypoint set whose "
            "markers are those of the recording, or leave these out of it."
        )
    return markers.positions[:, [markers.names.index(name) for name in body.marker_names]]
