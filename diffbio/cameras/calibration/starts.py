"""Where to start: a focal length from homographies, and poses of the board from one camera each."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.calibration.flatness import (
    FISHEYE_FOCALS,
    MAX_BEND,
    bend_in_fisheye,
    faced,
)
from diffbio.cameras.calibration.sightings import MIN_CORNERS, BoardViews
from diffbio.cameras.rig import CameraRig

USUAL_FOCAL = 0.9
"""Of the longer side of the picture (a lens of 58 degrees), where the views do not tell."""

FOCAL_RANGE = (0.3, 6.0)
"""Of the longer side of the picture: lenses from 118 to 10 degrees."""

_NOT_FOUND = 1e5
"""OpenCV gives -1e6 for pixels outside of what a fisheye lens shows."""


def homographies(views: BoardViews, camera: int) -> list[Float[np.ndarray, "3 3"] | None]:
    """Pixels from the plane of the board, in every view of a camera; None where not seen."""
    import cv2

    found = []
    plane = views.board.points[:, :2]
    for pixels, seen in zip(views.pixels[camera], views.seen[camera], strict=True):
        matrix = cv2.findHomography(plane[seen], pixels[seen])[0] if seen.any() else None
        found.append(None if matrix is None or not np.isfinite(matrix).all() else matrix)
    return found


def handedness(views: BoardViews) -> Float[np.ndarray, "camera"]:
    """Mean sign with which each camera's pictures show the board: of a mirrored one, the other.

    A homography keeps the order of corners around the board, or reverses it in a mirror. Nobody
    sees a board from behind, so all cameras must agree.
    """
    signs = np.zeros(len(views.camera_names))
    plane = views.board.points[:, :2] - views.board.points[:, :2].mean(0)
    for camera in range(len(signs)):
        each = []
        for pixels, seen in zip(views.pixels[camera], views.seen[camera], strict=True):
            if seen.any():
                slope = np.linalg.lstsq(
                    np.column_stack([plane[seen], np.ones(seen.sum())]), pixels[seen], rcond=None
                )[0]
                each.append(np.sign(np.linalg.det(slope[:2])))
        signs[camera] = np.mean(each) if each else np.nan
    return signs


def start_focal_px(views: BoardViews, camera: int) -> float:
    """Focal length from the homographies of a camera's views (Zhang 2000), lens ideal.

    The principal point is taken at the centre of the picture and the pixels as square, which
    leaves one unknown, linear in 1 / f^2. Each view gives two equations.
    """
    width, height = views.image_size[camera]
    centre = np.array([[1.0, 0.0, -(width - 1) / 2], [0.0, 1.0, -(height - 1) / 2], [0, 0, 1.0]])
    rows, right = [], []
    for matrix in homographies(views, camera):
        if matrix is not None:
            a, b, _ = (centre @ matrix).T
            scale = np.linalg.norm(a) * np.linalg.norm(b)
            rows += [(a[:2] @ b[:2]) / scale, (a[:2] @ a[:2] - b[:2] @ b[:2]) / scale]
            right += [-(a[2] * b[2]) / scale, -(a[2] ** 2 - b[2] ** 2) / scale]
    squared = float(np.dot(rows, rows) / np.dot(rows, right)) if np.dot(rows, right) else -1.0
    longer = max(width, height)
    focal = np.sqrt(squared) if squared > 0.0 else USUAL_FOCAL * longer
    return float(np.clip(focal, FOCAL_RANGE[0] * longer, FOCAL_RANGE[1] * longer))


def start_fisheye_px(views: BoardViews, camera: int) -> float:
    """Focal length of the fisheye lens behind which boards look flattest, without distortion."""
    size, plane = views.image_size[camera], views.board.points[:, :2]
    focals = max(size) * FISHEYE_FOCALS
    pairs = zip(views.pixels[camera], views.seen[camera], strict=True)
    each = [
        [bend_in_fisheye(plane[seen], pixels[seen], size, focal) for focal in focals]
        for pixels, seen in pairs
        if seen.any()
    ]
    return float(focals[np.argmin(np.minimum(each, MAX_BEND).sum(axis=0))])


def start_lens(views: BoardViews, camera: int, fisheye: bool) -> CameraRig:
    """One camera at the origin of the world, with an ideal lens."""
    width, height = views.image_size[camera]
    focal = (start_fisheye_px if fisheye else start_focal_px)(views, camera)
    return CameraRig(
        focal_px=jnp.array([[focal, focal]]),
        principal_px=jnp.array([[(width - 1) / 2, (height - 1) / 2]]),
        distortion=jnp.zeros((1, 5)),
        camera_from_world_rotation=jnp.eye(3)[None],
        camera_from_world_translation=jnp.zeros((1, 3)),
        names=(views.camera_names[camera],),
        image_size=((width, height),),
        fisheye=(fisheye,),
    )


def camera_from_board(
    rig: CameraRig, views: BoardViews, camera: int
) -> tuple[Float[np.ndarray, "view 3 3"], Float[np.ndarray, "view 3"]]:
    """Where the board was in the frame of one camera, from that camera alone.

    Of the two poses that a flat target has in a distant picture, the one that fits better.

    Returns:
        Rotations and translations in metres; NaN where the camera did not see the board.
    """
    import cv2

    count = views.pixels.shape[1]
    rotation, translation = np.full((count, 3, 3), np.nan), np.full((count, 3), np.nan)
    ideal = ideal_coordinates(rig, views.pixels[camera], camera)
    for view, (plane, seen) in enumerate(zip(ideal, views.seen[camera], strict=True)):
        if not seen.any():
            continue
        # As a camera sees it that faces the board: of a wide lens x / z would be huge.
        facing, image = faced(np.column_stack([plane, np.ones(len(plane))])[seen])
        known = np.isfinite(image).all(axis=1)
        if known.sum() < MIN_CORNERS:
            continue
        points = views.board.points[seen][known]
        middle = points.mean(0)
        done, turns, shifts, errors = cv2.solvePnPGeneric(
            points - middle, image[known], np.eye(3), None, flags=cv2.SOLVEPNP_IPPE
        )
        if done:
            best = int(np.argmin(np.ravel(errors)))
            turn = cv2.Rodrigues(turns[best])[0]
            shift = shifts[best].ravel() - turn @ middle
            rotation[view], translation[view] = facing.T @ turn, facing.T @ shift
    return rotation, translation


def ideal_coordinates(
    rig: CameraRig, pixels: Float[np.ndarray, "view corner 2"], camera: int
) -> Float[np.ndarray, "view corner 2"]:
    """(x / z, y / z) of pixels of one camera, by OpenCV; NaN where there is none."""
    import cv2

    flat = pixels.reshape(-1, 2)
    there = np.isfinite(flat).all(axis=1)
    ideal = np.full_like(flat, np.nan)
    (fx, fy), (cx, cy) = np.asarray(rig.focal_px)[camera], np.asarray(rig.principal_px)[camera]
    matrix = np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])
    distortion = np.asarray(rig.distortion, float)[camera]
    if there.any():
        given = np.ascontiguousarray(flat[there][:, None])
        if rig.fisheye[camera]:
            bare = cv2.fisheye.undistortPoints(given, matrix, distortion[:4])
            bare = np.where(np.abs(bare) < _NOT_FOUND, bare, np.nan)
        else:
            bare = cv2.undistortPoints(given, matrix, distortion)
        ideal[there] = bare[:, 0]
    return ideal.reshape(pixels.shape)


def tilt_deg(rotation: Float[np.ndarray, "view 3 3"]) -> Float[np.ndarray, "view"]:
    """Angle between the normal of the board and the optical axis, 0 to 90 degrees."""
    return np.degrees(np.arccos(np.clip(np.abs(rotation[:, 2, 2]), 0.0, 1.0)))


def spread(views: BoardViews, camera: int, count: int) -> Bool[np.ndarray, "view"]:
    """At most so many views of a camera, as different from each other as can be.

    Farthest-point selection on where the board was in the picture, how large and how tilted.
    """
    seen = views.sighted[camera]
    chosen = np.zeros(len(seen), bool)
    which = np.flatnonzero(seen)
    if len(which) <= count:
        return seen
    size = max(views.image_size[camera])
    each = []
    for view in which:
        pixels = views.pixels[camera, view][views.seen[camera, view]] / size
        middle, spans = pixels.mean(0), np.cov(pixels.T)
        each.append([*middle, *np.sqrt(np.diag(spans)), spans[0, 1] / np.sqrt(np.trace(spans))])
    features = np.asarray(each)
    next_one = int(np.argmax(np.linalg.norm(features - features.mean(0), axis=1)))
    distance = np.full(len(which), np.inf)
    for _ in range(count):
        chosen[which[next_one]] = True
        distance = np.minimum(distance, np.linalg.norm(features - features[next_one], axis=1))
        next_one = int(np.argmax(distance))
    return chosen
