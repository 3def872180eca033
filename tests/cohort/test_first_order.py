"""A participant trained by AdamW on networks, against Gauss-Newton on splines."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.body import load_keypoint_set
from diffbio.cohort import fit_participant
from diffbio.cohort.first_order import PersonProblem, PersonUnknowns, train_participant
from diffbio.cohort.participant import prepared_trials, solve_participant
from diffbio.cohort.prior import default_prior, flat
from diffbio.fitting.batch import unnamed
from diffbio.simulation import SimulatedRecording, simulate_walking
from diffbio.simulation.detector import DetectorErrors

EXACT = DetectorErrors(noise_px=0.0, outlier_share=0.0, drop_share=1e-9)


@functools.cache
def walk(seed: int) -> SimulatedRecording:
    """Two seconds at 24 Hz through four cameras without error, by the person of the first seed."""
    own = None if seed == 0 else walk(0).parameters
    return simulate_walking(
        load_keypoint_set("halpe_26"),
        seed=seed,
        duration=2.0,
        frame_rate_hz=24.0,
        n_cameras=4,
        errors=EXACT,
        person=own,
    )


@pytest.fixture(scope="module")
def trials():
    return {str(seed): (walk(seed).rig, walk(seed).keypoints) for seed in (0, 1)}


def test_objective_is_that_of_nested_elimination(trials):
    """Of a participant as Gauss-Newton left them: the same number by the other sum."""
    body = walk(0).body
    solved = solve_participant(body, trials)
    prior = default_prior(body)
    prepared, _ = prepared_trials(body, trials, prior, (), 1 / len(trials))
    problem = PersonProblem(
        tuple(unnamed(one.problem) for one in prepared.values()),
        jnp.asarray(prior.mean),
        jnp.asarray(prior.information),
    )
    each = [solved.unknowns(name) for name in trials]
    unknowns = PersonUnknowns(
        tuple(one.trajectory for one in each),
        each[0].parameters,
        tuple(one.cameras for one in each),
    )
    assert float(problem.cost(unknowns)) == pytest.approx(
        float(solved.solution.course.cost), rel=1e-9
    )


@pytest.mark.slow
def test_without_noise_both_find_the_same_motion_and_person(trials):
    body = walk(0).body
    trained = train_participant(body, trials, key=jax.random.key(0), steps=1500)
    solved = fit_participant(body, trials)
    for name, fit in trained.fits.items():
        assert fit.solver == "adamw" and fit.uncertainty is not None
        np.testing.assert_array_equal(flat(fit.parameters), flat(trained.parameters))
        away = np.linalg.norm(fit.motion.markers - solved.fits[name].motion.markers, axis=-1)
        # A network that was trained this long is some millimetres from where it would end.
        assert away.mean() < 0.004
        truth = np.asarray(walk(int(name)).markers)
        assert np.linalg.norm(fit.motion.markers - truth, axis=-1).mean() < 0.006
    assert trained.covariance.shape == solved.covariance.shape
    # One objective, two families of motions: a network has no highest frequency as a spline has,
    # and fits what is without noise the better for it.
    assert trained.cost < 1.5 * solved.cost
