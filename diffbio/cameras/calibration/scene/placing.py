"""One camera from what it alone saw: the pose that most points agree on."""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio._jax import round_up_to_bucket
from diffbio.cameras.calibration.rig_arrays import bare_rig, named
from diffbio.cameras.calibration.scene.known_points import KnownPoints, Located, locate
from diffbio.cameras.calibration.scene.pose_candidates import Candidate, candidates, same_pose
from diffbio.cameras.calibration.scene.views import MIN_POINTS, MIN_POINTS_FOR_FOCAL
from diffbio.cameras.rig import CameraRig
from diffbio.errors import InputError

_CAP_SD = 10.0
"""A point so many times the error of a click away speaks neither for a pose nor against it."""

_WRONG_SD = 6.0
"""A point that the others predict so far from where it was clicked is taken for another."""

_BACK_SD = 4.0
"""A point left out at first returns when it turns out to be nearer than this."""

_MOST_WRONG = 1 / 3
"""Where a larger share of points would have to be left out, nobody can say which are wrong."""

_CLICKS_KNOWN = 4.0
"""How many residuals the stated error of a click is worth against those that are observed."""

_FOCAL_FACTORS = np.geomspace(0.5, 2.0, 15)


@dataclasses.dataclass(frozen=True)
class PlacedCamera:
    """One camera, from what it alone saw.

    Attributes:
        rig: the camera.
        used: which points counted.
        distance_px: of every point from where it was seen, NaN where it was not.
        other_worse: see `SceneCalibration.other_pose`, in squares of the click's stated error.
        other_centre: where the next best pose would have it, in metres.
    """

    rig: CameraRig
    used: Bool[np.ndarray, "point"]
    distance_px: Float[np.ndarray, "point"]
    other_worse: float
    other_centre: tuple[float, float, float]


def place_camera(
    lens: CameraRig,
    places: Float[np.ndarray, "point 3"],
    pixels: Float[np.ndarray, "point 2"],
    click_sd_px: float,
    focal: bool = False,
) -> PlacedCamera:
    """The pose of one camera, from the points that agree with each other.

    Args:
        lens: the camera; its pose is not read.
        places: exact, in metres.
        pixels: where it saw them, NaN where it did not.
        click_sd_px: how well.
        focal: seek its focal length too.
    """
    seen = np.asarray(np.isfinite(pixels).all(axis=1))
    refined: list[tuple[PlacedCamera, float]] = []
    for start, candidate in _starts(lens, places[seen], pixels[seen], click_sd_px, focal):
        agrees = np.zeros(len(seen), bool)
        agrees[seen] = candidate.agrees
        one, cost = _settled(start, places, pixels, seen, agrees, click_sd_px, focal)
        pose = _as_candidate(one.rig)
        if not any(same_pose(pose, _as_candidate(o.rig), places[seen]) for o, _ in refined):
            refined.append((one, cost))
    refined.sort(key=lambda entry: entry[1])
    best, cost = refined[0]
    if len(refined) > 1:
        worse, centre = refined[1][1] - cost, np.asarray(refined[1][0].rig.centres)[0]
        best = dataclasses.replace(
            best, other_worse=worse, other_centre=(centre[0], centre[1], centre[2])
        )
    return best


def _starts(
    lens: CameraRig, places: np.ndarray, pixels: np.ndarray, click_sd_px: float, focal: bool
) -> list[tuple[CameraRig, Candidate]]:
    """Poses to start from, with the focal length that goes with each.

    Raises:
        InputError: there is none.
    """
    cap = _CAP_SD * click_sd_px
    found = []
    for factor in _FOCAL_FACTORS if focal else (1.0,):
        changed = eqx.tree_at(lambda r: r.focal_px, lens, lens.focal_px * factor)
        proposed = candidates(changed, places, pixels, cap, 3 if focal else 6)
        found += [(_posed(changed, one), one) for one in proposed]
    if not found:
        raise InputError(
            f"camera {lens.names[0]}",
            "No pose shows it the points where it saw them.",
            "Check that points and lens belong to it, and the units of the survey.",
        )
    found.sort(key=lambda entry: entry[1].cost)
    return found[:6]


def _settled(
    start: CameraRig,
    places: np.ndarray,
    pixels: np.ndarray,
    seen: Bool[np.ndarray, "point"],
    agrees: Bool[np.ndarray, "point"],
    click_sd_px: float,
    focal: bool,
) -> tuple[PlacedCamera, float]:
    """Least squares on the points that agree, and its truncated cost over all, in click errors."""
    least = MIN_POINTS_FOR_FOCAL if focal else MIN_POINTS + 1
    used = agrees if agrees.sum() >= least else seen.copy()
    exact, count = np.zeros(len(places)), int(seen.sum())
    distance, stated = np.zeros(len(places)), np.array([click_sd_px])
    for _ in range(6):
        points = known(places, exact, pixels[None], used[None], stated)
        found = locate(bare_rig(start), points, jnp.asarray([focal]))
        sd = click_sd(found, used[None], click_sd_px)
        distance = np.linalg.norm(np.asarray(found.residual_px)[0, : len(places)], axis=1)
        change = seen & ~used & (distance < _BACK_SD * sd[0])
        if change.any():
            used = used | change
            continue
        worst, by_sd = _worst(found, used, click_sd_px)
        if used.sum() <= least or by_sd < _WRONG_SD:
            break
        used = used & (np.arange(len(used)) != worst)
    if count - used.sum() > _MOST_WRONG * count:
        used = seen.copy()
        points = known(places, exact, pixels[None], used[None], stated)
        found = locate(bare_rig(start), points, jnp.asarray([focal]))
        distance = np.linalg.norm(np.asarray(found.residual_px)[0, : len(places)], axis=1)
    rig = named(found.rig, start)
    cost = float(np.sum(np.minimum(distance[seen] / click_sd_px, _CAP_SD) ** 2))
    nowhere = (np.nan, np.nan, np.nan)
    return PlacedCamera(rig, used, np.where(seen, distance, np.nan), np.inf, nowhere), cost


def _worst(
    found: Located, used: Bool[np.ndarray, "point"], click_sd_px: float
) -> tuple[int, float]:
    """The point that explains best what is left, and by how many errors of a click.

    Without it the squares fall by the product of its residual and its left-out error: points that
    the others hardly predict are not blamed for that.
    """
    count = len(used)
    residual = np.asarray(found.residual_px)[0, :count]
    gain = np.sum(residual * np.asarray(found.left_out_px)[0, :count], axis=1)
    gain = np.where(used & np.isfinite(gain), gain, 0.0)
    worst = int(np.argmax(gain))
    rest = float(np.sum(residual[used] ** 2)) - gain[worst]
    freedom = max(float(found.redundancy[0]) - 2.0, 0.0)
    without = (max(rest, 0.0) + _CLICKS_KNOWN * click_sd_px**2) / (freedom + _CLICKS_KNOWN)
    return worst, float(np.sqrt(gain[worst] / max(without, click_sd_px**2)))


def click_sd(
    found: Located, used: Bool[np.ndarray, "camera point"], stated_px: float
) -> Float[np.ndarray, "camera"]:
    """Standard deviation of a camera's clicks: as stated, and as the adjustment leaves them."""
    residual = np.asarray(found.residual_px)[:, : used.shape[1]]
    freedom = np.maximum(np.asarray(found.redundancy), 0.0)
    squares = np.sum(np.where(used[..., None], residual, 0.0) ** 2, axis=(1, 2))
    squares = squares + _CLICKS_KNOWN * stated_px**2
    return np.sqrt(squares / (freedom + _CLICKS_KNOWN))


def known(
    places: np.ndarray,
    place_sd: np.ndarray,
    pixels: np.ndarray,
    used: np.ndarray,
    sd_px: np.ndarray,
) -> KnownPoints:
    """Points in a padded shape, so that few programs are compiled.

    Args:
        places: surveyed, in metres.
        place_sd: standard deviations of that, in metres.
        pixels: where cameras saw them; NaN where they did not.
        used: which of these count.
        sd_px: of each camera's clicks.
    """
    more = round_up_to_bucket(len(places)) - len(places)
    middle = np.tile(places.mean(axis=0), (more, 1))
    pixels = np.where(np.isfinite(pixels), pixels, 0.0)
    return KnownPoints(
        jnp.asarray(np.concatenate([places, middle])),
        jnp.asarray(np.pad(place_sd, (0, more))),
        jnp.asarray(np.pad(pixels, ((0, 0), (0, more), (0, 0)))),
        jnp.asarray(np.pad(used / sd_px[:, None], ((0, 0), (0, more)))),
    )


def _as_candidate(rig: CameraRig) -> Candidate:
    rotation = np.asarray(rig.camera_from_world_rotation)[0]
    translation = np.asarray(rig.camera_from_world_translation)[0]
    return Candidate(rotation, translation, 0.0, np.zeros(0, bool))


def _posed(lens: CameraRig, pose: Candidate) -> CameraRig:
    return eqx.tree_at(
        lambda r: (r.camera_from_world_rotation, r.camera_from_world_translation),
        lens,
        (jnp.asarray(pose.rotation)[None], jnp.asarray(pose.translation)[None]),
    )
