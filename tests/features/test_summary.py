"""Summaries of codes made of known synergies."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import lsq_linear

from diffbio.errors import InputError
from diffbio.features import person_synergies, shared_basis, summary_names
from tests.features.simulated_cohorts import synergies


@pytest.fixture(scope="module")
def people():
    """Codes of twelve people with the same five synergies, used differently."""
    primitives, weights = synergies()
    gains = np.random.default_rng(1).uniform(0.5, 1.5, (12, 5))
    return np.stack([(primitives * gain) @ weights for gain in gains])


def matched(found, truth):
    """Cosine of each found row with the true one of the same number."""
    return np.sum(found * truth, 1) / np.linalg.norm(found, axis=1) / np.linalg.norm(truth, axis=1)


def test_550_numbers_of_one_person(people):
    found = person_synergies(people[0])
    assert found.summary.shape == (550,)
    names = summary_names([f"m{k}" for k in range(80)])
    assert len(set(names)) == 550
    assert names[0] == "weight:0:m0" and names[80] == "weight:1:m0"
    assert names[400] == "primitive:0:0" and names[-1] == "primitive:4:29"
    assert found.summary[80] == found.weights[1, 0]
    assert found.summary[431] == found.primitives[1, 1]
    # An exact factorisation exists; the search stops at a relative change of 1e-5.
    assert_allclose(found.code, people[0], atol=0.02)


def test_synergies_are_in_the_order_of_their_activity(people):
    _, weights = synergies()
    assert (matched(shared_basis(people).weights, weights) > 0.98).all()


def test_projection_is_the_constrained_least_squares_solution(people):
    basis = shared_basis(people[:8])
    found = basis.project(people[9])
    for phase in (0, 13, 29):
        oracle = lsq_linear(basis.weights.T, people[9][phase], (0, np.inf), tol=1e-12).x
        assert_allclose(found.primitives[phase], oracle, atol=1e-6)


@pytest.mark.parametrize("seed", range(1, 6))
def test_weights_of_the_person_fit_no_worse_than_the_shared_ones(people, seed):
    basis = shared_basis(people)
    person = synergies()[0] @ synergies(seed=seed)[1]
    found = basis.project(person)
    shared = np.linalg.norm(found.primitives @ basis.weights - person)
    # What is asked for is "no worse"; people with other weights are described better.
    assert np.linalg.norm(found.code - person) < shared


def test_what_a_person_does_not_use_stays_as_shared(people):
    primitives, weights = synergies()
    basis = shared_basis(people)
    found = basis.project((primitives * [1.0, 1.0, 0.0, 1.0, 1.0]) @ weights)
    assert np.abs(found.primitives[:, 2]).max() < 0.05
    assert matched(found.weights, basis.weights)[2] > 0.95


def test_level_of_a_person_is_in_the_primitives(people):
    basis = shared_basis(people)
    once, twice = basis.project(people[0]), basis.project(2.0 * people[0])
    assert_allclose(twice.primitives, 2.0 * once.primitives, atol=1e-9)
    assert_allclose(twice.weights, once.weights, atol=1e-9)


def test_the_same_people_give_the_same_basis(people):
    assert_allclose(shared_basis(people).weights, shared_basis(people).weights, atol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda code: code - 1.0, "negative values, the lowest -1"),
        (lambda code: code * np.nan, "values that are missing"),
        (lambda code: code * 0.0, "zero throughout"),
        (lambda code: code[:, :3], "5 synergies were asked for of 30 rows and 3 muscles"),
    ],
)
def test_what_is_no_code_is_refused(people, change, message):
    with pytest.raises(InputError, match=message):
        person_synergies(change(people[0]))


def test_other_muscles_are_refused(people):
    with pytest.raises(InputError, match="3 muscles, and the basis has 80"):
        shared_basis(people).project(people[0][:, :3])
    with pytest.raises(InputError, match="Ask for 3 or fewer"):
        shared_basis(people[:, :, :3])
