"""`diffbio view`: the person in space, with bones, muscles, markers and cameras, as one page."""

import argparse
import pathlib

from diffbio.errors import InputError

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".m4v")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio view`."""
    parser.add_argument(
        "result", metavar="OUT", type=pathlib.Path, help="the folder that `diffbio fit` wrote"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="PAGE",
        type=pathlib.Path,
        help="default: view.html in the folder of the fit",
    )
    parser.add_argument(
        "--videos",
        metavar="VIDEO",
        nargs="+",
        type=pathlib.Path,
        default=[],
        help="those the keypoints were detected in, each named after its camera, or a folder of "
        "them: the page then shows pictures behind the body where it looks through a camera",
    )
    parser.add_argument(
        "--overlay",
        action="store_true",
        help="also draw the body over those videos, as overlay_CAMERA.mp4 beside the page",
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")


def run(arguments: argparse.Namespace) -> int:
    """Read, pose, write, and say where the page is."""
    import jax

    jax.config.update("jax_enable_x64", True)  # rays of far cameras want the digits

    from diffbio.io.posed_person import posed_person
    from diffbio.io.read_result import read_result
    from diffbio.report.overlay_video import write_overlay
    from diffbio.report.view_page import PAGE, write_view
    from diffbio.report.view_pictures import camera_pictures

    if arguments.overlay and not arguments.videos:
        raise InputError("--overlay", "There are no videos.", "Name them with --videos.")
    person = read_result(arguments.result)
    posed = posed_person(person)
    page = arguments.output or person.folder / PAGE
    videos = _videos(arguments.videos, person.rig)
    write_view(person, posed, page, pictures=camera_pictures(person, videos))
    if posed.note:
        print(f"- {posed.note}")
    muscles = "" if posed.muscles is None else f" and {len(posed.muscles.names)} muscles"
    print(
        f"{person.name}: {len(person.time)} frames, {len(posed.parts)} moving parts{muscles}, "
        f"{len(person.rig.names)} cameras. The page is {page} "
        f"({page.stat().st_size / 1e6:.1f} MB); it needs no network."
    )
    for video, camera in videos if arguments.overlay else ():
        path = page.parent / f"overlay_{camera}.mp4"
        made = write_overlay(person, posed, video, camera, path)
        print(f"- {made.frames} frames of {made.camera} with the body over them: {made.path}")
    if arguments.open:
        import webbrowser

        webbrowser.open(page.absolute().as_uri())
    return 0


def _videos(asked: list[pathlib.Path], rig) -> list[tuple[pathlib.Path, str]]:
    """Videos and their cameras; of a folder those that are of a camera.

    Raises:
        InputError: one does not exist or is of no camera, or a folder has none.
    """
    from diffbio.report.overlay_video import camera_of

    videos = []
    for path in asked:
        if path.is_dir():
            inside = [one for one in sorted(path.iterdir()) if one.suffix.lower() in VIDEOS]
            found = [(one, camera) for one in inside if (camera := camera_of(one, rig))]
            what = "It holds no video that is named after a camera"
        else:
            found = [(path, camera)] if path.is_file() and (camera := camera_of(path, rig)) else []
            what = "It is no video that is named after a camera"
        if not found:
            raise InputError(
                str(path),
                f"{what}: {', '.join(rig.names)}.",
                "Give the videos the keypoints were detected in, and name them so.",
            )
        videos += found
    return videos
