"""A rig made ready to be looked at: upright, with what it can measure."""

import numpy as np
from jaxtyping import Float

from diffbio.cameras.capture_volume import THRESHOLD, capture_volume, floor_is_known
from diffbio.cameras.precision import PIXEL_SD, turned_covariance
from diffbio.cameras.rig import CameraRig
from diffbio.cameras.rig_changes import WORLD_FROM_UPWARD, upward_axis, with_upward
from diffbio.report.rig_hints import headline, hints
from diffbio.report.rig_page_data import CameraDeviations, ShownRig


def shown_rig(
    rig: CameraRig,
    name: str,
    source: str,
    *,
    up: str | None = None,
    box: tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]] | None = None,
    pixel_sd: float = PIXEL_SD,
    rig_covariance: Float[np.ndarray, "unknown unknown"] | None = None,
    notes: tuple[str, ...] = (),
    deviations: dict[str, CameraDeviations] | None = None,
) -> ShownRig:
    """Turn a rig upright and compute what it can measure.

    Args:
        rig: the cameras.
        name: of the rig.
        source: where it comes from, in words.
        up: axis that points up, a key of `WORLD_FROM_UPWARD`; by default z, unless most cameras
            are held as if another were up.
        box: corners of the space to look at, in metres, in the upright world; by default around
            what two cameras see where they look.
        pixel_sd: standard deviation of a detection, in pixels.
        rig_covariance: of the cameras' unknowns, in the world of the rig, where it is known.
        notes: on what was read and decided.
        deviations: of the cameras, where they are known.
    """
    axis = up or upward_axis(rig)
    if axis != "z":
        notes += (
            f"The world is shown turned so that the file's {axis} is z, upwards, as `diffbio "
            f"convert ... --up={axis}` would write it; all places on the page are in that world.",
        )
        rig = with_upward(rig, axis)
        if rig_covariance is not None:
            rig_covariance = turned_covariance(rig_covariance, WORLD_FROM_UPWARD[axis])
    volume = capture_volume(rig, box=box, pixel_sd=pixel_sd, rig_covariance=rig_covariance)
    return ShownRig(
        name=name,
        source=source,
        rig=rig,
        volume=volume,
        pixel_sd=pixel_sd,
        floor_known=floor_is_known(rig),
        headline=headline(rig, volume, pixel_sd),
        hints=hints(rig, volume, pixel_sd, rig_covariance),
        notes=notes,
        deviations=deviations or {},
    )


def expected_error(shown: ShownRig) -> dict[str, float | None]:
    """The expected 3-D error in numbers; None where nothing can be triangulated."""
    error = 1e3 * shown.volume.error
    best, median, most = np.percentile(error, [0, 50, 95]).tolist() if error.size else [None] * 3
    return {
        "pixel_sd": shown.pixel_sd,
        "capture_volume_m3": shown.volume.size,
        "best_mm": best,
        "median_mm": median,
        "p95_mm": most,
        f"share_within_{1e3 * THRESHOLD:.0f}_mm": shown.volume.share_within(),
    }
