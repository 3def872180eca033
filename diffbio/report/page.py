"""`report.html`: one page that needs nothing but itself."""

import html
import re

import numpy as np

import diffbio
from diffbio.fitting.fit import Fit
from diffbio.io.deviations import NINETY_PERCENT, height_sd
from diffbio.io.trial import Trial
from diffbio.observations.keypoints import MIN_CONFIDENCE
from diffbio.report import quality
from diffbio.report.page_data import Comparison, page_data
from diffbio.report.page_notes import (
    adjusted_note,
    bands_note,
    certainty_section,
    unused_camera_note,
    within_note,
)
from diffbio.report.page_parts import embedded_json, page_file
from diffbio.report.verdict import Verdict

_SCRIPTS = ("charts.js", "figure.js", "page.js")
_WORDS = {"ok": ("✓", "Good to use"), "check": ("!", "Check first"), "fail": ("✕", "Do not use")}


def render(
    fit: Fit,
    trial: Trial,
    verdict: Verdict,
    *,
    simulated: bool = False,
    comparison: tuple[Comparison, ...] = (),
) -> str:
    """The report as one HTML page, without any reference to a network or another file.

    Args:
        fit: the result; every number on the page is read off it.
        trial: what was fitted, for its name, detections and videos.
        verdict: the judgement to open with.
        simulated: whether the recording was simulated; the page then says so at every turn.
        comparison: estimates against a known truth, where there is one.
    """
    sign, word = _WORDS[verdict.level]
    title = f"{trial.name} (simulated data)" if simulated else trial.name
    fields = {
        "title": html.escape(title),
        "subtitle": html.escape(f"{fit.body.name} fitted to {trial.source}"),
        "simulated": _banner(simulated),
        "level": verdict.level,
        "sign": sign,
        "word": word,
        "sentence": html.escape(verdict.sentence),
        "messages": _messages(verdict),
        "numbers": _key_numbers(fit),
        "confidence": f"{MIN_CONFIDENCE:g}",
        "comparison": _comparison(comparison, simulated),
        "bands": bands_note(fit),
        "unused": unused_camera_note(fit, trial),
        "within": within_note(fit),
        "adjusted": adjusted_note(fit),
        "certainty": certainty_section(fit),
        "coverage": html.escape(_coverage(fit)),
        "provenance": _provenance(fit, trial),
        "style": page_file("page.css"),
        "script": "\n".join(page_file(name) for name in _SCRIPTS),
        "data": embedded_json(page_data(fit, trial)),
    }
    # One pass over the template, so that nothing inside a value is taken for a field.
    return re.sub(r"@([a-z]+)@", lambda field: fields[field[1]], page_file("page.html"))


def _banner(simulated: bool) -> str:
    if not simulated:
        return ""
    return '<p class="banner" role="note">SIMULATED DATA: no person was recorded</p>'


def _messages(verdict: Verdict) -> str:
    if not verdict.messages:
        return ""
    items = "".join(f"<li>{html.escape(message)}</li>" for message in verdict.messages)
    return f'<ul class="messages">{items}</ul>'


def _key_numbers(fit: Fit) -> str:
    error, time = fit.error, fit.motion.time
    detections = int(np.isfinite(error.px).sum())
    numbers: list[tuple[str, str, str]] = []
    if detections:
        median_mm = float(np.nanmedian(quality.error_mm(fit)))
        mean = f"mean {error.mean_px:.1f} px"
        numbers = [
            ("Median error", f"{error.median_px:.1f} px", mean),
            ("At the person", f"{median_mm:.0f} mm", "median error at its distance"),
            ("Within 10 px", _percent(error.share_within(10.0)), "of confident detections (GC10)"),
            ("Within 5 px", _percent(error.share_within(5.0)), "of confident detections (GC5)"),
        ]
    duration = f"{time[-1] - time[0]:.2f} s"
    active, given = len(quality.active_cameras(fit)), len(error.camera_names)
    height = fit.body.height(fit.parameters)
    numbers += [
        ("Recording", duration, f"{len(time)} frames"),
        ("Cameras", str(active), f"of {given} saw the person{_one_more(fit)}"),
        ("Detections", f"{detections:,}".replace(",", "\u202f"), "used, none excluded"),
        ("Height", "–" if height is None else f"{height:.2f} m", _height_note(fit)),
        ("Mass", f"{fit.body.mass(fit.parameters):.0f} kg", "from the size, not measured"),
    ]
    return "\n".join(
        f"<div><dt>{label}</dt><dd>{value}<small>{note}</small></dd></div>"
        for label, value, note in numbers
    )


def _one_more(fit: Fit) -> str:
    return "" if fit.held_out is None else ", one more was held out"


def _height_note(fit: Fit) -> str:
    sd = height_sd(fit)
    if sd is None:
        return "estimated, standing"
    return f"± {100 * NINETY_PERCENT * sd:.1f} cm, estimated, standing"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if np.isfinite(share) else "–"


def _coverage(fit: Fit) -> str:
    views = quality.views(fit)
    total, none = len(views), int((views == 0).sum())
    poorly = int((views < quality.MIN_VIEWS).sum())
    if poorly == 0:
        return f"Two or more cameras saw the person in each of the {total} frames."
    return (
        f"In {poorly} of {total} frames fewer than two cameras saw the person, in {none} of them "
        "none did. The motion there is the trajectory's own continuation, not a measurement."
    )


def _comparison(rows: tuple[Comparison, ...], simulated: bool) -> str:
    if not rows:
        return ""
    cells = "".join(
        f"<tr><td>{html.escape(row.name)}</td><td>{_cell(row.estimated)}</td>"
        f"<td>{_cell(row.true)}</td><td>{row.error:.2f} {html.escape(row.unit)}"
        f"{_relative(row)}</td></tr>"
        for row in rows
    )
    heading = "Estimated against true" + (" (simulated data)" if simulated else "")
    return (
        f'<section id="comparison"><h2>{heading}</h2><table><thead><tr><th></th>'
        "<th>estimated</th><th>true</th><th>error</th></tr></thead>"
        f"<tbody>{cells}</tbody></table></section>"
    )


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _relative(row: Comparison) -> str:
    return f" ({100 * row.error / row.true:+.1f} %)" if row.true else ""


def _provenance(fit: Fit, trial: Trial) -> str:
    times = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in fit.time_s.items())
    outcome = fit.outcome.name.lower().replace("_", " ")
    rows = [
        ("diffbio", diffbio.__version__),
        ("source", str(trial.source)),
        ("keypoints", f"{trial.keypoints.set_name}, {len(fit.body.marker_names)} fitted"),
        ("frame rate", f"{trial.frame_rate_hz:g} Hz"),
        ("body model", fit.body.name),
        ("solver", f"{fit.solver}, {fit.iterations} steps, {outcome}, cost {fit.cost:.6g}"),
        ("time", times),
        *(("reader", note) for note in trial.notes),
    ]
    cells = "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in rows)
    return f"<dl>{cells}</dl>"
