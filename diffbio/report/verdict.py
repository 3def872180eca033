"""One word and one sentence about a fit, and what to do where something is wrong."""

import dataclasses

import numpy as np

from diffbio.fitting.fit import Fit, Outcome
from diffbio.io.trial import Trial
from diffbio.report import quality
from diffbio.report.camera_findings import (
    corrected_clocks,
    held_out_camera,
    implausible_cameras,
    undetermined,
)
from diffbio.report.finding import Finding, Level

OK_MM, FAIL_MM = 15.0, 40.0
"""Median error at the person. Keypoints scatter by one to two centimetres about the joint."""

HEIGHT_M = (0.5, 2.3)
"""People's standing height, toddlers to the tallest."""

SCALE_DEVIATION = 0.3
"""Largest plausible deviation of a segment from the person's own overall size."""

POORLY_SEEN_CHECK, POORLY_SEEN_FAIL = 0.1, 0.5
"""Shares of frames in which fewer than two cameras saw the person."""

ANOTHER_VIEW = 8.0
"""A camera so many times worse than the others shows something else than they do."""

_REFINE = {"poses": "--refine-cameras", "clocks": "--refine-clocks"}
"""Options that correct what most often makes one camera disagree."""

FEW_CAMERAS = 2
"""With so many cameras nothing is left to contradict an error."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What to think of a fit.

    Attributes:
        level: `ok` to use, `check` to look at first, `fail` not to use.
        sentence: the level and its main reason, in plain words.
        messages: every finding, each with one thing to do.
    """

    level: Level
    sentence: str
    messages: tuple[str, ...]


def judge(fit: Fit, trial: Trial) -> Verdict:
    """Judge a fit by its error at the person, its cameras, its coverage and its body."""
    if fit.outcome == Outcome.NOT_FINITE or not np.isfinite(fit.error.px).any():
        findings = [_no_result(fit, trial)]
    else:
        findings = [
            *_too_few_cameras(fit),
            *_large_error(fit),
            *_implausible_height(fit),
            *_poorly_seen(fit),
            *_disagreeing_cameras(fit),
            *_odd_proportions(fit),
            *implausible_cameras(fit),
            *held_out_camera(fit, trial),
            *corrected_clocks(fit, trial.frame_rate_hz),
            *undetermined(fit),
        ]
    order: tuple[Level, ...] = ("fail", "check", "ok")
    findings.sort(key=lambda finding: order.index(finding.level))
    level = findings[0].level if findings else "ok"
    return Verdict(
        level=level,
        sentence=_sentence(fit, level, findings),
        messages=tuple(f"{finding.reason}: {finding.remedy}" for finding in findings),
    )


def _sentence(fit: Fit, level: Level, findings: list[Finding]) -> str:
    if level == "ok":
        typical = f"{_median_mm(fit):.0f} mm at the person ({fit.error.median_px:.1f} px)"
        return f"The body explains what the cameras saw: the typical error is {typical}."
    opening = "Do not use this fit" if level == "fail" else "Look at this fit before you use it"
    return f"{opening}: {findings[0].reason}."


def _median_mm(fit: Fit) -> float:
    return float(np.nanmedian(quality.error_mm(fit)))


def _no_result(fit: Fit, trial: Trial) -> Finding:
    if fit.outcome == Outcome.NOT_FINITE:
        return Finding(
            "fail",
            "the solver ended in numbers that are not finite",
            "check the calibration and the keypoints, then fit again",
        )
    return Finding(
        "fail",
        f"no camera detected any keypoint in {trial.name}",
        "check that the keypoint files belong to these cameras and this person",
    )


def _large_error(fit: Fit) -> list[Finding]:
    median_mm = _median_mm(fit)
    if median_mm <= OK_MM:
        return []
    reason = f"the typical error is {median_mm:.0f} mm at the person ({fit.error.median_px:.1f} px)"
    if median_mm > FAIL_MM:
        remedy = "check the calibration, its units and that the cameras run in step"
        return [Finding("fail", reason, remedy)]
    remedy = "look at the keypoints over the images in report.html"
    if "poses" not in fit.refined:
        remedy += "; --refine-cameras may help"
    return [Finding("check", reason, remedy)]


def _disagreeing_cameras(fit: Fit) -> list[Finding]:
    return [
        Finding(
            "check",
            f"{name} disagrees with the others ({_px(own)} px against {_px(others)} px)",
            _camera_remedy(own / others, fit.refined),
        )
        for name, (own, others) in quality.disagreeing_cameras(fit).items()
    ]


def _camera_remedy(ratio: float, refined: tuple[str, ...]) -> str:
    if ratio > ANOTHER_VIEW:
        return "its keypoints or its calibration may belong to another camera"
    left = [option for group, option in _REFINE.items() if group not in refined]
    if not left:
        return "refining did not cure it, so check its lens calibration and its keypoints"
    if "poses" in refined:
        return f"refining did not cure it, so try {left[0]} and check its lens calibration"
    return f"its calibration or its clock may be off; try {' '.join(left)}"


def _px(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _implausible_height(fit: Fit) -> list[Finding]:
    height = fit.body.height(fit.parameters)
    if height is None or HEIGHT_M[0] <= height <= HEIGHT_M[1]:
        return []
    return [
        Finding(
            "fail",
            f"the body came out {height:.2f} m tall",
            "check that the calibration is in metres",
        )
    ]


def _odd_proportions(fit: Fit) -> list[Finding]:
    scales = quality.scales(fit)
    overall = float(np.median(list(scales.values())))
    odd = {
        name: scale / overall
        for name, scale in scales.items()
        if abs(scale / overall - 1.0) > SCALE_DEVIATION
    }
    if not odd:
        return []
    listed = ", ".join(f"{name} {100 * (ratio - 1):+.0f} %" for name, ratio in odd.items())
    return [
        Finding(
            "check",
            f"the proportions are unusual ({listed} against the person's overall size)",
            "check which keypoints lie on these segments and how often they were seen",
        )
    ]


def _poorly_seen(fit: Fit) -> list[Finding]:
    share = quality.share_poorly_seen(fit)
    if share <= POORLY_SEEN_CHECK:
        return []
    return [
        Finding(
            "fail" if share > POORLY_SEEN_FAIL else "check",
            f"in {100 * share:.0f} % of the frames fewer than two cameras saw the person",
            "leave out the frames shaded in report.html, or cut the trial",
        )
    ]


def _too_few_cameras(fit: Fit) -> list[Finding]:
    active = quality.active_cameras(fit)
    if len(active) > FEW_CAMERAS:
        return []
    if len(active) < FEW_CAMERAS:
        return [
            Finding(
                "fail",
                f"only {active[0]} saw the person, and one camera cannot tell size from distance",
                "add the keypoints of at least one more camera",
            )
        ]
    return [
        Finding(
            "check",
            f"only two cameras saw the person ({active[0]}, {active[1]})",
            "add a third, because two agree even when one of them is wrong",
        )
    ]
