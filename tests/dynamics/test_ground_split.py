"""Forces at contacts: another solver of the same problem, the cone, and derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import nnls

from diffbio.dynamics.ground_contacts import FootContacts
from diffbio.dynamics.ground_split import (
    FRICTION,
    SD_FORCE,
    SD_MOMENT,
    directions,
    nonnegative_strengths,
    split_between_contacts,
)

SD = np.array([SD_FORCE] * 3 + [SD_MOMENT] * 3)


def random_contacts(rng: np.random.Generator, n_time: int) -> FootContacts:
    """Points of two soles on the floor, any of them up or down."""
    point = rng.uniform(-0.1, 0.1, (n_time, 2, 7, 3))
    point[:, 0, :, 1] -= 0.1
    point[:, 1, :, 1] += 0.1
    point[:, 0, :, 0] += rng.uniform(-0.6, 0.6, (n_time, 1))
    point[..., 2] = 0.0
    weight = 1.0 / (1.0 + np.exp(rng.normal(0.0, 8.0, (n_time, 2, 7))))
    return FootContacts(jnp.asarray(point), jnp.asarray(weight), jnp.asarray(0.0))


def random_need(rng: np.random.Generator, n_time: int):
    force = rng.normal([0.0, 0.0, 1.0], [0.2, 0.1, 0.4], (n_time, 3))
    centre = rng.normal([0.0, 0.0, 1.0], 0.05, (n_time, 3))
    moment = rng.normal(0.0, 0.2, (n_time, 3))
    return jnp.asarray(centre), jnp.asarray(force), jnp.asarray(moment)


def test_strengths_agree_with_another_solver():
    """Lawson and Hanson's active sets, on the same least squares."""
    rng = np.random.default_rng(0)
    for scale in 10.0 ** rng.uniform(-5, 0, 20):
        columns = rng.normal(size=(6, 40)) * scale ** rng.uniform(0, 1, 40)
        wrench = rng.normal(size=6)
        found, gradient = nonnegative_strengths(*map(jnp.asarray, (columns, wrench, SD)))
        stacked = np.concatenate([columns / SD[:, None], np.eye(40)])
        expected, _ = nnls(stacked, np.concatenate([wrench / SD, np.zeros(40)]), maxiter=1000)
        # The stacked matrix' condition, 1e5 at most, times what both solvers round.
        assert_allclose(found, expected, rtol=0, atol=1e-9 * max(1.0, np.abs(expected).max()))
        assert np.abs(gradient).max() < 1e-9


def test_contacts_push_within_the_cone():
    rng = np.random.default_rng(1)
    contacts = random_contacts(rng, 200)
    split = split_between_contacts(contacts, *random_need(rng, 200))
    force = np.asarray(split.force)
    assert np.asarray(split.optimality).max() < 1e-9
    assert (force[..., 2] >= 0.0).all()
    level = np.linalg.norm(force[..., :2], axis=-1)
    assert (level <= FRICTION * force[..., 2] + 1e-12).all()


def test_a_leg_that_leans_too_far_pushes_along_the_edge():
    leg = jnp.asarray([[0.1, 0.0, 1.0], [3.0, -4.0, 1.0], [1.0, 0.0, 0.0]])
    found = np.asarray(directions(leg, 0.5))
    assert_allclose(found[0, 0], [0.1, 0.0, 1.0], rtol=0, atol=1e-12)
    slope = np.linalg.norm(found[..., :2], axis=-1)
    assert slope.max() <= 0.5 + 1e-12
    assert_allclose(found[1, 0, 1] / found[1, 0, 0], -4.0 / 3.0, rtol=0, atol=1e-9)


def test_nothing_is_needed_and_nothing_given():
    contacts = random_contacts(np.random.default_rng(2), 3)
    zero = jnp.zeros((3, 3))
    split = split_between_contacts(contacts, zero.at[:, 2].set(1.0), zero, zero)
    assert_allclose(split.force, 0.0, rtol=0, atol=1e-15)


def test_feet_in_the_air_give_nothing():
    rng = np.random.default_rng(3)
    contacts = random_contacts(rng, 5)
    up = FootContacts(contacts.point, jnp.full_like(contacts.weight, 1e-9), contacts.floor)
    split = split_between_contacts(up, *random_need(rng, 5))
    # sum of the weights by the variance of the force: 14 * 1e-9 / 1e-4.
    assert np.abs(split.force).sum() < 5 * 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_derivatives_are_those_of_differences(seed):
    rng = np.random.default_rng(seed)
    contacts = random_contacts(rng, 4)
    centre, force, moment = random_need(rng, 4)
    part = jnp.asarray(rng.normal(size=(4, 2, 7, 3)))

    def measured(by):
        moved = FootContacts(
            contacts.point + by * part * jnp.asarray([1.0, 1.0, 0.0])[None, None, None],
            contacts.weight * (1.0 + by * jnp.tanh(part[..., 2])),
            contacts.floor,
        )
        split = split_between_contacts(moved, centre + by, force * (1.0 + by), moment - by)
        return (split.force * part).sum()

    step = 1e-6
    difference = (measured(jnp.asarray(step)) - measured(jnp.asarray(-step))) / (2 * step)
    forward = jax.jvp(measured, (jnp.asarray(0.0),), (jnp.asarray(1.0),))[1]
    # The curvature by the square of the step, and rounding by the step.
    assert_allclose(forward, difference, rtol=1e-4, atol=1e-4)
    assert_allclose(jax.grad(measured)(jnp.asarray(0.0)), forward, rtol=1e-9, atol=1e-9)
