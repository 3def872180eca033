"""Why cameras cannot be placed, in a sentence that says what to do."""

from collections.abc import Iterator

import numpy as np

from diffbio.cameras import CameraRig
from diffbio.cameras.calibration.points.chain import MIN_PARALLAX, Link, find_links, placed
from diffbio.cameras.calibration.points.first_poses import PLACED_SHARE, NotPlaced
from diffbio.cameras.calibration.points.tracks import Tracks, sampled
from diffbio.errors import InputError
from diffbio.fitting.person_rig.recording import FEWEST_DETECTIONS
from diffbio.observations import Keypoints


def explained(
    failure: NotPlaced, lenses: CameraRig, tracks: Tracks, keypoints: Keypoints
) -> InputError:
    """Why cameras could not be placed."""
    names = keypoints.camera_names
    left = ", ".join(names[i] for i in failure.left)
    if not failure.reached:
        return _nothing_agrees(failure, lenses, tracks, names)
    for camera in failure.left:
        fault = _fault(failure, lenses, tracks, camera)
        if fault is not None:
            return InputError(f"camera {names[camera]}", *fault)
    group = ", ".join(names[i] for i in failure.reached)
    shared = {}
    for link in failure.links:
        for one, other in ((link.first, link.second), (link.second, link.first)):
            if one in failure.left and other in failure.reached:
                shared[one, other] = link.shared
    (a, b), most = max(shared.items(), key=lambda item: item[1])
    if most < FEWEST_DETECTIONS:
        return InputError(
            f"camera {left}",
            f"It shares hardly any detection with {group}: at most {most}, with {names[b]}.",
            f"Have the person walk where both {names[a]} and {names[b]} see them, at the same "
            "time; or leave cameras out.",
        )
    return InputError(
        f"camera {left}",
        f"What it saw does not fit what {group} saw, though it shares {most} detections with "
        f"{names[b]}.",
        "Check its intrinsics (resolution, zoom, lens model), its clock (--clocks), and that its "
        "keypoints are of the same person.",
    )


def _nothing_agrees(
    failure: NotPlaced, lenses: CameraRig, tracks: Tracks, names: tuple[str, ...]
) -> InputError:
    best = max(failure.links, key=lambda link: link.shared)
    pair = f"{names[best.first]} and {names[best.second]}"
    if best.shared < FEWEST_DETECTIONS:
        return InputError(
            "cameras",
            f"No two cameras see the person at the same time: {pair} share most, {best.shared} "
            "detections.",
            "Check that the recordings overlap in time and in the room.",
        )
    if best.pose is not None and best.pose.parallax < MIN_PARALLAX:
        return InputError(
            f"cameras {pair}",
            "They see the person from the same place, so that no depth can be told.",
            "Put them farther apart: their views should cross at 30 to 120 degrees.",
        )
    for name, changed in _undone(lenses, tracks, best.second):
        if _link(failure, lenses, changed, best).strength > 0.0:
            what = (
                "The left of one is the right of the other"
                if name == "left and right"
                else "The pictures of one of them are mirrored"
            )
            return InputError(f"cameras {pair}", f"{what}: only so do they agree.", _REMEDY[name])
    return InputError(
        "cameras",
        f"No two cameras agree on where they stand; {pair} share most, {best.shared} detections.",
        "Check the intrinsics (resolution, zoom), that the clocks agree (or give --clocks), that "
        "no picture is mirrored, and that all keypoints are of the same person.",
    )


_REMEDY = {
    "left and right": "Exchange them in one camera, or detect again.",
    "mirrored": "Turn off mirroring in the recording program, or flip the video back and detect "
    "again.",
}


def _undone(lenses: CameraRig, tracks: Tracks, camera: int) -> Iterator[tuple[str, Tracks]]:
    """What may be wrong with a camera, each with the tracks in which it is undone."""
    width = lenses.image_size[camera][0]
    yield "left and right", tracks.swapped(camera)
    yield "mirrored", tracks.mirrored(camera, width)
    # Who detects in a mirrored picture takes left for right.
    yield "mirrored", tracks.swapped(camera).mirrored(camera, width)


def _link(failure: NotPlaced, lenses: CameraRig, tracks: Tracks, pair: Link) -> Link:
    """How two cameras stand to each other by other tracks."""
    rows = [pair.first, pair.second]
    two = lenses.subset(tuple(lenses.names[row] for row in rows)).astype(np.float64)
    samples = sampled(tracks.of_cameras(rows), failure.times, failure.offset[rows])
    return find_links(two, samples)[0]


def _fault(
    failure: NotPlaced, lenses: CameraRig, tracks: Tracks, camera: int
) -> tuple[str, str] | None:
    """What is wrong with a camera that fits once it is undone."""
    best, name = PLACED_SHARE, None
    for tried, changed in _undone(lenses, tracks, camera):
        samples = sampled(changed, failure.times, failure.offset)
        pose = placed(lenses.astype(np.float64), samples, camera, failure.points)
        if pose is not None and pose.share >= best:
            best, name = pose.share, tried
    if name is None:
        return None
    found = {
        "left and right": "Its left and right keypoints are exchanged: they fit the other cameras "
        "only the other way round.",
        "mirrored": "Its pictures are mirrored: its keypoints fit the other cameras only when "
        "flipped.",
    }
    return found[name], _REMEDY[name]
