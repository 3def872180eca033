"""One body over several small simulated walks of one person."""

import dataclasses
import functools

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import BodyParameters, load_keypoint_set
from diffbio.cohort import default_prior, fit_participant
from diffbio.cohort.participant import solve_participant
from diffbio.cohort.prior import flat
from diffbio.errors import FitError, UnknownNameError
from diffbio.fitting import Outcome, fit_motion
from diffbio.fitting.batch import Recording
from diffbio.simulation import SimulatedRecording, simulate_walking

PERSON_SEED = 3


@functools.cache
def walk(seed: int, larger: float = 0.0) -> SimulatedRecording:
    """Two seconds at 24 Hz through four cameras, by the person of the first seed."""
    keypoint_set = load_keypoint_set("halpe_26")
    how = {"duration": 2.0, "frame_rate_hz": 24.0, "n_cameras": 4}
    person = simulate_walking(keypoint_set, seed=PERSON_SEED, **how).parameters
    grown = BodyParameters(person.log_scale + larger, person.marker_offset)
    return simulate_walking(keypoint_set, seed=seed, person=grown, **how)


def trial(recording: SimulatedRecording) -> Recording:
    return recording.rig.astype(np.float32), recording.keypoints


def blind(recording: SimulatedRecording) -> Recording:
    """A trial in which nothing was detected."""
    rig, keypoints = trial(recording)
    nothing = np.zeros_like(np.asarray(keypoints.confidence))
    return rig, dataclasses.replace(keypoints, confidence=nothing)


@pytest.fixture(scope="module")
def three_walks():
    trials = {str(seed): trial(walk(seed)) for seed in (3, 4, 5)}
    return fit_participant(walk(3).body, trials)


def test_one_trial_is_fitted_as_alone():
    recording = walk(3)
    rig, keypoints = trial(recording)
    alone = fit_motion(recording.body, rig, keypoints, key=jax.random.key(0))
    shared = fit_participant(recording.body, {"walk": (rig, keypoints)}).fits["walk"]
    assert shared.cost == pytest.approx(alone.cost, rel=1e-3)
    away = np.linalg.norm(shared.motion.markers - alone.motion.markers, axis=-1)
    assert away.mean() < 0.0005  # m
    assert shared.uncertainty is not None and alone.uncertainty is not None
    # The prior is here a matrix from elsewhere, there two terms of the objective.
    assert_allclose(
        np.sqrt(np.diag(shared.uncertainty.log_scale)),
        np.sqrt(np.diag(alone.uncertainty.log_scale)),
        rtol=0.05,
    )


def test_all_trials_have_one_body_and_it_is_known_better(three_walks):
    truth = flat(walk(3).parameters)
    assert three_walks.outcome in (Outcome.CONVERGED, Outcome.MAX_STEPS)
    for fit in three_walks.fits.values():
        assert_allclose(flat(fit.parameters), flat(three_walks.parameters), rtol=0, atol=0)
    alone = fit_participant(walk(3).body, {"3": trial(walk(3))})
    n = len(walk(3).body.segment_names)
    sd = [np.sqrt(np.diag(one.covariance)) for one in (alone, three_walks)]
    # Of nearly everything: noise is estimated for each trial, and that of one is not another's.
    assert np.mean(sd[1] < sd[0]) > 0.9 and np.median(sd[1] / sd[0]) < 0.95
    known = sd[0][:n] < 0.03
    error = [np.abs(flat(one.parameters) - truth)[:n][known] for one in (alone, three_walks)]
    assert error[1].mean() < error[0].mean()


def test_error_bars_of_a_trial_know_the_others(three_walks):
    n = len(walk(3).body.segment_names)
    sd = np.sqrt(np.diag(three_walks.covariance))[:n]
    for fit in three_walks.fits.values():
        assert fit.uncertainty is not None
        assert_allclose(np.sqrt(np.diag(fit.uncertainty.log_scale)), sd, rtol=0.1)


def test_evidence_is_the_same_whatever_was_believed_before():
    """Trials solved under another prior say the same about the person, as far as it is linear."""
    body = walk(3).body
    trials = {"3": trial(walk(3)), "4": trial(walk(4))}
    prior, n = default_prior(body), len(body.segment_names)
    mean = np.random.default_rng(0).normal(size=prior.mean.shape) * 0.008
    mean[:n] = 0.03
    other = dataclasses.replace(prior, mean=mean)
    told = [solve_participant(body, trials, prior=one).evidence for one in (prior, other)]
    covariance = np.linalg.inv(told[0].information + prior.information)
    estimates = [np.linalg.solve(e.information + prior.information, e.vector) for e in told]
    apart = (estimates[1] - estimates[0]) / np.sqrt(np.diag(covariance))
    moved = np.linalg.solve(told[0].information + prior.information, prior.information @ mean)
    believed = moved / np.sqrt(np.diag(covariance))
    # Had the prior been counted as evidence, the estimates were apart by what it moves them.
    assert np.sqrt((apart**2).mean()) < 0.3 * np.sqrt((believed**2).mean())


def test_another_person_and_an_empty_trial_are_named_and_left_out():
    trials = {
        "first": trial(walk(3)),
        "second": trial(walk(4)),
        "third": trial(walk(5)),
        "stranger": trial(walk(6, larger=0.12)),
        "empty": blind(walk(4)),
    }
    fit = fit_participant(walk(3).body, trials)
    assert set(fit.fits) == {"first", "second", "third"}
    assert "% larger than the other trials" in fit.failed["stranger"]
    assert "nothing to start from" in fit.failed["empty"]


def test_nobody_at_all_is_an_error():
    with pytest.raises(FitError, match=r"No trial of the participant can be fitted\. empty: No fr"):
        fit_participant(walk(3).body, {"empty": blind(walk(3))})
    with pytest.raises(UnknownNameError, match="eyes"):
        fit_participant(walk(3).body, {}, refine=("eyes",))
