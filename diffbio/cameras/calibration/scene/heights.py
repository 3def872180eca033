"""A floor verified by what stands on it: points of known heights that the calibration never saw."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.scene.calibrate import SceneCalibration
from diffbio.cameras.calibration.scene.quality import covariance_of_all
from diffbio.cameras.calibration.verdict import Verdict
from diffbio.cameras.precision import expected_precision
from diffbio.cameras.triangulation import least_squares_points
from diffbio.errors import InputError

_DOUBTFUL_SD, _DOUBTFUL_MM = 3.0, 5.0
"""A height that misses by more than both is worth a look."""

_WRONG_SD, _WRONG_MM = 5.0, 50.0
"""A height that misses by more than both contradicts the floor."""


@dataclasses.dataclass(frozen=True)
class Standing:
    """What stands on the floor, and how high the cameras see it.

    Attributes:
        names: of the points.
        stated_mm: their heights above the floor.
        found_mm: as triangulated.
        sd_mm: standard deviation of that, by clicks and rig.
    """

    names: tuple[str, ...]
    stated_mm: Float[np.ndarray, "point"]
    found_mm: Float[np.ndarray, "point"]
    sd_mm: Float[np.ndarray, "point"]

    @property
    def sentence(self) -> str:
        """How well heights agree."""
        miss = self.found_mm - self.stated_mm
        worst = int(np.argmax(np.abs(miss)))
        return (
            f"Of {len(self.names)} points of known height that took no part, heights come out "
            f"within {np.sqrt(np.mean(miss**2)):.1f} mm rms; the worst is {self.names[worst]}, "
            f"{miss[worst]:+.1f} mm (expected to +- {self.sd_mm[worst]:.1f})."
        )


def heights_of(
    calibration: SceneCalibration,
    names: tuple[str, ...],
    pixels: Float[np.ndarray, "camera point 2"],
    stated_mm: Float[np.ndarray, "point"],
) -> Standing:
    """Triangulate points that took no part in a calibration, and compare their heights.

    Args:
        calibration: of the cameras, in a world with its floor at z = 0.
        names: of the points.
        pixels: where each camera saw them; NaN where it did not.
        stated_mm: their heights above the floor.

    Raises:
        InputError: fewer than two cameras saw a point.
    """
    rig = calibration.rig
    seen = np.asarray(np.isfinite(pixels).all(axis=-1))
    for point, count in enumerate(seen.sum(axis=0)):
        if count < 2:
            raise InputError(
                "--stands",
                f"Point {names[point]} was seen by {count} cameras.",
                "Click it in two pictures or more.",
            )
    known = np.where(seen[..., None], pixels, np.asarray(rig.principal_px)[:, None])
    rays = rig.normalised_from_image(jnp.asarray(known)[:, None])
    places = np.asarray(least_squares_points(rig, rays, jnp.asarray(seen, float)[:, None])[0])
    variance = []
    for point, by in enumerate(seen.T):
        rows = np.flatnonzero(by)
        some = rig.subset(tuple(rig.names[row] for row in rows))
        covariance = covariance_of_all(calibration, rows)
        precision = expected_precision(
            some,
            places[point : point + 1],
            pixel_sd=float(calibration.click_sd_px[rows].mean()),
            rig_covariance=covariance,
        )
        variance.append(precision.covariance[0, 2, 2])
    return Standing(names, stated_mm, 1e3 * places[:, 2], 1e3 * np.sqrt(variance))


def judge_heights(verdict: Verdict, standing: Standing) -> Verdict:
    """The verdict, with what heights say against the floor."""
    wrong, doubtful = [], []
    miss = standing.found_mm - standing.stated_mm
    for name, off, sd in zip(standing.names, miss, standing.sd_mm, strict=True):
        sentence = (
            f"Point {name} comes out {off:+.0f} mm from its height above the floor, which should "
            f"be right to {sd:.0f} mm: check its clicks, the points of the floor, and the survey."
        )
        if abs(off) > max(_WRONG_SD * sd, _WRONG_MM):
            wrong.append(sentence)
        elif abs(off) > max(_DOUBTFUL_SD * sd, _DOUBTFUL_MM):
            doubtful.append(sentence)
    level = "fail" if wrong else "check" if doubtful and verdict.level == "ok" else verdict.level
    return Verdict(level, (*wrong, *verdict.reasons, *doubtful))
