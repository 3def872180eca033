"""What a participant's whole fit costs, as a function of what was believed before it."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.body import BodyParameters, load_keypoint_set
from diffbio.cameras.adjustment import no_adjustment
from diffbio.cohort.participant import without_person
from diffbio.cohort.prior import BodyPrior, default_prior, flat
from diffbio.cohort.solve import solve_person
from diffbio.fitting.distil import start_spline
from diffbio.fitting.marker_problem import make_marker_problem, start_at_markers
from diffbio.fitting.nested import Share
from diffbio.fitting.problem import Unknowns
from diffbio.fitting.solvers import basis_of
from diffbio.fitting.system import State
from diffbio.observations import Markers
from diffbio.simulation import simulate_walking


@pytest.fixture(scope="module")
def inner():
    """Five frames of optical markers in double precision: a fit, given a prior, to the last digit.

    Gauss-Newton comes near; whole Newton steps of everything at once do the rest, for a bent valley
    takes Gauss-Newton hundreds of steps to walk to its end.
    """
    recording = simulate_walking(
        load_keypoint_set("falisse_markers"), seed=3, duration=0.21, frame_rate_hz=24.0, n_cameras=2
    )
    rng, body = np.random.default_rng(0), recording.body
    true = np.asarray(recording.markers)
    measured = true + rng.normal(size=true.shape) * 0.003
    markers = Markers(body.marker_names, measured, np.asarray(recording.keypoints.time), "walk")
    start = start_at_markers(body, markers, dtype=np.float64)
    problem = without_person(make_marker_problem(body, markers, dtype=np.float64, padded=5))
    spline, nothing = start_spline(problem, start, 6.0), no_adjustment(0, np.float64)
    share = Share(
        problem, basis_of(problem, Unknowns(spline, start.parameters, nothing)), spline, ()
    )
    first = State(spline.control, start.parameters, nothing.columns())
    prior, n_scale = default_prior(body), len(body.segment_names)
    size, information = spline.control.size, jnp.asarray(prior.information)
    tail = problem.reprojection.tail

    def whole(everything, mean):
        control, person = everything[:size].reshape(spline.control.shape), everything[size:]
        parameters = BodyParameters(person[:n_scale], person[n_scale:].reshape(-1, 3))
        away = person - mean
        cost = share.system.cost(State(control, parameters, nothing.columns()), tail)
        return cost + 0.5 * away @ information @ away

    slope, bend = jax.jit(jax.grad(whole)), jax.jit(jax.hessian(whole))

    def fit(given: BodyPrior, begin: np.ndarray | None = None) -> tuple[float, np.ndarray]:
        if begin is None:
            solved = solve_person({"walk": share}, {"walk": first}, given, tolerance=1e-6)
            state = solved.states["walk"]
            begin = np.concatenate([np.ravel(state.control), flat(state.parameters)])
        mean, here = jnp.asarray(given.mean), jnp.asarray(begin)
        for _ in range(40):
            curvature, vectors = np.linalg.eigh(bend(here, mean))
            pull = vectors.T @ np.asarray(slope(here, mean))
            # Downhill also where the valley bends the other way.
            step = -vectors @ (pull / np.maximum(np.abs(curvature), 1e-6))
            here = here + step * min(1.0, 0.3 / np.abs(step).max())
            if np.abs(pull).max() < 1e-9:
                break
        assert np.abs(np.asarray(slope(here, mean))).max() < 1e-6
        return float(whole(here, mean)), np.asarray(here)

    return fit, prior, size


@pytest.mark.slow
def test_gradient_of_the_outer_objective_is_that_of_finite_differences(inner):
    """By the envelope theorem only the prior's own part depends on its mean at the minimum."""
    fit, prior, size = inner
    rng = np.random.default_rng(2)
    n = len(prior.mean)
    # Markers of the base model moved by centimetres, segments by per cents: a step in all of them.
    spread = np.sqrt(np.diag(np.linalg.inv(prior.information)))
    base = dataclasses.replace(prior, mean=rng.normal(size=n) * 0.3 * spread)
    _, settled = fit(base)
    for seed in (0, 1):
        way = np.random.default_rng(seed).normal(size=n) * spread
        step, costs = 1e-3, []
        for sign in (1, -1):
            moved = dataclasses.replace(base, mean=base.mean + sign * step * way)
            costs.append(fit(moved, settled)[0])
        slope = (costs[0] - costs[1]) / (2 * step)
        assert slope == pytest.approx(-base.gradient(settled[size:]) @ way, rel=1e-4)
