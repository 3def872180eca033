"""Cameras as files state them, one by one, and the rig that they make."""

import dataclasses
import pathlib

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from diffbio.cameras import CameraRig
from diffbio.errors import InputError

_FARTHEST_CAMERA = 200.0
"""In metres from the middle of the rig. Beyond it the rig is taken to be in millimetres."""

_NEAREST_CAMERA = 5e-3
"""In metres from the middle of the rig: all nearer than this, and it is in a larger unit."""

_STATE_UNIT = "the unit: `diffbio convert ... --unit mm` (or m, cm, or the metres in one unit)"


@dataclasses.dataclass(frozen=True)
class StatedRig:
    """What the caller states of a rig whose file is silent; None where nothing is stated.

    Attributes:
        image_size: (width, height) in pixels the rig was calibrated at.
        metres_per_unit: length of one unit of the file, in metres.
    """

    image_size: tuple[int, int] | None = None
    metres_per_unit: float | None = None


@dataclasses.dataclass(frozen=True)
class FileCamera:
    """One camera, in the conventions and units of `CameraRig`, in double precision."""

    name: str
    size: tuple[int, int]
    matrix: Float[np.ndarray, "3 3"]
    distortion: Float[np.ndarray, "5"]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]
    fisheye: bool = False


def unreadable(path: pathlib.Path, error: OSError) -> InputError:
    """That a file cannot be read, to be raised."""
    return InputError(
        str(path),
        f"The rig cannot be read ({error.strerror}).",
        "Give the path of the calibration.",
    )


def unit_of(path: pathlib.Path, known: float | None, stated: StatedRig) -> float:
    """Metres per unit: what the format says, else what the caller states.

    Raises:
        InputError: neither says, or they contradict each other.
    """
    unit = stated.metres_per_unit
    if known is None and unit is None:
        raise InputError(
            f"{path}, translation",
            "The file does not say in which unit the cameras' positions are.",
            f"State {_STATE_UNIT}.",
        )
    if known is not None and unit is not None and unit != known:
        raise InputError(
            f"{path}, translation",
            f"A unit of {unit:g} m was stated, but in this file it is {known:g} m.",
            "Leave out the unit.",
        )
    return unit if known is None else known  # pyright: ignore[reportReturnType]


def rig_of(path: pathlib.Path, cameras: list[FileCamera]) -> CameraRig:
    """The rig of several cameras.

    Raises:
        InputError: there is none, two share a name, or they stand too far apart for metres.
    """
    if not cameras:
        raise InputError(str(path), "It holds no camera.", "Give a file with calibrated cameras.")
    names = tuple(camera.name for camera in cameras)
    for name in names:
        if names.count(name) > 1:
            raise InputError(str(path), f"Two cameras are called {name!r}.", "Rename one of them.")
    matrices = np.stack([camera.matrix for camera in cameras])
    rotation = np.stack([camera.rotation for camera in cameras])
    translation = np.stack([camera.translation for camera in cameras])
    _check_metres(path, names, -np.einsum("cji,cj->ci", rotation, translation))
    return CameraRig(
        focal_px=jnp.asarray(matrices[:, [0, 1], [0, 1]]),
        principal_px=jnp.asarray(matrices[:, :2, 2]),
        distortion=jnp.asarray(np.stack([camera.distortion for camera in cameras])),
        camera_from_world_rotation=jnp.asarray(rotation),
        camera_from_world_translation=jnp.asarray(translation),
        names=names,
        image_size=tuple(camera.size for camera in cameras),
        fisheye=tuple(camera.fisheye for camera in cameras),
    )


def cameras_of(rig: CameraRig) -> list[FileCamera]:
    """The cameras of a rig one by one, in double precision."""
    focal, principal, distortion, rotation, translation = (
        np.asarray(array, float)
        for array in (
            rig.focal_px,
            rig.principal_px,
            rig.distortion,
            rig.camera_from_world_rotation,
            rig.camera_from_world_translation,
        )
    )
    cameras = []
    for row, name in enumerate(rig.names):
        matrix = np.diag([*focal[row], 1.0])
        matrix[:2, 2] = principal[row]
        cameras.append(
            FileCamera(
                name,
                rig.image_size[row],
                matrix,
                distortion[row],
                rotation[row],
                translation[row],
                rig.fisheye[row],
            )
        )
    return cameras


def refuse_fisheye(rig: CameraRig, format_name: str) -> None:
    """Complain about lenses that a format without fisheye lenses would lose.

    Raises:
        InputError: a camera has a fisheye lens.
    """
    if any(rig.fisheye):
        name = rig.names[rig.fisheye.index(True)]
        raise InputError(
            f"camera {name}",
            f"Its lens is a fisheye, which {format_name} cannot express.",
            "Write pose2sim, caliscope, freemocap or opencv instead.",
        )


def _check_metres(
    path: pathlib.Path, names: tuple[str, ...], centres: Float[np.ndarray, "camera 3"]
) -> None:
    away = np.linalg.norm(centres - centres.mean(axis=0), axis=1)
    if away.max() > _FARTHEST_CAMERA:
        raise InputError(
            f"{path}, translation",
            f"Camera {names[int(away.argmax())]} stands {away.max():.0f} m from the middle of "
            "the rig, which looks like millimetres.",
            f"Write translations in metres, or state {_STATE_UNIT}.",
        )
    if 0.0 < away.max() < _NEAREST_CAMERA:
        raise InputError(
            f"{path}, translation",
            f"All cameras stand within {1e3 * away.max():.2g} mm of the middle of the rig, which "
            "looks like another unit.",
            f"Correct the translations, or state {_STATE_UNIT}.",
        )
