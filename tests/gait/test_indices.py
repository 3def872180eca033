"""GDI, GPS and MAP: by their construction, and one example of each by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.gait.angles import CLINICAL_ANGLES
from diffbio.gait.indices import (
    ReferencePopulation,
    deviation_scale,
    gait_profile,
    overall_profile_score,
)


def population(seed=0, n=60):
    """Smooth random curves of nine angles at 51 points, in degrees."""
    random = np.random.default_rng(seed)
    percent = np.linspace(0, 2 * np.pi, 51)
    waves = np.stack([np.ones(51), *(f(k * percent) for k in (1, 2, 3) for f in (np.sin, np.cos))])
    size = 6.0 / np.arange(1, len(waves) + 1)
    curves = np.einsum("pwa,wt->pta", random.normal(size=(n, len(waves), 9)) * size[:, None], waves)
    return ReferencePopulation(CLINICAL_ANGLES, curves + 20.0, "drawn people")


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_reference_has_mean_100_and_deviation_10(seed):
    reference = population(seed)
    scale = deviation_scale(reference)
    assert scale.features.shape == (459, 15)
    indices = [scale.index(curves) for curves in reference.curves]
    assert np.mean(indices) == pytest.approx(100.0, abs=1e-9)
    assert np.std(indices, ddof=1) == pytest.approx(10.0, abs=1e-9)


def test_mean_curve_scores_nothing():
    reference = population()
    profile = gait_profile(reference.mean, reference)
    assert profile.score == pytest.approx(0.0, abs=1e-12)
    assert_allclose(profile.variable_scores, 0.0, atol=1e-12)


def test_index_by_hand():
    """Four people on two axes at distances 1, 1, 2, 2: logarithms 0, 0, 0.6931, 0.6931, their
    mean 0.34657 and deviation 0.40019. At distance 4, of logarithm 1.38629, the index is
    100 - 10 (1.38629 - 0.34657) / 0.40019 = 74.02."""
    deviations = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    reference = ReferencePopulation(("a",), 30.0 + deviations[:, :, None], "by hand")
    away = np.array([[34.0], [30.0]])
    assert deviation_scale(reference).index(away) == pytest.approx(74.02, abs=0.005)
    assert deviation_scale(reference).index(np.full((2, 1), 30.0)) == np.inf


def test_profile_by_hand():
    """Off by 3 throughout and by 4 throughout: scores 3 and 4, together sqrt(25 / 2)."""
    curves = np.zeros((3, 5, 2)) + np.array([-1.0, 0.0, 1.0])[:, None, None]
    reference = ReferencePopulation(("a", "b"), curves, "by hand")
    profile = gait_profile(np.tile([3.0, -4.0], (5, 1)), reference)
    assert_allclose(profile.variable_scores, [3.0, 4.0])
    assert profile.score == pytest.approx(np.sqrt(12.5))


def test_pelvis_is_counted_once():
    reference = population()
    right = gait_profile(reference.mean + 2.0, reference)
    left = gait_profile(reference.mean + np.r_[np.full(3, 50.0), np.full(6, 4.0)], reference)
    # 9 angles of the right, 6 of the left.
    expected = np.sqrt((9 * 4.0 + 6 * 16.0) / 15)
    assert overall_profile_score([right, left]) == pytest.approx(expected)
    with pytest.raises(InputError, match="They are not two of the same angles"):
        overall_profile_score([right])


def test_worse_gait_has_a_lower_index_and_a_higher_score():
    reference = population()
    deviation = reference.curves[3] - reference.mean
    away = [reference.mean + factor * deviation for factor in (0.5, 1.0, 2.0, 4.0)]
    scale = deviation_scale(reference)
    indices = [scale.index(curves) for curves in away]
    scores = [gait_profile(curves, reference).score for curves in away]
    assert indices == sorted(indices, reverse=True) and scores == sorted(scores)
    # Doubling a deviation lowers the index by the same amount each time.
    assert_allclose(np.diff(indices), np.diff(indices)[0], rtol=1e-9)


def test_features_of_a_mixed_population_see_what_the_reference_lacks():
    reference = population()
    flat = np.zeros((51, 9))
    flat[20, 6] = 30.0  # a spike no wave of the reference has
    mixed = np.concatenate([reference.curves, (reference.mean + flat)[None].repeat(30, axis=0)])
    own = deviation_scale(reference).index(reference.curves[0] + flat)
    seen = deviation_scale(reference, spanning=mixed).index(reference.curves[0] + flat)
    assert seen < own


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c[:50], r"gait curves: They have shape \(50, 9\), those of drawn people"),
        (lambda c: np.where(np.arange(9) == 6, np.nan, c), "gait curves, knee_flexion: A value"),
    ],
)
def test_curves_that_do_not_go_with_the_reference_are_refused(change, message):
    reference = population()
    with pytest.raises(InputError, match=message):
        deviation_scale(reference).index(change(reference.mean))
    with pytest.raises(InputError, match=message):
        gait_profile(change(reference.mean), reference)


def test_reference_that_is_none_is_refused():
    curves = population().curves
    with pytest.raises(InputError, match="The reference population has 2 curves"):
        ReferencePopulation(CLINICAL_ANGLES, curves[:2], "few")
    with pytest.raises(InputError, match="There are 1 names for 9 angles"):
        ReferencePopulation(("a",), curves, "unnamed")
    with pytest.raises(InputError, match="gaps: A value is missing"):
        ReferencePopulation(CLINICAL_ANGLES, np.where(curves > 40, np.nan, curves), "gaps")
    reference = population()
    with pytest.raises(InputError, match="spanning strides: They have 9 values"):
        deviation_scale(reference, spanning=np.ones((4, 1, 9)))
