"""Codes of made-up activations: closed forms, and what cannot be coded."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from diffbio.errors import InputError, UnknownNameError
from diffbio.features import leg_muscle_names, phase_code
from diffbio.gait import GaitEvent, GaitEvents, find_cycles
from diffbio.gait.events import Kind, Side

TIME = np.arange(0.0, 5.0, 0.01)


def walk(start=0.3, duration=1.0, n=4):
    """Cycles of a symmetric walker, the left foot half a cycle after the right."""
    found = []
    offsets: tuple[tuple[Side, float], ...] = (("r", 0.0), ("l", 0.5))
    for side, shift in offsets:
        for k in range(n):
            contact = start + (k + shift) * duration
            pairs: tuple[tuple[Kind, float], ...] = (
                ("initial_contact", contact),
                ("toe_off", contact + 0.6 * duration),
            )
            found += [GaitEvent(kind, side, t, 0.0, 1.0, "hand") for kind, t in pairs]
    return find_cycles(GaitEvents(tuple(found)))


def wave(shift, start=0.3, duration=1.0):
    """A curve of the phase since contact: known at every time."""
    return 0.5 + 0.4 * np.sin(2 * np.pi * ((TIME - start) / duration - shift))


def test_a_symmetric_walker_has_the_same_code_on_both_sides():
    code = phase_code(TIME, np.stack([wave(0.0), wave(0.5)], 1), ("vasmed_r", "vasmed_l"), walk())
    expected = 0.5 + 0.4 * np.sin(2 * np.pi * np.arange(30) / 30)
    # Straight lines between samples 10 ms apart leave 0.4 (2 pi)^2 dt^2 / 8.
    assert_allclose(code.mean, np.stack([expected, expected], 1), atol=2.1e-4)
    assert_allclose(code.phase[[0, -1]], [0.0, 29 / 30])
    assert_array_equal(code.n_cycles, [3, 3])
    assert code.reference == "own"


def test_one_legs_contacts_for_all_put_what_happens_at_once_in_one_row():
    code = phase_code(
        TIME,
        np.stack([wave(0.0), wave(0.5)], 1),
        ("vasmed_r", "vasmed_l"),
        walk(),
        reference="r",
    )
    assert_allclose(code.mean[:, 1], np.roll(code.mean[:, 0], 15), atol=1e-9)
    assert code.reference == "r"


def test_variability_is_that_between_cycles():
    level = np.where(TIME < 1.3, 0.2, np.where(TIME < 2.3, 0.3, 0.7))[:, None]
    code = phase_code(TIME, level, ("vasmed_r",), walk())
    assert_allclose(code.mean[10], 0.4, atol=1e-12)
    assert_allclose(code.sd[10], np.std([0.2, 0.3, 0.7], ddof=1), atol=1e-12)


def test_one_cycle_has_no_variability():
    code = phase_code(TIME, np.ones((len(TIME), 1)), ("vasmed_r",), walk(n=2))
    assert np.isnan(code.sd).all()


def test_a_cycle_with_a_gap_or_beyond_the_recording_is_left_out_and_listed():
    values = wave(0.0)[:, None].copy()
    values[150] = np.nan
    code = phase_code(TIME[:380], values[:380], ("vasmed_r",), walk(n=5))
    assert_array_equal(code.n_cycles, [2])
    reasons = [one.reason for one in code.excluded]
    assert reasons == ["Values are missing in it.", "It reaches beyond the recording."]


def test_no_complete_cycle_is_refused():
    with pytest.raises(InputError, match=r"right leg: It has no complete cycle\..*two successive"):
        phase_code(TIME, np.ones((len(TIME), 1)), ("vasmed_r",), walk(n=1))


def test_the_reason_why_there_is_none_is_told():
    values = np.full((len(TIME), 1), np.nan)
    with pytest.raises(InputError, match=r"no complete cycle\. Values are missing in it\."):
        phase_code(TIME, values, ("vasmed_r",), walk())


def test_names_must_fit():
    with pytest.raises(InputError, match="2 names and 1 columns"):
        phase_code(TIME, np.ones((len(TIME), 1)), ("vasmed_r", "vasmed_l"), walk())
    with pytest.raises(InputError, match="does not end on _r or _l"):
        phase_code(TIME, np.ones((len(TIME), 1)), ("right vasmed",), walk())
    with pytest.raises(InputError, match="does not increase"):
        phase_code(TIME[::-1], np.ones((len(TIME), 1)), ("vasmed_r",), walk())


def test_the_legs_have_eighty_muscles_and_a_code_of_2400_numbers():
    names = leg_muscle_names()
    assert len(names) == len(set(names)) == 80
    assert all(name.endswith("_r") for name in names[:40])
    assert [f"{name[:-2]}_l" for name in names[:40]] == list(names[40:])
    shuffled = np.random.default_rng(0).permutation(80)
    values = np.tile(np.arange(80.0)[shuffled] / 80, (len(TIME), 1))
    code = phase_code(TIME, values, [names[k] for k in shuffled], walk()).of(names)
    assert code.mean.shape == (30, 80)
    assert_allclose(code.mean[7], np.arange(80) / 80, atol=1e-12)


def test_a_muscle_that_is_not_there_is_named():
    code = phase_code(TIME, wave(0.0)[:, None], ("vasmed_r",), walk())
    with pytest.raises(UnknownNameError, match="No muscle is called 'soleus'"):
        code.of(["soleus"])
