"""Synergies against factors that are known, closed forms and published ones."""

import csv

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from diffbio.errors import InputError
from diffbio.muscle import (
    Synergies,
    centre_of_activity,
    choose_count,
    factorise,
    match_synergies,
    variance_accounted_for,
)
from diffbio.muscle.synergy_factorisation import STARTS

N_MUSCLES, N_SAMPLES = 10, 60
NAMES = tuple(f"muscle_{i}" for i in range(N_MUSCLES))


def known(n_synergies, seed=0, n_cycles=1):
    """Weights with a largest of one, and commands that peak one after the other.

    Each synergy has a muscle and a moment of its own, so that the factors are unique but for
    order and scale (D. Donoho, V. Stodden 2003, NIPS 16).
    """
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0, 0.9, (N_MUSCLES, n_synergies))
    weights[:n_synergies] = np.eye(n_synergies)
    phase = np.arange(N_SAMPLES) / N_SAMPLES
    centre = (np.arange(n_synergies) + 0.5) / n_synergies
    away = np.abs(phase[:, None] - centre)
    command = np.maximum(0, 1 - 1.5 * n_synergies * np.minimum(away, 1 - away))
    command = command * rng.uniform(0.2, 1, n_synergies)
    return weights, np.tile(command, (n_cycles, 1)), centre


@pytest.mark.parametrize("n_synergies", [2, 3, 5])
def test_known_factors_are_found_in_order_and_scale(n_synergies):
    weights, command, centre = known(n_synergies)
    shuffled = np.random.default_rng(1).permutation(n_synergies)
    activation = command[:, shuffled] @ weights[:, shuffled].T
    found = factorise(activation, NAMES, n_synergies)
    assert found.converged
    assert found.vaf > 1 - 1e-6
    assert_allclose(found.synergies.weights.max(0), 1, atol=1e-12)
    assert_allclose(found.synergies.weights, weights, atol=5e-3)  # of one
    assert_allclose(found.command, command, atol=5e-3)
    assert_allclose(found.centre, centre, atol=5e-3)  # of a cycle
    assert_allclose(found.reconstruction(), activation, atol=5e-3)


def test_same_activations_give_the_same_synergies():
    activation = np.random.default_rng(2).uniform(size=(N_SAMPLES, N_MUSCLES))
    first, second = (factorise(activation, NAMES, 4) for _ in range(2))
    assert_array_equal(first.synergies.weights, second.synergies.weights)
    assert first.vaf_of_start == second.vaf_of_start
    assert len(first.vaf_of_start) == STARTS
    assert first.vaf == pytest.approx(max(first.vaf_of_start), abs=1e-12)


def test_one_synergy_accounts_for_what_the_largest_singular_value_does():
    """By Perron and Frobenius, the best factors of rank one of a positive matrix are positive."""
    activation = np.random.default_rng(3).uniform(size=(N_SAMPLES, N_MUSCLES))
    singular = np.linalg.svd(activation, compute_uv=False)
    found = factorise(activation, NAMES, 1)
    assert found.vaf == pytest.approx(singular[0] ** 2 / (singular**2).sum(), abs=1e-8)


def test_variance_accounted_for_is_about_zero_and_of_each_muscle():
    activation = np.array([[3.0, 1.0, 0.0], [4.0, 1.0, 0.0]])
    reconstruction = np.array([[3.0, 0.0, 0.0], [2.0, 1.0, 0.0]])
    total, each = variance_accounted_for(activation, reconstruction)
    assert total == pytest.approx(1 - 5 / 27)
    assert_allclose(each, [1 - 4 / 25, 1 - 1 / 2, np.nan])
    assert np.isnan(variance_accounted_for(0 * activation, reconstruction)[0])


def test_silent_muscles_and_useless_synergies_are_left_out():
    weights, command, _ = known(2)
    weights[7] = 0
    found = factorise(command @ weights.T, NAMES, 2)
    assert_array_equal(found.synergies.weights[7], 0)
    assert np.isnan(found.muscle_vaf[7])
    assert np.isfinite(np.delete(found.muscle_vaf, 7)).all()
    single = np.outer(command[:, 0], weights[:, 0])[:, [0, 4, 5]]
    few = factorise(single, NAMES[:3], 2).synergies
    assert (few.weights.max(0) == 1).all()


def test_centre_of_activity_is_circular_and_of_the_average_cycle():
    phase = np.arange(100) / 100
    bumps = np.stack([np.exp(8 * np.cos(2 * np.pi * (phase - at))) for at in (0.98, 0.3)], 1)
    assert_allclose(centre_of_activity(bumps), [0.98, 0.3], atol=1e-9)
    assert_allclose(centre_of_activity(np.tile(bumps, (3, 1)), 100), [0.98, 0.3], atol=1e-9)


def test_several_cycles_keep_the_order_of_one():
    weights, command, centre = known(3, n_cycles=4)
    found = factorise(command @ weights.T, NAMES, 3, samples_per_cycle=N_SAMPLES)
    assert_allclose(found.centre, centre, atol=5e-3)


def test_fewest_synergies_that_explain_every_muscle_are_chosen():
    weights, command, _ = known(4)
    activation = command @ weights.T
    chosen = choose_count(activation, NAMES, counts=(1, 2, 3, 4, 5))
    best = chosen.chosen
    assert chosen.met
    assert best.vaf >= 0.9
    assert best.muscle_vaf.min() >= 0.75
    assert chosen.weakest == NAMES[int(best.muscle_vaf.argmin())]
    for one in chosen.tried[:-1]:
        assert one.vaf < 0.9 or one.muscle_vaf.min() < 0.75
    lax = choose_count(activation, NAMES, counts=(1, 2, 3), least_vaf=0.0, least_muscle_vaf=-9.0)
    assert [one.synergies.n_synergies for one in lax.tried] == [1]
    assert chosen.sentence().startswith(f"{best.synergies.n_synergies} synergies account for ")


def test_one_muscle_alone_can_ask_for_one_more_and_a_tiny_one_cannot():
    """Nine muscles in step, and one in counterphase that one synergy has to leave out."""
    phase = 2 * np.pi * np.arange(N_SAMPLES) / N_SAMPLES
    step, other = np.maximum(0, np.cos(phase)), np.maximum(0, -np.cos(phase))
    activation = np.column_stack([step] * 9 + [0.8 * other])
    chosen = choose_count(activation, NAMES, counts=(1, 2))
    assert chosen.tried[0].vaf > 0.9
    assert chosen.tried[0].muscle_vaf[9] < 0.1
    assert chosen.chosen.synergies.n_synergies == 2
    activation[:, 9] *= 0.1
    assert choose_count(activation, NAMES, counts=(1, 2)).chosen.synergies.n_synergies == 1
    unmet = choose_count(activation, NAMES, counts=(1,), least_vaf=1.0)
    assert not unmet.met
    assert "less than was asked for" in unmet.sentence()


def test_sets_are_matched_whatever_their_order_scale_and_muscles_order():
    rng = np.random.default_rng(5)
    weights = rng.uniform(size=(N_MUSCLES, 4))
    order, muscles = np.array([2, 0, 3, 1]), rng.permutation(N_MUSCLES)
    other = (weights * [1.0, 3.0, 0.2, 5.0])[:, order][muscles]
    match = match_synergies(
        Synergies(NAMES, weights), Synergies(tuple(NAMES[i] for i in muscles), other)
    )
    assert_array_equal(order[match.second], match.first)
    assert_allclose(match.similarity, 1, atol=1e-12)


def test_matching_is_the_best_of_all_assignments_and_leaves_some_without():
    """Greedy pairs (0, 0) first and then has to take 0; the best sum crosses them."""
    first = Synergies(("a", "b"), np.array([[1.0, 1.0], [0.0, 1.0]]))
    second = Synergies(("a", "b"), np.array([[2.0, 1.0, 0.0], [1.0, 0.0, 1.0]]))
    match = match_synergies(first, second)
    cosine = np.array([[2 / 5**0.5, 1, 0], [3 / 10**0.5, 0.5**0.5, 0.5**0.5]])
    best = max((cosine[0, i] + cosine[1, j], (i, j)) for i in range(3) for j in range(3) if i != j)
    assert tuple(match.second.tolist()) == best[1]
    assert match.similarity.sum() == pytest.approx(best[0])


@pytest.mark.parametrize(
    ("names", "weights", "complaint"),
    [
        (("a",), np.ones((2, 1)), "There are 1 names for 2 rows"),
        (("a", "a"), np.ones((2, 1)), "Muscles occur twice: a"),
        (("a", "b"), np.ones((2, 0)), "There is none"),
        (("a", "b"), np.array([[1.0], [-1.0]]), "A weight of b is negative or not finite"),
        (("a", "b"), np.array([[1.0], [np.nan]]), "A weight of b is negative or not finite"),
        (("a", "b"), np.array([[1.0, 0], [1.0, 0]]), "Synergy 2 moves no muscle"),
    ],
)
def test_weights_without_meaning_are_refused(names, weights, complaint):
    with pytest.raises(InputError, match=complaint):
        Synergies(names, weights)


def test_other_muscles_are_named():
    synergies = Synergies(("a", "b"), np.ones((2, 1)))
    with pytest.raises(InputError, match=r"without weights \(1\): c.* not wanted \(1\): b"):
        synergies.reordered(("a", "c"))


@pytest.mark.parametrize(
    ("change", "names", "count", "complaint"),
    [
        (1.0, NAMES[:2], 2, "There are 2 names for 10 muscles"),
        (-1.0, NAMES, 2, "Of muscle_0, some are negative"),
        (np.nan, NAMES, 2, "Of muscle_0, some are negative or not finite"),
        (0.0, NAMES, 1, "0 active muscles and 60 samples"),
        (1.0, NAMES, 0, "0 are asked for"),
        (1.0, NAMES, 11, "10 active muscles and 60 samples allow 1 to 10"),
    ],
)
def test_activations_that_cannot_be_factorised_are_refused(change, names, count, complaint):
    with pytest.raises(InputError, match=complaint):
        factorise(np.full((N_SAMPLES, N_MUSCLES), change), names, count)


def test_no_starts_and_counts_that_do_not_ascend_are_refused():
    activation = np.ones((N_SAMPLES, N_MUSCLES))
    with pytest.raises(InputError, match="There are no starts"):
        factorise(activation, NAMES, 1, starts=0)
    for counts, complaint in (((), "None to be tried"), ((5, 5), "5, 5 to be tried")):
        with pytest.raises(InputError, match=complaint):
            choose_count(activation, NAMES, counts=counts)


def published(folder):
    """Walker, EMG (sample x muscle), weights, number of synergies and R2 of eight walkers."""
    with np.load(folder / "walkers.npz") as walkers, open(folder / "reference.csv") as rows:
        names = tuple(str(name) for name in walkers["muscles"])
        return names, [
            (walkers[f"{row['id']}_V"].T, walkers[f"{row['id']}_M"], row)
            for row in csv.DictReader(rows)
        ]


def test_eight_walkers_are_factorised_as_well_as_published(shared_data):
    names, walkers = published(shared_data / "synergies-emg")
    assert len(walkers) == 8
    for emg, weights, row in walkers:
        found = factorise(emg, names, int(row["n_syn"]))
        error = ((emg - found.reconstruction()) ** 2).sum()
        r2 = 1 - error / ((emg - emg.mean()) ** 2).sum()
        assert r2 >= float(row["R2_file"]) - 0.005, row["id"]
        assert found.vaf >= float(row["VAF"]) - 0.005
        match = match_synergies(Synergies(names, weights), found.synergies)
        assert np.median(match.similarity) > 0.9
