"""Scores on the page: those of `gait.indices`, with errors as repeated measurement has them."""

import dataclasses

import numpy as np
import pytest

from diffbio.gait import Metric, ReferenceMean, ReferencePopulation, deviation_scale, gait_profile
from diffbio.gait.angles import CLINICAL_ANGLES
from diffbio.gait.events import Side
from diffbio.gait.gait_points import SIDES
from diffbio.io.gait_norms import NormCurve, Norms
from diffbio.io.gait_reference import mean_of_norms
from diffbio.report.gait_analysis import analyse
from diffbio.report.gait_curves import SideCurves
from diffbio.report.gait_indices import NO_PEOPLE, NO_REFERENCE, GaitIndices, gait_indices
from diffbio.report.gait_page import render_gait
from diffbio.report.gait_summary import gait_summary
from tests.gait.fitted_walker import fitted
from tests.gait.test_indices import population
from tests.gait.walkers import Walker


@pytest.fixture(scope="module")
def found():
    return analyse(fitted(Walker()), reference=population())


def score(found: GaitIndices, name: str, side: Side | None) -> Metric:
    one = found.metric(name, side)
    assert one is not None
    return one


def nine(cut: SideCurves):
    return cut.angles.mean[::2, :9]  # every 2 %


def test_scores_are_those_of_the_mean_curves(found):
    reference = population()
    for side in ("r", "l"):
        curves = nine(found.curves[side])
        gdi, gps = (score(found.indices, name, side) for name in ("gdi", "gps"))
        assert gdi.value == pytest.approx(deviation_scale(reference).index(curves))
        profile = gait_profile(curves, reference)
        assert gps.value == pytest.approx(profile.score)
        for name, expected in zip(CLINICAL_ANGLES, profile.variable_scores, strict=True):
            assert score(found.indices, f"gvs_{name}", side).value == pytest.approx(expected)
    assert score(found.indices, "gps", None).reason is None
    assert found.indices.reference["gps"] > 0.0


def test_errors_are_those_of_angles_that_are_off(found):
    """Every angle is shifted at random by its deviation, 400 times."""
    random, cut = np.random.default_rng(0), found.curves["r"]
    sd = cut.angles.sd[..., :9].mean(axis=(0, 1))
    repeated = []
    for _ in range(400):
        moved = nine(cut) + sd * random.normal(size=9)
        repeated.append(gait_profile(moved, population()).score)
    stated = score(found.indices, "gps", "r").sd
    assert stated == pytest.approx(np.std(repeated), rel=0.15)  # 400 know a deviation to 4 %


def test_the_reference_scores_as_it_must():
    """A walk that is the reference's mean: GPS 0, GDI open, not infinite."""
    reference = population()
    walk = analyse(fitted(Walker()), reference=reference)
    cut = walk.curves["r"]
    percent = np.linspace(0, 100, 51)
    mean = np.stack([np.interp(np.arange(101), percent, c) for c in reference.mean.T], axis=1)
    curves = cut.angles.curves.copy()
    curves[..., :9] = mean
    angles = dataclasses.replace(cut.angles, curves=curves)
    same: dict[Side, SideCurves] = {
        side: dataclasses.replace(walk.curves[side], angles=angles) for side in SIDES
    }
    scored = gait_indices(same, reference)
    assert score(scored, "gps", "r").value == pytest.approx(0.0, abs=1e-9)
    assert score(scored, "gps", None).value == pytest.approx(0.0, abs=1e-9)


def test_norms_give_profile_scores_and_no_index():
    percent = np.linspace(0, 100, 51)
    mean = population().mean
    norms = Norms(
        "norms.csv",
        {},
        {
            n: NormCurve(percent, mean[:, i], mean[:, i] * 0 + 4)
            for i, n in enumerate(CLINICAL_ANGLES)
        },
    )
    assert isinstance(mean_of_norms(norms), ReferenceMean)
    found = analyse(fitted(Walker()), norms=norms)
    whole = analyse(fitted(Walker()), reference=population())
    assert score(found.indices, "gps", "l").value == pytest.approx(
        score(whole.indices, "gps", "l").value
    )
    assert score(found.indices, "gdi", "l").reason == NO_PEOPLE
    part = dataclasses.replace(norms, curves={"knee_flexion": norms.curves["knee_flexion"]})
    assert mean_of_norms(part) is None
    assert gait_summary(analyse(fitted(Walker()), norms=part))["indices"]["reason"] == NO_REFERENCE


def test_without_angles_there_is_no_score():
    walk = fitted(Walker())
    found = analyse(dataclasses.replace(walk, coordinates=None), reference=population())
    assert {one.reason for one in found.indices.metrics} == {
        "Markers alone have no joint angles: fit a body with diffbio fit."
    }
    page = render_gait(found)
    assert "Movement Analysis Profile" not in page and "nan" not in page


def test_the_page_has_scores_and_profile(found):
    page = render_gait(found)
    assert "Movement Analysis Profile, degrees from the reference: Pelvis tilt right" in page
    assert page.count('class="score r"') == page.count('class="score l"') == 10
    gdi = score(found.indices, "gdi", "r").value
    assert f'<span class="value">{gdi:.0f} ± ' in page
    # The population's own curves are drawn as norms where no other are given.
    assert "drawn people" in page and page.count('class="norm"') == 9 + 10


def test_a_population_is_one_of_three_or_more():
    reference = population()
    few = ReferencePopulation(reference.names, reference.curves[:3], "three")
    assert np.isfinite(score(gait_indices(analyse(fitted(Walker())).curves, few), "gdi", "r").value)
