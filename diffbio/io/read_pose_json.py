"""Keypoints as MMPose, AlphaPose and COCO's results have them: one JSON file per camera.

* MMPose: a list of frames, or the object with `instance_info` that holds one; a frame has
  `frame_id` and `instances`, each with `keypoints` [[x, y], ...] and `keypoint_scores`. The object
  may name the keypoints (`meta_info.keypoint_id2name`).
* AlphaPose: a list of people, each with `image_id` (the name of a picture, its number at the end)
  and `keypoints` x, y, score in turn.
* COCO results: the same, with numbers as `image_id`, taken as numbers of frames.

Source: the projects' documentation (MMPose's inferencer; AlphaPose, docs/output.md; COCO, results
format).
"""

import json
import pathlib
import re
from typing import Any

import numpy as np

from diffbio.errors import InputError
from diffbio.io.detected_camera import DetectedCamera, cleaned

_PEOPLE = "A person has `image_id` and `keypoints`: x, y, score of each in turn."
_FRAMES = "A frame has `frame_id` and `instances`, each with `keypoints` and `keypoint_scores`."


def is_mmpose(path: pathlib.Path) -> bool:
    """Whether a file has frames with instances."""
    content = _content(path, quietly=True)
    if isinstance(content, dict):
        return isinstance(content.get("instance_info"), list)
    return bool(_of_dicts(content)) and "instances" in content[0]


def is_alphapose(path: pathlib.Path) -> bool:
    """Whether a file has people of pictures."""
    return _has_people(_content(path, quietly=True), str)


def is_coco_results(path: pathlib.Path) -> bool:
    """Whether a file has people of numbered pictures."""
    return _has_people(_content(path, quietly=True), int)


def read_mmpose(path: pathlib.Path) -> DetectedCamera:
    """Read the keypoints of one camera.

    Raises:
        InputError: the file is unreadable or no such JSON.
    """
    content = _content(path)
    names = None
    if isinstance(content, dict):
        meta = content.get("meta_info")
        by_id = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
        if isinstance(by_id, dict):
            if not all(str(key).isdecimal() for key in by_id):
                raise InputError(f"{path}, meta_info", "A keypoint's number is none.", _FRAMES)
            names = tuple(str(by_id[key]) for key in sorted(by_id, key=int))
        content = content.get("instance_info")
    if not isinstance(content, list) or not _of_dicts(content):
        raise InputError(str(path), "It holds no list of frames.", _FRAMES)
    people: dict[int, np.ndarray] = {}
    for index, frame in enumerate(content):
        where = f"{path}, frame {index}"
        number, instances = frame.get("frame_id"), frame.get("instances")
        if not isinstance(number, int) or not isinstance(instances, list):
            raise InputError(where, "It has no `frame_id`, or no list `instances`.", _FRAMES)
        if number in people:
            raise InputError(where, f"Frame {number} is there twice.", _FRAMES)
        found = [_instance(where, one) for one in instances]
        # A frame with nobody in it is one all the same.
        people[number] = _stacked(where, found) if found else np.zeros((0, 0, 3))
    return DetectedCamera(path, names, dict(sorted(people.items())), None)


def _instance(where: str, one: Any) -> np.ndarray:
    try:
        points = np.asarray(one["keypoints"], float)
        scores = np.asarray(one["keypoint_scores"], float)
        return cleaned(np.concatenate([points[:, :2], scores[:, None]], axis=1))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(where, f"An instance is incomplete ({error}).", _FRAMES) from error


def read_people(path: pathlib.Path) -> DetectedCamera:
    """Read the keypoints of one camera as AlphaPose or COCO's results have them.

    Raises:
        InputError: the file is unreadable or no such JSON, or a picture's name has no number.
    """
    content = _content(path)
    if not _of_dicts(content):
        raise InputError(str(path), "It holds no list of people.", _PEOPLE)
    people: dict[int, list[np.ndarray]] = {}
    for index, person in enumerate(content):
        where = f"{path}, person {index}"
        try:
            values = np.asarray(person["keypoints"], float)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                where, f"It has no numbers in `keypoints` ({error}).", _PEOPLE
            ) from error
        if values.ndim != 1 or values.size == 0 or values.size % 3:
            raise InputError(where, f"It has {values.size} numbers, not triples.", _PEOPLE)
        number = _frame_number(where, person.get("image_id"))
        people.setdefault(number, []).append(cleaned(values.reshape(-1, 3)))
    frames = {number: _stacked(str(path), found) for number, found in sorted(people.items())}
    return DetectedCamera(path, None, frames, None)


def _frame_number(where: str, image: Any) -> int:
    """The number of a picture, or the last one in its name."""
    if isinstance(image, int) and not isinstance(image, bool):
        return image
    digits = re.findall(r"\d+", pathlib.PurePosixPath(str(image)).stem) if image else []
    if not digits:
        raise InputError(
            f"{where}, image_id", f"Found {image!r}, which has no number.", "Number the pictures."
        )
    return int(digits[-1])


def _stacked(where: str, found: list[np.ndarray]) -> np.ndarray:
    counts = sorted({len(one) for one in found})
    if len(counts) > 1:
        raise InputError(
            where,
            f"People have different numbers of keypoints ({', '.join(map(str, counts))}).",
            "Detect all frames of a camera with one and the same model.",
        )
    return np.stack(found)


def _of_dicts(content: Any) -> bool:
    return isinstance(content, list) and bool(content) and all(isinstance(x, dict) for x in content)


def _has_people(content: Any, kind: type) -> bool:
    if not _of_dicts(content) or not {"image_id", "keypoints"} <= set(content[0]):
        return False
    return isinstance(content[0]["image_id"], kind)


def _content(path: pathlib.Path, *, quietly: bool = False) -> Any:
    """What a file holds; None where it is no JSON and nobody is to be told.

    Raises:
        InputError: it cannot be read, or is no complete JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if quietly:
            return None
        raise InputError(
            str(path), f"It is not complete JSON ({error}).", "Write it again complete."
        ) from error
