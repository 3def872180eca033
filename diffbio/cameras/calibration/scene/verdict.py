"""Whether to use cameras from known points, with the reason and the action."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from diffbio.cameras.calibration.scene.calibrate import SceneCalibration
from diffbio.cameras.calibration.scene.misfit import explain_misfit
from diffbio.cameras.calibration.scene.pose_candidates import is_flat
from diffbio.cameras.calibration.scene.quality import SceneQuality
from diffbio.cameras.calibration.verdict import Verdict

_BAD_SD, _POOR_SD = 10.0, 3.0
"""Root mean square of what is left, in stated errors of a click: nothing fits, or little does."""

_FAR_M, _NEAR_M = 200.0, 0.05
"""Nobody films a laboratory from beyond the one or within the other: the unit is wrong."""

_SAME_POSE, _NEARLY_SAME_POSE = 9.0, 25.0
"""Differences of chi square (three and five deviations) that tell two poses apart hardly, well."""

_CENTRE_FAIL, _CENTRE_CHECK = 0.05, 0.01
"""Standard deviations of a camera's place, as shares of its distance to the points."""

_FOCAL_FAIL, _FOCAL_CHECK = 5.0, 1.0
"""Standard deviations of a focal length, in percent."""

FEW_POINTS = 6


def judge_scene(calibration: SceneCalibration, quality: SceneQuality) -> Verdict:
    """The verdict, with the reason and the action for everything that falls short."""
    wrong: list[str] = []
    doubtful: list[str] = []
    _judge_survey(calibration, doubtful)
    for camera, name in enumerate(calibration.views.camera_names):
        if why := _misread(calibration, quality, camera):
            wrong.append(f"Camera {name} misses its points. {why}")
            continue
        _judge_fit(calibration, quality, camera, wrong, doubtful)
        _judge_place(calibration, quality, camera, wrong, doubtful)
        _judge_other_pose(calibration, camera, wrong, doubtful)
        certainty = 1e-3 * quality.centre_sd_mm[name] / quality.distance_m[name]
        sentence = (
            f"Camera {name} stands where it does to +- {quality.centre_sd_mm[name]:.0f} mm: give "
            "more points, spread over its whole picture and at several depths and heights."
        )
        _put(sentence, certainty, _CENTRE_FAIL, _CENTRE_CHECK, wrong, doubtful)
        focal_sd = quality.focal_sd_percent[name]
        sentence = (
            f"The focal length of camera {name} is known to +- {focal_sd:.1f} %: give points at "
            "other depths, or its lens from `diffbio calibrate board --not-synchronised`."
        )
        _put(sentence, focal_sd, _FOCAL_FAIL, _FOCAL_CHECK, wrong, doubtful)
    level = "fail" if wrong else "check" if doubtful else "ok"
    return Verdict(level, tuple(wrong + doubtful))


def _put(
    sentence: str,
    value: float,
    fail: float,
    check: float,
    wrong: list[str],
    doubtful: list[str],
) -> None:
    if value > fail:
        wrong.append(sentence)
    elif value > check:
        doubtful.append(sentence)


def _judge_survey(calibration: SceneCalibration, doubtful: list[str]) -> None:
    """Points that most cameras contradict were surveyed wrongly, not clicked wrongly."""
    views, used = calibration.views, calibration.used
    left = views.seen & ~used
    for point in np.flatnonzero(
        (left.sum(axis=0) >= 2) & (2 * left.sum(axis=0) > views.seen.sum(0))
    ):
        doubtful.append(
            f"{left[:, point].sum()} cameras left out point {views.point_names[point]}: its "
            "surveyed place is wrong, so measure it again."
        )


def _misread(calibration: SceneCalibration, quality: SceneQuality, camera: int) -> str | None:
    """What the input should have been, where points do not fit and that would explain it."""
    name = calibration.views.camera_names[camera]
    left_out = calibration.views.seen[camera] & ~calibration.used[camera]
    if quality.rms_px[name] <= _POOR_SD * calibration.stated_sd_px and not left_out.any():
        return None
    return explain_misfit(calibration, camera)


def _judge_fit(
    calibration: SceneCalibration,
    quality: SceneQuality,
    camera: int,
    wrong: list[str],
    doubtful: list[str],
) -> None:
    views, used = calibration.views, calibration.used[camera]
    name = views.camera_names[camera]
    left = np.flatnonzero(views.seen[camera] & ~used)
    rms, stated = quality.rms_px[name], calibration.stated_sd_px
    _judge_left_out(calibration, camera, left, doubtful)
    if rms > _BAD_SD * stated:
        wrong.append(
            f"Camera {name} misses its points by {rms:.0f} px rms. Check which point is which, the "
            "survey, its unit and axes, and the lens."
        )
    elif rms > _POOR_SD * stated:
        doubtful.append(
            f"Camera {name} misses its points by {rms:.1f} px rms, clicks are said to be good to "
            f"{stated:.1f} px: check survey and clicks, or state --click-sd-px."
        )
    if used.sum() < FEW_POINTS and not calibration.found_focal:
        doubtful.append(
            f"Camera {name} was found from {used.sum()} points, which hardly check each other: "
            "give 8 or more."
        )


def _judge_left_out(
    calibration: SceneCalibration,
    camera: int,
    left: Int[np.ndarray, "left"],
    doubtful: list[str],
) -> None:
    views, swapped = calibration.views, _swapped(calibration, camera)
    name = views.camera_names[camera]
    if swapped:
        a, b = (views.point_names[point] for point in swapped)
        doubtful.append(
            f"Camera {name}: points {a} and {b} are swapped, and were left out. Exchange their "
            "names."
        )
    for point in left:
        if point not in swapped:
            doubtful.append(
                f"Camera {name}: point {views.point_names[point]} was seen "
                f"{calibration.residual_px[camera, point]:.0f} px from where the others have it, "
                "and was left out. Look whether it is that point."
            )


def _swapped(calibration: SceneCalibration, camera: int) -> tuple[int, ...]:
    """Two points, each of which was seen where the other is."""
    views = calibration.views
    left = np.flatnonzero(views.seen[camera] & ~calibration.used[camera])
    image = np.asarray(calibration.rig.project(jnp.asarray(views.places)))[camera]
    seen = views.pixels[camera]
    near = _BAD_SD * calibration.stated_sd_px
    for a in left:
        for b in left[left > a]:
            miss = [np.linalg.norm(image[i] - seen[j]) for i, j in ((a, b), (b, a))]
            if max(miss) < near:
                return int(a), int(b)
    return ()


def _judge_place(
    calibration: SceneCalibration,
    quality: SceneQuality,
    camera: int,
    wrong: list[str],
    doubtful: list[str],
) -> None:
    views = calibration.views
    name = views.camera_names[camera]
    distance = quality.distance_m[name]
    if distance > _FAR_M or distance < _NEAR_M:
        unit = "millimetres given as metres" if distance > _FAR_M else "a larger unit than metres"
        wrong.append(
            f"Camera {name} would stand {distance:.3g} m from the points, as if the survey were "
            f"{unit}: call the columns x_mm, y_mm, z_mm, or x_m, y_m, z_m."
        )
    places = views.places[views.seen[camera]]
    centre = np.asarray(calibration.rig.centres)[camera]
    normal = np.linalg.svd(places - places.mean(axis=0))[2][2]
    if is_flat(places) and abs(normal[2]) > 0.9 and centre[2] < places[:, 2].min():
        wrong.append(
            f"Camera {name} comes out below its points, which lie in one plane: the axes are "
            "left-handed or z points down. State them with --axes, such as "
            "x=forward,y=right,z=up, or the floor's points with --floor."
        )


def _judge_other_pose(
    calibration: SceneCalibration, camera: int, wrong: list[str], doubtful: list[str]
) -> None:
    worse, centre = calibration.other_pose[camera]
    name = calibration.views.camera_names[camera]
    # Measured by the clicks as they are, not as they were said to be.
    worse = worse * (calibration.stated_sd_px / calibration.click_sd_px[camera]) ** 2
    if worse > _NEARLY_SAME_POSE:
        return
    where = ", ".join(f"{value:.2f}" for value in centre)
    sentence = (
        f"Camera {name} may as well stand at ({where}) m: its points do not tell two poses apart. "
        "Add points, off the plane of these and nearer to it."
    )
    (wrong if worse < _SAME_POSE else doubtful).append(sentence)
