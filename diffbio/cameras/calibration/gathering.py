"""Detections of single cameras, put together into views by the labels of their pictures."""

import dataclasses

import numpy as np
from jaxtyping import Float

from diffbio.cameras.calibration.boards import Board
from diffbio.cameras.calibration.sightings import BoardViews


@dataclasses.dataclass
class CameraSightings:
    """What one camera's pictures showed, collected one by one.

    Attributes:
        name: of the camera.
        image_size: (width, height) in pixels; (0, 0) before the first picture.
        corners: pixels of the corners by label of the picture.
        edge_width_px: by label; NaN where nothing was found.
        found: pictures in which corners were found.
    """

    name: str
    image_size: tuple[int, int] = (0, 0)
    corners: dict[str, Float[np.ndarray, "corner 2"]] = dataclasses.field(default_factory=dict)
    edge_width_px: dict[str, float] = dataclasses.field(default_factory=dict)
    found: int = 0

    def add(
        self,
        label: str,
        picture: np.ndarray,
        corners: Float[np.ndarray, "corner 2"],
        edge_width_px: float,
    ) -> None:
        """Add what one picture showed."""
        self.image_size = (picture.shape[1], picture.shape[0])
        self.corners[label] = corners
        self.edge_width_px[label] = edge_width_px
        self.found += int(np.isfinite(corners).any())


def gather(
    cameras: list[CameraSightings], board: Board
) -> tuple[BoardViews, Float[np.ndarray, "camera view"]]:
    """Views of all cameras; pictures with the same label were taken at the same time.

    Returns:
        The views, in the order of their labels, and the width of edges in each.
    """
    labels = sorted({label for camera in cameras for label in camera.corners})
    shape = (len(cameras), len(labels))
    pixels = np.full((*shape, len(board.points), 2), np.nan)
    widths = np.full(shape, np.nan)
    for row, camera in enumerate(cameras):
        for column, label in enumerate(labels):
            if label in camera.corners:
                pixels[row, column] = camera.corners[label]
                widths[row, column] = camera.edge_width_px[label]
    views = BoardViews(
        board,
        tuple(camera.name for camera in cameras),
        tuple(camera.image_size for camera in cameras),
        pixels,
        tuple(labels),
    )
    return views, widths
