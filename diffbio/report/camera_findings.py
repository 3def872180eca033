"""Findings about refined cameras, the camera kept out of the fit, and what is not determined."""

from diffbio.fitting.fit import Fit
from diffbio.io.deviations import NINETY_PERCENT
from diffbio.io.trial import Trial
from diffbio.report.adjustments import camera_adjustments, in_prior_sd
from diffbio.report.finding import Finding
from diffbio.report.held_out import held_out_errors
from diffbio.report.undetermined import MANY, in_words, listed, main_angles_among

CLOCK_FRAMES = 0.5
"""A clock corrected by more frames than this puts pictures of different frames together."""

IMPLAUSIBLE_SD = 3.0
"""A camera moved by more deviations of a careful calibration than this was not calibrated so."""

HELD_OUT_WORSE = 1.5
"""The unused camera is named when its median error is so many times that of the others."""


def corrected_clocks(fit: Fit, frame_rate_hz: float) -> list[Finding]:
    """Cameras that were not in step with the others."""
    findings = []
    for name, row in camera_adjustments(fit).items():
        offset_ms, sd_ms = row["time_offset_ms"], row["time_offset_sd_ms"]
        if offset_ms is None or abs(offset_ms) * frame_rate_hz / 1e3 <= CLOCK_FRAMES:
            continue
        frames = abs(offset_ms) * frame_rate_hz / 1e3
        when = "later" if offset_ms > 0 else "earlier"
        reason = (
            f"{name} took its pictures {abs(offset_ms):.0f} ms ({frames:.1f} frames) {when} than "
            "its time stamps say"
        )
        if sd_ms is not None and NINETY_PERCENT * sd_ms > abs(offset_ms):
            remedy = f"that is known to within {NINETY_PERCENT * sd_ms:.0f} ms only, so check it"
            findings.append(Finding("check", reason, remedy + " against a visible event"))
        else:
            remedy = "the fit corrects it; shift its frames before other use, and mend the trigger"
            findings.append(Finding("ok", reason, remedy))
    return findings


def implausible_cameras(fit: Fit) -> list[Finding]:
    """Cameras that were corrected by more than a careful calibration leaves wrong."""
    distance, rows = in_prior_sd(fit), camera_adjustments(fit)
    findings = []
    for (name, row), far in zip(rows.items(), distance, strict=True):
        if far <= IMPLAUSIBLE_SD:
            continue
        moves = []
        if row["rotation_deg"] is not None and row["translation_mm"] is not None:
            moves.append(f"was turned by {row['rotation_deg']:.1f} deg")
            moves.append(f"moved by {row['translation_mm']:.0f} mm")
        if row["focal_percent"] is not None:
            moves.append(f"had its focal length changed by {row['focal_percent']:+.1f} %")
        reason = f"{name} {listed(moves)}, more than a careful calibration leaves to correct"
        remedy = "calibrate it again, or look whether it was knocked after the calibration"
        findings.append(Finding("check", reason, remedy))
    return findings


def held_out_camera(fit: Fit, trial: Trial) -> list[Finding]:
    """What the camera says that the fit did not use."""
    if fit.held_out is None:
        return []
    name, errors = fit.held_out.name, held_out_errors(fit, trial)
    if errors is None:
        reason = f"{name} was kept out of the fit but detected nothing"
        return [Finding("check", reason, "hold another camera out")]
    findings = []
    against = f"{_px(errors.given_px)} px there against {_px(errors.others_px)} px in the others"
    if errors.ratio > HELD_OUT_WORSE:
        reason = (
            f"{name}, which the fit did not use, is {errors.ratio:.1f} times worse ({against}), "
            f"and {_px(errors.refitted_px)} px with its pose refitted"
        )
        remedy = (
            "check its calibration and its clock, which are taken as given; nothing speaks "
            "against the others"
            if errors.refitted_px <= HELD_OUT_WORSE * errors.others_px
            else "check its lens, its clock and its detections; if they are right, the body fits "
            "its own cameras and not the person"
        )
        findings.append(Finding("check", reason, remedy))
    if fit.refined:
        reason = (
            "the cameras were refined, and fewer pixels in the cameras that were fitted are no "
            "evidence by themselves"
        )
        remedy = (
            f"judge by {name}, which was not used, with its pose refitted "
            f"({_px(errors.refitted_px)} px), with and without refining, as `diffbio calibrate "
            "refine` does"
        )
        findings.append(Finding("ok", reason, remedy))
    return findings


def undetermined(fit: Fit) -> list[Finding]:
    """What is known from priors and not from the images, in one sentence."""
    if fit.uncertainty is None or not fit.uncertainty.undetermined:
        return []
    names = fit.uncertainty.undetermined
    phrases = in_words(names, MANY)
    level = "check" if main_angles_among(names) else "ok"
    remedy = "draw no conclusions from these; report.html lists them"
    return [Finding(level, f"the images say little about {listed(phrases)}", remedy)]


def _px(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"
