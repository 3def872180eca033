"""A simulated keypoint detector: noise, outliers and dropped views."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float


@dataclasses.dataclass(frozen=True)
class DetectorErrors:
    """What the simulated detector does wrong.

    Attributes:
        noise_px: scale of Student's t noise with 4 degrees of freedom, per image axis.
        noise_memory: correlation of the noise between successive frames.
        outlier_share: share of detections thrown off by tens of pixels.
        outlier_px: standard deviation of those errors.
        drop_share: share of detections missing, in runs.
        drop_frames: mean length of such a run, in frames.
    """

    noise_px: float = 2.5
    noise_memory: float = 0.5
    outlier_share: float = 0.03
    outlier_px: float = 60.0
    drop_share: float = 0.15
    drop_frames: float = 8.0


def detect(
    pixels: Float[np.ndarray, "camera time keypoint 2"],
    visible: Bool[np.ndarray, "camera time keypoint"],
    errors: DetectorErrors,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "camera time keypoint 2"], Float[np.ndarray, "camera time keypoint"]]:
    """Detections of exact projections: pixels, and confidence (0 where missing)."""
    noise = rng.standard_t(4, pixels.shape) * errors.noise_px / np.sqrt(2)
    for frame in range(1, pixels.shape[1]):
        fresh = np.sqrt(1 - errors.noise_memory**2) * noise[:, frame]
        noise[:, frame] = errors.noise_memory * noise[:, frame - 1] + fresh
    outlier = rng.random(visible.shape) < errors.outlier_share
    noise[outlier] += rng.normal(size=(int(outlier.sum()), 2)) * errors.outlier_px
    present = visible & ~_runs(visible.shape, errors.drop_share, errors.drop_frames, rng)
    confidence = np.clip(rng.beta(8, 2, visible.shape) - 0.3 * outlier, 0.05, 0.99)
    confidence = np.where(present, confidence, 0.0)
    return np.where(present[..., None], pixels + noise, 0.0), confidence


def _runs(
    shape: tuple[int, ...], share: float, length: float, rng: np.random.Generator
) -> Bool[np.ndarray, "camera time keypoint"]:
    """A two-state Markov chain along time: True with the given share, in runs."""
    leave = 1 / length
    enter = leave * share / (1 - share)
    state = rng.random((shape[0], shape[2])) < share
    states = []
    for draw in rng.random((shape[1], shape[0], shape[2])):
        state = np.where(state, draw > leave, draw < enter)
        states.append(state)
    return np.stack(states, axis=1)
