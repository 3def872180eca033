"""What is unknown of the cameras, against a dense Gauss-Newton system by automatic differentiation.

Where clocks are right, all columns are exact; elsewhere only the gradient is, and is tested.
"""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import BodyParameters
from diffbio.cameras.adjustment import COLUMNS, WIDTH
from diffbio.fitting.residuals.reprojection import CAUCHY_TAIL
from diffbio.fitting.system import State, System

TAIL = jnp.asarray(CAUCHY_TAIL)


@functools.cache
def arrow(refine):
    """Normal equations, as a compiled function of problem and state."""

    @eqx.filter_jit
    def equations(problem, basis, trajectory, state):
        return System(problem, basis, trajectory, refine).normal_equations(state, TAIL)

    return equations


def columns_of(refine):
    return np.concatenate([*(np.arange(WIDTH)[COLUMNS[group]] for group in refine), []]).astype(int)


def blinded(problem):
    """The problem without detections: what is left of its system are the priors."""
    weight = jnp.zeros_like(problem.reprojection.weight)
    return eqx.tree_at(lambda p: p.reprojection.weight, problem, weight)


def with_wide_prior(problem):
    """Cameras about which little is known: the clock of reference would drown the detections."""
    return eqx.tree_at(lambda p: p.priors[-1].sd, problem, jnp.ones_like(problem.priors[-1].sd))


def flat(state, columns):
    parts = (state.control, state.parameters.log_scale, state.parameters.marker_offset)
    return jnp.concatenate(
        [*(part.reshape(-1) for part in parts), state.cameras[:, columns].ravel()]
    )


def state_of(x, like, columns):
    """Inverse of `flat`; corrections that are not unknown are those of another state."""
    sizes = (like.control.size, like.parameters.log_scale.size, like.parameters.marker_offset.size)
    control, log_scale, offset, cameras = jnp.split(x, np.cumsum(sizes))
    shape = like.parameters.marker_offset.shape
    each = cameras.reshape(len(like.cameras), len(columns))
    return State(
        control.reshape(like.control.shape),
        BodyParameters(log_scale, offset.reshape(shape)),
        like.cameras.at[:, columns].set(each),
    )


def dense_detections(small, refine):
    """J^T W J and J^T W r of all unknowns, from first principles of the model."""
    problem, _, trajectory, state = small
    columns = columns_of(refine)

    def pixels(x):
        at = state_of(x, state, columns)
        moving = dataclasses.replace(trajectory, control=at.control)
        system = System(problem, small.basis, moving, refine)
        rig = problem.rig.adjusted(system.unknowns(at).cameras)
        offset, drift = at.cameras[:, 9, None], at.cameras[:, 10, None]
        taken = problem.time[None] + offset + drift * (problem.time - problem.time[-1] / 2)[None]
        markers = problem.body.marker_positions(at.parameters, moving(taken.reshape(-1)))
        markers = markers.reshape(*taken.shape, *markers.shape[1:])
        return jnp.stack(rig.project_components(markers, own=True))

    x = flat(state, columns)
    found = pixels(x)
    slope = np.asarray(jax.jit(jax.jacfwd(pixels))(x))
    seen = problem.reprojection
    error = np.asarray(found) - np.stack([seen.u_px, seen.v_px])
    sd = np.asarray(seen.sigma_px)[:, None, None]
    distance = np.linalg.norm(error, axis=0) / sd
    trust = np.minimum(1.0, (float(seen.threshold) / distance) ** CAUCHY_TAIL)
    weight = np.asarray(seen.weight) * trust / sd**2
    slope = slope.reshape(-1, len(x))
    weighted = slope * np.broadcast_to(weight, error.shape).reshape(-1, 1)
    return weighted.T @ slope, weighted.T @ error.reshape(-1)


def dense_of(found, n_control, n):
    """A dense matrix of an arrow, without the unknowns that stand for the joints' means."""
    size = n_control * n
    own = np.zeros((n_control, n, n_control, n))
    for d in range(4):
        for k in range(n_control - d):
            own[k, :, k + d] = found.band[d, k]
            own[k + d, :, k] = np.asarray(found.band[d, k]).T
    n_shared = found.border.shape[2] - (n - 6)
    border = np.asarray(found.border)[..., :n_shared].reshape(size, n_shared)
    corner = np.asarray(found.corner)[:n_shared, :n_shared]
    return np.block([[own.reshape(size, size), border], [border.T, corner]])


@pytest.mark.parametrize(
    ("which", "refine"),
    [
        ("small", ("poses", "lenses")),
        ("timed", ("poses", "lenses", "clocks")),
        pytest.param("small", (), marks=pytest.mark.slow),
    ],
)
def test_all_columns_equal_those_of_the_dense_system(which, refine, request):
    small = request.getfixturevalue(which)
    problem, state = with_wide_prior(small.problem), small.state
    hessian, gradient = dense_detections(small._replace(problem=problem), refine)
    full = arrow(refine)(problem, small.basis, small.trajectory, state)
    priors = arrow(refine)(blinded(problem), small.basis, small.trajectory, state)
    ours = dense_of(full, *state.control.shape) - dense_of(priors, *state.control.shape)
    # In units of each unknown's own standard deviation, so that no small column is overlooked.
    sd = np.sqrt(np.maximum(np.diag(hessian), 1e-12 * np.diag(hessian).max()))
    assert_allclose(ours / np.outer(sd, sd), hessian / np.outer(sd, sd), rtol=0, atol=1e-9)
    end = len(hessian) - state.control.size
    own = np.ravel(full.own_gradient - priors.own_gradient)
    shared = np.asarray(full.shared_gradient - priors.shared_gradient)[:end]
    found = np.concatenate([own, shared]) / sd
    assert_allclose(found, gradient / sd, rtol=0, atol=1e-9 * np.abs(gradient / sd).max())


@pytest.mark.parametrize("refine", [("poses", "lenses"), ("poses", "lenses", "clocks")])
def test_the_cameras_priors_are_on_the_diagonal(small, timed, refine):
    problem, basis, trajectory, state = timed if "clocks" in refine else small
    columns = columns_of(refine)
    found = arrow(refine)(blinded(problem), basis, trajectory, state)
    prior = problem.priors[-1]
    information = np.ravel(np.asarray(prior.sd)[:, columns] ** -2.0)
    end = found.corner.shape[0] - len(problem.body.joint_names)
    begin = end - len(information)
    assert_allclose(found.corner[begin:end, begin:end], np.diag(information), rtol=1e-12)
    assert_allclose(found.prior[begin:end], information, rtol=1e-12)
    assert_allclose(found.border[..., begin:end], 0.0, atol=0)
    pulled = information * np.ravel(state.cameras[:, columns])
    assert_allclose(found.shared_gradient[begin:end], pulled, rtol=1e-9, atol=1e-9)


@pytest.fixture(scope="module")
def late(timed):
    """Clocks that are wrong and drift, pictures beside the sample times."""
    rng = np.random.default_rng(4)
    lag = jnp.asarray(rng.uniform(-0.02, 0.02, timed.problem.lag.shape))
    cameras = np.array(timed.state.cameras)
    cameras[:, 9] = rng.uniform(-0.03, 0.03, len(cameras))
    cameras[:, 10] = rng.uniform(-1e-2, 1e-2, len(cameras))
    state = dataclasses.replace(timed.state, cameras=jnp.asarray(cameras))
    problem = dataclasses.replace(timed.problem, lag=lag)
    return timed._replace(problem=problem, state=state)


ALL = ("poses", "lenses", "clocks")


@pytest.fixture(scope="module")
def late_gradient(late):
    found = arrow(ALL)(late.problem, late.basis, late.trajectory, late.state)
    n_joint = len(late.problem.body.joint_names)
    shared = found.shared_gradient[:-n_joint]
    return np.concatenate([np.ravel(found.own_gradient), np.asarray(shared)])


def cost_along(late):
    """The objective as the problem has it, of all unknowns in one row."""
    problem, basis, trajectory, state = late
    system = System(problem, basis, trajectory, ALL)
    columns = np.arange(WIDTH)
    return lambda x: problem.with_tail(TAIL).cost(system.unknowns(state_of(x, state, columns)))


def test_the_gradient_with_clocks_and_lags_is_that_of_the_problem(late, late_gradient):
    x = flat(late.state, np.arange(WIDTH))
    expected = np.asarray(jax.jit(jax.grad(cost_along(late)))(x))
    # Rounding, unknown by unknown: their gradients differ by orders of magnitude.
    assert_allclose(late_gradient, expected, rtol=1e-8, atol=1e-10 * np.abs(expected).max())


def test_the_gradient_with_clocks_and_lags_equals_central_differences(late, late_gradient):
    x, rng = flat(late.state, np.arange(WIDTH)), np.random.default_rng(6)
    cost, end = jax.jit(cost_along(late)), x.size - len(late.state.cameras) * WIDTH
    shared = end + WIDTH * np.arange(len(late.state.cameras))
    kinds = {"motion and person": np.arange(end)}
    kinds |= {f"column {column}": shared + column for column in range(WIDTH)}
    for kind, where in kinds.items():
        direction = np.zeros(x.size)
        direction[where] = rng.normal(size=len(where))
        step = 1e-5
        slope = (cost(x + step * direction) - cost(x - step * direction)) / (2 * step)
        assert_allclose(late_gradient @ direction, slope, rtol=2e-5, err_msg=kind)


def test_clocks_that_are_known_enter_the_pictures(late):
    """The problem's own pictures, camera by camera, by the trajectory at each one's instants."""
    problem, basis, trajectory, state = late
    unknowns = System(problem, basis, trajectory, ALL).unknowns(state)
    found = np.asarray(problem.pictured(unknowns))
    middle = float(problem.time[-1]) / 2
    for camera, row in enumerate(np.asarray(state.cameras)):
        taken = problem.time + problem.lag[camera] + row[9] + row[10] * (problem.time - middle)
        pose = unknowns.trajectory(taken)
        markers = problem.body.marker_positions(state.parameters, pose)
        assert_allclose(found[camera], markers, atol=1e-12)
