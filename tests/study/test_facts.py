"""Facts of the table of participants: used where they can be true, refused where they cannot."""

import dataclasses
import pathlib

import numpy as np
import pytest

from diffbio.body import default_body, load_keypoint_set
from diffbio.cohort import default_prior
from diffbio.cohort.prior import unflat
from diffbio.fitting.person_rig.stature import stature
from diffbio.io.participants_table import Facts
from diffbio.io.study import Enrolled, TrialFiles
from diffbio.study.facts import solve_with_facts, stated_lengths
from diffbio.study.fingerprint import fingerprint


@pytest.fixture(scope="module")
def body():
    return default_body(load_keypoint_set("coco_17"))


def enrolled(**facts) -> Enrolled:
    return Enrolled("sub-01", Facts(**facts), ())


def height_of(body, numbers) -> float:
    found = stature(body, unflat(numbers, len(body.segment_names), np.float64))
    assert found is not None
    return found.height


def test_lengths_come_with_their_deviations():
    stated = stated_lengths(enrolled(height=1.7, height_sd=0.03, leg_length_l=0.9, mass=70.0))
    assert [(one.what, one.value, one.sd) for one in stated] == [
        ("height", 1.7, 0.03), ("leg_length_l", 0.9, None),
    ]  # fmt: skip


def test_what_trials_contradict_is_refused_and_the_rest_is_used(body):
    """A fit that does as its prior says, but for a size that its trials show."""
    prior, n = default_prior(body), len(body.segment_names)
    asked = []

    def solve(given):
        asked.append(given)
        person = given.mean.copy()
        person[:n] += 0.05 - person[:n].mean()
        return person

    seen = solve(prior)
    tall = height_of(body, seen)
    asked.clear()
    person = enrolled(height=tall + 0.5, leg_length_r=0.83)
    found, told, refused = solve_with_facts(body, person, prior, solve, lambda one: one)
    assert len(asked) == 2
    assert f"height of {tall + 0.5:.2f} m in participants.tsv contradicts" in refused
    assert "leg" not in refused and told.information.any()
    assert height_of(body, found) == pytest.approx(tall, abs=0.02)
    # A height that may be true costs no second fit.
    asked.clear()
    _, _, refused = solve_with_facts(body, enrolled(height=tall), prior, solve, lambda one: one)
    assert len(asked) == 1 and not refused


def test_a_changed_fact_is_a_changed_input(tmp_path: pathlib.Path):
    walk = tmp_path / "walk.npz"
    walk.touch()
    trial = TrialFiles("", "walk", walk, None)
    one = Enrolled("sub-01", Facts(height=1.7), (trial,))
    other = dataclasses.replace(one, facts=Facts(height=1.8))
    assert fingerprint(one, tmp_path) == fingerprint(one, tmp_path)
    assert fingerprint(one, tmp_path) != fingerprint(other, tmp_path)
