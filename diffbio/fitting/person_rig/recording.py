"""Detections of a person as tracks of points, and what makes them useless for a calibration."""

import re

import numpy as np
from jaxtyping import Float

from diffbio.cameras import CameraRig
from diffbio.cameras.calibration.points.tracks import Tracks
from diffbio.errors import InputError
from diffbio.observations import MIN_CONFIDENCE, Keypoints

FEWEST_DETECTIONS = 200
"""Of each camera: ten frames of twenty keypoints."""

LEAST_MOVEMENT = 0.15
"""Of the person's size in the picture: by how much the keypoints that move most must move."""

CORNER_REACH, CORNER_MIDDLE, OUTSIDE = 0.75, 0.42, 1.03
"""Shares of the width and the height: detections of all cameras that reach no farther, and whose
middle lies no farther, are in one corner; those that reach beyond are outside."""

_SIDES = (("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT"))


def tracks_of(keypoints: Keypoints) -> Tracks:
    """Detections as tracks of points: those of little confidence are none."""
    confidence = np.asarray(keypoints.confidence, float)
    pixels = np.nan_to_num(np.asarray(keypoints.pixels, float))
    stamps = np.tile(np.asarray(keypoints.time, float), (len(confidence), 1))
    if keypoints.lag is not None:
        stamps = stamps + np.asarray(keypoints.lag, float)
    weight = np.where(confidence >= MIN_CONFIDENCE, confidence, 0.0)
    return Tracks(pixels, weight, stamps, partners(keypoints.names))


def partners(names: tuple[str, ...]) -> tuple[int, ...]:
    """For each keypoint the index of the same on the other side; its own where there is none."""
    return tuple(names.index(_other(name, names)) for name in names)


def _other(name: str, names: tuple[str, ...]) -> str:
    tries = []
    for left, right in _SIDES:
        tries += [name.replace(left, right), name.replace(right, left)]
    for left, right in (("L", "R"), ("l", "r")):
        tries += [re.sub(f"^{left}", right, name), re.sub(f"^{right}", left, name)]
        tries += [re.sub(f"_{left}(?=\\d*$)", f"_{right}", name)]
        tries += [re.sub(f"_{right}(?=\\d*$)", f"_{left}", name)]
    return next((other for other in tries if other != name and other in names), name)


def check_recording(keypoints: Keypoints, tracks: Tracks) -> None:
    """Refuse a recording out of which no camera can be placed.

    Raises:
        InputError: too little was detected, nobody moved, or two cameras gave the same pictures.
    """
    names = keypoints.camera_names
    if len(names) < 2:
        raise InputError(
            "cameras",
            f"There is only {', '.join(names)}.",
            "Give the keypoints of two cameras or more.",
        )
    counts = tracks.seen.sum((1, 2))
    few = [f"{n} ({c})" for n, c in zip(names, counts, strict=True) if c < FEWEST_DETECTIONS]
    if few:
        raise InputError(
            f"camera {', '.join(few)}",
            f"It has fewer than {FEWEST_DETECTIONS} detections with confidence "
            f"{MIN_CONFIDENCE:g} or more.",
            "Record longer and have the person walk where it sees them, or leave it out.",
        )
    for a in range(len(names)):
        for b in range(a):
            both = tracks.seen[a] & tracks.seen[b]
            if both.sum() > 50 and np.abs(tracks.pixels[a] - tracks.pixels[b])[both].max() < 1e-6:
                raise InputError(
                    f"camera {names[a]}",
                    f"Its keypoints are those of {names[b]}, to the last digit.",
                    "Give each camera its own file.",
                )
    if movement(tracks) < LEAST_MOVEMENT:
        raise InputError(
            "keypoints",
            f"The person hardly moves (by {movement(tracks):.0%} of their own size in the "
            "pictures): twenty points that stand still do not tell where cameras stand, nor what "
            "their clocks say, nor which way is forward.",
            "Record the person walking about, through all of the volume that will be used.",
        )


def check_image_size(lenses: CameraRig, tracks: Tracks) -> None:
    """Refuse lenses that are of larger or smaller pictures than the detections.

    Pictures start at their upper left corner, so that lenses of larger ones leave the right and
    the lower part of every camera's picture empty.

    Raises:
        InputError: detections lie outside of the pictures, or all towards that corner.
    """
    sizes = np.asarray(lenses.image_size, float)[:, None, None]
    places = (tracks.pixels / sizes)[tracks.seen]
    low, high = np.percentile(places, [1.0, 99.0], axis=0)
    corner = (high < CORNER_REACH).all() and (low + high < 2.0 * CORNER_MIDDLE).all()
    if not corner and high.max() < OUTSIDE:
        return
    width, height = lenses.image_size[0]
    reach = ", ".join(f"{100 * share:.0f} %" for share in high)
    raise InputError(
        "intrinsics",
        f"They are of pictures of {width} x {height}, and the detections reach to {reach} of the "
        "width and the height, as in pictures of another resolution.",
        "Give the size of the pictures in which the person was detected (--image-size WxH).",
    )


def movement(tracks: Tracks) -> float:
    """How far keypoints move, in sizes of the person: median of the cameras."""
    each = []
    for pixels, seen in zip(tracks.pixels, tracks.seen, strict=True):
        masked = np.where(seen[..., None], pixels, np.nan)
        some = seen.sum(0) >= 5
        full = seen.sum(1) >= 0.5 * max(seen.sum(1).max(), 1)
        if not some.any() or not full.any():
            continue
        low, high = np.nanpercentile(masked[:, some], [5, 95], axis=0)
        reach = np.linalg.norm(high - low, axis=-1)
        spans = np.nanmax(masked[full], axis=1) - np.nanmin(masked[full], axis=1)
        size = float(np.median(np.linalg.norm(spans, axis=-1)))
        each.append(float(np.percentile(reach, 75)) / max(size, 1e-9))
    return float(np.median(each)) if each else 0.0


def handedness(
    neutral: Float[np.ndarray, "marker 3"], points: Float[np.ndarray, "time marker 3"]
) -> float:
    """Share of the frames in which a body is itself, and not its mirror image, by its points.

    Args:
        neutral: markers of the body model, standing.
        points: where they were; NaN where not known.
    """
    votes = []
    for frame in points:
        known = np.isfinite(frame).all(-1)
        if known.sum() >= 8:
            a = neutral[known] - neutral[known].mean(0)
            b = frame[known] - frame[known].mean(0)
            u, s, vt = np.linalg.svd(b.T @ a)
            votes.append((np.linalg.det(u @ vt) > 0, s[2] / s[0]))
    if not votes:
        return 1.0
    sign, weight = np.asarray(votes, float).T
    return float((sign * weight).sum() / weight.sum())
