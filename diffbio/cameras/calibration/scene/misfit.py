"""Other readings of what was given, under which points fit that do not fit as given."""

import equinox as eqx
import numpy as np

from diffbio.cameras.calibration.scene.calibrate import SceneCalibration
from diffbio.cameras.calibration.scene.placing import place_camera
from diffbio.cameras.calibration.scene.pose_candidates import is_flat
from diffbio.cameras.rig import CameraRig

_SIZES = {"half": 0.5, "two thirds": 2 / 3, "three quarters": 0.75, "4/3": 4 / 3, "1.5": 1.5,
          "twice": 2.0, "three times": 3.0, "a third": 1 / 3}  # fmt: skip
"""Factors by which pictures are resized, in words."""

_EXPLAINS = 0.3
"""Another reading of the input explains a misfit when it leaves so much of it."""

_CAP = 30.0
"""In errors of a click: points farther off are equally wrong."""


def explain_misfit(calibration: SceneCalibration, camera: int) -> str | None:
    """Another reading of the input under which one camera's points fit; None where none does."""
    views, stated = calibration.views, calibration.stated_sd_px
    lens = calibration.rig.subset((views.camera_names[camera],))
    pixels, places = views.pixels[camera], views.places

    def left(lens: CameraRig, places: np.ndarray) -> float:
        far = place_camera(lens, places, pixels, stated).distance_px / stated
        return float(np.sqrt(np.nanmean(np.minimum(far, _CAP) ** 2)))

    enough = max(_EXPLAINS * left(lens, places), 1.5)
    mirrored = places * np.array([1.0, -1.0, 1.0])
    if not is_flat(places[views.seen[camera]]) and left(lens, mirrored) < enough:
        return (
            "They fit when the survey is mirrored: its axes are left-handed, or the picture is "
            "flipped. State the axes with --axes, such as x=forward,y=right,z=up."
        )
    for words, factor in _SIZES.items():
        size = np.asarray(lens.image_size[0])
        scaled = eqx.tree_at(
            lambda r: (r.focal_px, r.principal_px),
            lens,
            (lens.focal_px * factor, (lens.principal_px + 0.5) * factor - 0.5),
        )
        if left(scaled, places) < enough:
            width, height = np.round(size * factor).astype(int)
            return (
                f"They fit when the pictures have {words} the size of those of the lens: give "
                f"--image-size {width}x{height}."
            )
    return None
