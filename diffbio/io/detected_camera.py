"""What a detector's file says of one camera, and one trial out of several such files."""

import dataclasses
import pathlib
import re
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from diffbio.body import load_keypoint_set
from diffbio.body.keypoint_set import KeypointSet, keypoint_set_names
from diffbio.cameras import CameraRig
from diffbio.errors import InputError
from diffbio.io.association import associate
from diffbio.io.camera_folders import keep_cameras, match_cameras
from diffbio.io.openpose import CameraDetections, check_same_frames, keypoint_set_for
from diffbio.observations import Keypoints

FEWEST_KNOWN = 6
"""Keypoints that a set must know of a detector's own names. Fewer leave the body undetermined."""


_USUAL = ("halpe_26", "coco_17", "body_25", "body_25b", "mediapipe_33", "coco_wholebody_133")
"""Sets of detectors, the first where several fit alike; others are of markers."""


@dataclasses.dataclass(frozen=True)
class DetectedCamera:
    """Everybody that one file has of one camera.

    Attributes:
        source: the file.
        names: of the keypoints; None where the file does not name them.
        people: by the number of the frame, pixels u, v and confidence of every person; zeros where
            a keypoint was not detected. Frames in which nobody was seen may be left out.
        n_frames: of the recording, counted from frame 0; None where the file has only the frames
            with somebody in them.
    """

    source: pathlib.Path
    names: tuple[str, ...] | None
    people: Mapping[int, Float[np.ndarray, "person keypoint 3"]]
    n_frames: int | None


def cleaned(values: Float[np.ndarray, "*batch keypoint 3"]) -> np.ndarray:
    """Pixels and confidence with zeros where nothing was detected, confidence at most 1.

    At (0, 0), without positive confidence, or not finite is not detected. (Some networks' scores
    exceed 1: the peaks of a heat map.)
    """
    absent = ~np.isfinite(values).all(axis=-1) | (values[..., 2] <= 0.0)
    absent |= (values[..., :2] == 0.0).all(axis=-1)
    kept = np.where(absent[..., None], 0.0, values)
    kept[..., 2] = np.minimum(kept[..., 2], 1.0)
    return kept


def one_person(
    source: pathlib.Path, rig: CameraRig, cameras: Mapping[str, DetectedCamera],
    keypoint_set: str | pathlib.Path | None, frame_rate_hz: float,
) -> tuple[CameraRig, Keypoints, tuple[str, ...]]:  # fmt: skip
    """Pair files with cameras by name, and choose the person of interest.

    Args:
        source: where the files lie, for messages.
        rig: calibrated cameras.
        cameras: by the name of the file or of its folder.
        keypoint_set: name or table of the set; None to find it from names or number.
        frame_rate_hz: of all cameras.

    Returns:
        The cameras that have keypoints, the person, and what was decided on the way.

    Raises:
        InputError: a file belongs to no camera, frames or keypoints of the cameras do not go
            together, or no set knows the keypoints.
    """
    paths = match_cameras(str(source), rig.names, {n: one.source for n, one in cameras.items()})
    by_source = {one.source: one for one in cameras.values()}
    rig, notes = keep_cameras(rig, tuple(n for n in rig.names if n in paths), str(source))
    detected = {name: by_source[paths[name]] for name in rig.names}
    set_name, names, columns, more = _keypoints(source, detected, keypoint_set)
    folders = _on_common_frames(detected)
    check_same_frames(folders)
    found = associate(rig, tuple(folders.values()), frame_rate_hz)
    kept = found.detections[:, :, columns]
    time = np.arange(kept.shape[1]) / frame_rate_hz
    keypoints = Keypoints(kept[..., :2], kept[..., 2], time, names, set_name, rig.names)
    return rig, keypoints, (*notes, *more, *found.notes)


def _on_common_frames(detected: Mapping[str, DetectedCamera]) -> dict[str, CameraDetections]:
    """Frames from the first to the last that any camera has, unless the files say how many."""
    numbers = [number for one in detected.values() for number in one.people]
    first, last = min(numbers, default=0), max(numbers, default=0)
    width = max((p.shape[1] for one in detected.values() for p in one.people.values()), default=0)
    nobody = np.zeros((0, width, 3))
    result = {}
    for name, one in detected.items():
        span = range(first, last + 1) if one.n_frames is None else range(one.n_frames)
        people = tuple(np.asarray(one.people.get(number, nobody), float) for number in span)
        result[name] = CameraDetections(one.source, span.start, people)
    return result


def _keypoints(
    source: pathlib.Path,
    detected: Mapping[str, DetectedCamera],
    stated: str | pathlib.Path | None,
) -> tuple[str, tuple[str, ...], list[int], tuple[str, ...]]:
    """Name of the set, its names of the keypoints, which columns they are, and notes."""
    names = {one.names for one in detected.values()}
    if len(names) > 1:
        listed = "; ".join(
            f"{camera}: {', '.join(one.names or ('none',))}" for camera, one in detected.items()
        )
        raise InputError(
            str(source),
            f"The cameras have different keypoints ({listed}).",
            "Detect all cameras with one and the same model.",
        )
    own = names.pop()
    if own is None:
        counts = {p.shape[1] for one in detected.values() for p in one.people.values() if len(p)}
        if len(counts) != 1:
            raise InputError(
                str(source),
                f"People have {', '.join(map(str, sorted(counts))) or 'no'} keypoints.",
                "Detect all cameras with one and the same model.",
            )
        count = counts.pop()
        set_name, known = keypoint_set_for(str(source), count, stated)
        return set_name, known, list(range(count)), ()
    return _named(source, own, stated)


def _named(
    source: pathlib.Path, own: tuple[str, ...], stated: str | pathlib.Path | None
) -> tuple[str, tuple[str, ...], list[int], tuple[str, ...]]:
    sets = keypoint_set_names() if stated is None else (stated,)
    known = [(one := load_keypoint_set(name), _translated(own, one)) for name in sets]
    chosen, names = max(known, key=lambda pair: _fits(own, *pair))
    others = [one.name for one, theirs in known if len(theirs) == len(names) and one is not chosen]
    if len(names) < min(FEWEST_KNOWN, len(own)) or not names:
        raise InputError(
            f"{source}, keypoint names",
            f"Of {', '.join(own)} the set {chosen.name} knows {len(names)}.",
            "State the keypoint set: a shipped one, or the path of a table with these names.",
        )
    strangers = [name for name in own if name not in names]
    notes = [f"Keypoints are taken as those of {chosen.name}."]
    if others:
        notes.append(
            f"{', '.join(others)} have all of these names too: state the one the detector was "
            "trained on with --keypoint-set, as hips and shoulders sit elsewhere in each."
        )
    if strangers:
        notes.append(f"Left out, as {chosen.name} does not know them: {', '.join(strangers)}.")
    columns = [i for i, name in enumerate(own) if name in names]
    return chosen.name, tuple(names[own[i]] for i in columns), columns, tuple(notes)


def _fits(
    own: tuple[str, ...], keypoint_set: KeypointSet, names: dict[str, str]
) -> tuple[int, int, int]:
    """How well a set fits: names known, names spelled alike, and how usual the set is."""
    alike = sum(name == theirs for name, theirs in names.items())
    usual = keypoint_set.name in _USUAL
    return len(names), alike, -_USUAL.index(keypoint_set.name) if usual else -len(_USUAL)


def _translated(own: tuple[str, ...], keypoint_set: KeypointSet) -> dict[str, str]:
    """The set's name of each keypoint it knows; spelling aside, names are the same."""
    spelled = {_spelling(name): name for name in keypoint_set.keypoints}
    found = {name: spelled[_spelling(name)] for name in own if _spelling(name) in spelled}
    # Two that read the same are neither.
    return {n: theirs for n, theirs in found.items() if list(found.values()).count(theirs) == 1}


def _spelling(name: str) -> tuple[str, ...]:
    """Words of a name in alphabetical order, sides as one letter: `RightAnkle` is `ankle_r`."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    short = {"left": "l", "right": "r"}
    return tuple(sorted(short.get(word, word) for word in map(str.lower, words)))
