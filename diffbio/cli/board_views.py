"""What `diffbio calibrate board` was given: corners in footage, or in a table."""

import sys

from diffbio.cli import print_board
from diffbio.errors import InputError


def read_views(arguments, console):
    """Views at common times, views of single cameras, what was dropped, one picture each."""
    from diffbio.io import board_corners
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
    views, dropped, pictures = _detected(arguments.footage, board, arguments.every, console)
    single = None
    if arguments.lens_views:
        single, _, _ = _detected(arguments.lens_views, board, arguments.every, console)
        if set(single.camera_names) != set(views.camera_names):
            raise InputError(
                str(arguments.lens_views),
                f"It has cameras {', '.join(single.camera_names)}, and {arguments.footage} has "
                f"{', '.join(views.camera_names)}.",
                "Name the folders of a camera alike.",
            )
    return views, single, dropped, pictures


def _detected(folder, board, every, console):
    """Corners in all footage of a folder."""
    from tqdm import tqdm

    from diffbio.cameras.calibration.cleaning import clean
    from diffbio.cameras.calibration.detection import edge_width_px, find_corners
    from diffbio.cameras.calibration.gathering import CameraSightings, gather
    from diffbio.io.board_footage import read_footage

    cameras = read_footage(folder, every=every)
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
            if one.found == 0:
                unfound.append(camera.name)
    _check_found(unfound, board, pictures, folder)
    views, widths = gather(gathered, board)
    views, dropped = clean(views, widths)
    console.say(_counted(views, dropped))
    return views, dropped, pictures


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
            found += f" There is {instead}."
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
