"""Envelopes of EMG against bursts that are known, and a published recording."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from diffbio.errors import InputError
from diffbio.muscle import emg_envelope, stance_and_swing

RATE = 1000.0


def test_the_envelope_of_a_modulated_carrier_is_its_modulation():
    """A carrier of 200 Hz times 1 + cos, which lies far below the low pass, and a slow artefact."""
    time = np.arange(4000) / RATE
    slow = 0.5 * (1 + np.cos(2 * np.pi * 1.0 * time))
    raw = np.stack([slow, 7.0 * slow[::-1]], axis=1) * np.sin(2 * np.pi * 203 * time)[:, None]
    raw += 3.0 + 2.0 * np.sin(2 * np.pi * 0.4 * time)[:, None]
    envelope = emg_envelope(raw, RATE)
    inner = slice(300, -300)  # where filters know both sides
    assert_allclose(envelope[inner, 0], slow[inner], atol=0.03)
    assert_allclose(envelope[inner, 1], slow[::-1][inner], atol=0.03)
    assert envelope.min() == 0
    assert_allclose(envelope.max(0), 1)


def test_stance_and_swing_are_resampled_each_for_itself():
    time = np.arange(0, 4.0, 0.01)
    contact, lift = np.array([0.5, 1.5, 3.0]), np.array([0.2, 1.1, 2.5, 3.5])
    ramp = np.stack([time, -2 * time], axis=1)
    cycles = stance_and_swing(ramp, time, contact, lift, n_stance=4, n_swing=3)
    assert cycles.shape == (2, 7, 2)
    assert_allclose(cycles[0, :, 0], [0.5, 0.7, 0.9, 1.1, 1.1, 1.3, 1.5])
    assert_allclose(cycles[1, :, 1], [-3, -11 / 3, -13 / 3, -5, -5, -5.5, -6])


@pytest.mark.parametrize(
    ("contact", "lift", "complaint"),
    [
        ([0.5], [0.7], "Of 1 contacts none bounds a cycle"),
        ([0.5, 9.0], [0.7], "beyond the recording"),
        ([0.5, 1.5], [0.2], "the foot leaves the ground 0 times"),
        ([0.5, 1.5], [0.7, 0.8], "the foot leaves the ground 2 times"),
    ],
)
def test_events_without_cycles_are_refused(contact, lift, complaint):
    time = np.arange(0, 4.0, 0.01)
    with pytest.raises(InputError, match=complaint):
        stance_and_swing(time[:, None], time, np.asarray(contact), np.asarray(lift))


@pytest.mark.parametrize(
    ("emg", "rate", "complaint"),
    [
        (np.nan, RATE, "Samples are missing"),
        (1.0, 90.0, "At 90 Hz the filters' corners are 50 and 20 Hz"),
        (1.0, RATE, "Channel 1 is constant"),
    ],
)
def test_recordings_without_an_envelope_are_refused(emg, rate, complaint):
    with pytest.raises(InputError, match=complaint):
        emg_envelope(np.full((500, 2), emg), rate)


def test_a_raw_recording_becomes_the_published_envelopes(shared_data):
    """The source leaves out the first and the last cycle; its filters pad their ends otherwise."""
    folder = shared_data / "synergies-emg"
    raw, published = (
        np.loadtxt(folder / f"{which}-emg-ID0012.csv", delimiter=",", skiprows=1)
        for which in ("raw", "filtered")
    )
    contact, lift = np.loadtxt(folder / "cycles-ID0012.csv", delimiter=",", skiprows=1).T
    cycles = stance_and_swing(emg_envelope(raw[:, 1:], RATE), raw[:, 0], contact, lift)
    found, expected = cycles[1:-1].reshape(600, 13), published[:, 1:]
    for ours, theirs in zip(found.T, expected.T, strict=True):
        assert np.corrcoef(ours, theirs)[0, 1] > 0.999
    assert_allclose(found, expected, atol=0.05)  # of the largest value
