"""Stated lengths as evidence about a person."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.body import default_body, load_keypoint_set
from diffbio.cohort import default_prior
from diffbio.cohort.evidence import Evidence
from diffbio.cohort.prior import unflat
from diffbio.cohort.stated import StatedLength, contradicted, informed, stated_evidence
from diffbio.errors import UnknownNameError
from diffbio.fitting.person_rig.stature import stature


@pytest.fixture(scope="module")
def body():
    return default_body(load_keypoint_set("coco_17"))


@pytest.fixture(scope="module")
def person(body):
    """Somebody 9 % larger than the base model, with proportions of their own."""
    rng = np.random.default_rng(4)
    numbers = np.zeros(len(default_prior(body).mean))
    n = len(body.segment_names)
    numbers[:n] = 0.09 + rng.normal(size=n) * 0.01
    return numbers


def height_of(body, numbers) -> float:
    found = stature(body, unflat(numbers, len(body.segment_names), np.float64))
    assert found is not None
    return found.height


def shape_alone(body, person) -> Evidence:
    """Trials that show all proportions and no size: of a rig whose scale nobody knows."""
    n = len(body.segment_names)
    across = np.eye(n) - np.ones((n, n)) / n
    information = np.zeros((len(person), len(person)))
    information[:n, :n] = across / 0.003**2
    return Evidence(information, information @ person)


def test_a_wrong_scale_is_set_right_by_height(body, person):
    prior, n = default_prior(body), len(body.segment_names)
    trials = shape_alone(body, person)
    without = informed(prior, trials)
    # The proportions are right and the size is the base model's: 8 % or so too small.
    assert np.abs(without.mean - person)[:n].min() > 0.05
    stated = (StatedLength("height", height_of(body, person), 0.01),)
    known = informed(without, stated_evidence(body, stated, without))
    assert height_of(body, known.mean) == pytest.approx(height_of(body, person), abs=0.008)
    assert np.abs(known.mean - person)[:n].max() < 0.012
    # How sure that is: of the model's relation of height to its landmarks, and of the tape.
    sd = np.sqrt(np.diag(np.linalg.inv(known.information))[:n])
    found = stature(body, unflat(person, n, np.float64))
    assert found is not None
    assert_allclose(sd, np.hypot(found.sd, 0.01 / found.height), rtol=0.25)


def test_legs_set_the_legs(body):
    prior, n = default_prior(body), len(body.segment_names)
    base = stated_evidence(body, (StatedLength("leg_length_r", 1.0, 1e-4),), prior)
    thigh, shank, arm = (
        body.segment_names.index(name) for name in ("thigh_r", "shank_r", "forearm_r")
    )
    rows = np.diag(base.information)
    assert rows[thigh] > 0 and rows[shank] > 0 and rows[arm] == pytest.approx(0, abs=1e-6)
    assert not rows[n:].any()
    # A length is homogeneous of degree one in all sizes, so that its slopes add up to one. It was
    # stated so exactly that it is met: the sd left is the model's own, of a leg of a metre.
    slopes = base.information[:n, :n].sum() * np.hypot(1e-4, 0.012 / 1.0) ** 2
    assert slopes == pytest.approx(1.0, abs=0.03)


def test_lengths_are_met_where_nothing_else_is_known(body):
    prior = default_prior(body)
    loose = type(prior)(prior.mean, prior.information * 1e-6)
    stated = tuple(StatedLength(f"leg_length_{side}", 0.97, 0.005) for side in "rl")
    stated += (StatedLength("height", 1.90, 0.005),)
    known = informed(loose, stated_evidence(body, stated, loose))
    assert height_of(body, known.mean) == pytest.approx(1.90, abs=0.002)
    again = stated_evidence(body, stated, known)
    assert_allclose(informed(loose, again).mean, known.mean, atol=2e-3)


def test_a_statement_that_cannot_be_is_named(body, person):
    """The person is told from their trials; the table has them 60 cm taller."""
    tall = height_of(body, person)
    stated = (StatedLength("height", tall + 0.6), StatedLength("height", tall + 0.02))
    assert contradicted(body, stated, person) == (stated[0],)


def test_nothing_stated_says_nothing(body):
    prior = default_prior(body)
    told = stated_evidence(body, (), prior)
    assert not told.information.any()
    assert_allclose(informed(prior, told).mean, prior.mean)
    with pytest.raises(UnknownNameError, match="No length is called 'arm'"):
        StatedLength("arm", 0.7)
