"""What a fit left of its detections (`fit.nc`), as lengths at the person."""

import dataclasses
import pathlib

import h5netcdf
import numpy as np
from jaxtyping import Float

from diffbio.errors import InputError
from diffbio.observations import MIN_CONFIDENCE

_NEEDED = (
    "detected_px", "projected_px", "confidence", "marker_position", "camera_focal_px",
    "camera_from_world_rotation", "camera_from_world_translation",
)  # fmt: skip

_REMEDY = "Fit the trial again with `diffbio fit` or `diffbio cohort fit`."


@dataclasses.dataclass(frozen=True)
class FitErrors:
    """Detected minus modelled keypoints of a trial.

    Attributes:
        names: of the keypoints.
        error: to the right and downwards in the image, seen from the camera at the keypoint's
            depth, in metres; NaN where nothing was detected.
    """

    names: tuple[str, ...]
    error: Float[np.ndarray, "camera time keypoint 2"]


def read_fit_errors(path: pathlib.Path) -> FitErrors:
    """Read what a fit left of its detections.

    Those below `MIN_CONFIDENCE` were not used, and count as not detected.

    Raises:
        InputError: the file is unreadable or holds no fit of cameras.
    """
    try:
        with h5netcdf.File(path, "r") as file:
            if missing := [name for name in _NEEDED if name not in file.variables]:
                raise InputError(f"{path}, {missing[0]}", "The variable is missing.", _REMEDY)
            read = {name: np.asarray(file[name][...], float) for name in _NEEDED}
            names = tuple(
                one.decode() if isinstance(one, bytes) else str(one)
                for one in np.asarray(file["marker"][...]).tolist()
            )
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(str(path), f"It cannot be read ({error}).", _REMEDY) from error
    forward = read["camera_from_world_rotation"][:, 2]
    along = read["camera_from_world_translation"][:, 2]
    depth = np.einsum("ci,tki->ctk", forward, read["marker_position"]) + along[:, None, None]
    away = read["detected_px"] - read["projected_px"]
    metres = away * depth[..., None] / read["camera_focal_px"][:, None, None, :]
    used = (read["confidence"] >= MIN_CONFIDENCE) & (depth > 0)
    return FitErrors(names, np.where(used[..., None], metres, np.nan))
