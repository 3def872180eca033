"""What to know about a rig before recording with it, in sentences."""

import numpy as np
from jaxtyping import Float, Int

from diffbio.cameras.calibration.bundle import WIDTH
from diffbio.cameras.capture_volume import THRESHOLD, CaptureVolume
from diffbio.cameras.precision import expected_precision
from diffbio.cameras.rig import CameraRig

_SAME_PLACE = 0.01
"""Metres: cameras that stand nearer together than this see directions and no distances."""

_UNEVEN = 1.5
"""Ratio of the errors along two axes from which it is worth a sentence."""

_SAMPLE = 4096
"""Cells on which rigs without one of their cameras are compared."""

_MOST_CAMERAS = 24
"""Beyond it, cameras are not left out one by one."""


def headline(rig: CameraRig, volume: CaptureVolume, pixel_sd: float) -> str:
    """What the rig can do, or why it cannot triangulate anything, in one sentence."""
    centres = np.asarray(rig.centres, float)
    spread = float(np.linalg.norm(centres - centres.mean(axis=0), axis=1).max())
    if len(rig.names) == 1:
        return (
            "One camera: it tells in which direction something is and not how far, so that "
            "nothing can be triangulated. Add a second camera."
        )
    if spread < _SAME_PLACE:
        return (
            "All cameras stand at one place: they see directions and no distances, so that nothing "
            "can be triangulated. Move them apart."
        )
    error = volume.error
    if not error.size:
        return (
            "No place is seen by two cameras, so that nothing can be triangulated. Turn the "
            "cameras towards each other; if they were, the poses in this file are wrong."
        )
    return (
        f"Expect errors of {_mm(error.min())} at best and {_mm(np.median(error))} in the median "
        f"over the {volume.size:.3g} m³ that two or more cameras see, if detections miss by "
        f"{pixel_sd:g} px; in {_percent(volume.share_within())} of it, at most {_mm(THRESHOLD)}."
    )


def hints(
    rig: CameraRig,
    volume: CaptureVolume,
    pixel_sd: float,
    rig_covariance: Float[np.ndarray, "unknown unknown"] | None = None,
) -> tuple[str, ...]:
    """Further sentences: where it is best and worst, and what to change."""
    if not volume.error.size:
        return tuple(_idle(rig, volume))
    return (
        *_best(rig, volume),
        *_poorly_seen(volume),
        *_uneven(volume),
        *_idle(rig, volume),
        *_needed(rig, volume, pixel_sd, rig_covariance),
    )


def _best(rig: CameraRig, volume: CaptureVolume) -> list[str]:
    error = np.where(volume.precision.determined, volume.precision.error, np.inf)
    cell = int(np.argmin(error))
    x, y, z = volume.grid.points[cell]
    seeing = int(volume.precision.n_cameras[cell])
    return [
        f"Best is {_mm(error[cell])} at x {x:.2f}, y {y:.2f}, z {z:.2f} m, seen by {seeing} of "
        f"{len(rig.names)} cameras; in 95 % of the volume it is at most "
        f"{_mm(np.percentile(volume.error, 95))}."
    ]


def _poorly_seen(volume: CaptureVolume) -> list[str]:
    count = volume.precision.n_cameras
    one, none = float(np.mean(count == 1)), float(np.mean(count == 0))
    if one + none < 0.005:
        return ["Every place in the box shown is seen by two or more cameras."]
    return [
        f"Of the box shown, {_percent(one)} is seen by only one camera and {_percent(none)} by "
        "none: nothing is measured there."
    ]


def _uneven(volume: CaptureVolume) -> list[str]:
    middle = np.median(volume.precision.sd[volume.precision.determined], axis=0)
    worst, best = int(np.argmax(middle)), int(np.argmin(middle))
    if middle[worst] < _UNEVEN * middle[best]:
        return []
    return [
        f"The error is largest along {'xyz'[worst]}: {_mm(middle[worst])} in the median, against "
        f"{_mm(middle[best])} along {'xyz'[best]}. A camera that looks across "
        f"{'xyz'[worst]} lowers it."
    ]


def _idle(rig: CameraRig, volume: CaptureVolume) -> list[str]:
    shared = volume.precision.n_cameras >= min(2, len(rig.names))
    idle = [
        name
        for name, row in zip(rig.names, volume.precision.seen, strict=True)
        if not (row & shared).any()
    ]
    if not idle or len(idle) == len(rig.names):
        return []
    return [
        f"{_cameras(idle)} no place that another camera sees in the box shown: check where "
        f"{'it looks' if len(idle) == 1 else 'they look'}."
    ]


def _needed(
    rig: CameraRig,
    volume: CaptureVolume,
    pixel_sd: float,
    rig_covariance: Float[np.ndarray, "unknown unknown"] | None,
) -> list[str]:
    """The camera without which the error rises most."""
    if not 3 <= len(rig.names) <= _MOST_CAMERAS:
        return []
    cells = np.flatnonzero(volume.precision.determined)
    points = volume.grid.points[cells[:: -(-len(cells) // _SAMPLE)]]

    def median_of(cameras: Int[np.ndarray, "camera"]) -> float:
        """Median error of some cameras; infinite where half is not determined."""
        rest = rig.subset(tuple(rig.names[camera] for camera in cameras))
        known = None
        if rig_covariance is not None:
            own = (WIDTH * cameras[:, None] + np.arange(WIDTH)).ravel()
            known = rig_covariance[np.ix_(own, own)]
        found = expected_precision(rest, points, pixel_sd=pixel_sd, rig_covariance=known)
        return float(np.median(np.where(np.isfinite(found.error), found.error, np.inf)))

    every = np.arange(len(rig.names))
    without = [median_of(np.delete(every, camera)) for camera in every]
    worst = int(np.argmax(without))
    if not np.isfinite(without[worst]):
        return [
            f"Camera {rig.names[worst]} matters most: without it less than half of the volume is "
            "seen by two cameras."
        ]
    return [
        f"Camera {rig.names[worst]} matters most: without it the median error rises from "
        f"{_mm(median_of(every))} to {_mm(without[worst])}."
    ]


def _cameras(names: list[str]) -> str:
    return f"Camera {names[0]} sees" if len(names) == 1 else f"Cameras {', '.join(names)} see"


def _mm(metres: float) -> str:
    millimetres = 1e3 * float(metres)
    return f"{millimetres:.1f} mm" if millimetres < 9.95 else f"{millimetres:.0f} mm"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
