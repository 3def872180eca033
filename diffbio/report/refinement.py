"""A rig corrected from a trial: what changed, what speaks for it, and whether to use it."""

import dataclasses

import numpy as np

from diffbio.cameras.calibration.verdict import Verdict
from diffbio.fitting.fit import Fit
from diffbio.io.deviations import NINETY_PERCENT
from diffbio.io.trial import Trial
from diffbio.report.adjustments import camera_adjustments, sd_key
from diffbio.report.camera_findings import corrected_clocks, implausible_cameras
from diffbio.report.held_out import HeldOutErrors
from diffbio.report.verdict import judge

FAR_DEG, FAR_MM = 5.0, 200.0
"""No calibration is refined by more: the camera was moved, or is another one."""

RISES, FALLS = 1.02, 0.98
"""An error that changes by less than 2 % speaks neither for a correction nor against it."""

CORRECTIONS = ("rotation_deg", "translation_mm", "focal_percent", "time_offset_ms")


@dataclasses.dataclass(frozen=True)
class Evidence:
    """The error where the fit did not look, with the rig as it was given and as it was refined.

    A camera that was kept out has a pose of its own, as wrong as those of the others were, and
    refining the others says nothing of it: its error there may rise although the body gets better.
    So its pose is fitted to the body, before and after, and what is left counts.

    Attributes:
        where: a camera that was kept out, or the part of the trial that was.
        before_px, after_px: median reprojection error; of a camera with its pose fitted.
        before_mm, after_mm: the same at the person.
        as_given_px: before and after, of a camera with the pose it was given; else None.
    """

    where: str
    before_px: float
    after_px: float
    before_mm: float
    after_mm: float
    as_given_px: tuple[float, float] | None = None

    @property
    def ratio(self) -> float:
        """Error after over error before."""
        return self.after_px / max(self.before_px, 1e-9)

    @property
    def sentence(self) -> str:
        """What it says, in one line."""
        sentence = (
            f"{self.where}, which was not used: {self.before_px:.2f} px before refining, "
            f"{self.after_px:.2f} px after ({self.before_mm:.1f} and {self.after_mm:.1f} mm at "
            "the person)"
        )
        if self.as_given_px is None:
            return f"{sentence}."
        before, after = self.as_given_px
        return (
            f"{sentence}, with its pose refitted to the body; {before:.2f} and {after:.2f} px with "
            "its pose as given."
        )


def evidence_of(before: HeldOutErrors, after: HeldOutErrors) -> Evidence:
    """Two fits without a camera, the others as given and refined, as evidence."""
    return Evidence(
        before.name,
        before.refitted_px,
        after.refitted_px,
        before.refitted_mm,
        after.refitted_mm,
        (before.given_px, after.given_px),
    )


def camera_to_hold_out(trial: Trial) -> str | None:
    """The camera with most detections; None where fewer than two others would be left."""
    names = trial.rig.names
    if len(names) < 3:
        return None
    seen = (np.asarray(trial.keypoints.confidence) > 0.0).sum(axis=(1, 2))
    return names[int(np.argmax(seen))]


def judge_refinement(fit: Fit, trial: Trial, evidence: list[Evidence]) -> Verdict:
    """Whether to use a refined rig, with the reason and the action for what falls short.

    Args:
        fit: of all cameras, refined.
        trial: what was fitted.
        evidence: of fits that left something out.
    """
    wrong, doubtful = [], []
    own = judge(fit, trial)
    if own.level == "fail":
        wrong.append(f"{own.sentence} Nothing can be refined from it.")
    _judge_size(fit, wrong)
    _judge_evidence(evidence, wrong, doubtful)
    if _nothing_to_correct(fit):
        doubtful.append(
            "Nothing to correct: every change is within its own error bar (90 %). Keep the rig "
            "you had, or record a longer trial with more movement through the volume."
        )
    too_far = {name for name, row in camera_adjustments(fit).items() if _too_far(row)}
    for finding in implausible_cameras(fit):
        if finding.reason.split(" ", 1)[0] not in too_far:
            doubtful.append(_as_sentence(finding.reason, finding.remedy))
    for finding in corrected_clocks(fit, trial.frame_rate_hz):
        doubtful.append(_as_sentence(finding.reason, finding.remedy))
    if len(trial.rig.names) < 3:
        doubtful.append(
            "With two cameras none can be kept out: two agree even when one of them is wrong. "
            "Check a known length, or add a camera."
        )
    level = "fail" if wrong else "check" if doubtful else "ok"
    return Verdict(level, tuple(wrong + doubtful))


def _as_sentence(reason: str, remedy: str) -> str:
    return f"{reason}: {remedy}."


def _too_far(row: dict[str, float | None]) -> bool:
    return (row["rotation_deg"] or 0.0) > FAR_DEG or (row["translation_mm"] or 0.0) > FAR_MM


def _judge_size(fit: Fit, wrong: list[str]) -> None:
    for name, row in camera_adjustments(fit).items():
        if _too_far(row):
            wrong.append(
                f"{name} would be turned by {row['rotation_deg']:.1f} deg and moved by "
                f"{row['translation_mm']:.0f} mm: that is no refinement. Calibrate it again, and "
                "check that its keypoints belong to it."
            )


def _judge_evidence(evidence: list[Evidence], wrong: list[str], doubtful: list[str]) -> None:
    if not evidence:
        return
    typical = float(np.median([one.ratio for one in evidence]))
    for one in evidence:
        if one.ratio > RISES:
            sentence = (
                f"{one.where}, which was not used, gets worse by refining ({one.before_px:.2f} to "
                f"{one.after_px:.2f} px): keep the rig you had, or record a longer trial."
            )
            (wrong if typical > RISES else doubtful).append(sentence)
    if FALLS <= typical <= RISES:
        doubtful.append(
            "What was not used gets neither better nor worse by refining: nothing speaks for the "
            "change. Keep the rig you had."
        )


def _nothing_to_correct(fit: Fit) -> bool:
    """Whether no correction of any camera exceeds its own 90 % interval."""
    if fit.uncertainty is None:
        return False
    for row in camera_adjustments(fit).values():
        for key in CORRECTIONS:
            value, sd = row[key], row[sd_key(key)]
            if value is not None and sd is not None and abs(value) > NINETY_PERCENT * sd:
                return False
    return True
