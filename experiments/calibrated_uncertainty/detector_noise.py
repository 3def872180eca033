"""How noisy detections are around a fit: size, tails and memory."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import t as student_t

from diffbio.fitting import Fit
from diffbio.observations import Keypoints
from diffbio.simulation.detector import DetectorErrors

SAMPLE = 20_000
"""Residuals that are enough for the degrees of freedom."""

LAGS = (1 / 60, 0.1, 0.3)
"""In seconds."""

NEAR = 3.0
"""Robust standard deviations; farther residuals are pulled in to it before memory is measured."""


@dataclasses.dataclass(frozen=True)
class Detector:
    """A simulated detector whose noise has a duration, not a number of frames.

    Attributes:
        noise_px: standard deviation per image axis.
        memory_s: time in which the correlation falls to 1/e.
        outlier_share: share of detections with a second, wider error.
        outlier_px: its standard deviation.
    """

    noise_px: float
    memory_s: float
    outlier_share: float
    outlier_px: float

    def errors(self, interval: float) -> DetectorErrors:
        """For a simulation with a time between frames, in seconds."""
        return DetectorErrors(
            noise_px=self.noise_px,
            noise_memory=float(np.exp(-interval / self.memory_s)),
            outlier_share=self.outlier_share,
            outlier_px=self.outlier_px,
        )


# Chosen so that residuals of simulated fits look like those of the fits of `pose2sim-demo`
# (four real cameras, OpenPose, poses and clocks refined) and of `falisse-virtual-cameras`. The
# table "Noise" of the result compares them.
DETECTORS = {
    "pose2sim-demo": Detector(2.8, 0.16, 0.12, 9.0),
    "falisse-virtual-cameras": Detector(2.3, 0.02, 0.09, 30.0),
}


@dataclasses.dataclass(frozen=True)
class Noise:
    """Residuals of a fit, detected minus projected, per image axis.

    Attributes:
        sd_mm: robust standard deviation on the person, all cameras together.
        beyond_3: share beyond three robust standard deviations of their camera; of a Gaussian
            0.3 %.
        beyond_5: share beyond five.
        freedom: degrees of freedom of Student's t, by maximum likelihood.
        memory: correlation at `LAGS`, the mean of every marker in every camera removed.
    """

    sd_mm: float
    beyond_3: float
    beyond_5: float
    freedom: float
    memory: tuple[float, ...]


def noise_of(fit: Fit, keypoints: Keypoints) -> Noise:
    """Noise of the detections of a fitted trial."""
    order = [keypoints.names.index(name) for name in fit.body.marker_names]
    residual = np.asarray(keypoints.pixels)[:, :, order] - fit.error.projected_px
    used = np.isfinite(fit.error.px)
    depth = [np.median(np.asarray(fit.rig.depth(m))[i]) for i, m in enumerate(_markers(fit))]
    mm_per_px = 1e3 * np.asarray(depth) / np.asarray(fit.rig.focal_px).mean(1)
    return measure_noise(residual * mm_per_px[:, None, None, None], used, keypoints.interval)


def _markers(fit: Fit) -> np.ndarray:
    markers = np.asarray(fit.motion.markers, np.float32)
    return np.broadcast_to(markers, (len(fit.rig.names), *markers.shape))


def measure_noise(
    residual_mm: Float[np.ndarray, "camera time marker 2"],
    used: Bool[np.ndarray, "camera time marker"],
    interval: float,
) -> Noise:
    """Size, tails and memory of residuals.

    Args:
        residual_mm: detected minus projected, on the person.
        used: which of them are of a detection.
        interval: time between frames, in seconds.
    """
    known = np.where(used[..., None], residual_mm, np.nan)
    sd = np.asarray([_robust_sd(one[np.isfinite(one)]) for one in known])
    z = known / sd[:, None, None, None]
    each = z[used].ravel()
    sample = each[:: max(1, each.size // SAMPLE)]
    return Noise(
        sd_mm=_robust_sd(known[np.isfinite(known)]),
        beyond_3=float(np.mean(np.abs(each) > 3)),
        beyond_5=float(np.mean(np.abs(each) > 5)),
        freedom=float(student_t.fit(sample, floc=0)[0]),
        memory=tuple(_correlation(z, used, max(1, round(lag / interval))) for lag in LAGS),
    )


def _robust_sd(x: np.ndarray) -> float:
    return float(1.4826 * np.median(np.abs(x)))


def _correlation(z: np.ndarray, used: np.ndarray, lag: int) -> float:
    """Correlation of residuals some frames apart, far ones pulled in."""
    distance = np.sqrt((z * z).sum(-1, keepdims=True))
    near = np.where(used[..., None], z * np.minimum(1, NEAR / np.maximum(distance, NEAR)), 0.0)
    mean = near.sum(1, keepdims=True) / np.maximum(1, used.sum(1))[:, None, :, None]
    near = np.where(used[..., None], near - mean, 0.0)
    both = used[:, lag:] & used[:, :-lag]
    power = (near * near).sum() / max(1, used.sum())
    return float((near[:, lag:] * near[:, :-lag]).sum() / max(1, both.sum()) / power)
