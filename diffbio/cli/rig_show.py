"""`diffbio rig show`: a page with the cameras and the precision to expect."""

import argparse
import json
import pathlib

from diffbio.cli.convert import AXES
from diffbio.errors import InputError

PIXEL_SD = 3.0
"""`diffbio.cameras.precision.PIXEL_SD`, repeated so that `--help` need not load it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `diffbio rig show`."""
    parser.add_argument(
        "rig",
        metavar="RIG",
        type=pathlib.Path,
        help="a rig in any format that `diffbio convert` reads, or the folder that `diffbio "
        "calibrate` or `diffbio fit` wrote",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="PAGE",
        type=pathlib.Path,
        help="default: the name of RIG with .html, beside it; rig.html in a folder",
    )
    parser.add_argument(
        "--pixel-sd",
        type=_pixels,
        default=PIXEL_SD,
        metavar="PX",
        help="standard deviation of a detection across and down, in pixels; default 3, a good "
        "keypoint detector on a person who fills half the picture (corners and markers: 0.5)",
    )
    parser.add_argument(
        "--volume",
        type=_box,
        metavar="XMIN,XMAX,YMIN,YMAX,ZMIN,ZMAX",
        help="box to look at, in metres (write --volume=-2,2,-1,1,0,2); default: where the "
        "cameras look, as far as two of them see",
    )
    parser.add_argument(
        "--up",
        choices=AXES,
        help="this axis points up in RIG (write --up=-y); default: z, or the axis along which "
        "most cameras are held upright",
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")


def run(arguments: argparse.Namespace) -> int:
    """Read, compute, write, and say in short what the page says."""
    import jax

    jax.config.update("jax_enable_x64", True)  # differences of far points want the digits

    from diffbio._jax import enable_compilation_cache
    from diffbio.report.rig_page import write_rig_page

    enable_compilation_cache()
    path = _rig_file(arguments.rig)
    page = arguments.output or _page_of(arguments.rig, path)
    _check_page(page, path)
    shown = _shown(arguments, path)
    write_rig_page(shown, page)
    for sentence in (*shown.notes, *shown.hints):
        print(f"- {sentence}")
    print(shown.headline)
    print(f"The page is {page}.")
    if arguments.open:
        import webbrowser

        webbrowser.open(page.absolute().as_uri())
    return 0


def _shown(arguments: argparse.Namespace, path: pathlib.Path):
    """The rig, upright, with what it can measure."""
    from diffbio.io.rig_covariance import COVARIANCE_FILE, read_covariance
    from diffbio.io.rigs import read_rig_file
    from diffbio.report.shown_rig import shown_rig

    reading = read_rig_file(path)
    rig, covariance = reading.rig, None
    _check_poses(path, rig)
    if path.name == "rig.toml" and (path.parent / COVARIANCE_FILE).is_file():
        covariance = read_covariance(path.parent / COVARIANCE_FILE, rig)
    return shown_rig(
        rig,
        path.parent.resolve().name if path.name == "rig.toml" else path.stem,
        str(path),
        up=arguments.up,
        box=arguments.volume,
        pixel_sd=arguments.pixel_sd,
        rig_covariance=covariance,
        # The reader's note asks for what is done here anyway.
        notes=tuple(note for note in reading.notes if "--up=" not in note),
        deviations=_deviations(path),
    )


def _rig_file(path: pathlib.Path) -> pathlib.Path:
    """The rig at a path: itself, or the one in a folder of results.

    Raises:
        InputError: the folder holds lenses without poses, or several rigs.
    """
    from diffbio.io.rigs.formats import rig_files

    if not path.is_dir() or (path / "rig.toml").is_file():
        return path / "rig.toml" if path.is_dir() else path
    if (path / "lenses.toml").is_file():
        raise InputError(
            str(path),
            "It holds lenses without poses: nobody knows where the cameras stand.",
            "Calibrate with views that cameras share, without --not-synchronised.",
        )
    files = rig_files(path)
    return files[0] if len(files) == 1 else path


def _page_of(asked: pathlib.Path, rig: pathlib.Path) -> pathlib.Path:
    if rig.is_dir() or asked.is_dir():
        return asked / "rig.html"
    name = rig.name.removesuffix(".txt")
    return rig.with_name(f"{name.removesuffix(pathlib.Path(name).suffix)}.html")


def _check_page(page: pathlib.Path, rig: pathlib.Path) -> None:
    """Find out before the work whether the page has a place.

    Raises:
        InputError: it would replace the rig, or its folder is none.
    """
    remedy = "Give the name of a page with -o, such as rig.html."
    if page.is_dir():
        raise InputError(str(page), "It is a folder.", remedy)
    if page.resolve() == rig.resolve():
        raise InputError(str(page), "It is the rig itself.", remedy)
    if not page.absolute().parent.is_dir():
        raise InputError(str(page), "Its folder does not exist.", "Make it, or choose another.")


def _check_poses(path: pathlib.Path, rig) -> None:
    """Refuse cameras whose poses were never found.

    Raises:
        InputError: several cameras all have the same pose, that of the world.
    """
    import numpy as np

    unturned = np.allclose(rig.camera_from_world_rotation, np.eye(3))
    if len(rig.names) > 1 and unturned and not np.any(rig.camera_from_world_translation):
        raise InputError(
            str(path),
            f"Its {len(rig.names)} cameras have lenses and no poses: all stand at the origin and "
            "look the same way.",
            "Calibrate their poses, for instance with `diffbio calibrate board`.",
        )


def _deviations(path: pathlib.Path) -> dict:
    """Standard deviations that `diffbio calibrate` wrote beside its rig; none elsewhere."""
    from diffbio.report.rig_page_data import CameraDeviations

    summary = path.parent / "summary.json"
    if path.name != "rig.toml" or not summary.is_file():
        return {}
    try:
        cameras = json.loads(summary.read_text(encoding="utf-8")).get("cameras", {})
        return {
            str(name): CameraDeviations(
                float(one["centre_sd_mm"]),
                float(one["rotation_sd_deg"]),
                float(one["focal_sd_percent"]),
            )
            for name, one in cameras.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # the summary of a fit, or of something else


def _pixels(text: str) -> float:
    """A positive number of pixels, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 50.0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of pixels above 0, up to 50")
    return value


def _box(text: str):
    """Lowest and highest corner of a box, for argparse."""
    import numpy as np

    try:
        x0, x1, y0, y1, z0, z1 = (float(part) for part in text.split(","))
        low, high = np.array([x0, y0, z0]), np.array([x1, y1, z1])
    except ValueError:
        low = high = np.zeros(3)
    if not (np.all(low < high) and np.all(np.isfinite([low, high])) and np.all(high - low < 1e3)):
        raise argparse.ArgumentTypeError(
            f"{text} is not a box: six numbers in metres, xmin,xmax,ymin,ymax,zmin,zmax, each "
            "lower one first"
        )
    return low, high
