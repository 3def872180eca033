"""The Movement Analysis Profile: how far each angle is from the reference, as bars."""

import html

from diffbio.gait.angles import CLINICAL_ANGLES
from diffbio.gait.gait_points import SIDES
from diffbio.report.gait_curves import ANGLES
from diffbio.report.gait_indices import GaitIndices
from diffbio.report.gait_summary import SIDE_WORDS

_WIDTH, _HEIGHT = 720, 216
_LEFT, _TOP, _BOTTOM = 36, 10, 168
_BAR = 18
_LEAST_TOP = 10.0
"""Degrees: the scale of an ordinary gait, so that its bars stay low."""

_STEPS = (2.0, 5.0, 10.0, 20.0)


def profile_chart(indices: GaitIndices) -> str:
    """Bars of both sides; nothing where no side is scored."""
    names = [*(f"gvs_{name}" for name in CLINICAL_ANGLES), "gps"]
    scored = {
        (name, side): metric
        for name in names
        for side in SIDES
        if (metric := indices.metric(name, side)) is not None and metric.reason is None
    }
    if not scored:
        return ""
    most = max(_LEAST_TOP, *(1.05 * one.value for one in scored.values()))
    parts = [_grid(most)]
    pitch = (_WIDTH - _LEFT) / len(names)
    for i, name in enumerate(names):
        middle = _LEFT + (i + 0.5) * pitch
        parts.append(_reference(indices, name, middle, most))
        for side, offset in zip(SIDES, (-_BAR - 1, 1), strict=True):
            if (one := scored.get((name, side))) is not None:
                parts.append(_bar(one.value, side, middle + offset, most))
        parts.append(_label(name, middle))
    words = html.escape(_described(scored), quote=True)
    return (
        f'<figure class="profile"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{words}">{"".join(parts)}</svg></figure>'
    )


def _y(degrees: float, most: float) -> float:
    return _BOTTOM - degrees / most * (_BOTTOM - _TOP)


def _grid(most: float) -> str:
    step = next((one for one in _STEPS if most / one <= 6.0), _STEPS[-1])
    parts, value = [], 0.0
    while value <= most:
        y = _y(value, most)
        kind = "axis" if value == 0.0 else "grid"
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="{kind}"/>'
            f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{value:g}°</text>'
        )
        value += step
    return "".join(parts)


def _reference(indices: GaitIndices, name: str, middle: float, most: float) -> str:
    """What the reference's own people have."""
    if name not in indices.reference:
        return ""
    y = _y(indices.reference[name], most)
    return (
        f'<rect x="{middle - _BAR - 6:.1f}" width="{2 * _BAR + 12}" y="{y:.1f}" '
        f'height="{_BOTTOM - y:.1f}" class="norm"/>'
    )


def _bar(value: float, side: str, x: float, most: float) -> str:
    y = _y(value, most)
    return (
        f'<rect x="{x:.1f}" width="{_BAR}" y="{y:.1f}" height="{_BOTTOM - y:.1f}" '
        f'class="score {side}"/><text x="{x + _BAR / 2:.1f}" y="{y - 3:.1f}" '
        f'text-anchor="middle" class="number">{value:.0f}</text>'
    )


def _label(name: str, middle: float) -> str:
    words = _title(name).rsplit(" ", 1)
    return "".join(
        f'<text x="{middle:.1f}" y="{_BOTTOM + 16 + 13 * row}" text-anchor="middle">'
        f"{html.escape(word)}</text>"
        for row, word in enumerate(words)
    )


def _title(name: str) -> str:
    titles = {f"gvs_{angle.name}": angle.title for angle in ANGLES}
    return titles.get(name, name.upper())


def _described(scored) -> str:
    """The bars in words, for who does not see them."""
    parts = [
        f"{_title(name)} {SIDE_WORDS[side]} {one.value:.1f}" for (name, side), one in scored.items()
    ]
    return f"Movement Analysis Profile, degrees from the reference: {', '.join(parts)}"
