"""How far errors that last spread estimates, against estimates made again and again."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.interpolate import BSpline
from scipy.signal import lfilter

from diffbio.fitting.noise import LEAST, NoiseFactors, image_errors, noise_factors
from diffbio.fitting.residuals import Reprojection
from diffbio.fitting.residuals.reprojection import HUBER_TAIL

INTERVAL, BANDWIDTH_HZ = 1 / 60, 7.5
SHAPE = (2, 3000, 20)
"""Cameras, times, markers."""


def memory_of(memory_s: float) -> float:
    """Correlation of two errors that follow each other."""
    return float(np.exp(-INTERVAL / memory_s))


def errors_with_memory(shape: tuple[int, ...], memory: float, seed: int = 0) -> np.ndarray:
    """Gaussian errors of unit variance along the second axis, from a stationary start."""
    white = np.random.default_rng(seed).normal(size=shape)
    white[:, 1:] *= np.sqrt(1 - memory**2)
    return np.asarray(lfilter([1.0], [1.0, -memory], white, axis=1))


def factors_of(
    u: np.ndarray,
    v: np.ndarray,
    *,
    weight: float = 1.0,
    sigma_px: float = 1.0,
    threshold: float = 100.0,
    n_unknown: int = 0,
    bandwidth_hz: float = BANDWIDTH_HZ,
) -> NoiseFactors:
    """Of errors about markers that are projected to the corner of the picture."""
    reprojection = Reprojection(
        jnp.asarray(u),
        jnp.asarray(v),
        jnp.full(u.shape, weight),
        jnp.full(u.shape[0], sigma_px),
        jnp.asarray(threshold),
        jnp.asarray(HUBER_TAIL),
    )
    zero = np.zeros(u.shape)
    errors = image_errors(reprojection, zero, zero)
    return noise_factors(errors, INTERVAL, n_unknown, bandwidth_hz)


def of_memory(memory_s: float, **others) -> NoiseFactors:
    errors = [errors_with_memory(SHAPE, memory_of(memory_s), seed) for seed in (1, 2)]
    return factors_of(errors[0], errors[1], **others)


def test_independent_errors_of_the_size_assumed_change_nothing():
    u, v = np.random.default_rng(0).normal(size=(2, *SHAPE)) * 3.0
    # 240,000 numbers know their variance to 0.3 %.
    assert_allclose(factors_of(u, v, sigma_px=3.0), 1.0, atol=0.01)
    assert_allclose(factors_of(u, v, sigma_px=1.5), 4.0, atol=0.04)


@pytest.mark.parametrize("memory_s", [0.02, 0.05])
def test_what_lasts_spreads_as_means_over_time_do(memory_s):
    means = errors_with_memory((4000, 300, 1), memory_of(memory_s)).mean(1)
    of_independent = 1 / 300
    # The variance of 4000 means is itself uncertain by 2.2 %; correlations below 0.05 are left out.
    assert_allclose(of_memory(memory_s).lasting / (means.var() / of_independent), 1, atol=0.12)


@pytest.mark.parametrize("memory_s", [0.02, 0.05, 0.16])
def test_the_pose_spreads_as_least_squares_of_its_splines_does(memory_s):
    n, spacing = 240, 0.5 / BANDWIDTH_HZ
    knots = np.arange(-3, n * INTERVAL / spacing + 4) * spacing
    design = BSpline.design_matrix(np.arange(n) * INTERVAL, knots, 3).toarray()
    design = design[:, np.linalg.norm(design, axis=0) > 1e-3]
    hat = design @ np.linalg.pinv(design)
    inner = slice(40, -40)
    fitted = hat @ errors_with_memory((2000, n, 1), memory_of(memory_s))[:, :, 0].T
    spread = fitted[inner].var() / np.diag(hat)[inner].mean()
    found = of_memory(memory_s)
    # Splines are not quite an ideal low pass, and correlations below 0.05 are left out.
    assert_allclose(found.moving / spread, 1, atol=0.1)
    assert found.moving < found.lasting


def test_a_pose_that_follows_every_frame_averages_nothing():
    found = of_memory(0.05, bandwidth_hz=0.5 / INTERVAL)
    assert_allclose(found.moving, 1, atol=0.03)
    assert found.lasting > 4


def test_a_still_pose_is_as_sure_as_what_lasts():
    found = of_memory(0.05, bandwidth_hz=0.0)
    assert found.moving == found.lasting


def test_memory_already_in_the_weights_is_not_counted_again():
    once, lighter = of_memory(0.05), of_memory(0.05, weight=0.25)
    assert_allclose(lighter, np.multiply(0.25, once))


def test_unknowns_take_up_errors():
    u, v = np.random.default_rng(0).normal(size=(2, *SHAPE))
    n_unknown = u.size // 2
    fewer = factors_of(u, v, n_unknown=n_unknown)
    # 2 x 120,000 numbers minus 60,000 unknowns.
    assert_allclose(fewer, np.divide(factors_of(u, v), 0.75))


def test_tails_count_as_they_do_for_an_m_estimator():
    u, v = np.random.default_rng(0).standard_t(3, size=(2, 2, 4000, 10))
    found = factors_of(u, v, threshold=1.5)
    samples = np.random.default_rng(1).standard_t(3, size=(2000, 200, 2))
    position, trust = np.zeros((2000, 1, 2)), np.ones((2000, 200, 1))
    for _ in range(30):
        position = (trust * samples).sum(1, keepdims=True) / trust.sum(1, keepdims=True)
        distance = np.linalg.norm(samples - position, axis=2, keepdims=True)
        trust = np.minimum(1, 1.5 / np.maximum(distance, 1e-9))
    hessian = trust.sum(1).mean()
    # The variance of 2 x 2000 positions is uncertain by 2.2 %.
    assert_allclose(found.lasting / (position.var() * hessian), 1, atol=0.08)


def test_nothing_seen_and_nothing_wrong_give_finite_factors():
    nothing = np.zeros((2, 5, 3))
    assert factors_of(nothing, nothing, weight=0.0) == (1.0, 1.0)
    assert factors_of(nothing, nothing) == (LEAST, LEAST)
