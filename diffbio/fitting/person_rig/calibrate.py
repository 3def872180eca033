"""Calibrate cameras by a person: geometry from the keypoints, size from the body, floor from the
feet, and at the end body, motion, cameras and clocks at once."""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel
from diffbio.cameras import CameraRig
from diffbio.cameras.calibration.points.certainty import (
    Certainty,
    Prediction,
    certainty,
    predicted,
)
from diffbio.cameras.calibration.points.solve import NotPlaced, PointsCalibration, find_cameras
from diffbio.cameras.calibration.points.tracks import Tracks
from diffbio.errors import InputError
from diffbio.fitting.fit import Fit, Outcome
from diffbio.fitting.person_rig.ground import Ground, find_ground, on_ground
from diffbio.fitting.person_rig.joint import WidePrior, solve_jointly
from diffbio.fitting.person_rig.measure import (
    Distance,
    Height,
    Measure,
    check_names,
    measured_distance,
    resized,
)
from diffbio.fitting.person_rig.recording import (
    check_recording,
    explained,
    handedness,
    tracks_of,
)
from diffbio.fitting.person_rig.stature import stature
from diffbio.fitting.start import find_start
from diffbio.observations import Keypoints, retimed

MIRRORED = 0.35
"""Share of the frames that show a body and not its mirror image, below which all are mirrored."""

_BODY_SIZE_ROUNDS = 3


@dataclasses.dataclass(frozen=True)
class PersonCalibration:
    """Cameras found from a person, and what is known of how right they are.

    Attributes:
        rig: the cameras, metric, in the world of the floor where there is one.
        clock_offset: what is added to each camera's time stamps to make them common time, in
            seconds; zero where clocks were trusted.
        points: the calibration from points alone, in a unit of its own.
        fit: of the body, in the world before the floor was found.
        ground: None where the feet did not tell.
        certainty: standard deviations; lengths in metres.
        prediction: in blocks of the recording that were kept out.
        scale_sd: relative standard deviation of all lengths.
        scale_from: in words.
        moved_deg: by how much the joint solve turned each camera, the rigs laid over each other.
        moved: by how much it moved each camera, in metres.
        way: places of the pelvis, in the rig's world, in metres.
    """

    rig: CameraRig
    clock_offset: Float[np.ndarray, "camera"]
    points: PointsCalibration
    fit: Fit
    ground: Ground | None
    certainty: Certainty
    prediction: Prediction
    scale_sd: float
    scale_from: str
    moved_deg: Float[np.ndarray, "camera"]
    moved: Float[np.ndarray, "camera"]
    way: Float[np.ndarray, "time 3"]


def calibrate_person(
    body: BodyModel,
    lenses: CameraRig,
    keypoints: Keypoints,
    measure: Measure,
    *,
    clocks: bool = False,
    focal_sd: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> PersonCalibration:
    """Find where cameras stand from the keypoints of a person who walks about.

    Args:
        body: anatomy whose markers are keypoints of the set.
        lenses: cameras in the order of the keypoints'; their poses are not looked at.
        keypoints: detections of one person.
        measure: what is known of any size.
        clocks: whether to find how far the cameras' clocks are apart, up to half a second.
        focal_sd: standard deviation of the logarithms of the focal lengths; None where right.
        progress: told what is being done.

    Raises:
        InputError: the recording does not determine the cameras; the message says why.
        FitError: no body could be fitted.
    """
    tell = progress or (lambda _: None)
    tracks = tracks_of(keypoints)
    check_names(measure, keypoints.camera_names, keypoints.names)
    check_recording(keypoints, tracks)
    points = _from_points(lenses, tracks, keypoints, clocks, focal_sd, progress)
    tell("cameras kept out")
    prediction = predicted(points, tracks)
    rig = dataclasses.replace(points.rig, names=lenses.names, image_size=lenses.image_size)
    tell("size of the person")
    synchronised = retimed(keypoints, points.offset) if clocks else keypoints
    rig = _metric(body, rig, points, synchronised, keypoints, measure)
    _check_handedness(body, rig, synchronised)
    tell("body, motion and cameras at once")
    prior = WidePrior(log_focal=focal_sd)
    fit = solve_jointly(body, rig.astype(np.float32), keypoints, clocks=clocks, prior=prior)
    if fit.outcome == Outcome.NOT_FINITE:
        raise InputError(
            "keypoints",
            "Cameras were found, but no body could be fitted to the person.",
            "Check the keypoint set, and that all keypoints are of one person.",
        )
    refined = fit.rig.astype(np.float64)
    sure = certainty(points)
    factor, scale_sd, scale_from = _size(body, fit, refined, points, keypoints, measure)
    before = np.asarray(points.rig.centres, float)
    in_metres = _ratio(before, np.asarray(refined.centres, float)) * factor
    moved_deg, moved = _moved(points.rig, refined)
    ground = find_ground(fit)
    world = on_ground(refined, ground) if ground is not None else refined
    if isinstance(measure, Distance) and {measure.first, measure.second} <= set(rig.names):
        ends = [rig.names.index(name) for name in (measure.first, measure.second)]
        scale_sd = float(np.linalg.norm(sure.centre[ends]) * in_metres / measure.metres)
    offset = _offsets(fit, len(lenses.names))
    # Body and points err differently: where they disagree, neither is as sure as it says.
    apart = offset - points.offset
    clock = np.hypot(sure.clock, apart - apart.mean()) if clocks else sure.clock
    return PersonCalibration(
        rig=resized(world, factor),
        clock_offset=offset,
        points=points,
        fit=fit,
        ground=_resized_ground(ground, factor),
        certainty=dataclasses.replace(sure, centre=sure.centre * in_metres, clock=clock),
        prediction=prediction,
        scale_sd=scale_sd,
        scale_from=scale_from,
        moved_deg=moved_deg,
        moved=moved * factor,
        way=_way(fit, ground, factor),
    )


def _from_points(
    lenses: CameraRig,
    tracks: Tracks,
    keypoints: Keypoints,
    clocks: bool,
    focal_sd: float | None,
    progress: Callable[[str], None] | None,
) -> PointsCalibration:
    try:
        found = find_cameras(lenses, tracks, clocks=clocks, focal_sd=focal_sd, progress=progress)
    except NotPlaced as failure:
        raise explained(failure, lenses, tracks, keypoints) from failure
    if found.clocks is not None and not found.clocks.known.all():
        unknown = [n for n, k in zip(lenses.names, found.clocks.known, strict=True) if not k]
        raise InputError(
            f"camera {', '.join(unknown)}",
            "Its clock cannot be told: the person's arms and legs move too little where it and "
            "another camera see them.",
            "Record the person walking briskly, arms swinging; or synchronise the cameras and "
            "leave out --clocks.",
        )
    return found


def _metric(
    body: BodyModel,
    rig: CameraRig,
    points: PointsCalibration,
    synchronised: Keypoints,
    keypoints: Keypoints,
    measure: Measure,
) -> CameraRig:
    """The rig in metres, as far as the first size of the body tells."""
    if isinstance(measure, Distance):
        there, _ = measured_distance(measure, rig, points.points, keypoints.names)
        return resized(rig, measure.metres / there)
    # The first time the unit is arbitrary, and a prior on people's size pulls at the answer.
    for _ in range(_BODY_SIZE_ROUNDS):
        start = find_start(body, rig, synchronised)
        found = stature(body, start.parameters)
        if found is None:
            raise InputError(
                "height",
                f"{body.name} with these keypoints has no shoulders, hips and feet by which to "
                "measure how tall a person stands.",
                "Give a known distance instead (--distance).",
            )
        rig = resized(rig, measure.metres / found.height)
    return rig


def _size(
    body: BodyModel,
    fit: Fit,
    rig: CameraRig,
    points: PointsCalibration,
    keypoints: Keypoints,
    measure: Measure,
) -> tuple[float, float, str]:
    """By what to multiply the fitted rig, how certain that is, and what it rests on."""
    if isinstance(measure, Height):
        found = stature(body, fit.parameters)
        assert found is not None
        name = " and ".join(found.rests_on)
        return measure.metres / found.height, found.sd, f"the person's height, by {name}"
    name = f"the distance from {measure.first} to {measure.second}"
    if {measure.first, measure.second} <= set(rig.names):
        there, spread = measured_distance(measure, rig, points.points, keypoints.names)
        return measure.metres / there, spread, name
    ratio = _ratio(np.asarray(points.rig.centres, float), np.asarray(rig.centres, float))
    there, spread = measured_distance(measure, rig, points.points, keypoints.names)
    few = max(1.0, (points.times[-1] - points.times[0]) / 0.25)
    return measure.metres / (there * ratio), spread / np.sqrt(few), name


def _ratio(old: Float[np.ndarray, "camera 3"], new: Float[np.ndarray, "camera 3"]) -> float:
    """Size of a rig over that of another."""
    spread = [np.linalg.norm(centres - centres.mean(0)) for centres in (new, old)]
    return float(spread[0] / spread[1])


def _moved(
    old: CameraRig, new: CameraRig
) -> tuple[Float[np.ndarray, "camera"], Float[np.ndarray, "camera"]]:
    """Turn in degrees and movement of every camera, the old rig laid over the new one."""
    rotations = [np.asarray(rig.camera_from_world_rotation, float) for rig in (old, new)]
    centres = [np.asarray(rig.centres, float) for rig in (old, new)]
    u, _, vt = np.linalg.svd(np.einsum("cji,cjk->ik", rotations[1], rotations[0]))
    new_from_old = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    turn = np.einsum("cij,kj,clk->cil", rotations[0], new_from_old, rotations[1])
    cosine = (np.trace(turn, axis1=1, axis2=2) - 1.0) / 2.0
    placed = (centres[0] - centres[0].mean(0)) @ new_from_old.T * _ratio(*centres)
    away = np.linalg.norm(placed - (centres[1] - centres[1].mean(0)), axis=1)
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))), away


def _check_handedness(body: BodyModel, rig: CameraRig, synchronised: Keypoints) -> None:
    """Refuse pictures that are all mirrored, or a person whose sides are all exchanged."""
    start = find_start(body, rig, synchronised)
    neutral = np.asarray(body.marker_positions(start.parameters, body.neutral_pose(1, np.float64)))
    if handedness(neutral[0], start.points) < MIRRORED:
        raise InputError(
            "keypoints",
            "The person comes out as a mirror image: all pictures are mirrored, or left and "
            "right are exchanged in all of them.",
            "Turn off mirroring in the recording program, or exchange left and right.",
        )


def _offsets(fit: Fit, n_camera: int) -> Float[np.ndarray, "camera"]:
    if fit.cameras is None or "clocks" not in fit.refined:
        return np.zeros(n_camera)
    return np.asarray(fit.cameras.clock_offset, float)


def _resized_ground(ground: Ground | None, factor: float) -> Ground | None:
    if ground is None:
        return None
    return ground._replace(
        origin=ground.origin * factor, rms=ground.rms * factor, walked=ground.walked * factor
    )


def _way(fit: Fit, ground: Ground | None, factor: float) -> Float[np.ndarray, "time 3"]:
    places = fit.motion.root_position[fit.motion.seen]
    if ground is not None:
        places = (places - ground.origin) @ ground.rotation.T
    return places * factor
