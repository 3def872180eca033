"""The report of a study: what was learnt of the base model, who was fitted, what was left out."""

import html
from collections.abc import Iterable, Sequence
from typing import Any

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff; }
table { border-collapse: collapse; margin: 0.5rem 0 1.5rem; }
th, td { padding: 0.2rem 0.8rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
td.text, th.text { text-align: left; }
svg { max-width: 100%; }
"""
"""Of all pages of a study."""


def study_page(summary: dict[str, Any]) -> str:
    """One self-contained page.

    Args:
        summary: see `summary.summary_of`.
    """
    people, population = summary["participants"], summary["population"]
    n_trials = sum(len(one["trials"]) for one in people.values())
    parts = [
        f"<p>{len(people)} participants, {n_trials} trials, keypoints "
        f"{_text(summary['keypoint_set'])}, body {_text(summary['body_model'])}, diffbio "
        f"{_text(summary['diffbio_version'])}.</p>",
        *(f"<p><strong>{_text(message)}</strong></p>" for message in summary["messages"]),
    ]
    if population is not None:
        parts += _base_model(population)
    parts += ["<h2>Participants</h2>", _participants(people)]
    parts += ["<h2>Left out</h2>", _left_out(summary["left_out"])]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>diffbio cohort</title>'
        f"<style>{STYLE}</style></head><body><h1>Cohort</h1>\n" + "\n".join(parts) + "\n</body>"
        "</html>\n"
    )


def _base_model(population: dict[str, Any]) -> list[str]:
    """What moved on the base model, the farthest first."""
    markers = sorted(
        population["markers"].items(), key=lambda item: item[1]["distance_mm"], reverse=True
    )
    rows = [
        (
            name,
            _mm(one["distance_mm"]),
            *(_mm(x, signed=True) for x in one["moved_mm"]),
            _mm(one["sd_mm"]),
            _mm(one["between_people_mm"]),
            f"{100 * one['learnt']:.0f}",
        )
        for name, one in markers
    ]
    header = "keypoint|moved, mm|x|y|z|sd, mm|between people, mm|learnt, %".split("|")
    sizes = [
        (name, f"{one['size_percent']:+.1f}", f"{one['sd_percent']:.1f}",
         f"{one['between_people_percent']:.1f}")
        for name, one in population["segments"].items()
    ]  # fmt: skip
    rounds = ", ".join(f"{1000 * moved:.1f}" for moved in population["rounds_moved"])
    return [
        "<h2>Base model</h2>",
        f"<p>Population {_text(population['name'])}, learnt from {population['n_participants']} "
        "participants"
        + (f"; rounds of this run moved it by {rounds} (mm, or tenths of a per cent)" if rounds
           else "; this run moved nothing") + ".</p>",
        "<p>Where keypoints sit on the base model, against where its table has them, in the frame "
        "of the body that carries them. <em>Learnt</em> is the share of what was not known of the "
        "anchor that these trials told: near 0 the keypoint carries no information.</p>",
        table(header, rows),
        "<p>Sizes of the usual person, against the base model.</p>",
        table(("segment", "size, %", "sd, %", "between people, %"), sizes),
    ]  # fmt: skip


def _participants(people: dict[str, Any]) -> str:
    rows = [
        (name, _metres(one["body"]["stature_m"]), _metres(one["body"]["stated_height_m"]), trial,
         about["frames"], about["verdict"], _mm(about["median_px"]))
        for name, one in people.items()
        for trial, about in one["trials"].items()
    ]  # fmt: skip
    header = "participant|height, m|stated, m|trial|frames|verdict|median error, px".split("|")
    return table(header, rows)


def _left_out(left_out: Sequence[dict[str, str]]) -> str:
    if not left_out:
        return "<p>Nothing.</p>"
    rows = [(one["participant"], one["trial"], one["reason"]) for one in left_out]
    return table(("participant", "trial", "reason"), rows, text=True)


def table(header: Sequence[str], rows: Iterable[Sequence[object]], text: bool = False) -> str:
    """A table of HTML; numbers flush right, or all cells text."""
    kind = ' class="text"' if text else ""
    head = "".join(f"<th{kind}>{_text(cell)}</th>" for cell in header)
    lines = ("".join(f"<td{kind}>{_text(cell)}</td>" for cell in row) for row in rows)
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _mm(value: float | None, signed: bool = False) -> str:
    return "–" if value is None else f"{value:+.1f}" if signed else f"{value:.1f}"


def _metres(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _text(value: object) -> str:
    return html.escape(str(value))
