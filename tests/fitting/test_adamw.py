"""Training on functions whose minimum is known."""

import chex
import jax.numpy as jnp
import numpy as np
from numpy.testing import assert_allclose

from diffbio.fitting.adamw import STEPS_PER_CALL, train


def bowl(target, x):
    return ((x["moves"] - target) ** 2).sum() + ((x["stays"] - target) ** 2).sum()


def never_finite(target, x):
    return jnp.log(-jnp.abs(x["moves"]).sum() - 1.0)


START = {"moves": jnp.zeros(3), "stays": jnp.zeros(3)}
SIZES = {"moves": jnp.asarray(10.0), "stays": jnp.asarray(0.0)}
TARGET = jnp.asarray([0.3, -0.2, 0.1])


def test_finds_the_minimum_and_leaves_the_frozen_alone():
    seen = []
    trained = train(
        bowl,
        TARGET,
        START,
        SIZES,
        steps=500,
        progress=lambda step, value: seen.append((step, value)),
    )
    assert trained.finite
    assert_allclose(trained.unknowns["moves"], TARGET, atol=1e-3)
    assert_allclose(trained.unknowns["stays"], 0.0, atol=0)
    assert [step for step, _ in seen] == list(range(STEPS_PER_CALL, 501, STEPS_PER_CALL))
    assert seen[-1][1] <= seen[0][1]


def test_stops_where_the_objective_is_not_finite_and_keeps_the_last_good_state():
    trained = train(never_finite, TARGET, START, SIZES, steps=300)
    assert not trained.finite
    assert trained.steps == STEPS_PER_CALL
    assert np.isfinite(np.asarray(trained.unknowns["moves"])).all()


def test_shows_what_it_is_asked_to_measure():
    shown = []
    train(
        bowl,
        TARGET,
        START,
        SIZES,
        steps=100,
        measure=lambda target, x: x["moves"].sum() * 0 + 7.0,
        progress=lambda _, value: shown.append(value),
    )
    assert shown == [7.0]


def test_a_second_problem_of_the_same_shape_is_not_traced_again():
    traced = []

    def counted(target, x):
        traced.append(1)
        return bowl(target, x)

    first = train(counted, TARGET, START, SIZES, steps=200)
    once = len(traced)
    second = train(counted, TARGET + 0.1, START, SIZES, steps=300)
    assert len(traced) == once
    chex.assert_trees_all_equal_shapes_and_dtypes(first.unknowns, second.unknowns)
    assert_allclose(second.unknowns["moves"], TARGET + 0.1, atol=0.02)
