"""`diffbio calibrate scene`: where cameras stand, from points whose places are known."""

import argparse
import dataclasses
import math
import pathlib

from diffbio.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio calibrate scene`."""
    parser.add_argument(
        "points",
        metavar="POINTS",
        type=pathlib.Path,
        help="table of known points: point, x_m, y_m, z_m (or _mm, _cm), perhaps sd_mm; or "
        "Pose2Sim's Config.toml",
    )
    parser.add_argument(
        "clicks",
        metavar="CLICKS",
        type=pathlib.Path,
        help="table of where they are in the pictures: camera, point, x_px, y_px",
    )
    parser.add_argument("-o", "--output", type=pathlib.Path, help="default: scene, beside CLICKS")
    cameras = parser.add_argument_group("the cameras")
    cameras.add_argument(
        "--intrinsics",
        type=pathlib.Path,
        metavar="RIG",
        required=True,
        help="their lenses, in any format `diffbio convert` knows; poses there are not read",
    )
    cameras.add_argument(
        "--focal",
        action="store_true",
        help="seek their focal lengths too: six points or more, not in one plane",
    )
    cameras.add_argument(
        "--image-size", metavar="WxH", help="of the pictures, where it is not that of the lenses"
    )
    errors = parser.add_argument_group("how right the tables are")
    errors.add_argument(
        "--click-sd-px", type=float, default=1.0, metavar="PX", help="of a click (default 1)"
    )
    errors.add_argument(
        "--point-sd-mm", type=float, default=0.0, metavar="MM", help="of the survey (default 0)"
    )
    world = parser.add_argument_group("the world, in this order")
    world.add_argument(
        "--axes",
        metavar="WORDS",
        help="which way those of the survey point: x=right,y=forward,z=up",
    )
    world.add_argument(
        "--floor", nargs="+", metavar="POINT", help="these lie on the floor: z is up from it"
    )
    world.add_argument(
        "--stands",
        nargs="+",
        default=[],
        metavar="POINT=MM",
        help="verify the floor by what stands on it: these clicked points are so many millimetres "
        "above it, and are kept from the calibration (0: a mark on the floor)",
    )
    world.add_argument(
        "--heading", nargs=2, metavar="POINT", help="x points from the first to the second"
    )


def run(arguments: argparse.Namespace) -> int:
    """Read, calibrate, judge, write, and say where the result is."""
    import jax

    jax.config.update("jax_enable_x64", True)  # an adjustment in single precision stalls

    from diffbio._jax import enable_compilation_cache
    from diffbio.cameras.calibration.scene import judge_scene, measure_scene
    from diffbio.cameras.calibration.scene.heights import judge_heights
    from diffbio.cli import scene_world
    from diffbio.cli.progress import Console
    from diffbio.report import calibration_folder, scene_summary

    enable_compilation_cache()
    console = Console()
    if not arguments.click_sd_px > 0.0 or arguments.point_sd_mm < 0.0:
        raise InputError(
            "--click-sd-px, --point-sd-mm",
            f"Found {arguments.click_sd_px:g} and {arguments.point_sd_mm:g}.",
            "Give a positive number of pixels, and 0 mm or more.",
        )
    heights = scene_world.heights_in_words(arguments.stands)
    output = arguments.output or arguments.clicks.parent / "scene"
    calibration_folder.check_writable(output)
    views, lenses, standing_px = _read(arguments, tuple(heights), console)
    calibration, notes = scene_world.calibrated(arguments, views, lenses)
    quality = measure_scene(calibration)
    verdict = judge_scene(calibration, quality)
    standing = scene_world.standing(calibration, heights, standing_px)
    if standing:
        verdict = judge_heights(verdict, standing)
        notes.append(standing.sentence)
    for note in notes:
        console.note(note)
    console.say(_sentence(quality))
    shown = scene_summary.shown_scene(output, calibration, quality, notes)
    console.say(shown.headline)
    summary = scene_summary.summary_of_scene(calibration, quality, verdict, notes)
    summary |= scene_summary.further(shown, standing)
    calibration_folder.write_rig_and_summary(output, calibration.rig, summary, console.log)
    covariance = scene_summary.known_covariance(calibration)
    calibration_folder.write_page(output, calibration.rig, covariance, shown)
    for message in (*verdict.reasons, *notes):
        print(f"- {message}")
    print(f"{verdict.sentence[0].upper()}{verdict.sentence[1:]}")
    print(f"The rig is {output / 'rig.toml'}; look at {output / 'rig.html'}.")
    return int(verdict.level == "fail")


def _read(arguments, standing: tuple[str, ...], console):
    """Points and clicks, the lenses for the pictures' size, and clicks of what stands there."""
    from diffbio.cameras.rig_changes import rescaled
    from diffbio.io.camera_folders import match_cameras
    from diffbio.io.rigs import read_rig
    from diffbio.io.scene_tables import read_clicks, read_scene

    views, notes = read_scene(
        arguments.points, arguments.clicks, arguments.point_sd_mm, kept_out=standing
    )
    standing_px = read_clicks(arguments.clicks, views.camera_names, standing)
    rig = read_rig(arguments.intrinsics)
    try:
        paths = {name: pathlib.Path(name) for name in views.camera_names}
        matched = match_cameras(str(arguments.clicks), rig.names, paths)
    except InputError as error:
        raise InputError(
            str(arguments.intrinsics),
            f"It has lenses of {', '.join(rig.names)}, and {arguments.clicks.name} has clicks in "
            f"pictures of {', '.join(views.camera_names)}.",
            "Name cameras alike in both.",
        ) from error
    own = {str(path): name for name, path in matched.items()}
    names = tuple(own[name] for name in views.camera_names)
    views, lenses = dataclasses.replace(views, camera_names=names), rig.subset(names)
    if arguments.image_size:
        from diffbio.cli.board_views import size_of

        width, height = size_of(arguments.image_size)
        lenses = rescaled(lenses, width, height)
        console.say(f"The lenses of {arguments.intrinsics} were rescaled to {width} x {height}.")
    counted = ", ".join(
        f"{name} {count}" for name, count in zip(lenses.names, views.seen.sum(axis=1), strict=True)
    )
    console.say(f"{len(views.point_names)} points; seen by each camera: {counted}.")
    for note in notes:
        console.say(note)
    return views, lenses, standing_px


def _sentence(quality) -> str:
    """The numbers of a calibration in one sentence."""
    rms = max(quality.rms_px.values())
    sentence = f"Points miss their clicks by up to {rms:.2f} px rms in a camera"
    known = [value for value in quality.left_out_mm.values() if math.isfinite(value)]
    if known:
        left = max(known)
        sentence += f" (left out one by one: {left:.1f} mm in the median of the worst)"
    centre = max(quality.centre_sd_mm.values())
    return f"{sentence}; cameras stand within {centre:.1f} mm (1 sd)."
