"""What was not seen of a walk, and what the recording does not determine, for the page."""

import itertools
from typing import Any

import numpy as np

from diffbio.gait.smoothing import runs
from diffbio.io.read_sight import ENOUGH_CAMERAS, Sight
from diffbio.observations import Markers
from diffbio.report.undetermined import in_words

OFTEN = 0.9
"""Share of the frames from which a keypoint or marker is not worth naming."""

_MOST_NAMED = 12
"""Keypoints or gaps in one sentence; of more their number is given."""


def sight_summary(sight: Sight | None) -> dict[str, Any] | None:
    """What the cameras of a fit saw, in numbers; None where that is not known."""
    if sight is None:
        return None
    few = sight.views < ENOUGH_CAMERAS
    return {
        "cameras": [
            {
                "name": name,
                "median_px": _rounded(sight.median_px[i], 3),
                "mean_px": _rounded(sight.mean_px[i], 3),
                "seen_percent": _rounded(100 * sight.seen[i], 1),
            }
            for i, name in enumerate(sight.cameras)
        ],
        "fewer_than_two_cameras_s": [
            [_rounded(sight.time[a], 3), _rounded(sight.time[b - 1], 3)] for a, b in runs(few)
        ],
        "seldom_located": {
            name: _rounded(100 * share, 0)
            for name, share in zip(sight.keypoints, sight.located.tolist(), strict=True)
            if share < OFTEN
        },
        "undetermined": list(sight.undetermined),
    }


def quality_sentences(sight: Sight | None, markers: Markers) -> tuple[list[str], list[str]]:
    """What was not seen, and what is not determined, each as sentences."""
    if sight is None:
        return _of_markers(markers), []
    few = runs(sight.views < ENOUGH_CAMERAS)
    seen = [
        f"Fewer than two cameras saw the person {_spans(sight.time, few)}: there the motion is a "
        "continuation, and not measured."
        if few
        else "Two cameras or more saw the person in every frame."
    ]
    seldom = {
        name: share
        for name, share in zip(sight.keypoints, sight.located.tolist(), strict=True)
        if share < OFTEN
    }
    if seldom:
        seen.append(
            f"Seen by two cameras in less than {100 * OFTEN:.0f} % of the frames: {_named(seldom)}."
        )
    open_ = in_words(sight.undetermined, _MOST_NAMED)
    if not open_:
        return seen, ["The images determine every angle and every size of the body."]
    return seen, [
        f"The images say little about {', '.join(open_)}: draw no conclusions from these."
    ]


def _of_markers(markers: Markers) -> list[str]:
    shares = dict(zip(markers.names, markers.seen.mean(axis=0).tolist(), strict=True))
    seldom = {name: share for name, share in shares.items() if share < OFTEN}
    if not seldom:
        return [f"Every marker was seen in {100 * OFTEN:.0f} % of the frames or more."]
    return [f"Markers seen in less than {100 * OFTEN:.0f} % of the frames: {_named(seldom)}."]


def _named(shares: dict[str, float]) -> str:
    ordered = sorted(shares.items(), key=lambda one: one[1])
    words = [f"{name} {100 * share:.0f} %" for name, share in ordered[:_MOST_NAMED]]
    more = len(ordered) - len(words)
    return ", ".join(words) + (f", and {more} more" if more else "")


def _spans(time: np.ndarray, spans: list[tuple[int, int]]) -> str:
    words = [f"from {time[a]:.2f} to {time[b - 1]:.2f} s" for a, b in spans]
    named = list(itertools.islice(words, _MOST_NAMED))
    more = len(words) - len(named)
    return ", ".join(named) + (f", and {more} times more" if more else "")


def _rounded(value: float, digits: int) -> float | None:
    return round(float(value), digits) if np.isfinite(value) else None
