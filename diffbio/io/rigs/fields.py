"""What a file states of one camera, checked field by field."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from diffbio.errors import InputError
from diffbio.io.rigs.camera import FileCamera

_ROTATION_TOLERANCE = 1e-4
"""Largest deviation of `R R^T` from the identity: matrices are written with 5 digits or more."""

_LARGEST_NUMBER = 1e9
"""Of anything in a calibration, in any unit."""


class CameraFields:
    """What a file states of one camera, read field by field; every complaint says which.

    Args:
        where: the file, and the camera.
        table: under `size`, `matrix`, `distortions`, `rotation` and `translation`.
        layout: what a camera of this format looks like, as a sentence, to be told as a remedy.
        called: what this format calls those fields, where it is something else.
    """

    def __init__(
        self,
        where: str,
        table: Mapping[str, Any],
        layout: str,
        called: Mapping[str, str] | None = None,
    ) -> None:
        self.where, self.table, self.layout, self.called = where, table, layout, called or {}

    def camera(self, name: str, *, metres_per_unit: float, fisheye: bool = False) -> FileCamera:
        """The camera, once all its fields have been found sound.

        Raises:
            InputError: a field is missing or impossible.
        """
        return FileCamera(
            name=name,
            size=self.size(),
            matrix=self.matrix(),
            distortion=self.distortion(fisheye),
            rotation=self.rotation(),
            translation=self.numbers("translation", 3) * metres_per_unit,
            fisheye=fisheye,
        )

    def numbers(self, field: str, *shape: int) -> Float[np.ndarray, "..."]:
        """A field as finite numbers, of a given shape unless none is given."""
        if self.table.get(field) is None:
            found = f"The field `{self.called.get(field, field)}` is missing."
            raise InputError(self.where, found, self.layout)
        try:
            value = np.asarray(self.table[field], dtype=float)
        except (TypeError, ValueError) as error:
            raise self.complaint(field, f"Found {self.table[field]!r}.") from error
        if shape and value.shape != shape:
            raise self.complaint(
                field,
                f"Found {' x '.join(map(str, value.shape)) or 'one'} numbers instead of "
                f"{' x '.join(map(str, shape))}.",
            )
        if not np.all(np.isfinite(value)):
            raise self.complaint(
                field,
                "It holds a number that is not finite (NaN or infinity).",
                "Calibrate this camera again, or remove it from the rig.",
            )
        if value.size and np.abs(value).max() > _LARGEST_NUMBER:
            raise self.complaint(field, f"It holds {np.abs(value).max():.2g}.")
        return value

    def size(self) -> tuple[int, int]:
        """Width and height of the image."""
        width, height = self.numbers("size", 2)
        if min(width, height) < 1 or width != int(width) or height != int(height):
            raise self.complaint(
                "size",
                f"Found {width:g} x {height:g} pixels.",
                "Give the width and height of the image in whole pixels.",
            )
        return int(width), int(height)

    def matrix(self) -> Float[np.ndarray, "3 3"]:
        """Focal lengths and principal point as a camera matrix without skew."""
        matrix = self.numbers("matrix", 3, 3)
        if matrix[0, 1] != 0.0:
            raise self.complaint(
                "matrix",
                f"The skew is {matrix[0, 1]:g}, and cameras with skew are not supported.",
                "Calibrate the camera without skew (OpenCV's usual model).",
            )
        if matrix[0, 0] <= 0.0 or matrix[1, 1] <= 0.0:
            raise self.complaint(
                "matrix",
                f"The focal lengths are {matrix[0, 0]:g} and {matrix[1, 1]:g} px.",
                "They must be positive; check the sign convention of the calibration.",
            )
        lower = matrix[[1, 2, 2], [0, 0, 1]]
        if np.any(lower != 0.0) or matrix[2, 2] != 1.0:
            raise self.complaint(
                "matrix",
                "It is not of the form [[fx, 0, cx], [0, fy, cy], [0, 0, 1]].",
                "Write it row by row, in pixels.",
            )
        return matrix

    def distortion(self, fisheye: bool) -> Float[np.ndarray, "5"]:
        """Lens coefficients, filled up to five."""
        found = self.numbers("distortions")
        if found.ndim != 1 or found.size not in ((4,) if fisheye else (4, 5)):
            raise self.complaint(
                "distortions",
                f"Found {found.size} numbers.",
                "A fisheye lens has 4 (k1, k2, k3, k4)."
                if fisheye
                else "A pinhole lens has 4 (k1, k2, p1, p2) or 5 (and k3).",
            )
        return np.pad(found, (0, 5 - found.size))

    def rotation(self) -> Float[np.ndarray, "3 3"]:
        """Rotation matrix, camera from world; of a rounded matrix, the nearest rotation."""
        found = self.numbers("rotation")
        if found.shape == (3,):
            return Rotation.from_rotvec(found).as_matrix()
        if found.shape != (3, 3):
            raise self.complaint(
                "rotation",
                f"Found {found.size} numbers.",
                "Give a Rodrigues vector (3 numbers) or a rotation matrix (3 x 3).",
            )
        away = np.abs(found @ found.T - np.eye(3)).max()
        if away > _ROTATION_TOLERANCE or np.linalg.det(found) < 0.0:
            raise self.complaint(
                "rotation",
                f"The matrix is not orthonormal with determinant 1 (R R^T is {away:.2g} off the "
                f"identity, the determinant is {np.linalg.det(found):.3g}).",
                "Give the rotation from world to camera as a Rodrigues vector or a rotation "
                "matrix.",
            )
        left, _, right = np.linalg.svd(found)
        return left @ right

    def complaint(self, field: str, found: str, remedy: str | None = None) -> InputError:
        """What is wrong with a field, to be raised."""
        where = f"{self.where}, {self.called.get(field, field)}"
        return InputError(where, found, remedy or self.layout)
