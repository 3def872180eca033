"""Points of known places, and where cameras saw them; what determines no pose."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.calibration.scene.pose_candidates import STRAIGHT, extents, is_flat
from diffbio.cameras.rig import CameraRig
from diffbio.errors import InputError

MIN_POINTS = 4
MIN_POINTS_FOR_FOCAL = 6


@dataclasses.dataclass(frozen=True)
class SceneViews:
    """Points of known places, and where cameras saw them.

    Attributes:
        point_names: one per point.
        places: surveyed, in metres, in the world that the cameras are to stand in.
        place_sd: standard deviation of that, per axis, in metres; 0 is exact.
        camera_names: one per camera.
        pixels: where each camera saw each point; NaN where it did not.
    """

    point_names: tuple[str, ...]
    places: Float[np.ndarray, "point 3"]
    place_sd: Float[np.ndarray, "point"]
    camera_names: tuple[str, ...]
    pixels: Float[np.ndarray, "camera point 2"]

    @property
    def seen(self) -> Bool[np.ndarray, "camera point"]:
        """Which camera saw which point."""
        return np.asarray(np.isfinite(self.pixels).all(axis=-1))


def check_scene(views: SceneViews, lenses: CameraRig, focal: bool) -> None:
    """Refuse what determines no pose.

    Raises:
        InputError: see `calibrate_scene`.
    """
    needed = MIN_POINTS_FOR_FOCAL if focal else MIN_POINTS
    for camera, name in enumerate(views.camera_names):
        seen = views.seen[camera]
        where, places = f"camera {name}", views.places[seen]
        if seen.sum() < needed:
            raise InputError(
                where,
                f"It saw {seen.sum()} points of known places.",
                f"Give at least {needed}" + (" for a focal length" if focal else "") + ", better "
                "8 or more, spread over the whole picture and at several heights.",
            )
        sizes = extents(places)
        if sizes[1] < STRAIGHT * sizes[0]:
            raise InputError(
                where,
                f"Its {seen.sum()} points lie on one line, about which it may be turned freely.",
                "Add points beside that line.",
            )
        if focal and is_flat(places):
            raise InputError(
                where,
                f"Its {seen.sum()} points lie in one plane, and a focal length cannot be told "
                "from them.",
                "Add points at other heights, or give the lens and leave out --focal.",
            )
        size = np.asarray(lenses.image_size[camera])
        outside = ((views.pixels[camera] < -1.0) | (views.pixels[camera] > size)).any(axis=1)
        if outside.any():
            point = int(np.flatnonzero(outside)[0])
            u, v = views.pixels[camera, point]
            raise InputError(
                where,
                f"Point {views.point_names[point]} was seen at ({u:.0f}, {v:.0f}), outside its "
                f"picture of {size[0]} x {size[1]}.",
                "Give the lens for the pictures' resolution, or their size with --image-size.",
            )
