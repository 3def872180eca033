"""Several trials in one call, against the same trials fitted alone."""

import dataclasses

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import UnknownNameError
from diffbio.fitting import Outcome, fit_motion
from diffbio.fitting.batch import BatchFit, fit_batch
from tests.fitting.small_walks import first_frames

KEY = jax.random.key(0)
REFINE = ("poses",)

LENGTHS = {"longer": 31, "shorter": 28}
"""Of one bucket, which ends at 32."""


def _hopeless(keypoints):
    """Nobody is seen."""
    return dataclasses.replace(keypoints, confidence=np.zeros_like(keypoints.confidence))


@pytest.fixture(scope="module")
def trials(recording):
    """Three short trials: two of different lengths, one in which nobody is seen."""
    keypoints, rig = recording.keypoints, recording.rig
    renamed = tuple(f"camera {i}" for i in range(len(rig.names)))
    other = dataclasses.replace(rig, names=renamed)
    longer = first_frames(keypoints, LENGTHS["longer"])
    return {
        "longer": (rig, longer),
        "nobody": (rig, _hopeless(longer)),
        "shorter": (
            other,
            dataclasses.replace(first_frames(keypoints, LENGTHS["shorter"]), camera_names=renamed),
        ),
    }


@pytest.fixture(scope="module")
def batch(recording, trials):
    return fit_batch(recording.body, trials, refine=REFINE)


@pytest.mark.slow
def test_every_trial_is_fitted_as_if_it_were_alone(recording, trials, batch):
    assert list(batch.fits) == list(LENGTHS)
    for name, fit in batch.fits.items():
        rig, keypoints = trials[name]
        alone = fit_motion(recording.body, rig, keypoints, key=KEY, refine=REFINE)
        assert fit.outcome == alone.outcome == Outcome.CONVERGED
        assert fit.iterations == alone.iterations
        assert fit.rig.names == rig.names
        assert len(fit.motion.time) == LENGTHS[name]
        # Double precision; steps end where decrements fall below a hundredth.
        assert_allclose(fit.cost, alone.cost, rtol=1e-9)
        assert_allclose(fit.motion.markers, alone.motion.markers, atol=1e-6)  # m
        assert_allclose(fit.motion.joints, alone.motion.joints, atol=1e-5)  # rad


@pytest.mark.slow
def test_a_trial_that_cannot_start_is_listed(batch):
    assert set(batch.failed) == {"nobody"}
    assert "nothing to start from" in batch.failed["nobody"]


def test_an_unknown_group_of_corrections_is_refused(recording, trials):
    with pytest.raises(UnknownNameError, match="No group of corrections is called 'gravity'"):
        fit_batch(recording.body, trials, refine=("gravity",))


def test_an_empty_batch_is_no_error(recording):
    assert fit_batch(recording.body, {}) == BatchFit({}, {})
