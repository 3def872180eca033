"""What synergies cost, where it is known: nothing where a known command made the moments."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.muscle import Synergies, confined_effort, effort, price_curve, price_of_synergies
from tests.muscle.oracles import N_COORDINATES, N_MUSCLES, random_problem, random_synergies

NAMES = tuple(f"muscle_{i}" for i in range(N_MUSCLES))
N_FRAMES = 20


def trial(seed, n_synergies=3):
    """Capacities that change from frame to frame, weights, and moments of known commands."""
    rng = np.random.default_rng(seed)
    one, _ = random_problem(seed)
    capacity = one * rng.uniform(0.8, 1.2, (N_FRAMES, 1, N_MUSCLES))
    weights = random_synergies(seed, n_synergies=n_synergies)
    weights /= weights.max(0)
    command = rng.uniform(0, 0.25, (N_FRAMES, n_synergies))
    moment = np.einsum("fcm,ms,fs->fc", capacity, weights, command)
    return jnp.asarray(capacity), jnp.asarray(moment), weights, command


def test_moments_of_known_commands_are_met_by_these_commands():
    """Four coordinates and three synergies: the command is what the moments leave no choice of."""
    capacity, moment, weights, command = trial(0)
    tied = confined_effort(
        effort(N_MUSCLES, N_COORDINATES, reserve=1e-2), Synergies(NAMES, weights), NAMES
    )
    price, found = price_of_synergies(capacity, moment, tied)
    assert price.solved == 1
    assert price.n_synergies == 3
    assert np.isnan(price.vaf)
    assert price.reserve.max() < 1e-3  # Nm, of moments of tens
    assert price.share < 1e-4
    assert found.command is not None
    assert_allclose(found.command, command, atol=1e-3)
    made = np.einsum("fcm,fm->fc", capacity, np.asarray(found.activation))
    assert_allclose(made, moment, atol=5e-3)  # Nm
    assert price.activation == pytest.approx(
        float(((weights @ command.T) ** 2).sum(0).mean()), rel=1e-2
    )


def test_synergies_are_taken_by_the_names_of_their_muscles():
    *_, weights, _ = trial(1)
    plain = effort(N_MUSCLES, N_COORDINATES)
    backwards = Synergies(NAMES[::-1], weights[::-1].copy())
    tied = confined_effort(plain, backwards, NAMES)
    assert tied.synergies is not None
    assert_allclose(tied.synergies, weights)
    with pytest.raises(InputError, match="Muscles without weights"):
        confined_effort(plain, Synergies(NAMES[1:], weights[1:]), NAMES)
    alone = np.where(np.arange(N_MUSCLES)[:, None] == 0, 0.0, weights + 0.1)
    keeps = effort(N_MUSCLES, N_COORDINATES, co_contraction=0.05)
    with pytest.raises(InputError, match="belongs to no synergy"):
        confined_effort(keeps, Synergies(NAMES, alone), NAMES)


def test_the_price_falls_with_the_number_of_synergies():
    """Confined problems contain each other's solutions: what is minimised is least when free."""
    capacity, moment, _, _ = trial(2)
    plain = effort(N_MUSCLES, N_COORDINATES, reserve=0.1)
    curve = price_curve(capacity, moment, plain, NAMES, counts=(1, 3, 6))
    assert [one.n_synergies for one in curve] == [0, 1, 3, 6]
    assert all(one.solved == 1 for one in curve)
    free, one, three, six = curve
    assert free.vaf == 1
    assert one.vaf < three.vaf < six.vaf < 1 + 1e-12
    effort_of = [price.activation + ((price.reserve / 0.1) ** 2).sum() for price in curve]
    assert all(effort_of[0] <= tied * (1 + 1e-9) for tied in effort_of)
    assert six.share < three.share < one.share
    assert one.share > 0.05
    assert free.share < 1e-3


def test_a_price_of_synergies_that_are_there_already_or_of_nothing_is_refused():
    capacity, moment, weights, _ = trial(3)
    plain = effort(N_MUSCLES, N_COORDINATES)
    tied = confined_effort(plain, Synergies(NAMES, weights), NAMES)
    with pytest.raises(InputError, match="The effort has 3 synergies already"):
        price_curve(capacity, moment, tied, NAMES)
    with pytest.raises(InputError, match="None of 20 frames was solved"):
        price_of_synergies(capacity, jnp.nan * moment, plain)
