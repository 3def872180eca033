"""Static optimisation against closed forms, other solvers and the conditions of optimality."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.muscle import effort, share_moment, static_optimisation
from tests.muscle.oracles import (
    N_COORDINATES,
    N_MUSCLES,
    by_clarabel,
    by_scipy,
    random_problem,
    random_synergies,
    total_effort,
)

solve = eqx.filter_jit(share_moment)


def random_effort(seed, power=2, synergies=False, co_contraction=0.02):
    rng = np.random.default_rng(seed)
    chosen = effort(N_MUSCLES, N_COORDINATES, power=power, co_contraction=co_contraction)
    weight = jnp.asarray(rng.uniform(0.2, 2, N_MUSCLES))
    reserve = jnp.asarray(rng.uniform(0.5, 3, N_COORDINATES))
    basis = jnp.asarray(random_synergies(seed)) if synergies else None
    return type(chosen)(weight, reserve, chosen.co_contraction, basis, power)


def solved(capacity, moment, chosen, **kwargs):
    return solve(jnp.asarray(capacity), jnp.asarray(moment), chosen, **kwargs)


@pytest.mark.parametrize("power", [2, 3])
def test_two_muscles_share_one_moment_as_the_closed_form_says(power):
    """Stiff reserves: a_i^(p - 1) w_i is proportional to the moment of each muscle."""
    strength, weight, moment = np.array([50.0, 20.0]), np.array([1.0, 0.5]), 24.0  # Nm
    share = (strength / weight) ** (1 / (power - 1))
    expected = moment * share / (strength @ share)
    assert (expected < 1).all()
    chosen = effort(2, 1, power=power, reserve=1e-3)
    chosen = eqx.tree_at(lambda e: e.weight, chosen, jnp.asarray(weight))
    found = solved(strength[None], [moment], chosen)
    assert_allclose(found.activation, expected, atol=1e-7)
    assert float(jnp.abs(found.reserve).max()) < 1e-6  # Nm


def test_antagonists_rest_and_reserves_share_by_their_price():
    """One flexor and one extensor: 2 w a = price * strength, 2 r / s^2 = price, and a sum."""
    strength, moment, reserve = 30.0, 12.0, 4.0
    found = solved([[strength, -20.0]], [moment], effort(2, 1, reserve=reserve))
    price = 2 * moment / (strength**2 + reserve**2)
    assert_allclose(found.activation, [price * strength / 2, 0], atol=1e-8)
    assert_allclose(found.reserve, [price * reserve**2 / 2], atol=1e-7)  # Nm
    assert_allclose(found.point.price, [price], atol=1e-9)


@pytest.mark.parametrize("synergies", [False, True])
@pytest.mark.parametrize("load", [1.0, 5.0])
def test_squares_agree_with_clarabel(synergies, load):
    clarabel = pytest.importorskip("clarabel")
    for seed in range(6):
        capacity, moment = random_problem(seed, load=load)
        chosen = random_effort(seed, synergies=synergies)
        found = solved(capacity, moment, chosen)
        expected = by_clarabel(clarabel, capacity, moment, chosen)
        assert bool(found.converged)
        ours = total_effort(capacity, moment, np.asarray(found.activation), chosen)
        theirs = total_effort(capacity, moment, expected, chosen)
        assert ours == pytest.approx(theirs, rel=1e-6)
        assert_allclose(found.activation, expected, atol=1e-5)


@pytest.mark.parametrize("power", [2, 3])
def test_optimum_agrees_with_scipy(power):
    for seed in range(3):
        capacity, moment = random_problem(seed)
        chosen = random_effort(seed, power=power)
        found = solved(capacity, moment, chosen)
        expected = by_scipy(capacity, moment, chosen)
        ours = total_effort(capacity, moment, np.asarray(found.activation), chosen)
        theirs = total_effort(capacity, moment, expected, chosen)
        assert ours <= theirs * (1 + 1e-7)
        assert ours == pytest.approx(theirs, rel=1e-5)
        assert_allclose(found.activation, expected, atol=1e-4)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.01, 40),
    st.sampled_from([2, 3]),
    st.sampled_from([0.0, 0.02]),
)
def test_conditions_of_optimality_hold(seed, load, power, least):
    """Recomputed from activations and prices alone: a step down the slope stays at the bounds."""
    capacity, moment = random_problem(seed, load=load)
    chosen = random_effort(seed, power, co_contraction=least)
    found = solved(capacity, moment, chosen)
    activation, price = np.asarray(found.activation), np.asarray(found.point.price)
    assert bool(found.converged)
    assert float(found.residual) <= 1e-6
    assert ((activation >= least) & (activation <= 1)).all()
    assert_allclose(capacity @ activation + found.reserve, moment, atol=1e-9)  # Nm
    paid = 2 * np.asarray(found.reserve) / np.asarray(chosen.reserve) ** 2
    assert_allclose(paid, price, atol=1e-5 * np.abs(paid).max() + 1e-9)
    gain = capacity.T @ price
    slope = power * np.asarray(chosen.weight) * activation ** (power - 1) - gain
    # In marginal costs of a muscle, or in what pulls at it where that is more.
    slope /= np.abs(capacity).T @ np.abs(price) + power * np.asarray(chosen.weight)
    kept = np.clip(activation - slope, least, 1)
    # Leaving a bound, activation and slope are both as small as the root of the residual.
    assert_allclose(kept, activation, atol=3e-4)
    assert float(np.median(np.abs(kept - activation))) < 1e-6


@pytest.mark.parametrize("synergies", [False, True])
def test_moment_no_muscle_can_make_is_left_to_reserves(synergies):
    capacity, _ = random_problem(0)
    most = np.abs(capacity).sum(1)
    moment = np.zeros(N_COORDINATES)
    moment[2] = 10 * most[2]
    found = solved(capacity, moment, random_effort(0, synergies=synergies))
    assert bool(found.converged)
    assert float(found.reserve[2]) >= 9 * most[2]
    assert np.isfinite(np.asarray(found.activation)).all()


def test_coordinate_without_muscles_is_made_by_its_reserve():
    capacity, moment = random_problem(1)
    capacity[3] = 0
    moment[3] = 7.0
    found = solved(capacity, moment, random_effort(1))
    assert bool(found.converged)
    assert_allclose(found.reserve[3], 7.0, atol=1e-9)  # Nm


@pytest.mark.parametrize("field", [0, 1])
def test_frames_that_are_not_finite_fail_alone(field):
    problems = [np.stack(arrays) for arrays in zip(*map(random_problem, range(3)), strict=True)]
    problems[field][1].flat[0] = np.nan
    capacity, moment = map(jnp.asarray, problems)
    chosen = random_effort(0)
    found = eqx.filter_jit(static_optimisation)(capacity, moment, chosen)
    assert found.converged.tolist() == [True, False, True]
    assert float(found.residual[1]) == np.inf
    assert all(np.isfinite(np.asarray(leaf)).all() for leaf in found.point)
    assert np.isfinite(np.asarray(found.activation)).all()

    def total(moment):
        return static_optimisation(capacity, moment, chosen).activation.sum()

    assert np.isfinite(np.asarray(jax.jit(jax.grad(total))(moment))).all()


def test_synergies_confine_activations():
    for seed in range(4):
        capacity, moment = random_problem(seed)
        confined = random_effort(seed, synergies=True)
        free = eqx.tree_at(lambda e: e.synergies, confined, None)
        with_them, without = solved(capacity, moment, confined), solved(capacity, moment, free)
        assert with_them.command is not None
        assert float(with_them.command.min()) >= 0
        made = np.asarray(confined.synergies) @ np.asarray(with_them.command)
        assert_allclose(with_them.activation, made, atol=1e-8)
        costs = [
            total_effort(capacity, moment, np.asarray(one.activation), free)
            for one in (with_them, without)
        ]
        assert costs[0] >= costs[1] * (1 - 1e-9)


def test_synergies_of_single_muscles_confine_nothing():
    capacity, moment = random_problem(5)
    free = random_effort(5)
    single = eqx.tree_at(
        lambda e: e.synergies, free, jnp.eye(N_MUSCLES), is_leaf=lambda leaf: leaf is None
    )
    found, expected = solved(capacity, moment, single), solved(capacity, moment, free)
    assert_allclose(found.activation, expected.activation, atol=1e-5)


@pytest.mark.parametrize("synergies", [False, True])
@pytest.mark.parametrize("power", [2, 3])
@pytest.mark.parametrize("load", [1.0, 5.0])
def test_derivatives_agree_with_finite_differences(power, synergies, load):
    capacity, moment = map(jnp.asarray, random_problem(7, load=load))
    chosen = random_effort(7, power, synergies)
    direction = jnp.asarray(np.random.default_rng(1).normal(size=N_MUSCLES))
    rng = np.random.default_rng(2)

    def value(unknowns):
        capacity, moment, chosen = unknowns
        found = share_moment(capacity, moment, chosen)
        return direction @ found.activation + 0.01 * found.reserve.sum()

    at = (capacity, moment, chosen)
    slope = jax.jit(jax.grad(value))(at)
    by = jax.tree.map(lambda leaf: leaf * jnp.asarray(rng.normal(size=leaf.shape)), at)
    along = sum(
        float((a * b).sum())
        for a, b in zip(jax.tree.leaves(slope), jax.tree.leaves(by), strict=True)
    )
    forward = jax.jit(lambda a, b: jax.jvp(value, (a,), (b,))[1])(at, by)
    assert float(forward) == pytest.approx(along, rel=1e-9)
    size, compiled = 1e-5, jax.jit(value)
    ends = [compiled(jax.tree.map(lambda a, b: a + s * b, at, by)) for s in (size, -size)]  # noqa: B023
    assert along == pytest.approx(float(ends[0] - ends[1]) / (2 * size), rel=1e-4, abs=1e-6)


def test_price_is_the_derivative_of_the_least_effort():
    capacity, moment = map(jnp.asarray, random_problem(3))
    chosen = random_effort(3)

    def least(moment):
        found = share_moment(capacity, moment, chosen)
        spent = (found.reserve / chosen.reserve) ** 2
        return (chosen.weight * found.activation**2).sum() + spent.sum()

    price = solve(capacity, moment, chosen).point.price
    assert_allclose(jax.jit(jax.grad(least))(moment), price, atol=1e-6)


@pytest.mark.parametrize("chunk", [2, 64])
def test_batch_equals_single_frames(chunk):
    problems = [random_problem(seed, load=1 + seed) for seed in range(5)]
    capacity, moment = (jnp.asarray(np.stack(x)) for x in zip(*problems, strict=True))
    chosen = random_effort(0)
    many = eqx.filter_jit(static_optimisation)(capacity, moment, chosen, chunk=chunk)
    for i, problem in enumerate(problems):
        one = solved(*problem, chosen)
        # Sums in another order; what that does to the last step is as small as the residual.
        assert_allclose(many.activation[i], one.activation, atol=1e-7)
        assert int(many.iterations[i]) == pytest.approx(int(one.iterations), abs=1)


def test_warm_start_finds_the_same_in_fewer_iterations():
    chosen = random_effort(0)
    saved = 0
    for seed in range(5):
        capacity, moment = random_problem(seed)
        before = solved(capacity, moment, chosen)
        cold = solved(capacity * 1.001, moment * 1.01, chosen)
        warm = solved(capacity * 1.001, moment * 1.01, chosen, start=before)
        assert_allclose(warm.activation, cold.activation, atol=1e-6)
        saved += int(cold.iterations) - int(warm.iterations)
    assert saved > 0


@pytest.mark.parametrize("power", [2, 3])
def test_single_precision_is_as_good_as_it_can_be(power):
    for seed in range(5):
        capacity, moment = random_problem(seed, load=1 + seed)
        chosen = random_effort(seed, power)
        single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), chosen)
        rough = solve(jnp.asarray(capacity, jnp.float32), jnp.asarray(moment, jnp.float32), single)
        exact = solved(capacity, moment, chosen)
        assert rough.activation.dtype == jnp.float32
        assert bool(rough.converged)
        # The effort is flat at its minimum, so activations have fewer digits than it.
        assert_allclose(rough.activation, exact.activation, atol=2e-3)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"power": 4}, "The power of the effort is 4"),
        ({"reserve": 0.0}, "A reserve is not positive"),
        ({"co_contraction": 1.0}, "Co-contraction goes from 1 to 1"),
        ({"synergies": jnp.ones((2, 1))}, "They have 2 muscles, the problem 3"),
        ({"synergies": -jnp.ones((3, 1))}, "A weight is negative"),
        ({"synergies": jnp.zeros((3, 1))}, "a synergy moves no muscle"),
        (
            {"synergies": jnp.asarray([[1.0], [1.0], [0.0]]), "co_contraction": 0.01},
            "A muscle that must co-contract belongs to no synergy",
        ),
    ],
)
def test_efforts_without_meaning_are_refused(changed, complaint):
    with pytest.raises(InputError, match=complaint):
        effort(3, 2, **changed)
