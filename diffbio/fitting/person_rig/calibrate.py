"""Calibrate cameras by a person: geometry from the keypoints, size from the body, floor from the
feet, and at the end body, motion, cameras and clocks at once."""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from diffbio.body import BodyModel
from diffbio.cameras import CameraRig
from diffbio.cameras.calibration.points.alignment import moved
from diffbio.cameras.calibration.points.certainty import Certainty, certainty, in_world
from diffbio.cameras.calibration.points.first_poses import NotPlaced
from diffbio.cameras.calibration.points.lens_test import LensTest, lens_test
from diffbio.cameras.calibration.points.prediction import Prediction, predicted
from diffbio.cameras.calibration.points.solve import PointsCalibration, find_cameras
from diffbio.cameras.calibration.points.tracks import Tracks
from diffbio.cameras.calibration.rig_arrays import named
from diffbio.errors import InputError
from diffbio.fitting.fit import Fit, Outcome
from diffbio.fitting.person_rig.faults import explained
from diffbio.fitting.person_rig.ground import Ground, find_ground, on_ground
from diffbio.fitting.person_rig.joint import WidePrior, solve_jointly
from diffbio.fitting.person_rig.measure import Measure, check_names, resized
from diffbio.fitting.person_rig.recording import (
    check_image_size,
    check_recording,
    handedness,
    tracks_of,
)
from diffbio.fitting.person_rig.sizing import roughly_metric, size_of
from diffbio.fitting.start import find_start
from diffbio.observations import Keypoints, retimed

MIRRORED = 0.35
"""Share of the frames that show a body and not its mirror image, below which all are mirrored."""


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
        lenses: whether focal lengths that were held fit; None where they were sought.
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
    lenses: LensTest | None
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
    check_image_size(lenses, tracks)
    points = _from_points(lenses, tracks, keypoints, clocks, focal_sd, progress)
    tell("cameras kept out")
    prediction = predicted(points, tracks)
    tested = lens_test(points, tracks) if focal_sd is None else None
    rig = named(points.rig, lenses)
    tell("size of the person")
    synchronised = retimed(keypoints, points.offset) if clocks else keypoints
    rig = roughly_metric(body, rig, points, synchronised, measure)
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
    concluded = _concluded(body, points, prediction, fit, measure, keypoints.names)
    return dataclasses.replace(concluded, lenses=tested)


def _concluded(
    body: BodyModel,
    points: PointsCalibration,
    prediction: Prediction,
    fit: Fit,
    measure: Measure,
    keypoint_names: tuple[str, ...],
) -> PersonCalibration:
    """The fitted cameras in metres, in the world of the floor."""
    refined, sure = fit.rig.astype(np.float64), certainty(points)
    factor, scale_sd, scale_from = size_of(
        body, fit, refined, points, sure, measure, keypoint_names
    )
    ground = find_ground(fit)
    rig = resized(refined if ground is None else on_ground(refined, ground), factor)
    sure = in_world(sure, rig, points.rig)
    offset = _offsets(fit, len(rig.names))
    if points.clocks is not None:
        # Body and points err differently: where they disagree, neither is as sure as it says.
        apart = offset - points.offset
        sure = dataclasses.replace(sure, clock=np.hypot(sure.clock, apart - apart.mean()))
    moved_deg, away = moved(rig, points.rig)
    return PersonCalibration(
        rig=rig,
        clock_offset=offset,
        points=points,
        fit=fit,
        ground=_resized_ground(ground, factor),
        certainty=sure,
        prediction=prediction,
        lenses=None,
        scale_sd=scale_sd,
        scale_from=scale_from,
        moved_deg=moved_deg,
        moved=away,
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


def _check_handedness(body: BodyModel, rig: CameraRig, synchronised: Keypoints) -> None:
    """Refuse pictures that are all mirrored, or a person whose sides are all exchanged."""
    start = find_start(body, rig, synchronised)
    neutral = np.asarray(body.marker_positions(start.parameters, body.neutral_pose(1, np.float64)))
    if handedness(neutral[0], start.points) < MIRRORED:
        raise InputError(
            "keypoints",
            "The person comes out as a mirror image: all pictures are mirrored, or left and "
            "right are exchanged in all of them (of two cameras, in one).",
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
