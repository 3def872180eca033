"""A person's step by nested elimination, against one dense system of all trials together."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.cohort.participant import without_person
from diffbio.cohort.prior import BodyPrior, default_prior, flat
from diffbio.cohort.solve import step_of
from diffbio.fitting.nested import Share, follow, offer
from diffbio.fitting.system import HOLD, State

DAMPING, TAIL = 1e-3, 1.5


@pytest.fixture(scope="module")
def trials(small) -> list[tuple[Share, State]]:
    """Two trials of one person that differ in their detections and in where they stand."""
    problem, basis, trajectory, state = small
    problem = without_person(problem)
    rng = np.random.default_rng(5)
    shaken = problem.reprojection.u_px + rng.normal(size=problem.reprojection.u_px.shape) * 3
    other = eqx.tree_at(lambda p: p.reprojection.u_px, problem, shaken)
    moved = dataclasses.replace(
        state, control=state.control + rng.normal(size=state.control.shape) * 0.02
    )
    return [
        (Share(problem, basis, trajectory, ("poses",)), state),
        (Share(other, basis, trajectory, ("poses",)), moved),
    ]


@pytest.fixture(scope="module")
def prior(small) -> BodyPrior:
    """With a mean of its own."""
    known = default_prior(small.problem.body)
    rng = np.random.default_rng(6)
    return dataclasses.replace(known, mean=rng.normal(size=known.mean.shape) * 0.005)


def dense(band: np.ndarray) -> np.ndarray:
    """A band as a full matrix."""
    _, n_block, n, _ = band.shape
    full = np.zeros((n_block, n, n_block, n))
    for d in range(4):
        for k in range(n_block - d):
            full[k, :, k + d], full[k + d, :, k] = band[d, k], band[d, k].T
    return full.reshape(n_block * n, -1)


def whole_step(trials, prior: BodyPrior, free: bool) -> np.ndarray:
    """Everything's step from one dense solve: the person, then each trial's own."""
    n = len(prior.mean)
    person = flat(trials[0][1].parameters)
    matrix, right = prior.information.copy(), prior.gradient(person)
    diagonal = np.diag(prior.information).copy()
    for share, state in trials:
        arrow = jax.jit(lambda s, share=share: share.system.normal_equations(s, jnp.asarray(TAIL)))(
            state
        )
        arrow = jax.tree.map(np.asarray, arrow)
        band = dense(arrow.band)
        known = np.diag(band) > 1e-9 * np.maximum(np.diag(band).max(), 1.0)
        peak = np.maximum(np.einsum("kii->ki", arrow.band[0]).max(0), 1.0)
        unseen = np.tile(peak, arrow.band.shape[1])
        band += np.diag(DAMPING * np.diag(band) + np.where(known, 0.0, unseen))
        lift = DAMPING * np.diag(arrow.corner) + (0.0 if free else HOLD) * arrow.prior
        corner = arrow.corner + np.diag(np.where(arrow.prior > 0, lift, 0.0))
        border = arrow.border.reshape(len(band), -1)
        at, more = len(matrix), len(band) + len(corner) - n
        grown = np.zeros((at + more, at + more))
        grown[:at, :at] = matrix
        grown[:n, :n] += arrow.corner[:n, :n]
        own = np.block([[band, border[:, n:]], [border[:, n:].T, corner[n:, n:]]])
        grown[at:, at:] = own
        grown[at:, :n] = np.vstack([border[:, :n], corner[n:, :n]])
        grown[:n, at:] = grown[at:, :n].T
        matrix = grown
        right[:n] += arrow.shared_gradient[:n]
        right = np.concatenate([right, arrow.own_gradient.ravel(), arrow.shared_gradient[n:]])
        diagonal += np.diag(arrow.corner)[:n]
    hold = (0.0 if free else HOLD) * np.diag(prior.information)
    matrix[:n, :n] += np.diag(DAMPING * diagonal + hold)
    return np.linalg.solve(matrix, -right)


@pytest.mark.parametrize("free", [True, False])
def test_step_is_that_of_one_dense_solve(trials, prior, free):
    damping, tail = jnp.asarray(DAMPING), jnp.asarray(TAIL)
    made = [offer(share, state, damping, tail, jnp.asarray(free)) for share, state in trials]
    person = flat(trials[0][1].parameters)
    offers = {str(i): said for i, (said, _) in enumerate(made)}
    step, _, _ = step_of(offers, prior, person, DAMPING, free)
    truth = whole_step(trials, prior, free)
    n = len(step)
    assert np.abs(truth[:n]).max() > 1e-6
    assert_allclose(step, truth[:n], rtol=0, atol=1e-8 * np.abs(truth[:n]).max())
    at = n
    for (share, state), (_, kept) in zip(trials, made, strict=True):
        moved = follow(share, state, kept, jnp.asarray(step), tail)
        size = state.control.size
        own = np.clip(truth[at : at + size], -0.4, 0.4)
        went = np.asarray(moved.state.control - state.control).ravel()
        assert_allclose(went, own, rtol=0, atol=1e-8 * np.abs(own).max())
        cameras = truth[at + size : at + size + 6 * len(state.cameras)]
        went = np.asarray(moved.state.cameras - state.cameras)[:, :6].ravel()
        assert_allclose(went, cameras, rtol=0, atol=1e-8 * np.abs(cameras).max())
        at += size + len(kept.own)


def test_what_trials_say_is_what_the_whole_says(trials, prior):
    """The Schur complement of a dense Hessian on the person is the sum of the offers."""
    damping, tail, free = jnp.asarray(0.0), jnp.asarray(TAIL), jnp.asarray(True)
    share, state = trials[0]
    said, _ = offer(share, state, damping, tail, free)
    arrow = jax.tree.map(np.asarray, share.system.normal_equations(state, tail))
    n = len(prior.mean)
    border = arrow.border.reshape(-1, arrow.corner.shape[0])
    band = dense(arrow.band)
    felt = np.diag(band) > 0
    own = np.block(
        [[band[felt][:, felt], border[felt, n:]], [border[felt, n:].T, arrow.corner[n:, n:]]]
    )
    across = np.vstack([border[felt, :n], arrow.corner[n:, :n]])
    gradient = np.concatenate([arrow.own_gradient.ravel()[felt], arrow.shared_gradient[n:]])
    information = arrow.corner[:n, :n] - across.T @ np.linalg.solve(own, across)
    scale = np.abs(information).max()
    assert_allclose(said.information, information, rtol=0, atol=1e-8 * scale)
    reduced = arrow.shared_gradient[:n] - across.T @ np.linalg.solve(own, gradient)
    assert_allclose(said.gradient, reduced, rtol=0, atol=1e-7 * np.abs(reduced).max())
