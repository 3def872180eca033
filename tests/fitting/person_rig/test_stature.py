"""Stature follows from what is seen, and grows with the person."""

import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.body import BodyParameters, default_body, load_keypoint_set
from diffbio.fitting.person_rig.stature import ACROMION, TRAGION, TROCHANTERION, stature


@pytest.mark.parametrize(
    ("keypoint_set", "rests_on"),
    [("halpe_26", ("ear",)), ("falisse_body", ("shoulders", "hips"))],
)
def test_stature_rests_on_the_highest_that_is_seen(keypoint_set, rests_on):
    body = default_body(load_keypoint_set(keypoint_set))
    found = stature(body, body.default_parameters())
    assert found is not None
    assert found.rests_on == rests_on


def test_a_person_larger_by_a_tenth_is_taller_by_a_tenth():
    body = default_body(load_keypoint_set("halpe_26"))
    base = body.default_parameters(np.float64)
    larger = BodyParameters(base.log_scale + jnp.log(1.1), base.marker_offset)
    small, tall = stature(body, base), stature(body, larger)
    assert small is not None
    assert tall is not None
    np.testing.assert_allclose(tall.height / small.height, 1.1, atol=1e-9)


def test_shares_are_those_of_the_survey():
    """ANSUR II, both sexes pooled, in millimetres: stature is the weighted mean of 1756.2 (4082
    men) and 1628.5 (1986 women)."""
    mean = (4082 * 1756.2 + 1986 * 1628.5) / 6068
    np.testing.assert_allclose(ACROMION.share, 1406.16 / mean, atol=1e-3)
    np.testing.assert_allclose(TROCHANTERION.share, 882.74 / mean, atol=1e-3)
    np.testing.assert_allclose(TRAGION.share, 1.0 - 129.62 / mean, atol=1e-3)
