"""`diffbio calibrate person`: no board, from the keypoints of somebody who walks about."""

import argparse
import pathlib

from diffbio.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio calibrate person`."""
    parser.add_argument(
        "trial_path",
        metavar="KEYPOINTS",
        type=pathlib.Path,
        help="an .npz, a folder with one folder of OpenPose JSON per camera, or a Pose2Sim trial",
    )
    parser.add_argument(
        "--intrinsics",
        type=pathlib.Path,
        metavar="RIG",
        required=True,
        help="lenses of the cameras: any rig file `diffbio convert` knows; its poses are ignored",
    )
    parser.add_argument("-o", "--output", type=pathlib.Path, help="default: KEYPOINTS-rig")
    size = parser.add_argument_group("what makes it metric (one of the two)")
    size.add_argument("--height-m", type=float, metavar="M", help="how tall the person stands")
    size.add_argument(
        "--distance",
        nargs=3,
        metavar=("FROM", "TO", "M"),
        help="between two cameras, or two keypoints of one rigid part",
    )
    parser.add_argument(
        "--clocks",
        action="store_true",
        help="find how far the cameras' clocks are apart, up to half a second",
    )
    parser.add_argument(
        "--focal-prior",
        type=float,
        metavar="PERCENT",
        help="the focal lengths are only known to so many per cent: find them too",
    )
    parser.add_argument(
        "--image-size", metavar="WxH", help="of the pictures, if not that of the intrinsics"
    )
    parser.add_argument("--keypoint-set", help="name of a set, or a keypoint table of your own")
    parser.add_argument("--frame-rate", type=float, metavar="HZ", help="where no file tells")
    parser.add_argument("--trial", help="which trial of a project (default: the longest)")


def run(arguments: argparse.Namespace) -> int:
    """Read, calibrate, judge, write, and say where the result is."""
    import jax

    jax.config.update("jax_enable_x64", True)  # an adjustment in single precision stalls

    from diffbio._jax import enable_compilation_cache
    from diffbio.body import default_body, load_keypoint_set
    from diffbio.cli.progress import Console
    from diffbio.fitting.person_rig.calibrate import calibrate_person
    from diffbio.fitting.person_rig.verdict import judge_person, notes_on
    from diffbio.io.read import read_trial
    from diffbio.report import calibration_folder, person_folder

    enable_compilation_cache()
    console = Console()
    measure = measure_from(arguments)
    focal_sd = focal_sd_from(arguments.focal_prior)
    output = arguments.output or _beside(arguments.trial_path)
    calibration_folder.check_writable(output)
    trial = read_trial(
        arguments.trial_path,
        rig=arguments.intrinsics,
        keypoint_set=arguments.keypoint_set,
        frame_rate_hz=arguments.frame_rate,
        trial=arguments.trial,
        posed=False,
    )
    lenses = _sized(trial.rig, arguments.image_size, console)
    for note in trial.notes:
        if "--up" not in note:  # the poses of the intrinsics' file, up or down, are not used
            console.say(note)
    keypoints = trial.keypoints
    body = default_body(load_keypoint_set(arguments.keypoint_set or keypoints.set_name))
    console.say(
        f"{trial.name}: {len(keypoints.time)} frames at {trial.frame_rate_hz:g} Hz, "
        f"{len(keypoints.camera_names)} cameras, {len(keypoints.names)} keypoints "
        f"({keypoints.set_name})."
    )
    found = calibrate_person(
        body, lenses, keypoints, measure,
        clocks=arguments.clocks, focal_sd=focal_sd, progress=console.say,
    )  # fmt: skip
    verdict = judge_person(found)
    notes = notes_on(found)
    console.say(_numbers(found))
    if arguments.clocks:
        late = 1e3 * found.clock_offset
        each = ", ".join(f"{n} {ms:+.1f}" for n, ms in zip(found.rig.names, late, strict=True))
        notes.append(
            f"Pictures were taken later than their time stamps say by, in ms: {each}. A rig file "
            "has no clocks: give `diffbio fit` --refine-clocks."
        )
    summary = person_folder.summary_of_person(found, keypoints, verdict, notes)
    person_folder.write_person_calibration(output, found, summary, console.log, notes)
    for message in (*verdict.reasons, *notes):
        print(f"- {message}")
    print(f"{verdict.sentence[0].upper()}{verdict.sentence[1:]}")
    print(
        f"The rig is {output / 'rig.toml'}; look at {output / 'room.png'}, and open "
        f"{output / 'rig.html'}."
    )
    return int(verdict.level == "fail")


def measure_from(arguments):
    """What is known of any size.

    Raises:
        InputError: nothing, or both things, or no number of metres.
    """
    from diffbio.fitting.person_rig.measure import Distance, Height

    if (arguments.height_m is None) == (arguments.distance is None):
        raise InputError(
            "--height-m, --distance",
            "Pictures alone tell no size: "
            + ("neither was given." if arguments.height_m is None else "both were given."),
            "Give one of them, in metres.",
        )
    if arguments.height_m is not None:
        return Height(arguments.height_m)
    first, second, text = arguments.distance
    try:
        metres = float(text)
    except ValueError as error:
        raise InputError(
            "--distance", f"{text!r} is no number.", "Give FROM TO and then metres."
        ) from error
    return Distance(first, second, metres)


def focal_sd_from(percent: float | None) -> float | None:
    """Standard deviation of the focal lengths' logarithms.

    Raises:
        InputError: it is not between 0 and 30 per cent.
    """
    if percent is None:
        return None
    if not 0.0 < percent <= 30.0:
        raise InputError(
            "--focal-prior",
            f"Found {percent:g}.",
            "Give per cent, above 0 and at most 30; without knowing more, find the lenses with a "
            "board (`diffbio calibrate board --not-synchronised`).",
        )
    return percent / 100.0


def _sized(lenses, size: str | None, console):
    """The lenses for pictures of the size stated.

    Raises:
        InputError: the size cannot be read, or has other proportions.
    """
    if size is None:
        return lenses
    from diffbio.cameras.rig_changes import rescaled

    parts = size.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise InputError("--image-size", f"Found {size!r}.", "Write it as 1920x1080.")
    width, height = map(int, parts)
    if set(lenses.image_size) == {(width, height)}:
        return lenses
    console.say(f"The lenses were rescaled to {width} x {height}.")
    return rescaled(lenses, width, height)


def _numbers(found) -> str:
    import numpy as np

    sure, count = found.certainty, len(found.rig.names)
    agree = "agree on" if count == 2 else "predict each other's"
    where = "" if count == 2 else f"stand within {1000 * sure.centre.max():.0f} mm and "
    sentence = (
        f"Cameras {agree} keypoints, where the recording was kept out, to "
        f"{np.nanmedian(found.prediction.median_px):.1f} px in the median; they {where}look "
        f"within {np.degrees(sure.rotation.max()):.2f} degrees (1 sd, of the worst)."
    )
    if not np.isfinite(float(found.points.prior.sd)):
        return sentence
    focal = np.asarray(found.rig.focal_px, float)[:, 0]
    changed = 100.0 * np.expm1(np.log(focal) - np.asarray(found.points.prior.log_px, float))
    each = ", ".join(
        f"{name} {change:+.2f} +- {100.0 * sd:.2f}"
        for name, change, sd in zip(found.rig.names, changed, sure.log_focal, strict=True)
    )
    return f"{sentence} Focal lengths were changed by, in per cent: {each}."


def _beside(trial: pathlib.Path) -> pathlib.Path:
    return trial.parent / f"{trial.stem if trial.is_file() else trial.resolve().name}-rig"
