"""Empirical Bayes over participants, against populations that are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cohort.population import Evidence, Population, estimate_population
from diffbio.errors import FitError

N_SCALE, N = 2, 5
MEAN = np.array([0.04, -0.03, 0.012, -0.008, 0.0])
COVARIANCE = np.diag([0.05, 0.03, 0.006, 0.004, 0.009]) ** 2
COVARIANCE[0, 1] = COVARIANCE[1, 0] = 0.8 * 0.05 * 0.03


def vague() -> Population:
    sd = np.array([0.08, 0.08, 0.02, 0.02, 0.02])
    return Population(np.zeros(N), np.diag((0.5 * sd) ** 2), np.diag(sd**2), 0)


def cohort(count: int, seed: int, measured: float) -> tuple[np.ndarray, list[Evidence]]:
    """People, and what noisy measurements of mixtures of their numbers say about them."""
    rng = np.random.default_rng(seed)
    people = rng.multivariate_normal(MEAN, COVARIANCE, size=count)
    evidence = []
    for person in people:
        rows = rng.normal(size=(12, N))
        seen = rows @ person + rng.normal(size=12) * measured
        evidence.append(Evidence(rows.T @ rows / measured**2, rows.T @ seen / measured**2))
    return people, evidence


def test_a_large_cohort_tells_its_population():
    _, evidence = cohort(2000, 0, 0.01)
    found = estimate_population(evidence, vague(), N_SCALE)
    # Standard errors of a mean and of a variance of 2000, three of each.
    sd = np.sqrt(np.diag(COVARIANCE))
    assert_allclose(found.mean, MEAN, rtol=0, atol=3 * 1.3 * sd.max() / np.sqrt(2000))
    assert_allclose(np.sqrt(np.diag(found.covariance)), sd, rtol=0.12)
    assert found.covariance[0, 1] == pytest.approx(COVARIANCE[0, 1], rel=0.15)
    assert found.covariance[2, 3] == 0.0 and found.n_participants == 2000


def test_mean_of_exact_participants_is_their_ridge_mean():
    people, evidence = cohort(6, 1, 1e-5)
    guess = vague()
    found = estimate_population(evidence, guess, N_SCALE)
    precision, about = np.linalg.inv(found.covariance), np.linalg.inv(guess.mean_covariance)
    expected = np.linalg.solve(6 * precision + about, precision @ people.sum(0))
    assert_allclose(found.mean, expected, rtol=0, atol=1e-5)


def test_stated_deviation_of_the_mean_is_met_over_cohorts():
    scores = []
    for seed in range(60):
        _, evidence = cohort(10, seed, 0.01)
        found = estimate_population(evidence, vague(), N_SCALE)
        away = found.mean - MEAN
        scores.append(away @ np.linalg.solve(found.mean_covariance, away) / N)
    # A mean of 300 squares of unit variates, spreads being estimated too.
    assert 0.6 < np.mean(scores) < 1.4


def test_a_number_nobody_measures_keeps_its_guess():
    _, evidence = cohort(8, 3, 0.01)
    blind = np.ones(N)
    blind[4] = 0.0
    unseen = [
        Evidence(np.outer(blind, blind) * one.information, blind * one.vector) for one in evidence
    ]
    guess = vague()
    found = estimate_population(unseen, guess, N_SCALE)
    assert_allclose(found.mean[4], 0.0, atol=1e-12)
    assert_allclose(found.covariance[4, 4], guess.covariance[4, 4], rtol=1e-3)
    assert_allclose(found.mean_covariance[4, 4], guess.mean_covariance[4, 4], rtol=1e-9)


def test_nobody_is_refused():
    with pytest.raises(FitError, match="nobody"):
        estimate_population([], vague(), N_SCALE)


def test_what_nobody_tells_apart_is_shared_out_by_the_guess():
    """All say the sum of two numbers exactly, as angles and markers do of each other."""
    rng, sd = np.random.default_rng(4), np.array([0.02, 0.01])
    own, true = np.array([0.003, 0.002]), np.array([0.015, -0.004])
    towards = np.ones((1, 2))
    evidence = []
    for person in true + rng.normal(size=(40, 2)) * own:
        seen = towards @ person
        evidence.append(Evidence(1e10 * towards.T @ towards, 1e10 * towards.T @ seen))
    guess = Population(np.zeros(2), np.diag(own**2), np.diag(sd**2), 0)
    found = estimate_population(evidence, guess, 0)
    # Least squares of the one sum that is known, with the guess's variances.
    spread = np.diag(found.covariance).sum() / len(evidence)
    told = np.mean([one.vector[0] / 1e10 for one in evidence])
    assert_allclose(found.mean, sd**2 / ((sd**2).sum() + spread) * told, atol=1e-7)
    # Across the sum the mean has moved not at all, however many have spoken.
    across = np.array([1.0, -1.0]) / sd**2 * sd.prod()
    assert across @ found.mean == pytest.approx(0.0, abs=1e-7)
    assert across @ found.mean_covariance @ across == pytest.approx(
        across @ guess.mean_covariance @ across, rel=1e-4
    )
