"""Reserves are reported per coordinate, and say where muscles cannot make the moment."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from diffbio.errors import InputError
from diffbio.muscle import effort, reserve_report, static_optimisation

CAPACITY = np.array([[40.0, -30.0, 0.0], [0.0, 0.0, 25.0]])
NAMES = ("knee", "ankle")


def solved(moment):
    capacity = jnp.asarray(np.broadcast_to(CAPACITY, (len(moment), 2, 3)))
    return eqx.filter_jit(static_optimisation)(capacity, jnp.asarray(moment), effort(3, 2))


def test_what_muscles_cannot_make_is_named():
    moment = np.array([[10.0, 5.0], [-20.0, 12.0], [30.0, 45.0], [np.nan, 1.0]])
    knee, ankle = reserve_report(solved(moment), moment, NAMES)
    assert knee.small
    assert not ankle.small
    assert ankle.frame == 2
    # The ankle's only muscle is fully active: what is left of 45 Nm after 25 Nm.
    assert ankle.largest == pytest.approx(20.0, abs=1e-6)
    assert ankle.share == pytest.approx(20 / 45, abs=1e-6)
    assert ankle.root_mean_square == pytest.approx(20 / np.sqrt(3), abs=1e-2)
    assert ankle.sentence() == (
        "ankle: reserves add up to 20 Nm (44.4 % of the largest moment, frame 2); "
        "the muscles cannot make these moments."
    )
    assert "cannot" not in knee.sentence()


def test_reports_without_meaning_are_refused():
    moment = np.array([[10.0, 5.0]])
    with pytest.raises(InputError, match="There are 1 names for 2 coordinates"):
        reserve_report(solved(moment), moment, NAMES[:1])
    moment[:] = np.nan
    with pytest.raises(InputError, match="None of 1 frames was solved"):
        reserve_report(solved(moment), moment, NAMES)
