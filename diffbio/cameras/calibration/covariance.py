"""How certain cameras are, from the residuals that an adjustment leaves."""

import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.bundle import WIDTH, Adjusted


def robust_scale_px(residual_px: np.ndarray, seen: np.ndarray) -> float:
    """Where the Huber loss turns linear: 3 standard deviations of Gaussian errors."""
    median = np.median(residual_px[seen]) if seen.any() else 1.0
    return float(max(3.0 * median / np.sqrt(2.0 * np.log(2.0)), 0.05))


def camera_covariance(
    found: Adjusted, seen: np.ndarray, n_unknowns: int
) -> Float[np.ndarray, "unknown unknown"]:
    """Covariance of the cameras' unknowns from the residuals left; rows of held ones are 0.

    Corners of one view share its errors (a bent board, motion, a clock), so that two estimates
    are made, one that takes corners as independent and one that takes only views as such (White
    1980, clustered). Where the second is larger, all standard deviations of that camera grow by
    the median of the ratios.
    """
    residual = np.asarray(found.residual_px)[seen]
    views = int(np.any(seen, axis=-1).sum())
    freedom = max(2 * len(residual) - n_unknowns - 6 * views, 1)
    sigma = np.sum(residual**2) / freedom
    information = np.asarray(found.information)
    inverse = np.linalg.pinv(information, hermitian=True)
    independent = sigma * inverse
    scores = np.asarray(found.scores)
    active = np.abs(scores).sum(axis=1) > 0.0
    few = max(int(active.sum()), 2)
    clustered = inverse @ (scores.T @ scores) @ inverse * few / (few - 1)
    held = np.abs(scores).sum(axis=0) == 0.0
    ratio = np.diag(clustered) / np.maximum(np.diag(independent), 1e-300)
    each = np.where(held, np.nan, ratio).reshape(-1, WIDTH)
    gain = np.ones_like(each)
    for camera, ratios in enumerate(each):
        if np.isfinite(ratios).any():
            gain[camera] = np.sqrt(max(float(np.nanmedian(ratios)), 1.0))
    gain = gain.ravel()
    covariance = independent * gain[:, None] * gain[None]
    covariance[held] = covariance[:, held] = 0.0
    return covariance
