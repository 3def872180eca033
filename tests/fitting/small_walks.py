"""Small simulated walks, and what the tests of fitting do to them."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from diffbio.body import load_keypoint_set
from diffbio.cameras import CameraRig
from diffbio.cameras.adjustment import WIDTH, adjustment_of
from diffbio.fitting import Fit, fit_motion
from diffbio.observations import Keypoints
from diffbio.simulation import SimulatedRecording, simulate_walking
from diffbio.simulation.detector import DetectorErrors

EXACT = DetectorErrors(noise_px=0.0, outlier_share=0.0, drop_share=1e-9)


@functools.cache
def simulated(
    errors: DetectorErrors | None = None, clock_offset: tuple[float, ...] | None = None
) -> SimulatedRecording:
    """Two seconds at 24 Hz, four cameras, 26 keypoints."""
    keypoints = load_keypoint_set("halpe_26")
    late = None if clock_offset is None else np.asarray(clock_offset)
    return simulate_walking(
        keypoints,
        seed=3,
        duration=2.0,
        frame_rate_hz=24.0,
        n_cameras=4,
        errors=errors,
        clock_offset=late,
    )


def first_frames(keypoints: Keypoints, count: int) -> Keypoints:
    """The beginning of a recording."""
    return dataclasses.replace(
        keypoints,
        pixels=keypoints.pixels[:, :count],
        confidence=keypoints.confidence[:, :count],
        time=keypoints.time[:count],
        lag=None if keypoints.lag is None else keypoints.lag[:, :count],
    )


def fitted(recording: SimulatedRecording, **options) -> Fit:
    """A fit in single precision, of the recording or of what stands in its place."""
    rig = options.pop("rig", recording.rig).astype(np.float32)
    keypoints = options.pop("keypoints", recording.keypoints)
    body = options.pop("body", recording.body)
    return fit_motion(body, rig, keypoints, key=jax.random.key(0), **options)


def marker_error_mm(fit: Fit, recording: SimulatedRecording) -> np.ndarray:
    """Distance of every fitted marker from the true one, in millimetres."""
    n = len(fit.motion.time)
    return 1000 * np.linalg.norm(fit.motion.markers - recording.markers[:n], axis=-1)


def adjusted(rig: CameraRig, **columns: np.ndarray) -> CameraRig:
    """A rig with some corrections, named as in `CameraAdjustment`, the others zero."""
    nothing = adjustment_of(jnp.zeros((len(rig.names), WIDTH)))
    parts = {name: jnp.asarray(value) for name, value in columns.items()}
    return rig.adjusted(dataclasses.replace(nothing, **parts))
