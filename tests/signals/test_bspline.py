"""Uniform cubic B-splines against SciPy's, and how they follow samples with gaps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.interpolate import BSpline

from diffbio.signals import evaluate, fit_control_points

START, SPACING, N_CONTROL = 0.7, 0.2, 13
END = START + (N_CONTROL - 3) * SPACING
INSIDE = np.linspace(START, END, 401)[:-1]
"""Also at the knots themselves."""


def scipy_spline(control: np.ndarray) -> BSpline:
    knots = START + SPACING * np.arange(-3, len(control) + 1)
    return BSpline(knots, control, 3)


def ours(control: np.ndarray, time: np.ndarray | jax.Array) -> jax.Array:
    arrays = map(jnp.asarray, (control, START, SPACING, time))
    return evaluate(*arrays)


@pytest.fixture(scope="module")
def control() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(N_CONTROL, 2))


def test_values_are_scipys(control: np.ndarray):
    # Unitless, of order one; rounding alone.
    assert_allclose(ours(control, INSIDE), scipy_spline(control)(INSIDE), rtol=0, atol=1e-13)


def test_first_and_last_piece_go_on_outside(control: np.ndarray):
    outside = np.array([START - 0.3, START - 0.01, END, END + 0.01, END + 0.3])
    # SciPy extrapolates its pieces likewise.
    assert_allclose(ours(control, outside), scipy_spline(control)(outside), rtol=0, atol=1e-11)


def test_basis_sums_to_one():
    assert_allclose(ours(np.ones((N_CONTROL, 1)), INSIDE), 1.0, rtol=0, atol=1e-14)


def test_control_point_weighs_most_where_it_says():
    for k in range(2, N_CONTROL - 2):
        weight = np.asarray(ours(np.eye(N_CONTROL), INSIDE))[:, k]
        # Seconds; the sampling of INSIDE.
        assert INSIDE[weight.argmax()] == pytest.approx(START + (k - 1) * SPACING, abs=0.005)


def test_derivatives_are_scipys_and_those_of_differences(control: np.ndarray):
    spline = scipy_spline(control)

    def value(time: jax.Array) -> jax.Array:
        return ours(control, time)

    def slope(time: jax.Array) -> jax.Array:
        return jax.jvp(value, (time,), (jnp.ones_like(time),))[1]

    time = jnp.asarray(INSIDE + 1e-4)
    bend = jax.jvp(slope, (time,), (jnp.ones_like(time),))[1]
    # Per second and per second squared, of order 10 and 100; rounding alone.
    assert_allclose(slope(time), spline(time, 1), rtol=0, atol=1e-11)
    assert_allclose(bend, spline(time, 2), rtol=0, atol=1e-9)
    step = 1e-5
    numeric = (value(time + step) - value(time - step)) / (2 * step)
    # Truncation of the difference, step^2 times the third derivative.
    assert_allclose(slope(time), numeric, rtol=0, atol=1e-6)


def test_cubic_is_reproduced():
    cubic = np.polynomial.Polynomial([1.0, -2.0, 0.5, 0.3])
    samples = np.stack([cubic(INSIDE), -cubic(INSIDE)], axis=1)
    everywhere = np.ones(len(INSIDE), bool)
    control = fit_control_points(INSIDE, samples, everywhere, START, SPACING, N_CONTROL, 1e-12)
    # Unitless, of order one; what the last trace of roughness bends.
    assert_allclose(ours(control, INSIDE), samples, rtol=0, atol=1e-8)


def test_default_roughness_follows_a_smooth_curve():
    wave = np.sin(2 * np.pi * 0.5 * INSIDE)[:, None]
    everywhere = np.ones(len(INSIDE), bool)
    control = fit_control_points(INSIDE, wave, everywhere, START, SPACING, N_CONTROL)
    error = np.abs(np.asarray(ours(control, INSIDE)) - wave)
    # Unitless, of an amplitude of one: it flattens the ends a little.
    assert error[50:-50].max() < 0.01
    assert error.max() < 0.05


def test_gap_is_bridged_by_a_straight_line_between_straight_ends():
    line = (3.0 - 2.0 * INSIDE)[:, None]
    valid = (INSIDE < 1.3) | (INSIDE > 2.2)
    samples = np.where(valid[:, None], line, np.nan)
    control = fit_control_points(INSIDE, samples, valid, START, SPACING, N_CONTROL)
    # Of order one; the slope's slight weight.
    assert_allclose(ours(control, INSIDE), line, rtol=0, atol=1e-4)


def test_beyond_the_last_sample_it_goes_on_straight():
    line = (3.0 - 2.0 * INSIDE)[:, None]
    valid = INSIDE < 1.5
    control = fit_control_points(INSIDE, line, valid, START, SPACING, N_CONTROL)
    assert_allclose(ours(control, INSIDE), line, rtol=0, atol=1e-3)


def test_one_sample_gives_a_constant():
    valid = np.arange(len(INSIDE)) == 30
    samples = np.full((len(INSIDE), 1), 5.0)
    control = fit_control_points(INSIDE, samples, valid, START, SPACING, N_CONTROL)
    assert_allclose(ours(control, INSIDE), 5.0, rtol=0, atol=1e-6)


def test_fit_is_as_good_late_in_the_day_in_single_precision():
    # Time stamps may count from midnight, where single precision resolves 4 ms.
    later = 40000.0
    wave = np.sin(2 * np.pi * 0.5 * INSIDE)[:, None]
    everywhere = np.ones(len(INSIDE), bool)
    early = fit_control_points(INSIDE, wave, everywhere, START, SPACING, N_CONTROL)
    with jax.enable_x64(False):
        late = fit_control_points(
            INSIDE + later, wave, everywhere, START + later, SPACING, N_CONTROL
        )
    # Of order one; single precision of the basis.
    assert_allclose(late, early, rtol=0, atol=1e-4)


def test_control_points_beyond_the_samples_do_not_change_the_curve():
    rng = np.random.default_rng(4)
    time, samples = np.linspace(START, END, 60), rng.normal(size=(60, 2))
    valid = rng.random(60) < 0.8
    few, many = (
        fit_control_points(time, samples, valid, START, SPACING, N_CONTROL + more)
        for more in (0, 9)
    )
    # What follows bends not at all; only its weak slope is felt, a millionth of the bending.
    assert_allclose(many[:N_CONTROL], few, rtol=0, atol=1e-4)
    straight = np.diff(many[N_CONTROL - 2 :], n=2, axis=0)
    assert_allclose(straight, 0.0, atol=1e-3)
