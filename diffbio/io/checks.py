"""What a trial must be before anything is computed from it."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras import triangulate
from diffbio.errors import InputError
from diffbio.io.trial import Trial
from diffbio.observations.keypoints import MIN_CONFIDENCE

_SHARE_OUTSIDE = 0.5
"""Of a camera's detections. Detectors extrapolate a little; not half of a recording."""

_MARGIN = 0.05
"""By how much of its size a detection may lie outside the image."""

_SIZE_OF_A_PERSON = (0.3, 3.0)
"""Metres, between opposite corners of the box that holds all keypoints of a frame."""

_FRAMES_TRIED = 32
"""How many frames, evenly spread, are triangulated to see whether a person comes out."""

_LARGEST_CONFIDENCE = 1.5
"""Some detectors exceed 1 a little; percentages exceed it a lot."""

_SHARE_AGREEING = 0.5


def check_trial(trial: Trial, *, posed: bool = True) -> Trial:
    """The trial with missing values made zero and blind cameras dropped, or a complaint.

    Args:
        trial: as read.
        posed: whether the rig says where the cameras stand, so that a person must come out.

    Raises:
        InputError: what makes a fit impossible or wrong: confidences that are percentages,
            detections of another image size, fewer than two cameras, or a person whose size
            shows that units, calibration or synchronisation are wrong.
    """
    _check_cameras(trial)
    trial = _without_missing_values(trial)
    for name, size, pixels, confidence in zip(
        trial.rig.names,
        trial.rig.image_size,
        np.asarray(trial.keypoints.pixels),
        np.asarray(trial.keypoints.confidence),
        strict=True,
    ):
        _check_image_size(trial, name, size, pixels[confidence >= MIN_CONFIDENCE])
    trial = _without_blind_cameras(trial)
    _check_two_cameras(trial)
    trial = _noting_what_is_missing(trial)
    return _with_plausible_person(trial) if posed else trial


def _check_cameras(trial: Trial) -> None:
    keypoints = trial.keypoints
    if trial.rig.names != keypoints.camera_names:
        raise InputError(
            str(trial.source),
            f"The keypoints are of {', '.join(keypoints.camera_names)}, the rig is of "
            f"{', '.join(trial.rig.names)}.",
            "Give both for the same cameras, in the same order.",
        )
    if 0 in keypoints.confidence.shape:
        raise InputError(
            str(trial.source),
            "It has no camera, no frame or no keypoint.",
            "Give at least two cameras and one frame.",
        )


def _without_missing_values(trial: Trial) -> Trial:
    """Zero pixels and confidence wherever either says that nothing was detected."""
    pixels, confidence = (
        np.asarray(array) for array in (trial.keypoints.pixels, trial.keypoints.confidence)
    )
    present = np.isfinite(pixels).all(axis=-1) & np.isfinite(confidence)
    present &= (pixels != 0.0).any(axis=-1)
    present &= np.where(present, confidence, 0.0) > 0.0
    high = present & (confidence > 1.0)
    if np.sum(confidence[present] > _LARGEST_CONFIDENCE) > 0.5 * present.sum():
        raise InputError(
            str(trial.source),
            f"Most confidences exceed 1 (the largest is {confidence[present].max():g}).",
            "Divide them by their maximum: a confidence lies between 0 and 1.",
        )
    notes = (f"{high.sum()} confidences above 1 were set to 1.",) if high.any() else ()
    return _replaced(
        trial,
        notes,
        pixels=np.where(present[..., None], pixels, 0.0),
        confidence=np.where(present, np.minimum(confidence, 1.0), 0.0),
    )


def _check_image_size(
    trial: Trial, name: str, size: tuple[int, int], detected: Float[np.ndarray, "detection 2"]
) -> None:
    if len(detected) == 0:
        return
    margin = _MARGIN * np.asarray(size)
    outside = ((detected < -margin) | (detected > np.asarray(size) + margin)).any(axis=1)
    if outside.mean() > _SHARE_OUTSIDE:
        reach = np.percentile(detected, 95, axis=0)
        raise InputError(
            f"{trial.source}, camera {name}",
            f"{outside.mean():.0%} of its detections lie outside its image of {size[0]} x "
            f"{size[1]} pixels (they reach {reach[0]:.0f}, {reach[1]:.0f}).",
            "Detect in the resolution the camera was calibrated in, unrotated.",
        )


def _without_blind_cameras(trial: Trial) -> Trial:
    seeing = (np.asarray(trial.keypoints.confidence) >= MIN_CONFIDENCE).any(axis=(1, 2))
    if seeing.all():
        return trial
    if not seeing.any():
        raise InputError(
            str(trial.source),
            f"No camera has a single detection with confidence {MIN_CONFIDENCE:g} or more.",
            "Check the detector, and that confidences lie between 0 and 1.",
        )
    names = trial.rig.names
    kept = tuple(names[camera] for camera in np.flatnonzero(seeing))
    blind = ", ".join(name for name in names if name not in kept)
    trial = dataclasses.replace(
        trial,
        rig=trial.rig.subset(kept),
        videos={name: video for name, video in trial.videos.items() if name in kept},
    )
    return _replaced(
        trial,
        (f"Left out {blind}: no detection with confidence {MIN_CONFIDENCE:g} or more.",),
        pixels=np.asarray(trial.keypoints.pixels)[seeing],
        confidence=np.asarray(trial.keypoints.confidence)[seeing],
        camera_names=kept,
    )


def _check_two_cameras(trial: Trial) -> None:
    if len(trial.rig.names) == 1:
        raise InputError(
            str(trial.source),
            f"Only one camera sees the person ({trial.rig.names[0]}). Depth and size cannot be "
            "identified from one view without more information.",
            "Add the keypoints of at least one more calibrated camera.",
        )


def _noting_what_is_missing(trial: Trial) -> Trial:
    """Say which keypoints no camera ever saw, and how many frames no camera saw."""
    seen = np.asarray(trial.keypoints.confidence) >= MIN_CONFIDENCE
    unseen = np.flatnonzero(~seen.any(axis=(0, 1)))
    never = [trial.keypoints.names[keypoint] for keypoint in unseen]
    empty = int((~seen.any(axis=(0, 2))).sum())
    notes = []
    if never:
        notes.append(f"Never detected, and therefore not fitted: {', '.join(never)}.")
    if empty:
        notes.append(
            f"{empty} of {seen.shape[1]} frames have no detection in any camera; the motion is "
            "interpolated there."
        )
    return _replaced(trial, tuple(notes))


def _with_plausible_person(trial: Trial) -> Trial:
    """Refuse a trial out of which no person comes, and note one that barely agrees."""
    confidence = np.asarray(trial.keypoints.confidence)
    seen = confidence >= MIN_CONFIDENCE
    frames = _frames_to_try(seen)
    found = jax.jit(triangulate)(
        trial.rig,
        jnp.asarray(np.asarray(trial.keypoints.pixels)[:, frames]),
        jnp.asarray(np.where(seen, confidence, 0.0)[:, frames]),
    )
    points = np.asarray(found.points)
    known = np.isfinite(points[..., 0])
    sizes = [
        float(np.linalg.norm(np.ptp(frame[good], axis=0)))
        for frame, good in zip(points, known, strict=True)
        if good.sum() >= 2
    ]
    if not sizes:
        raise InputError(
            str(trial.source),
            "No keypoint could be triangulated: no two cameras agree on any of them.",
            "Check that the rig belongs to this recording, that cameras are named right, and "
            "that they are synchronised.",
        )
    size = float(np.median(sizes))
    if not _SIZE_OF_A_PERSON[0] <= size <= _SIZE_OF_A_PERSON[1]:
        raise InputError(
            str(trial.source),
            f"The person would be {_readable(size)} across.",
            "Check the units of the rig (translations in metres, not millimetres), its scale, "
            "and that the keypoints are in its pixels.",
        )
    tried = seen[:, frames] & (seen[:, frames].sum(axis=0) >= 2)
    agreeing = float(np.asarray(found.n_cameras).sum() / max(tried.sum(), 1))
    if agreeing >= _SHARE_AGREEING:
        return trial
    return _replaced(
        trial,
        (
            f"Only {agreeing:.0%} of the detections agree with those of other cameras: check "
            "calibration, camera names and synchronisation.",
        ),
    )


def _frames_to_try(seen: Bool[np.ndarray, "camera time keypoint"]) -> np.ndarray:
    """Frames in which several cameras see the person, always the same number of them."""
    several = np.flatnonzero(seen.any(axis=2).sum(axis=0) >= 2)
    pool = several if len(several) else np.arange(seen.shape[1])
    return pool[np.linspace(0, len(pool) - 1, _FRAMES_TRIED).round().astype(int)]


def _readable(metres: float) -> str:
    if metres >= 1000.0:
        return f"{metres / 1000.0:.3g} km"
    return f"{metres:.3g} m" if metres >= 0.01 else f"{metres * 1000.0:.3g} mm"


def _replaced(trial: Trial, notes: tuple[str, ...], **fields: Any) -> Trial:
    """The trial with more notes and other keypoint fields."""
    return dataclasses.replace(
        trial,
        keypoints=dataclasses.replace(trial.keypoints, **fields),
        notes=(*trial.notes, *notes),
    )
