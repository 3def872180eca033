"""`gait.html`: the walk on three pages, or four, as one file that needs nothing but itself."""

import html
import re
from typing import Any

from diffbio.gait.gait_points import SIDES
from diffbio.report.gait_analysis import GaitAnalysis
from diffbio.report.gait_charts import chart_grid
from diffbio.report.gait_comparison import GaitComparison
from diffbio.report.gait_curves import ANGLES
from diffbio.report.gait_profile_chart import profile_chart
from diffbio.report.gait_quality import quality_sentences
from diffbio.report.gait_summary import SIDE_WORDS, gait_summary
from diffbio.report.gait_tables import (
    TITLES,
    both_table,
    cameras_table,
    ranges_table,
    scores_table,
    sides_table,
)
from diffbio.report.gait_visits import visits_section
from diffbio.report.page_parts import page_file

_KINDS = {"initial_contact": "Initial contact", "toe_off": "Toe-off"}


def render_gait(found: GaitAnalysis, compared: GaitComparison | None = None) -> str:
    """The page, without any script, and without any reference to a network or another file.

    Args:
        found: the walk.
        compared: with another visit, on a page of its own; None where there is none.
    """
    summary = gait_summary(found, compared)
    recording = summary["recording"]
    seen, undetermined = quality_sentences(found.walk.sight, found.walk.markers)
    fields = {
        "title": html.escape(recording["name"]),
        "subtitle": html.escape(
            f"{recording['duration_s']:.2f} s, {recording['frames']} frames at "
            f"{recording['frame_rate_hz']:.4g} Hz"
        ),
        "simulated": _banner(recording["simulated"]),
        "sentence": html.escape(summary["sentence"]),
        "fit": _fit(summary["fit"]),
        "sides": sides_table(summary),
        "both": both_table(summary),
        "normsnote": _norms_note(summary),
        "normkey": _norm_key(found),
        "charts": chart_grid(found),
        "strides": _strides(summary),
        "events": _events(summary["events"]),
        "cameras": cameras_table(summary["sight"], summary["fit"]),
        "seen": _list(seen),
        "undetermined": f"<h3>What is not determined</h3>{_list(undetermined)}"
        if undetermined
        else "",
        "scores": _scores(summary["indices"]),
        "profile": _profile(found),
        "visits": visits_section(found, compared, summary["comparison"]),
        "unknown": _missing([one for one in summary["curves"] if one["reason"] is not None]),
        "missing": _missing([one for one in summary["metrics"] if one["reason"] is not None]),
        "ranges": ranges_table(summary["curves"]),
        "notes": _notes(summary["notes"]),
        "version": html.escape(summary["diffbio_version"]),
        "source": html.escape(recording["source"]),
        "style": page_file("page.css") + page_file("gait_page.css"),
    }
    # One pass over the template, so that nothing inside a value is taken for a field.
    return re.sub(r"@([a-z]+)@", lambda field: fields[field[1]], page_file("gait_page.html"))


def _banner(simulated: bool) -> str:
    if not simulated:
        return ""
    return '<p class="banner" role="note">SIMULATED DATA: no person was recorded</p>'


def _fit(fit: dict[str, Any] | None) -> str:
    if fit is None or fit["sentence"] is None:
        return ""
    return f'<p class="note">Of the fit: {html.escape(fit["sentence"])}</p>'


def _norms_note(summary: dict[str, Any]) -> str:
    if summary["norms"] is None:
        return "No norms were given."
    return f"Norms: {html.escape(summary['norms'])}, mean and standard deviation between people."


def _scores(indices: dict[str, Any]) -> str:
    """GDI and GPS, or why there are none."""
    if indices["reason"] is not None:
        return f'<p class="note">GDI, GPS and MAP: {html.escape(indices["reason"])}</p>'
    why = dict.fromkeys(one["reason"] for one in indices["metrics"] if one["reason"] is not None)
    items = _list([f"Not determined: {reason}" for reason in why])
    return (
        f"<h3>Against the reference</h3>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="Scores">'
        f"{scores_table(indices)}</div>{items if why else ''}"
        '<p class="note">GDI: 100 is the mean of the reference’s people and 10 their standard '
        "deviation, less is farther away. GPS: root mean square difference of nine angles from the "
        f"reference’s mean, in degrees. Reference: {html.escape(indices['reference'])}.</p>"
    )


def _profile(found: GaitAnalysis) -> str:
    """The Movement Analysis Profile under its heading."""
    chart = profile_chart(found.indices)
    if not chart:
        return ""
    grey = " Grey: median of the reference’s own people." if found.indices.reference else ""
    return (
        "<h3>Movement Analysis Profile</h3>"
        '<p class="note"><span class="key r bar">right</span> <span class="key l bar">left</span> '
        "Root mean square difference of each mean curve from the reference’s, in degrees; GPS is "
        f"that of all nine.{grey}</p>{chart}"
    )


def _norm_key(found: GaitAnalysis) -> str:
    if found.norms is None or not found.norms.curves:
        return ""
    source = html.escape(found.norms.source)
    return f'<span class="key norm">norm, mean ± 1 sd ({source})</span> '


def _strides(summary: dict[str, Any]) -> str:
    counted = ", ".join(f"{summary['cycles'][side]} {SIDE_WORDS[side]}" for side in SIDES)
    text = f"<p>Measured: {counted}.</p>"
    items = [
        f"{SIDE_WORDS[one['side']].capitalize()}, {one['start_s']:.2f} to {one['end_s']:.2f} s: "
        f"{one['reason']}"
        for one in summary["excluded"]
    ]
    return text + (f"<p>Left out:</p>{_list(items)}" if items else "<p>None was left out.</p>")


def _events(events: dict[str, Any]) -> str:
    if not events["count"]:
        return "<p>No contact and no toe-off was found.</p>"
    items = [
        f"{_KINDS[one['kind']]} ({one['count']}): {one['method']}." for one in events["methods"]
    ]
    least = f"<p>Confidence of the least sure: {events['least_confidence']:.2f} of 1.</p>"
    return _list(items) + least


def _missing(missing: list[dict[str, Any]]) -> str:
    """Grouped by reason: one sentence each, with what it keeps from being known."""
    titles = TITLES | {angle.name: angle.title for angle in ANGLES}
    groups: dict[str, dict[str, list[str]]] = {}
    for one in missing:
        sides = groups.setdefault(one["reason"], {}).setdefault(titles[one["name"]], [])
        if one["side"] is not None:
            sides.append(SIDE_WORDS[one["side"]])
    items = []
    for reason, names in groups.items():
        words = ", ".join(_of_side(title, sides) for title, sides in names.items())
        if len(names) == len(ANGLES) and all(len(sides) == 2 for sides in names.values()):
            words = "all angles"
        items.append(f"Not determined: {words}: {reason}")
    return _list(items) if items else ""


def _of_side(title: str, sides: list[str]) -> str:
    return f"{title} {sides[0]}" if len(sides) == 1 else title


def _notes(notes: list[str]) -> str:
    return f"<h3>Notes</h3>{_list(notes)}" if notes else ""


def _list(sentences: list[str]) -> str:
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f'<ul class="plain">{items}</ul>'
