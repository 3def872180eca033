"""Cameras that do not keep the same time, brought onto one."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from diffbio.errors import InputError
from diffbio.observations.keypoints import Keypoints


def retimed(keypoints: Keypoints, offset: Float[np.ndarray, "camera"]) -> Keypoints:
    """The same detections after every camera's clock was corrected, at the same sample times.

    Each picture goes to the sample time it is nearest to; what is left is its lag, at most half
    of the usual interval. Pictures from outside the sample times are left out.

    Args:
        keypoints: detections of one person.
        offset: what is added to the time stamps of each camera, in seconds.
    """
    time = np.asarray(keypoints.time, float)
    pixels = np.zeros_like(np.asarray(keypoints.pixels))
    confidence = np.zeros_like(np.asarray(keypoints.confidence))
    lag = np.zeros(confidence.shape[:2])
    before = np.zeros_like(lag) if keypoints.lag is None else np.asarray(keypoints.lag)
    for camera in range(len(pixels)):
        taken = time + before[camera] + offset[camera]
        frame, sample = nearest_samples(taken, time)
        pixels[camera, sample] = np.asarray(keypoints.pixels)[camera, frame]
        confidence[camera, sample] = np.asarray(keypoints.confidence)[camera, frame]
        lag[camera, sample] = taken[frame] - time[sample]
    return dataclasses.replace(keypoints, pixels=pixels, confidence=confidence, lag=lag)


def nearest_samples(
    taken: Float[np.ndarray, "frame"], time: Float[np.ndarray, "time"]
) -> tuple[Int[np.ndarray, "pair"], Int[np.ndarray, "pair"]]:
    """Which picture belongs to which sample time.

    Args:
        taken: when the pictures were taken, in seconds, ascending.
        time: sample times, in seconds, ascending.

    Returns:
        Indices of pictures and of samples, no sample twice; pictures farther than half the
        usual interval from any sample are in no pair.
    """
    interval = float(np.median(np.diff(time))) if len(time) > 1 else 1.0
    sample = np.searchsorted((time[1:] + time[:-1]) / 2, taken)
    distance = np.abs(taken - time[sample])
    frame = np.flatnonzero(distance <= interval * (0.5 + 1e-6))
    # Of two pictures for one sample the nearer stays.
    frame = frame[np.argsort(distance[frame], kind="stable")]
    _, first = np.unique(sample[frame], return_index=True)
    frame = np.sort(frame[first])
    return frame, sample[frame]


def merge_cameras(
    keypoints: list[Keypoints],
) -> Keypoints:
    """Cameras that recorded at their own times and rates, as one set of detections.

    The sample times are those of the fastest camera's rate, from the first picture to the last.

    Args:
        keypoints: of one camera each, in array order, with the same keypoints; time stamps of
            one clock, in seconds.

    Raises:
        InputError: one has several cameras, or other keypoints than the first.
    """
    for one in keypoints:
        _check_mergeable(one, keypoints[0])
    interval = min(one.interval for one in keypoints)
    first = min(float(one.time[0]) for one in keypoints)
    last = max(float(one.time[-1]) for one in keypoints)
    time = first + interval * np.arange(round((last - first) / interval) + 1)
    shape = (len(keypoints), len(time), len(keypoints[0].names))
    pixels, confidence, lag = np.zeros((*shape, 2)), np.zeros(shape), np.zeros(shape[:2])
    for camera, one in enumerate(keypoints):
        taken = np.asarray(one.time, float)
        frame, sample = nearest_samples(taken, time)
        pixels[camera, sample] = np.asarray(one.pixels)[0, frame]
        confidence[camera, sample] = np.asarray(one.confidence)[0, frame]
        lag[camera, sample] = taken[frame] - time[sample]
    names = tuple(one.camera_names[0] for one in keypoints)
    base = keypoints[0]
    return Keypoints(pixels, confidence, time, base.names, base.set_name, names, lag)


def _check_mergeable(one: Keypoints, first: Keypoints) -> None:
    who = ", ".join(one.camera_names)
    if len(one.camera_names) != 1:
        raise InputError(who, "Several cameras in one set of detections.", "Give one of each.")
    if one.names != first.names:
        strange = sorted(set(one.names) ^ set(first.names))
        raise InputError(
            who,
            "Its keypoints are not those of "
            f"{first.camera_names[0]}: {', '.join(strange) if strange else 'another order'}.",
            "Give all cameras the same keypoints in the same order, with confidence 0 where a "
            "camera did not look for one.",
        )
