"""The world that `diffbio calibrate scene` is asked for, and what verifies it."""

import dataclasses
import math

from diffbio.errors import InputError, UnknownNameError


def heights_in_words(words: list[str]) -> dict[str, float]:
    """Heights of points above the floor, in millimetres.

    Args:
        words: such as `stand3=1100`.

    Raises:
        InputError: something else.
    """
    heights = {}
    for word in words:
        name, _, number = word.rpartition("=")
        try:
            height = float(number)
        except ValueError:
            height = math.nan
        if not name or not math.isfinite(height):
            raise InputError(
                "--stands", f"Found {word!r}.", "Give points and millimetres, such as stand3=1100."
            )
        heights[name] = height
    return heights


def standing(calibration, heights: dict[str, float], pixels):
    """What stands on the floor, as the cameras see it; None where nothing was named."""
    import numpy as np

    from diffbio.cameras.calibration.scene.heights import heights_of

    if not heights:
        return None
    return heights_of(calibration, tuple(heights), pixels, np.array(list(heights.values())))


def calibrated(arguments, views, lenses):
    """The calibration in the world asked for, and what to say about that world."""
    import numpy as np

    from diffbio.cameras.calibration.scene import calibrate_scene
    from diffbio.cameras.world_axes import axes_in_words, floor_height_mm, heading, level_on

    def of(views):
        return calibrate_scene(
            views, lenses, click_sd_px=arguments.click_sd_px, focal=arguments.focal
        )

    def rows(option, names):
        for name in names:
            if name not in views.point_names:
                raise UnknownNameError(option, "point that was seen", name, views.point_names)
        return [views.point_names.index(name) for name in names]

    floor = rows("--floor", arguments.floor or ())
    ends = rows("--heading", arguments.heading or ())
    places = views.places
    if arguments.axes:
        places = axes_in_words(arguments.axes).of_points(places)
    calibration = of(dataclasses.replace(views, places=places))
    if not floor and not ends:
        return calibration, []
    notes = []
    if floor:
        change = level_on(places[floor], np.asarray(calibration.rig.centres))
        places = change.of_points(places)
    if ends:
        places = heading(places[ends[0]], places[ends[1]]).of_points(places)
    calibration = of(dataclasses.replace(views, places=places))
    if floor:
        height_mm = floor_height_mm(calibration.rig, places[floor])
        lowest = 1e3 * np.asarray(calibration.rig.centres)[:, 2].min()
        notes.append(
            f"The {len(floor)} points of the floor lie within {height_mm:.1f} mm rms of z = 0; the "
            f"lowest camera stands {lowest:.0f} mm above it."
        )
        if not arguments.stands:
            notes.append(
                "Nothing else checks the floor: give points of known height with --stands."
            )
        below = (places[:, 2] < -0.02) & ~np.isin(np.arange(len(places)), floor)
        if below.any():
            names = ", ".join(views.point_names[row] for row in np.flatnonzero(below))
            notes.append(f"Points {names} are below the floor: check that they should be.")
    return calibration, notes
