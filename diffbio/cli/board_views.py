"""What `diffbio calibrate board` was given: corners in footage, or in a table."""

import sys

from diffbio.cli import print_board
from diffbio.errors import InputError

_MOST_FRAMES_READ = 0.9
"""Of the frames that a video claims to have: videos often lack the last ones."""


def read_views(arguments, console):
    """Views at common times, views of single cameras, what was dropped, one picture each."""
    from diffbio.io import board_corners, board_footage
    from diffbio.io.rigs import read_rig

    if arguments.footage.suffix.lower() == ".csv":
        if arguments.intrinsics:
            rig = read_rig(arguments.intrinsics)
            sizes = dict(zip(rig.names, rig.image_size, strict=True))
            if arguments.image_size:
                sizes = dict.fromkeys(sizes, size_of(arguments.image_size))
        elif arguments.image_size:
            sizes = size_of(arguments.image_size)
        else:
            raise InputError(
                str(arguments.footage),
                "A table of corners does not say how large the pictures are.",
                "Give --image-size WxH, or --intrinsics with a rig.",
            )
        from diffbio.cameras.calibration.cleaning import clean

        views, dropped = clean(board_corners.read_board_corners(arguments.footage, sizes))
        console.say(_counted(views, dropped))
        return views, None, dropped, {}
    board = print_board.board_of(arguments)
    cameras = board_footage.read_footage(arguments.footage, every=arguments.every)
    if left := board_footage.without_footage(arguments.footage):
        console.say(f"No pictures and no video are in {', '.join(left)}: left out.")
    if not arguments.not_synchronised:
        for doubt in board_footage.check_simultaneous(cameras):
            console.say(doubt)
    views, dropped, pictures = _detected(arguments.footage, cameras, board, console)
    single = None
    if arguments.lens_views:
        cameras = board_footage.read_footage(arguments.lens_views, every=arguments.every)
        single, _, _ = _detected(arguments.lens_views, cameras, board, console)
        if set(single.camera_names) != set(views.camera_names):
            raise InputError(
                str(arguments.lens_views),
                f"It has cameras {', '.join(single.camera_names)}, and {arguments.footage} has "
                f"{', '.join(views.camera_names)}.",
                "Name the folders of a camera alike.",
            )
    return views, single, dropped, pictures


def _detected(folder, cameras, board, console):
    """Corners in all footage of a folder."""
    from tqdm import tqdm

    from diffbio.cameras.calibration.cleaning import clean
    from diffbio.cameras.calibration.detection import edge_width_px, find_corners
    from diffbio.cameras.calibration.gathering import CameraSightings, gather

    gathered, pictures, unfound = [], {}, []
    total = sum(len(camera) for camera in cameras)
    with tqdm(total=total, unit="picture", desc="detecting", file=sys.stderr, leave=False) as bar:
        for camera in cameras:
            one = CameraSightings(camera.name)
            for label, picture in camera.pictures():
                corners = find_corners(picture, board, thorough=not camera.is_video)
                one.add(label, picture, corners, edge_width_px(picture, corners))
                if camera.name not in pictures or one.found == 1:
                    pictures[camera.name] = picture
                bar.update()
            gathered.append(one)
            if len(one.corners) < _MOST_FRAMES_READ * len(camera):
                console.say(
                    f"{camera.files[0]}: of {len(camera)} pictures that it should hold, "
                    f"{len(one.corners)} can be read; it may be cut off."
                )
            if one.found == 0:
                unfound.append(camera.name)
    _check_found(unfound, board, pictures, folder)
    views, widths = gather(gathered, board)
    views, dropped = clean(views, widths)
    _check_flat(views, dropped, folder)
    console.say(_counted(views, dropped))
    return views, dropped, pictures


def _check_flat(views, dropped, folder) -> None:
    """Explain corners of which none fit the board.

    Raises:
        InputError: a camera has only such.
    """
    for name, row in zip(views.camera_names, views.sighted, strict=True):
        if not row.any() and dropped.misdetected[name]:
            raise InputError(
                f"{folder / name}",
                f"In {dropped.misdetected[name]} pictures corners were found that lie as on no "
                f"flat board of {views.board}.",
                "Correct --board, --columns, --rows and --marker-mm: they describe another board.",
            )


def _check_found(unfound, board, pictures, folder) -> None:
    """Explain a board that is found in none of a camera's pictures.

    Raises:
        InputError: it is so.
    """
    from diffbio.cameras.calibration.detection import what_is_there

    for name in unfound:
        instead = what_is_there(pictures[name], board)
        found = f"No picture shows a board of {board}."
        if instead:
            found += f" The first one shows {instead}."
        remedy = "Correct --board, --columns, --rows and --dictionary, or leave the camera out."
        if instead and "mirror" in instead:
            remedy = "Print the board anew, or flip the pictures: markers are not symmetric."
        raise InputError(f"{folder / name}", found, remedy)


def _counted(views, dropped) -> str:
    each = ", ".join(
        f"{name} {count}"
        for name, count in zip(views.camera_names, views.sighted.sum(axis=1), strict=True)
    )
    left = {
        "not flat": sum(dropped.misdetected.values()),
        "blurred": sum(dropped.blurred.values()),
        "repeated": dropped.duplicate_views,
    }
    out = ", ".join(f"{count} {why}" for why, count in left.items() if count)
    return f"Views of the board: {each}." + (f" Left out: {out}." if out else "")


def size_of(text: str) -> tuple[int, int]:
    """Width and height.

    Raises:
        InputError: it is no size.
    """
    parts = text.split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) for part in parts):
        raise InputError("--image-size", f"Found {text!r}.", "Give a size such as 1920x1080.")
    return int(parts[0]), int(parts[1])
