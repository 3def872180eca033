"""The page of two visits: their numbers and mean curves side by side."""

import html
from typing import Any

import numpy as np

from diffbio.gait.gait_points import SIDES
from diffbio.report.gait_analysis import GaitAnalysis
from diffbio.report.gait_charts import HEIGHT, WIDTH, Scale, axes, limits, norm_band
from diffbio.report.gait_comparison import GaitComparison
from diffbio.report.gait_curves import ANGLES, SideCurves
from diffbio.report.gait_summary import SIDE_WORDS
from diffbio.report.gait_tables import TITLES, shown, table

_BEYOND = '<b class="beyond" title="beyond the error">●</b> '
"""Marks a change that the error does not explain."""

_SCORES = {"gdi": "GDI", "gps": "GPS"}


def visits_section(
    found: GaitAnalysis, compared: GaitComparison | None, comparison: dict[str, Any] | None
) -> str:
    """The section; nothing where there is one visit only.

    Args:
        found: this visit.
        compared: with the other.
        comparison: the same as `gait.json` holds it.
    """
    if compared is None or comparison is None:
        return ""
    this, other = html.escape(found.walk.name), html.escape(comparison["name"])
    return f"""
<section id="visits" aria-labelledby="visits-title">
  <h2 id="visits-title">Two visits</h2>
  <p class="note">This visit is {this}. The other is {other} ({html.escape(comparison["source"])}):
  {html.escape(comparison["sentence"])}</p>
  <p class="note"><span class="key r">right, this visit</span> <span class="key l">left</span>
  <span class="key r thin">right, the other visit</span>
  <span class="key l thin">left</span> Beside each title, the root mean square difference of the
  mean curves in degrees.</p>
  <div class="charts">
{_charts(found, compared)}
  </div>
  {_numbers(comparison["metrics"])}
  {_open(comparison["metrics"])}
  <p class="note">Difference: this visit minus the other, ± one standard deviation of its error,
  which counts the errors of both visits and how much the strides of each differ. {_BEYOND}A change
  is beyond the error: zero lies outside the difference’s 90 % interval, which is the wider the
  fewer strides there are. Of ten numbers that did not change, one is expected to be marked. Whether
  a change matters to the person is another question.</p>
</section>
"""


def _numbers(metrics: list[dict[str, Any]]) -> str:
    """What each foot has of its own, and what both have."""
    titles = TITLES | _SCORES
    sided: dict[str, dict[str, dict[str, Any]]] = {}
    for one in metrics:
        if one["name"] in titles and one["side"] is not None:
            sided.setdefault(one["name"], {})[one["side"]] = one
    both = [one for one in metrics if one["name"] in titles and one["side"] is None]
    rows = "".join(
        f'<tr><th scope="row">{titles[name]}</th>{"".join(_cells(of[side]) for side in SIDES)}</tr>'
        for name, of in sided.items()
    )
    heads = [
        f'<th scope="col" class="{side}">{SIDE_WORDS[side]}, {word}</th>'
        for side in SIDES
        for word in ("this", "other", "difference")
    ]
    others = "".join(
        f'<tr><th scope="row">{titles[one["name"]]}</th>{_cells(one)}</tr>' for one in both
    )
    names = "".join(f'<th scope="col">{word}</th>' for word in ("this", "other", "difference"))
    first = table(['<th scope="col"></th>', *heads], rows)
    second = table(['<th scope="col"></th>', names], others)
    return "".join(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">{one}</div>'
        for label, one in (("Numbers of each foot", first), ("Numbers of both feet", second))
    )


def _cells(one: dict[str, Any]) -> str:
    """Both values and their difference, with a mark where it is beyond the error."""
    unit = one["unit"]
    error = "" if one["sd"] is None else f" ± {shown(one['sd'], unit)}"
    mark = _BEYOND if one["beyond_error"] else ""
    return (
        f"<td>{shown(one['this'], unit)}</td><td>{shown(one['other'], unit)}</td>"
        f"<td>{mark}{shown(one['difference'], unit)}{error}</td>"
    )


def _open(metrics: list[dict[str, Any]]) -> str:
    """Why a difference, or its error, is not known: one sentence per reason."""
    titles = TITLES | _SCORES
    groups: dict[str, list[str]] = {}
    for one in metrics:
        if one["reason"] is not None and one["name"] in titles:
            names = groups.setdefault(one["reason"], [])
            if titles[one["name"]] not in names:
                names.append(titles[one["name"]])
    items = "".join(
        f"<li>{html.escape(', '.join(names))}: {html.escape(reason)}</li>"
        for reason, names in groups.items()
    )
    return f'<ul class="plain">{items}</ul>' if items else ""


def _charts(found: GaitAnalysis, compared: GaitComparison) -> str:
    return "\n".join(_figure(found, compared, column) for column in range(len(ANGLES)))


def _figure(found: GaitAnalysis, compared: GaitComparison, column: int) -> str:
    angle = ANGLES[column]
    visits = [
        {side: one for side, one in visit.curves.items() if angle.name not in one.reasons}
        for visit in (found, compared.other)
    ]
    if not all(visits):
        return ""
    norm = None if found.norms is None else found.norms.curves.get(angle.name)
    everything = [one for visit in visits for one in visit.values()]
    scale = Scale(*limits(column, everything, norm))
    lines = "".join(
        _mean(one, column, scale, f"{kind} {side}")
        for kind, visit in zip(("curve", "other"), visits, strict=True)
        for side, one in visit.items()
    )
    apart = ", ".join(
        f"{SIDE_WORDS[one.side]} {shown(one.rms, 'deg')}"
        for one in compared.curves
        if one.name == angle.name and one.reason is None
    )
    words = html.escape(
        f"{angle.title} over the gait cycle, of two visits; they differ by {apart} degrees",
        quote=True,
    )
    return (
        f'<figure class="chart"><figcaption><b>{html.escape(angle.title)}</b>'
        f"<span>{apart}</span></figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">'
        f"{norm_band(norm, scale)}{axes(scale)}{lines}</svg></figure>"
    )


def _mean(one: SideCurves, column: int, scale: Scale, kind: str) -> str:
    mean = np.asarray(one.angles.mean[:, column])
    return f'<path d="{scale.line(one.angles.percent, mean)}" class="{kind}"/>'
