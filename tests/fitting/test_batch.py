"""Several trials in one call, against the same trials fitted alone."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import UnknownNameError
from diffbio.fitting import Outcome, gauss_newton
from diffbio.fitting.batch import fit_batch
from tests.fitting.small_walks import first_frames, fitted

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
    return fit_batch(recording.body, trials, refine=("poses",))


@pytest.mark.slow
def test_every_trial_is_fitted_as_if_it_were_alone(recording, trials, batch):
    assert list(batch.fits) == list(LENGTHS)
    for name, fit in batch.fits.items():
        rig, keypoints = trials[name]
        alone = fitted(recording, rig=rig, keypoints=keypoints, refine=("poses",), double=True)
        assert fit.outcome == alone.outcome == Outcome.CONVERGED
        assert fit.iterations == alone.iterations
        assert fit.rig.names == rig.names
        assert len(fit.motion.time) == LENGTHS[name]
        # Double precision; steps end where decrements fall below a hundredth.
        assert_allclose(fit.cost, alone.cost, rtol=1e-9)
        assert_allclose(fit.motion.markers, alone.motion.markers, atol=1e-6)  # m
        assert_allclose(fit.motion.joints, alone.motion.joints, atol=1e-5)  # rad


def test_a_trial_that_cannot_start_is_listed(batch):
    assert set(batch.failed) == {"nobody"}
    assert "nothing to start from" in batch.failed["nobody"]
