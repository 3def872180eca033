"""Small simulated walks, and what the tests of fitting do to them."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from diffbio.body import load_keypoint_set
from diffbio.cameras import CameraAdjustment, CameraRig
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
    late = None if clock_offset is None else np.asarray(clock_offset)
    return _walk(24.0, 2.0, errors=errors, clock_offset=late)


def simulated_at(frame_rate_hz: float) -> SimulatedRecording:
    """A second and a half, with noise, outliers and dropped views."""
    return _walk(frame_rate_hz, 1.5)


def _walk(frame_rate_hz: float, duration: float, **options) -> SimulatedRecording:
    return simulate_walking(
        load_keypoint_set("halpe_26"),
        seed=3,
        duration=duration,
        frame_rate_hz=frame_rate_hz,
        n_cameras=4,
        **options,
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


def corrections(fit: Fit) -> CameraAdjustment:
    """What was corrected of the cameras, in a fit that was asked to."""
    assert fit.cameras is not None
    return fit.cameras


def adjusted(rig: CameraRig, **columns: np.ndarray) -> CameraRig:
    """A rig with some corrections, named as in `CameraAdjustment`, the others zero."""
    nothing = adjustment_of(jnp.zeros((len(rig.names), WIDTH)))
    parts = {name: jnp.asarray(value) for name, value in columns.items()}
    return rig.adjusted(dataclasses.replace(nothing, **parts))
