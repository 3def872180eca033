"""Whether to use a rig that a person calibrated, with the reason and the action."""

import numpy as np

from diffbio.cameras.calibration.points.chain import FEWEST_BETWEEN
from diffbio.cameras.calibration.points.lens_test import LensTest
from diffbio.cameras.calibration.verdict import Verdict
from diffbio.fitting.fit import Outcome
from diffbio.fitting.person_rig.calibrate import PersonCalibration

# As shares of the focal length, hence of the distance of the person: of a keypoint that other
# cameras predict. Detectors of people err by 0.2 to 0.4 %.
CHECK_MISS, FAIL_MISS = 0.008, 0.02

CHECK_CENTRE, FAIL_CENTRE = 0.02, 0.08
"""Standard deviation of a camera's place over its distance from the person."""

CHECK_TURN_DEG, FAIL_TURN_DEG = 0.5, 3.0
CHECK_CLOCK, FAIL_CLOCK = 0.005, 0.03

CHECK_MOVED_DEG, FAIL_MOVED_DEG = 0.5, 3.0
CHECK_MOVED, FAIL_MOVED = 0.015, 0.05
"""By how much the body may turn and move, as a share of its distance, a camera that points alone
have placed: 0.2 degrees and 0.3 % where lenses are right."""

CHECK_FOCAL, FAIL_FOCAL = 0.01, 0.04
"""Standard deviation of a focal length, as a share of it: places lie as much too near or far."""

WRONG_FOCAL = 0.015
"""What is less makes cameras wrong by less than other errors do."""

FAR_FROM_PRIOR = 3.0
"""In its standard deviations: a focal length found farther from what was given contradicts it."""

CHECK_TILT_DEG = 2.5


def judge_person(found: PersonCalibration) -> Verdict:
    """The verdict, with the reason and the action for everything that falls short."""
    wrong, doubtful = [], []
    _judge_prediction(found, wrong, doubtful)
    _judge_certainty(found, wrong, doubtful)
    _judge_body(found, wrong, doubtful)
    _judge_lenses(found, wrong, doubtful)
    _judge_places(found, doubtful)
    _judge_world(found, doubtful)
    level = "fail" if wrong else "check" if doubtful else "ok"
    return Verdict(level, tuple(wrong + doubtful))


def distances(found: PersonCalibration) -> np.ndarray:
    """Median distance of the person from each camera, in metres."""
    centres = np.asarray(found.rig.centres, float)
    return np.median(np.linalg.norm(found.way[None] - centres[:, None], axis=-1), axis=1)


def _judge_prediction(found: PersonCalibration, wrong: list[str], doubtful: list[str]) -> None:
    if len(found.rig.names) == 2:
        doubtful.append(
            "Two cameras agree even where both are wrong: none is left to predict. Check a known "
            "length in a fit, or add a camera."
        )
    focal = np.asarray(found.rig.focal_px, float).mean(1)
    for name, miss, agreeing, f in zip(
        found.rig.names, found.prediction.median_px, found.prediction.agreeing, focal, strict=True
    ):
        sentence = (
            f"Camera {name} misses keypoints that the other cameras predict, in parts of the "
            f"recording that were kept out, by {miss:.1f} px in the median"
        )
        if not np.isfinite(miss):
            doubtful.append(
                f"Nothing that was kept out could test camera {name}: record longer, where three "
                "cameras see the person."
            )
        elif miss > FAIL_MISS * f:
            wrong.append(f"{sentence}: check its intrinsics and its clock (--clocks).")
        elif miss > CHECK_MISS * f:
            doubtful.append(f"{sentence}: check its intrinsics, its clock and its detections.")
        elif agreeing < 0.6:
            doubtful.append(
                f"Of what camera {name} detected only {agreeing:.0%} agrees with the other "
                "cameras: look for exchanged sides, and for other people in its pictures."
            )


def _judge_certainty(found: PersonCalibration, wrong: list[str], doubtful: list[str]) -> None:
    away = distances(found)
    turns = np.degrees(found.certainty.rotation)
    rows = zip(found.rig.names, found.certainty.centre, away, turns, strict=True)
    for name, sd, distance, turn in rows:
        sentence = (
            f"Camera {name} stands where it does to +- {1000 * sd:.0f} mm and looks there to "
            f"+- {turn:.2f} degrees: have the person walk through more of the volume, nearer to "
            "it, and where other cameras see them too."
        )
        if sd > FAIL_CENTRE * distance or turn > FAIL_TURN_DEG:
            wrong.append(sentence)
        elif sd > CHECK_CENTRE * distance or turn > CHECK_TURN_DEG:
            doubtful.append(sentence)
    for name, sd in zip(found.rig.names, found.certainty.clock, strict=True):
        sentence = f"The clock of camera {name} is known to +- {1000 * sd:.0f} ms: walk briskly."
        if sd > FAIL_CLOCK:
            wrong.append(sentence)
        elif sd > CHECK_CLOCK:
            doubtful.append(sentence)
    # The points only lead to where body and cameras are solved for at once.
    if not found.points.adjusted.converged and found.fit.outcome != Outcome.CONVERGED:
        doubtful.append(
            "Neither the adjustment of the points nor the fit of the body came to rest: cameras "
            "may still be a little off. Record longer, or more of the volume."
        )


def _judge_body(found: PersonCalibration, wrong: list[str], doubtful: list[str]) -> None:
    rig, away = found.rig, distances(found)
    for name, angle, shift, distance in zip(
        rig.names, found.moved_deg, found.moved, away, strict=True
    ):
        sentence = (
            f"Points alone and the body disagree on camera {name}, by {angle:.1f} degrees and "
            f"{1000 * shift:.0f} mm: look at the lenses, the detections and the keypoint set."
        )
        if angle > FAIL_MOVED_DEG or shift > FAIL_MOVED * distance:
            wrong.append(sentence)
        elif angle > CHECK_MOVED_DEG or shift > CHECK_MOVED * distance:
            doubtful.append(sentence)
    misses = found.fit.error.per_camera()
    for name, focal in zip(rig.names, np.asarray(rig.focal_px, float).mean(1), strict=True):
        miss = misses.get(name, {}).get("median", 0.0)
        sentence = (
            f"The body misses what camera {name} detected by {miss:.1f} px in the median: look "
            "for mirrored pictures, exchanged sides, and wrong lenses."
        )
        if miss > FAIL_MISS * focal:
            wrong.append(sentence)
        elif miss > CHECK_MISS * focal:
            doubtful.append(sentence)


def _judge_lenses(found: PersonCalibration, wrong: list[str], doubtful: list[str]) -> None:
    if found.lenses is not None:
        _judge_held(found, found.lenses, wrong, doubtful)
        return
    prior, sure = found.points.prior, found.certainty.log_focal
    focal = np.asarray(found.rig.focal_px, float)[:, 0]
    changed = np.log(focal) - np.asarray(prior.log_px, float)
    for name, sd, change in zip(found.rig.names, sure, changed, strict=True):
        sentence = (
            f"The focal length of camera {name} is known to +- {100 * sd:.1f} % only, and its "
            "distances with it: calibrate the lens with a board (calibrate board "
            "--not-synchronised)."
        )
        if sd > FAIL_FOCAL:
            wrong.append(sentence)
        elif sd > CHECK_FOCAL:
            doubtful.append(sentence)
        if abs(change) > FAR_FROM_PRIOR * float(prior.sd):
            doubtful.append(
                f"The focal length of camera {name} came out {100 * np.expm1(change):+.1f} % off "
                f"what was given, which was said to be right to {100 * float(prior.sd):.1f} %: "
                "check its zoom and resolution, or give a wider --focal-prior."
            )


def _judge_held(
    found: PersonCalibration, test: LensTest, wrong: list[str], doubtful: list[str]
) -> None:
    odd = np.abs(test.change) > np.maximum(WRONG_FOCAL, FAR_FROM_PRIOR * test.sd)
    if not odd.any():
        return
    each = ", ".join(
        f"{found.rig.names[i]} by {100 * np.expm1(test.change[i]):+.1f} +- {100 * test.sd[i]:.1f}"
        for i in np.flatnonzero(odd)
    )
    worst = np.abs(test.change[odd]).max()
    (wrong if worst > FAIL_FOCAL else doubtful).append(
        f"Other focal lengths than those given would fit better, in per cent: {each}. Check zoom "
        "and intrinsics, or have them found (--focal-prior)."
    )


def _judge_places(found: PersonCalibration, doubtful: list[str]) -> None:
    centres = np.asarray(found.rig.centres, float)
    away = distances(found)
    names = found.rig.names
    for a in range(len(names)):
        for b in range(a):
            apart = float(np.linalg.norm(centres[a] - centres[b]))
            if apart < 0.05 * away[[a, b]].min():
                doubtful.append(
                    f"Cameras {names[b]} and {names[a]} stand at the same place ({apart:.2f} m "
                    "apart): together they see no depth, and count as one."
                )
    for link in found.points.links:
        if link.shared >= FEWEST_BETWEEN:
            continue
        both = [one for one in found.points.links if one.shared >= FEWEST_BETWEEN]
        for camera in (link.first, link.second):
            if not any(camera in (one.first, one.second) for one in both):
                sentence = (
                    f"Camera {names[camera]} shares few detections with every other: have the "
                    "person walk longer where it and another camera see them."
                )
                if sentence not in doubtful:
                    doubtful.append(sentence)


def _judge_world(found: PersonCalibration, doubtful: list[str]) -> None:
    ground = found.ground
    if ground is None:
        doubtful.append(
            "The floor was not found, because no foot stood long enough or none is among the "
            "keypoints: z is not up. Level the rig by points on the floor (calibrate scene)."
        )
        return
    along, across = np.degrees(ground.tilt_sd)
    if max(along, across) > CHECK_TILT_DEG:
        doubtful.append(
            f"The floor's slope is known to +- {along:.1f} degrees along x and {across:.1f} "
            "across: have the person walk both ways, or in a circle."
        )


def notes_on(found: PersonCalibration) -> list[str]:
    """What the world is, and how far its size is right, in sentences."""
    notes = [
        f"All lengths rest on {found.scale_from}, and are right to +- {100 * found.scale_sd:.1f} %."
    ]
    ground = found.ground
    if ground is None:
        return notes
    along, across = np.degrees(ground.tilt_sd)
    way = {
        "way": "the way the person walked",
        "pelvis": "where the pelvis faced on average, because the person did not get far",
        "chance": "level but otherwise arbitrary, because the person turned about",
    }[ground.direction_from]
    notes.append(
        f"z is up from the floor by {ground.n_contacts} stands of the feet (+- {along:.1f} degrees "
        f"along x, {across:.1f} across), x is {way}, and the origin is on the floor under the "
        "middle of the way."
    )
    return notes
