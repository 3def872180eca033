"""What a trial says about a person: what its detections say, not what is assumed of motion."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import BodyParameters, load_keypoint_set
from diffbio.cohort import BodyPrior, first_population, fit_cohort
from diffbio.cohort.evidence import Evidence, evidence_of
from diffbio.cohort.participant import solve_participant
from diffbio.cohort.prior import flat
from diffbio.fitting.nested import Offer
from diffbio.fitting.uncertainty import noise_of
from diffbio.observations import Markers
from diffbio.simulation import SimulatedRecording, simulate_walking

KEYPOINTS = load_keypoint_set("falisse_markers")


def walk(seed: int, person: BodyParameters | None = None) -> SimulatedRecording:
    """A second and a half at 24 Hz; what the cameras saw is not used."""
    how = {"duration": 1.5, "frame_rate_hz": 24.0, "n_cameras": 2}
    return simulate_walking(KEYPOINTS, seed=seed, person=person, **how)


def measured(recording: SimulatedRecording, sd: float) -> Markers:
    """Its markers in space, with independent errors of a standard deviation in metres."""
    rng, true = np.random.default_rng(0), np.asarray(recording.markers)
    time = np.asarray(recording.keypoints.time)
    names = recording.body.marker_names
    return Markers(names, true + rng.normal(size=true.shape) * sd, time, "walk")


def test_evidence_is_an_offer_in_numbers_about_the_person():
    information = np.array([[4.0, 1.0], [1.0, 3.0]])
    estimate, person = np.array([0.3, -0.2]), np.array([0.1, 0.1])
    parts = (information, information @ (person - estimate), np.diag(information))
    offered = Offer(*map(jnp.asarray, parts))
    told = evidence_of(offered, 2.0, person)
    assert isinstance(told, Evidence)
    assert_allclose(told.information, information / 2, atol=1e-12)
    assert_allclose(told.vector, information @ estimate / 2, atol=1e-12)


@pytest.mark.slow
def test_exact_markers_say_that_their_person_is_right():
    """A prior on angular acceleration would have every marker farther from its joint."""
    recording = walk(3)
    body, truth = recording.body, flat(recording.parameters)
    known = BodyPrior(truth, 1e10 * np.eye(len(truth)))
    solved = solve_participant(body, {"walk": measured(recording, 0.0)}, prior=known)
    assert np.abs(solved.person - truth).max() < 1e-4
    before = first_population(body).as_prior().information
    noise = noise_of(solved.prepared["walk"].problem, solved.unknowns("walk"), refine=()).lasting
    ordinary = evidence_of(solved.solution.offers["walk"], noise, solved.person)
    n_scale = len(body.segment_names)

    def led_away(told: Evidence, times: int) -> float:
        """How far so many who all say this lead the markers, RMS in metres."""
        pull = told.vector - told.information @ solved.person
        step = np.linalg.solve(times * told.information + before, times * pull)
        return float(np.sqrt((step[n_scale:].reshape(-1, 3) ** 2).sum(1).mean()))

    assert led_away(solved.evidence, 1) < 0.002
    for times in (1, 24):
        assert led_away(solved.evidence, times) < 0.35 * led_away(ordinary, times)


@pytest.mark.slow
def test_a_small_cohort_puts_markers_of_the_legs_nearer_to_where_they_are():
    """Four people on a base model whose markers are off by 15 mm each in their own direction.

    Walking does not tell those of forearms, hands and toes; see `benchmarks/cohort_movements.py`.
    """
    rng, body = np.random.default_rng(1), walk(0).body
    direction = rng.normal(size=(len(body.marker_names), 3))
    wrong = 0.015 * direction / np.linalg.norm(direction, axis=1, keepdims=True)
    trials = {}
    for seed in range(4):
        scales = walk(seed).parameters.log_scale
        own = wrong + rng.normal(size=wrong.shape) * 0.004
        person = BodyParameters(scales, jnp.asarray(own))
        trials[f"p{seed}"] = {"walk": measured(walk(seed, person), 0.005)}
    fit = fit_cohort(body, trials, rounds=2)
    away = fit.population.mean[len(body.segment_names) :].reshape(-1, 3) - wrong
    error = np.linalg.norm(away, axis=1)
    legs = np.asarray([anchor.body[:5] in ("femur", "tibia") for anchor in body.anchors])
    # Half of what it was, by 1.5 s of walking of four people.
    assert np.sqrt((error[legs] ** 2).mean()) < 0.0075
