"""Tables of the gait page, out of what `gait.json` holds."""

import html
from typing import Any

from diffbio.gait.gait_points import SIDES
from diffbio.report.gait_curves import ANGLES
from diffbio.report.gait_summary import SIDE_WORDS

TITLES = {
    "stride_time": "Stride time",
    "step_time": "Step time",
    "stride_length": "Stride length",
    "step_length": "Step length",
    "stance_percent": "Stance",
    "swing_percent": "Swing",
    "single_support_percent": "Single support",
    "double_support_percent": "Double support",
    "speed": "Speed",
    "cadence": "Cadence",
    "step_width": "Step width",
    "step_time_asymmetry": "Asymmetry of step time",
    "step_length_asymmetry": "Asymmetry of step length",
    "stance_asymmetry": "Asymmetry of stance",
    "stride_time_variability": "Variability of stride time",
    "stride_length_variability": "Variability of stride length",
}
"""Metrics in words."""

_DIGITS = {"s": 3, "m": 3, "m/s": 3, "% of cycle": 1, "%": 1, "steps/min": 1, "deg": 1, "1": 0}

_UNIT_WORDS = {"% of cycle": "%", "1": "", "deg": "°"}
"""The page says once what the percent of every foot are of."""


def shown(value: float | None, unit: str) -> str:
    """A number with the digits its unit has on the page."""
    if value is None:
        return "–"
    # Adding zero takes the sign off a number that was rounded to nothing.
    return f"{round(value, _DIGITS[unit]) + 0.0:.{_DIGITS[unit]}f}".replace("-", "−")


_SIDE_HEADS = [
    '<th scope="col"></th>',
    '<th scope="col" class="r">Right</th>',
    '<th scope="col" class="l">Left</th>',
]


def sides_table(summary: dict[str, Any]) -> str:
    """What each foot has of its own."""
    rows = {}
    for one in summary["metrics"]:
        if one["side"] is not None:
            rows.setdefault(one["name"], {})[one["side"]] = one
    body = ""
    for name, sides in rows.items():
        cells = "".join(_cell(sides[side]) for side in SIDES) + _norm_cell(summary, sides["r"])
        body += f'<tr><th scope="row">{TITLES[name]}</th>{cells}</tr>'
    return table(_SIDE_HEADS + _norm_head(summary), body)


def both_table(summary: dict[str, Any]) -> str:
    """What both feet have together."""
    heads = ['<th scope="col"></th>', '<th scope="col">Value</th>']
    body = ""
    for one in summary["metrics"]:
        if one["side"] is None:
            cells = _cell(one) + _norm_cell(summary, one)
            body += f'<tr><th scope="row">{TITLES[one["name"]]}</th>{cells}</tr>'
    return table(heads + _norm_head(summary), body)


def table(heads: list[str], body: str) -> str:
    """Headings and rows that are markup already."""
    return f"<table><thead><tr>{''.join(heads)}</tr></thead><tbody>{body}</tbody></table>"


def _cell(one: dict[str, Any]) -> str:
    if one["reason"] is not None:
        return '<td class="unknown">not determined</td>'
    unit = one["unit"]
    error = "" if one["sd"] is None else f" ± {shown(one['sd'], unit)}"
    notes = [f"{one['n']} stride{'' if one['n'] == 1 else 's'}"]
    if one["spread"] is not None:
        notes.append(f"differ by {shown(one['spread'], unit)}")
    return (
        f'<td><span class="value">{shown(one["value"], unit)}{error} '
        f'<span class="unit">{_UNIT_WORDS.get(unit, unit)}</span></span>'
        f"<small>{', '.join(notes)}</small></td>"
    )


def _norm_head(summary: dict[str, Any]) -> list[str]:
    return ['<th scope="col">Norm</th>'] if _has_norms(summary) else []


def _has_norms(summary: dict[str, Any]) -> bool:
    return any(one["norm"] is not None for one in summary["metrics"])


def _norm_cell(summary: dict[str, Any], one: dict[str, Any]) -> str:
    if not _has_norms(summary):
        return ""
    norm, unit = one["norm"], one["unit"]
    if norm is None:
        return "<td>–</td>"
    return f"<td>{shown(norm['mean'], unit)}<small>sd {shown(norm['sd'], unit)}</small></td>"


def ranges_table(curves: list[dict[str, Any]]) -> str:
    """Both sides of each angle in one row."""
    titles = {angle.name: f"{angle.title} ({angle.positive} +)" for angle in ANGLES}
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for one in curves:
        rows.setdefault(one["name"], {})[one["side"]] = one
    heads = ['<th scope="col"></th>']
    for side in SIDES:
        word = SIDE_WORDS[side]
        names = (f"{word}, least", "greatest", "between strides", "error")
        heads += [f'<th scope="col" class="{side}">{name}</th>' for name in names]
    body = "".join(
        f'<tr><th scope="row">{html.escape(titles[name])}</th>'
        f"{''.join(_range(sides[side]) for side in SIDES)}</tr>"
        for name, sides in rows.items()
        if any(one["reason"] is None for one in sides.values())
    )
    return table(heads, body) if body else "<p>No angle is known.</p>"


def _range(one: dict[str, Any]) -> str:
    keys = ("minimum", "maximum", "between_strides", "sd_of_error")
    return "".join(f"<td>{shown(one[key], 'deg')}</td>" for key in keys)


def scores_table(indices: dict[str, Any]) -> str:
    """GDI and GPS of each side, and GPS of both; nothing where there is no reference."""
    by_name = {(one["name"], one["side"]): one for one in indices["metrics"]}
    if not by_name:
        return ""
    heads = [*_SIDE_HEADS, '<th scope="col">Both</th>']
    rows = ""
    for name, title in (("gdi", "GDI"), ("gps", "GPS")):
        both = by_name.get((name, None))
        cells = "".join(_cell(by_name[name, side]) for side in SIDES)
        cells += "<td>–</td>" if both is None else _cell(both)
        rows += f'<tr><th scope="row">{title}</th>{cells}</tr>'
    return table(heads, rows)


def cameras_table(sight: dict[str, Any] | None, fit: dict[str, Any] | None) -> str:
    """Errors of the fit and what each camera saw; nothing where there was none."""
    cameras = _cameras(sight, fit)
    if not cameras:
        return ""
    heads = '<th scope="col"></th>' + "".join(
        f'<th scope="col">{html.escape(one["name"])}</th>' for one in cameras
    )
    rows = ""
    for key, title, digits in (
        ("median_px", "Median error of the fit, px", 1),
        ("mean_px", "Mean error, px", 1),
        ("seen_percent", "Frames in which it saw the person, %", 0),
    ):
        if any(one.get(key) is not None for one in cameras):
            cells = "".join(
                f"<td>{'–' if one.get(key) is None else f'{one[key]:.{digits}f}'}</td>"
                for one in cameras
            )
            rows += f'<tr><th scope="row">{title}</th>{cells}</tr>'
    return (
        '<h3>Cameras</h3><div class="scroll" tabindex="0" role="region" '
        f'aria-label="Cameras">{table([heads], rows)}</div>'
    )


def _cameras(sight: dict[str, Any] | None, fit: dict[str, Any] | None) -> list[dict[str, Any]]:
    if sight is not None:
        return sight["cameras"]
    medians = {} if fit is None else fit["median_px_of_cameras"]
    return [{"name": name, "median_px": px} for name, px in medians.items()]
