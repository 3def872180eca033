"""Keypoints as OpenPose writes them: one JSON file per frame, all people of one camera."""

import dataclasses
import json
import pathlib
import re
from typing import Any

import numpy as np
from jaxtyping import Float

from diffbio.body import load_keypoint_set
from diffbio.body.keypoint_set import keypoint_set_names
from diffbio.errors import InputError

_FIELDS = ("pose_keypoints_2d", "pose_keypoints")

_SET_BY_COUNT = {
    17: ("coco_17",),
    25: ("body_25", "body_25b"),
    26: ("halpe_26",),
    33: ("mediapipe_33",),
    87: ("movi_87",),
    133: ("coco_wholebody_133",),
}
"""Sets that are told apart by their number of keypoints, where they can be."""

_FORMAT = (
    'A frame is an object with "people", each with "pose_keypoints_2d": x, y, confidence of '
    "every keypoint in turn."
)


@dataclasses.dataclass(frozen=True)
class CameraDetections:
    """Everybody one camera detected.

    Attributes:
        folder: where the JSON files lie.
        first_frame: number of the first frame, as in the file names.
        people: for each frame from the first to the last number, pixels u, v and confidence
            of every person; zeros where a keypoint was not detected. A frame without file has
            nobody.
    """

    folder: pathlib.Path
    first_frame: int
    people: tuple[Float[np.ndarray, "_ keypoint 3"], ...]

    @property
    def n_keypoints(self) -> int:
        """Keypoints per person; 0 where nobody was ever detected."""
        return max((frame.shape[1] for frame in self.people if len(frame)), default=0)


def read_camera_folder(folder: pathlib.Path) -> CameraDetections:
    """Read the JSON files of one camera, in the order of the number that ends their names.

    Numbers left out are frames in which nobody was seen. Keypoints at (0, 0), with zero
    confidence or that are not finite count as not detected.

    Raises:
        InputError: no file, a file without number or that is not such a JSON, two files with
            one number, or people with different numbers of keypoints.
    """
    numbered = _numbered_files(folder)
    first, last = min(numbered), max(numbered)
    found = {number: _read_frame(path, number) for number, path in numbered.items()}
    counts = {person.shape[0] for people in found.values() for person in people}
    if len(counts) > 1:
        raise InputError(
            str(folder),
            f"People have different numbers of keypoints ({', '.join(map(str, sorted(counts)))}).",
            "Detect all frames of a camera with one and the same model.",
        )
    shape = (0, max(counts, default=0), 3)
    people = tuple(
        np.stack(found[number]) if found.get(number) else np.zeros(shape)
        for number in range(first, last + 1)
    )
    return CameraDetections(folder, first, people)


def check_same_frames(cameras: dict[str, CameraDetections]) -> None:
    """Refuse cameras whose frames cannot be paired by their number.

    Raises:
        InputError: the cameras have different numbers of frames, start at different numbers,
            or have different numbers of keypoints. The message lists every camera.
    """
    folder = str(next(iter(cameras.values())).folder.parent)
    spans = {name: (len(camera.people), camera.first_frame) for name, camera in cameras.items()}
    if len({count for count, _ in spans.values()}) > 1:
        raise InputError(
            folder,
            "The cameras have different numbers of frames: "
            f"{', '.join(f'{name} has {count}' for name, (count, _) in spans.items())}.",
            "Cut the recordings to the same instants (synchronise them) and detect again.",
        )
    if len({first for _, first in spans.values()}) > 1:
        raise InputError(
            folder,
            "The frames of the cameras are numbered differently: "
            f"{', '.join(f'{name} starts at {first}' for name, (_, first) in spans.items())}.",
            "Number the files so that the same number is the same instant in all cameras.",
        )
    sizes = {name: camera.n_keypoints for name, camera in cameras.items() if camera.n_keypoints}
    if len(set(sizes.values())) > 1:
        raise InputError(
            folder,
            "The cameras have different numbers of keypoints: "
            f"{', '.join(f'{name} has {count}' for name, count in sizes.items())}.",
            "Detect all cameras with one and the same model.",
        )


def keypoint_set_for(
    where: str, n_keypoints: int, stated: str | pathlib.Path | None
) -> tuple[str, tuple[str, ...]]:
    """Name and keypoints of the set that was stated, or that has this many keypoints.

    Raises:
        InputError: the number fits no set or several, or not the stated one.
    """
    candidates = _SET_BY_COUNT.get(n_keypoints, ())
    if stated is None and len(candidates) != 1:
        which = f"which may be {' or '.join(candidates)}" if candidates else "as no known set has"
        known = ", ".join(candidates or (*keypoint_set_names(), "or the path of your own table"))
        raise InputError(
            where, f"People have {n_keypoints} keypoints, {which}.", f"State the set: {known}."
        )
    chosen = load_keypoint_set(candidates[0] if stated is None else stated)
    if len(chosen.keypoints) != n_keypoints:
        raise InputError(
            where,
            f"People have {n_keypoints} keypoints, but the keypoint set {chosen.name} has "
            f"{len(chosen.keypoints)}.",
            "State the keypoint set the detector used.",
        )
    return chosen.name, chosen.keypoints


def _numbered_files(folder: pathlib.Path) -> dict[int, pathlib.Path]:
    """JSON files by the last number in their name."""
    numbered: dict[int, pathlib.Path] = {}
    for path in sorted(folder.glob("*.json")):
        digits = re.findall(r"\d+", path.stem)
        if not digits:
            raise InputError(
                str(path),
                "Its name holds no frame number.",
                "Name the files of a camera with their frame number, as OpenPose does, and keep "
                "other JSON files elsewhere.",
            )
        number = int(digits[-1])
        if number in numbered:
            raise InputError(
                str(path),
                f"Frame {number} is also in {numbered[number].name}.",
                "Keep one file per frame and one folder per camera.",
            )
        numbered[number] = path
    if not numbered:
        raise InputError(
            str(folder), "It holds no JSON file.", "Give one file per frame, as OpenPose writes."
        )
    return numbered


def _read_frame(path: pathlib.Path, number: int) -> list[Float[np.ndarray, "keypoint 3"]]:
    """Everybody in one file."""
    where = f"{path}, frame {number}"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            where, f"The file cannot be read ({error.strerror}).", "Check its permissions."
        ) from error
    except ValueError as error:
        raise InputError(
            where,
            f"It is not complete JSON ({error}).",
            "It may have been cut off while it was written: detect this frame again, or remove "
            "the file to have the frame count as not seen.",
        ) from error
    if not isinstance(content, dict) or not isinstance(content.get("people"), list):
        raise InputError(where, 'It has no list "people".', _FORMAT)
    people = (_read_person(where, person) for person in content["people"] if person)
    return [person for person in people if person is not None]


def _read_person(where: str, person: Any) -> Float[np.ndarray, "keypoint 3"] | None:
    """One person, or None where the detector left an empty entry."""
    field = next((f for f in _FIELDS if isinstance(person, dict) and f in person), None)
    if field is None:
        raise InputError(where, 'A person has no "pose_keypoints_2d".', _FORMAT)
    try:
        values = np.asarray(person[field], dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(where, f"{field} holds something that is no number.", _FORMAT) from error
    if values.ndim != 1 or values.size % 3:
        raise InputError(where, f"{field} holds {values.size} numbers, not triples.", _FORMAT)
    if values.size == 0:
        return None
    detected = values.reshape(-1, 3)
    absent = ~np.isfinite(detected).all(axis=1) | (detected[:, 2] <= 0.0)
    absent |= (detected[:, :2] == 0.0).all(axis=1)
    return np.where(absent[:, None], 0.0, detected)
