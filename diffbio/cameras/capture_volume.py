"""The space in which a rig can measure: where it lies, how large it is, how precise it is."""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from diffbio.cameras.field_of_view import in_view
from diffbio.cameras.precision import PIXEL_SD, Precision, expected_precision
from diffbio.cameras.rig import CameraRig
from diffbio.cameras.rig_changes import upward_axis

THRESHOLD = 0.010
"""Metres: the error up to which a place counts as well measured, where nothing is stated."""

_TALL = 2.5
"""Metres: a person with an arm raised."""

_AHEAD = 3.0
"""Metres in front of cameras whose axes do not meet."""

_NEAREST = 0.3
"""Metres to where the cameras look, at least."""

_SHARE_OF_REACH = 2.0 / 3.0
"""Of the way from where the cameras look to the farthest of them: nearer to the cameras people
do not fit into the pictures."""

_CELLS = (40, 26)
"""Most cells along a horizontal axis, and along z."""

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclasses.dataclass(frozen=True)
class Grid:
    """Cells that fill a box.

    Attributes:
        low: corner of the box with the smallest coordinates, in metres.
        step: size of a cell, in metres.
        shape: number of cells along x, y and z.
    """

    low: tuple[float, float, float]
    step: tuple[float, float, float]
    shape: tuple[int, int, int]

    @property
    def high(self) -> tuple[float, float, float]:
        """Corner of the box with the largest coordinates, in metres."""
        x, y, z = (a + s * n for a, s, n in zip(self.low, self.step, self.shape, strict=True))
        return x, y, z

    @property
    def points(self) -> Float[np.ndarray, "cell 3"]:
        """Middles of the cells, z fastest, in metres."""
        axes = [
            a + s * (np.arange(n) + 0.5)
            for a, s, n in zip(self.low, self.step, self.shape, strict=True)
        ]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


@dataclasses.dataclass(frozen=True)
class CaptureVolume:
    """What a rig can measure, cell by cell; see `Precision`."""

    grid: Grid
    precision: Precision

    @property
    def size(self) -> float:
        """Cubic metres of the box in which a point can be triangulated."""
        return float(np.prod(self.grid.step) * self.precision.determined.sum())

    @property
    def error(self) -> Float[np.ndarray, "cell"]:
        """Expected errors of the cells that are determined, in metres."""
        return self.precision.error[self.precision.determined]

    def share_within(self, threshold: float = THRESHOLD) -> float:
        """Part of the volume in which the expected error is at most so many metres."""
        return float(np.mean(self.error <= threshold)) if self.error.size else 0.0


def capture_volume(
    rig: CameraRig,
    *,
    box: tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]] | None = None,
    pixel_sd: float = PIXEL_SD,
    rig_covariance: Float[np.ndarray, "unknown unknown"] | None = None,
) -> CaptureVolume:
    """Expected precision everywhere in a box; see `expected_precision`.

    Args:
        rig: the cameras.
        box: its lowest and highest corner, in metres; by default `volume_box`.
        pixel_sd: standard deviation of a detection, in pixels.
        rig_covariance: of the cameras' unknowns, where it is known.
    """
    grid = grid_of(*(volume_box(rig) if box is None else box))
    found = expected_precision(rig, grid.points, pixel_sd=pixel_sd, rig_covariance=rig_covariance)
    return CaptureVolume(grid, found)


def volume_box(rig: CameraRig) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """The box around what at least two cameras see, near where they look.

    It reaches two thirds of the way from where the cameras look to the farthest of them, and
    from the floor, where that is known, no higher than a person with an arm raised. Where no
    place is seen by two cameras, it is the box around what one sees.
    """
    middle, reach = looked_at(rig)
    half = _SHARE_OF_REACH * reach
    low, high = middle - half, middle + half
    if floor_is_known(rig):
        low[2], high[2] = 0.0, min(_TALL, max(reach, middle[2] + half))
    else:
        tall = min(half, _TALL / 2.0)
        low[2], high[2] = middle[2] - tall, middle[2] + tall
    across, tall = _nice(2.0 * half / _CELLS[0]), _nice(float(high[2] - low[2]) / _CELLS[1])
    unit = np.array([across, across, tall])
    low, high = _rounded_outwards(low, high, unit)
    grid = grid_of(low, high)
    seen = in_view(rig, grid.points).sum(axis=0)
    inside, cell = grid.points[seen >= min(2, seen.max())], np.asarray(grid.step) / 2.0
    return _rounded_outwards(inside.min(axis=0) - cell, inside.max(axis=0) + cell, unit)


def _rounded_outwards(
    low: Float[np.ndarray, "3"], high: Float[np.ndarray, "3"], unit: Float[np.ndarray, "3"]
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """A box of whole units around another; what misses one by rounding is not rounded up."""
    return unit * np.floor(low / unit + 1e-6), unit * np.ceil(high / unit - 1e-6)


def looked_at(rig: CameraRig) -> tuple[Float[np.ndarray, "3"], float]:
    """The place nearest to all optical axes, and how far from it the farthest camera stands.

    Where the axes do not meet in front of the cameras, it is the place 3 m ahead of them.
    """
    centres = np.asarray(rig.centres, float)
    forward = np.asarray(rig.camera_from_world_rotation, float)[:, 2]
    across = np.eye(3) - forward[:, :, None] * forward[:, None, :]
    normal, right = across.sum(axis=0), np.einsum("cij,cj->i", across, centres)
    middle = centres.mean(axis=0)
    ahead, least = middle + _AHEAD * forward.mean(axis=0), _AHEAD
    # Axes within some five degrees of each other meet nowhere in particular.
    if np.linalg.eigvalsh(normal)[0] > 0.01 * len(centres):
        meeting = np.linalg.solve(normal, right)
        depth = np.sum(forward * (meeting - centres), axis=1)
        if np.mean(depth > 0.0) > 0.5 and depth.max() > 0.1:
            ahead, least = meeting, _NEAREST
    reach = float(np.linalg.norm(centres - ahead, axis=1).max())
    return ahead, max(reach, least)


def floor_is_known(rig: CameraRig) -> bool:
    """Whether the world of a rig seems to have its floor at z = 0 and z up.

    Rig files do not say. Most cameras are held upright or look down, and stand above the floor;
    where the world is the frame of one camera, there is no floor in it.
    """
    centres = np.asarray(rig.centres, float)
    if upward_axis(rig) != "z" or np.linalg.norm(centres, axis=1).min() < 1e-6:
        return False
    rotation = np.asarray(rig.camera_from_world_rotation, float)
    upright = (-rotation[:, 1, 2] > 0.3) | (rotation[:, 2, 2] < -0.5)
    return bool(np.mean(upright & (centres[:, 2] > 0.0)) > 0.5)


def grid_of(low: Float[np.ndarray, "3"], high: Float[np.ndarray, "3"]) -> Grid:
    """Cells of nearly round sizes that fill a box exactly."""
    size = np.maximum(high - low, 1e-3)
    across = _nice(float(size[:2].max()) / _CELLS[0])
    wanted = np.array([across, across, _nice(float(size[2]) / _CELLS[1])])
    most = (_CELLS[0], _CELLS[0], _CELLS[1])
    n_x, n_y, n_z = (
        int(np.clip(round(s / w), 1, m)) for s, w, m in zip(size, wanted, most, strict=True)
    )
    shape = (n_x, n_y, n_z)
    x, y, z = (float(s) / n for s, n in zip(size, shape, strict=True))
    return Grid((float(low[0]), float(low[1]), float(low[2])), (x, y, z), shape)


def within_box(grid: Grid, points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, "point"]:
    """Which points lie in the box of a grid."""
    return np.all((points >= np.asarray(grid.low)) & (points <= np.asarray(grid.high)), axis=-1)


def _nice(size: float) -> float:
    """The round number next above a size."""
    scale = 10.0 ** np.floor(np.log10(size))
    return float(next(scale * n for n in _NICE if scale * n >= size * (1.0 - 1e-9)))
