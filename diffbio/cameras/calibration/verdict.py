"""Whether to use a rig, with the reason and the action for everything that falls short."""

import dataclasses

import numpy as np

from diffbio.cameras.calibration.calibrate import BoardCalibration
from diffbio.cameras.calibration.coverage import empty_regions
from diffbio.cameras.calibration.covisibility import shared_views, spanning_tree, weak_links
from diffbio.cameras.calibration.quality import Quality


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether to use a rig: `ok`, `check` or `fail`, with reasons that each say what to do."""

    level: str
    reasons: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The verdict in one line."""
        return {
            "ok": "ok: the rig can be used.",
            "check": "check: the rig can be used, with the reservations above.",
            "fail": "fail: do not use this rig; see above what to record anew.",
        }[self.level]


def judge(calibration: BoardCalibration, quality: Quality) -> Verdict:
    """The verdict, with the reason and the action for everything that falls short."""
    wrong, doubtful = [], []
    if not calibration.converged:
        wrong.append("The adjustment did not come to rest: look for views that do not belong.")
    _judge_errors(quality, calibration, wrong, doubtful)
    _judge_certainty(quality, calibration, wrong, doubtful)
    _judge_views(quality, calibration, doubtful)
    level = "fail" if wrong else "check" if doubtful else "ok"
    return Verdict(level, tuple(wrong + doubtful))


def _judge_errors(
    quality: Quality, calibration: BoardCalibration, wrong: list[str], doubtful: list[str]
) -> None:
    square = 1000.0 * calibration.views.board.square
    if quality.median_px > 3.0:
        wrong.append(
            f"Corners miss their detections by {quality.median_px:.1f} px in the median: check "
            "the size of the board and that the videos are synchronised."
        )
    for name, error in quality.held_out_px.items():
        if error > max(5.0 * quality.median_px, 3.0):
            doubtful.append(
                f"Camera {name} misses views it was not fitted to by {error:.1f} px in the "
                "median: record more views that it shares with others, and check its clock."
            )
    if quality.edge_rms_mm > 0.05 * square:
        wrong.append(
            f"Lengths on the board come out wrong by {quality.edge_rms_mm:.1f} mm rms: check "
            "that the board is flat and the videos are synchronised."
        )
    elif quality.edge_rms_mm > max(1.0, 0.02 * square):
        doubtful.append(
            f"Lengths on the board come out wrong by {quality.edge_rms_mm:.1f} mm rms: hold it "
            "nearer to the cameras and still, and make sure that it is flat."
        )


def _judge_certainty(
    quality: Quality, calibration: BoardCalibration, wrong: list[str], doubtful: list[str]
) -> None:
    centres = np.asarray(calibration.rig.centres)
    size = max(float(np.linalg.norm(centres - centres.mean(0), axis=1).max()), 0.1)
    for name, sd in quality.centre_sd_mm.items():
        sentence = (
            f"Camera {name} stands where it does to +- {sd:.0f} mm: record more views that it "
            "shares with other cameras, the board tilted and in all parts of the volume."
        )
        if sd > 50.0 * size:
            wrong.append(sentence)
        elif sd > 5.0 * size:
            doubtful.append(sentence)
    for name, sd in quality.focal_sd_percent.items():
        sentence = (
            f"The focal length of camera {name} is known to +- {sd:.1f} %: record views with the "
            "board tilted by 30 to 45 degrees, at the edges of the picture and near the camera."
        )
        if sd > 5.0:
            wrong.append(sentence)
        elif sd > 1.0:
            doubtful.append(sentence)


def _judge_views(quality: Quality, calibration: BoardCalibration, doubtful: list[str]) -> None:
    views = calibration.views
    shared = shared_views(views)
    if len(views.camera_names) > 1:
        tree = spanning_tree(shared, views.camera_names, calibration.reference)
        for a, b, count in weak_links(shared, views.camera_names, tree):
            doubtful.append(
                f"Cameras {a} and {b} are linked by {count} views only: record more that both see."
            )
    if calibration.lenses:
        for name, where in empty_regions(views).items():
            if quality.covered[name] < 0.5:
                doubtful.append(
                    f"Corners cover {100 * quality.covered[name]:.0f} % of the picture of camera "
                    f"{name}: hold the board in its {where}."
                )
