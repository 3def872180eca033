"""Which of the people in each image is the person of interest.

Frame by frame, two detections in two cameras propose a person in space; the proposal that
most cameras confirm wins, its detections are taken out, and the rest proposes the next person.
The people so found are linked over time, and the one confirmed most often is kept. A bystander
seen by one camera is confirmed by nobody; one seen by several makes a second, weaker track.
"""

import dataclasses
import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from diffbio.cameras import CameraRig, least_squares_points
from diffbio.io.openpose import CameraDetections

MIN_CONFIDENCE = 0.2
"""Of keypoints that take part: association needs many rather than good ones."""

MAX_PEOPLE = 5
"""Per camera and frame, those with the most confidence."""

_KEYPOINTS = 16
"""How many keypoints, the most reliable of the trial, decide."""

_FEWEST_COMMON = 4
"""Keypoints that two detections must share to be compared."""

_TOLERANCE = 0.1
"""Mean distance at which a detection no longer confirms, as a share of the person's size in
the image: 10 to 20 cm on a person, well above calibration error and well below a neighbour."""

_MIN_TOLERANCE_PX = 10.0
_BLOCK = 256
"""Frames handled at once: bounds the memory, and one compiled program serves every length."""

_PLAUSIBLE_SIZE = (0.3, 3.0)
"""Metres between opposite corners of the box around the person."""

_REACH = 0.5
_SPEED = 5.0
_FARTHEST_REACH = 2.0
"""A track goes on where a person is found within 0.5 m plus 5 m/s since it was last seen, and
never more than 2 m away."""


@dataclasses.dataclass(frozen=True)
class Association:
    """The person chosen.

    Attributes:
        detections: u, v, confidence of the chosen person; zeros where a camera has none.
        chosen: index of the person in each camera's frame; -1 where there is none.
        notes: what was chosen and how often, as sentences.
    """

    detections: Float[np.ndarray, "camera time keypoint 3"]
    chosen: Int[np.ndarray, "camera time"]
    notes: tuple[str, ...]


class _Person(NamedTuple):
    """Somebody found in one frame."""

    centre: Float[np.ndarray, "3"]
    score: float
    chosen: Int[np.ndarray, "camera"]


@dataclasses.dataclass
class _Track:
    """The same person over time."""

    frames: list[int]
    people: list[_Person]

    @property
    def score(self) -> float:
        """How much confirmation the person got in all."""
        return sum(person.score for person in self.people)


def associate(
    rig: CameraRig, cameras: tuple[CameraDetections, ...], frame_rate_hz: float
) -> Association:
    """Choose one person per camera and frame, the same throughout.

    Args:
        rig: cameras in the order of `cameras`.
        cameras: detections with equal numbers of frames.
        frame_rate_hz: sets how far a person may have moved between frames.
    """
    everyone = _padded(cameras)
    if everyone.shape[2] == 1 or len(cameras) == 1:
        present = (everyone[:, :, 0, :, 2] > 0.0).any(axis=2)
        return Association(everyone[:, :, 0], np.where(present, 0, -1), ())
    found = _people_in_space(rig, everyone)
    tracks = _linked(found, frame_rate_hz)
    chosen = np.full(everyone.shape[:2], -1)
    best = max(tracks, key=lambda track: track.score, default=None)
    for frame, person in zip(best.frames, best.people, strict=True) if best else ():
        chosen[:, frame] = person.chosen
    picked = np.take_along_axis(everyone, np.maximum(chosen, 0)[:, :, None, None, None], axis=2)
    detections = np.where((chosen >= 0)[..., None, None], picked[:, :, 0], 0.0)
    return Association(detections, chosen, _notes(rig, everyone, tracks, best))


def _notes(
    rig: CameraRig,
    everyone: Float[np.ndarray, "camera time person keypoint 3"],
    tracks: list[_Track],
    best: _Track | None,
) -> tuple[str, ...]:
    n_frames = everyone.shape[1]
    most = (everyone[..., 2] > 0.0).any(axis=3).sum(axis=2).max(axis=1)
    crowd = ", ".join(f"{name} {count}" for name, count in zip(rig.names, most, strict=True))
    if best is None:
        return (
            f"Several people were detected (most per frame: {crowd}), but no two cameras "
            "agree on one of them.",
        )
    lasting = sum(len(track.frames) > 0.1 * n_frames for track in tracks)
    share = len(best.frames) / n_frames
    cameras = np.mean([(person.chosen >= 0).sum() for person in best.people])
    return (
        f"Several people were detected (most per frame: {crowd}). Of {max(lasting, 1)} tracked in "
        f"space, the one most cameras agree on was chosen: found in {share:.0%} of the frames, "
        f"by {cameras:.1f} cameras on average.",
    )


def _padded(
    cameras: tuple[CameraDetections, ...],
) -> Float[np.ndarray, "camera time person keypoint 3"]:
    """All detections in one array, zeros where there are fewer people."""
    n_frames = len(cameras[0].people)
    n_people = max(len(frame) for camera in cameras for frame in camera.people)
    n_keypoints = max(camera.n_keypoints for camera in cameras)
    shape = (len(cameras), n_frames, min(max(n_people, 1), MAX_PEOPLE), n_keypoints, 3)
    everyone = np.zeros(shape)
    for c, camera in enumerate(cameras):
        for t, frame in enumerate(camera.people):
            if len(frame) > MAX_PEOPLE:
                clearest = np.argsort(-frame[:, :, 2].sum(axis=1), kind="stable")
                frame = frame[np.sort(clearest[:MAX_PEOPLE])]
            if len(frame):
                everyone[c, t, : len(frame)] = frame
    return everyone


def _people_in_space(
    rig: CameraRig, everyone: Float[np.ndarray, "camera time person keypoint 3"]
) -> list[list[_Person]]:
    """For each frame the people that cameras agree on."""
    n_cameras, n_frames, n_people = everyone.shape[:3]
    confident = np.where(everyone[..., 2] >= MIN_CONFIDENCE, everyone[..., 2], 0.0)
    reliable = np.sort(np.argsort(-confident.sum(axis=(0, 1, 2)), kind="stable")[:_KEYPOINTS])
    proposals = np.asarray(
        [
            (a, b, p, q)
            for a, b in itertools.combinations(range(n_cameras), 2)
            for p, q in itertools.product(range(n_people), repeat=2)
        ]
    )
    found = []
    for start in range(0, n_frames, _BLOCK):
        block = slice(start, min(start + _BLOCK, n_frames))
        padding = ((0, 0), (0, _BLOCK - (block.stop - start)), (0, 0), (0, 0))
        centres, support = _confirmations(
            rig,
            jnp.asarray(np.pad(everyone[:, block][..., reliable, :2], (*padding, (0, 0)))),
            jnp.asarray(np.pad(confident[:, block][..., reliable], padding)),
            jnp.asarray(proposals),
        )
        # A copy: people already found are struck out of it.
        centres, support = np.asarray(centres), np.array(support)
        for frame in range(block.stop - start):
            found.append(_people_in_frame(centres[:, frame], support[:, frame], proposals))
    return found


def _people_in_frame(
    centres: Float[np.ndarray, "proposal 3"],
    support: Float[np.ndarray, "proposal camera person"],
    proposals: Int[np.ndarray, "proposal 4"],
) -> list[_Person]:
    """The best confirmed proposal, then the best of what it leaves, until nothing is left."""
    rows, people = np.arange(len(proposals)), []
    while True:
        # The two detections that propose must both confirm what they propose.
        own = [support[rows, proposals[:, end], proposals[:, 2 + end]] > 0.0 for end in (0, 1)]
        score = np.where(own[0] & own[1], support.max(axis=2).sum(axis=1), 0.0)
        winner = int(score.argmax())
        if score[winner] <= 0.0:
            return people
        confirming = support[winner]
        chosen = np.where(confirming.max(axis=1) > 0.0, confirming.argmax(axis=1), -1)
        people.append(_Person(centres[winner], float(score[winner]), chosen))
        for camera, person in enumerate(chosen):
            if person >= 0:
                support[:, camera, person] = 0.0


@jax.jit
def _confirmations(
    rig: CameraRig,
    pixels: Float[Array, "camera time person keypoint 2"],
    confidence: Float[Array, "camera time person keypoint"],
    proposals: Int[Array, "proposal 4"],
) -> tuple[Float[Array, "proposal time 3"], Float[Array, "proposal time camera person"]]:
    """Centre of every proposed person, and how well each detection confirms it, 0 to 1.

    A proposal is camera a, camera b, person in a, person in b. It has no support at all where
    it is behind a camera or not the size of a person.
    """
    seen = confidence > 0.0
    pixels = jnp.where(seen[..., None], pixels, rig.principal_px[:, None, None, None])
    rays = rig.normalised_from_image(pixels)
    n_cameras = pixels.shape[0]

    def propose(proposal: Int[Array, "4"]) -> tuple[Array, Array]:
        a, b, p, q = proposal
        person = jnp.zeros(n_cameras, int).at[a].set(p).at[b].set(q)
        member = jnp.zeros(n_cameras, bool).at[a].set(True).at[b].set(True)
        rows = jnp.arange(n_cameras)
        weight = jnp.where(member[:, None, None], confidence[rows, :, person], 0.0)
        points = least_squares_points(rig, rays[rows, :, person], weight)
        known = jnp.sum(weight > 0.0, axis=0) == 2
        low, high = (
            reduce(jnp.where(known[..., None], points, fill), axis=1)
            for reduce, fill in ((jnp.min, jnp.inf), (jnp.max, -jnp.inf))
        )
        size = jnp.linalg.norm(high - low, axis=-1)
        in_front = jnp.all(~known[None] | (rig.depth(points) > 0.0) | ~member[:, None, None], 0)
        plausible = (size > _PLAUSIBLE_SIZE[0]) & (size < _PLAUSIBLE_SIZE[1])
        plausible = plausible & jnp.all(in_front, axis=1)
        support = _support(rig.project(points), known, pixels, confidence)
        return (low + high) / 2.0, jnp.where(plausible[:, None, None], support, 0.0)

    return jax.lax.map(propose, proposals)


def _support(
    projected: Float[Array, "camera time keypoint 2"],
    known: Array,
    pixels: Float[Array, "camera time person keypoint 2"],
    confidence: Float[Array, "camera time person keypoint"],
) -> Float[Array, "time camera person"]:
    """1 where a detection lies on the projected person, 0 from the tolerance on."""
    low, high = (
        reduce(jnp.where(known[None, ..., None], projected, fill), axis=2)
        for reduce, fill in ((jnp.min, jnp.inf), (jnp.max, -jnp.inf))
    )
    tolerance = jnp.maximum(_TOLERANCE * jnp.linalg.norm(high - low, axis=-1), _MIN_TOLERANCE_PX)
    tolerance = tolerance[:, :, None, None]
    distance = jnp.linalg.norm(pixels - projected[:, :, None], axis=-1)
    weight = jnp.where(known[None, :, None], confidence, 0.0)
    total = jnp.sum(weight, axis=-1)
    # One wild keypoint must not hide a person: a distance counts twice the tolerance at most.
    miss = jnp.sum(weight * jnp.minimum(distance / tolerance, 2.0), axis=-1)
    miss = jnp.where(total > 0.0, miss / jnp.where(total > 0.0, total, 1.0), 2.0)
    common = jnp.sum(weight > 0.0, axis=-1) >= _FEWEST_COMMON
    return jnp.moveaxis(jnp.where(common, jnp.maximum(1.0 - miss, 0.0), 0.0), 0, 1)


def _linked(found: list[list[_Person]], frame_rate_hz: float) -> list[_Track]:
    """People of successive frames joined into tracks, nearest first."""
    tracks: list[_Track] = []
    for frame, people in enumerate(found):
        distances = sorted(
            (float(np.linalg.norm(person.centre - track.people[-1].centre)), t, p)
            for t, track in enumerate(tracks)
            for p, person in enumerate(people)
        )
        free_tracks, free_people = set(range(len(tracks))), set(range(len(people)))
        for distance, t, p in distances:
            gap = (frame - tracks[t].frames[-1]) / frame_rate_hz
            reach = min(_REACH + _SPEED * gap, _FARTHEST_REACH)
            if t in free_tracks and p in free_people and distance < reach:
                free_tracks.remove(t)
                free_people.remove(p)
                tracks[t].frames.append(frame)
                tracks[t].people.append(people[p])
        tracks.extend(_Track([frame], [people[p]]) for p in sorted(free_people))
    return tracks
