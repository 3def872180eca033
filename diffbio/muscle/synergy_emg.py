"""Envelopes of EMG, from which `factorise` finds synergies."""

import itertools

import numpy as np
from jaxtyping import Float
from scipy.signal import butter, sosfiltfilt

from diffbio.errors import InputError

HIGH_PASS_HZ = 50.0
"""Below it lie movement artefacts. Source: A. Santuz and others (2018), Sci. Rep. 8:2740."""

LOW_PASS_HZ = 20.0
"""Of the envelope, from the same source."""

ORDER = 4
"""Of both Butterworth filters, run forwards and backwards."""


def emg_envelope(
    emg: Float[np.ndarray, "sample muscle"],
    rate: float,
    *,
    high_pass_hz: float = HIGH_PASS_HZ,
    low_pass_hz: float = LOW_PASS_HZ,
) -> Float[np.ndarray, "sample muscle"]:
    """Envelopes between 0 and 1: high pass, rectified, low pass, least value off, largest one.

    Both filters have no phase. As each muscle is scaled by its own largest value in this
    recording, envelopes of different muscles, or days, do not say which was more active.

    Args:
        emg: raw, in any unit.
        rate: samples per second.
        high_pass_hz: corner of the first filter.
        low_pass_hz: corner of the second.

    Raises:
        InputError: samples are missing, the rate is too low for the corners, or a muscle's
            recording is constant.
    """
    if not np.isfinite(emg).all():
        raise InputError("EMG", "Samples are missing.", "Cut the recording to where all are there.")
    if not 0 < low_pass_hz < high_pass_hz < rate / 2:
        found = f"At {rate:g} Hz the filters' corners are {high_pass_hz:g} and {low_pass_hz:g} Hz."
        raise InputError("EMG", found, "Give 0 < low pass < high pass < half the rate.")
    rapid = _filtered(emg, rate, high_pass_hz, "high")
    # The filter overshoots where a burst ends, and no muscle is active below zero.
    envelope = np.maximum(_filtered(np.abs(rapid), rate, low_pass_hz, "low"), 0.0)
    envelope -= envelope.min(0)
    constant = envelope.max(0) <= 1e-12 * np.abs(emg).max(0)
    if constant.any():
        found = f"Channel {int(constant.argmax()) + 1} is constant."
        raise InputError("EMG", found, "Leave the channel out.")
    return envelope / envelope.max(0)


def _filtered(
    signal: Float[np.ndarray, "sample muscle"], rate: float, corner_hz: float, kind: str
) -> Float[np.ndarray, "sample muscle"]:
    """Forwards and backwards; mirrored beyond both ends, where a level then goes on as it was."""
    sections = butter(ORDER, corner_hz, kind, fs=rate, output="sos")
    beyond = min(int(2 * rate / corner_hz), len(signal) - 1)
    return sosfiltfilt(sections, signal, axis=0, padtype="even", padlen=beyond)


def stance_and_swing(
    envelope: Float[np.ndarray, "sample muscle"],
    time: Float[np.ndarray, "sample"],
    contact: Float[np.ndarray, "contact"],
    lift: Float[np.ndarray, "lift"],
    *,
    n_stance: int = 100,
    n_swing: int = 100,
) -> Float[np.ndarray, "cycle point muscle"]:
    """Every whole cycle of one leg, its stance and its swing each resampled linearly.

    Args:
        envelope: of that leg's muscles.
        time: of the samples, s, ascending.
        contact: times of the foot's contacts, s, ascending; n + 1 of them bound n cycles.
        lift: times at which it leaves the ground, s, one within every cycle.
        n_stance: points from contact to lift, both among them.
        n_swing: points from lift to the next contact, both among them.

    Raises:
        InputError: there is no whole cycle, a cycle without one lift, or a time outside the
            recording.
    """
    if len(contact) < 2:
        found = f"Of {len(contact)} contacts none bounds a cycle."
        raise InputError("gait events", found, "Give the times of at least two.")
    if contact[0] < time[0] or contact[-1] > time[-1]:
        there = f"{time[0]:g} to {time[-1]:g} s"
        found = (
            f"Contacts from {contact[0]:g} to {contact[-1]:g} s go beyond the recording, {there}."
        )
        raise InputError("gait events", found, "Look whether both count time from the same start.")
    cycles = []
    for start, end in itertools.pairwise(contact):
        within = lift[(lift > start) & (lift < end)]
        if len(within) != 1:
            found = f"From {start:g} to {end:g} s the foot leaves the ground {len(within)} times."
            raise InputError("gait events", found, "Give one lift between every two contacts.")
        at = np.concatenate(
            [np.linspace(start, within[0], n_stance), np.linspace(within[0], end, n_swing)]
        )
        cycles.append([np.interp(at, time, muscle) for muscle in envelope.T])
    return np.asarray(cycles).swapaxes(1, 2)
