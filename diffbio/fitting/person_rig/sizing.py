"""The size of a rig: from the first guess of the body, and from its fit."""

from typing import NamedTuple

import numpy as np

from diffbio.body import BodyModel
from diffbio.cameras import CameraRig
from diffbio.cameras.calibration.points.alignment import size_ratio
from diffbio.cameras.calibration.points.certainty import ERRORS_LAST, Certainty
from diffbio.cameras.calibration.points.solve import PointsCalibration
from diffbio.errors import InputError
from diffbio.fitting.fit import Fit
from diffbio.fitting.person_rig.measure import (
    Distance,
    Height,
    Measure,
    measured_distance,
    resized,
)
from diffbio.fitting.person_rig.stature import stature
from diffbio.fitting.start import find_start
from diffbio.observations import Keypoints

_BODY_SIZE_ROUNDS = 3


class Size(NamedTuple):
    """By what to multiply a rig, how certain that is, and what it rests on.

    Attributes:
        factor: new lengths over old ones.
        sd: of all lengths, as a share of them.
        rests_on: in words.
    """

    factor: float
    sd: float
    rests_on: str


def roughly_metric(
    body: BodyModel,
    rig: CameraRig,
    points: PointsCalibration,
    synchronised: Keypoints,
    measure: Measure,
) -> CameraRig:
    """The rig in metres, as far as the first size of the body tells.

    Args:
        body: anatomy.
        rig: cameras in the unit of the points.
        points: what they were found from.
        synchronised: detections, clocks set.
        measure: what is known of any size.

    Raises:
        InputError: nothing in the keypoints says how tall a person stands.
    """
    if isinstance(measure, Distance):
        there, _ = measured_distance(measure, rig, points.points, synchronised.names)
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


def size_of(
    body: BodyModel,
    fit: Fit,
    rig: CameraRig,
    points: PointsCalibration,
    sure: Certainty,
    measure: Measure,
    keypoint_names: tuple[str, ...],
) -> Size:
    """The size of a rig that was fitted together with a body.

    Args:
        body: anatomy.
        fit: of the body.
        rig: the fitted cameras.
        points: the calibration from points, in its own unit.
        sure: of that.
        measure: what is known of any size.
        keypoint_names: of the points.
    """
    if isinstance(measure, Height):
        found = stature(body, fit.parameters)
        assert found is not None
        name = f"the person's height, by {' and '.join(found.rests_on)}"
        return Size(measure.metres / found.height, found.sd, name)
    name = f"the distance from {measure.first} to {measure.second}"
    ratio = size_ratio(rig, points.rig)
    if {measure.first, measure.second} <= set(rig.names):
        there, _ = measured_distance(measure, rig, points.points, keypoint_names)
        ends = [rig.names.index(end) for end in (measure.first, measure.second)]
        return Size(
            measure.metres / there, float(np.linalg.norm(sure.centre[ends]) * ratio / there), name
        )
    there, spread = measured_distance(measure, rig, points.points, keypoint_names)
    few = max(1.0, (points.times[-1] - points.times[0]) / ERRORS_LAST)
    return Size(measure.metres / (there * ratio), float(spread / np.sqrt(few)), name)
