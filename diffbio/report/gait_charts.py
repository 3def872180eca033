"""Charts of the gait page, drawn without any script: each cycle, the mean, bands and events."""

import dataclasses
import html
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from diffbio.gait.gait_points import SIDES
from diffbio.io.coordinate_values import NINETY_PERCENT
from diffbio.io.gait_norms import NormCurve
from diffbio.report.gait_analysis import GaitAnalysis
from diffbio.report.gait_curves import ANGLES, GaitAngle, SideCurves

WIDTH, HEIGHT = 340, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 334, 8, 168

_LEAST_SPAN = 20.0
"""Degrees: noise of an angle that hardly moves is not blown up to the height of the chart."""

_STEPS = (5.0, 10.0, 20.0, 30.0, 50.0, 100.0)

_THIN_POINTS = 51
"""Of each cycle's own line; the mean has all."""

_TICK = 9
"""Height of the marks of the other foot's events."""

_MOST_LINES = 60
"""Cycles of one side that are drawn; more are a blot."""


def chart_grid(found: GaitAnalysis) -> str:
    """Every angle that is known, as one figure each."""
    return "\n".join(_figure(found, column) for column in range(len(ANGLES)))


def _figure(found: GaitAnalysis, column: int) -> str:
    angle = ANGLES[column]
    shown = {side: one for side, one in found.curves.items() if angle.name not in one.reasons}
    if not shown:
        return ""
    norm = None if found.norms is None else found.norms.curves.get(angle.name)
    return (
        f'<figure class="chart"><figcaption><b>{html.escape(angle.title)}</b>'
        f"<span>{html.escape(angle.positive)} +</span></figcaption>"
        f"{_svg(angle, column, shown, norm)}</figure>"
    )


def _svg(
    angle: GaitAngle, column: int, shown: dict[str, SideCurves], norm: NormCurve | None
) -> str:
    low, high = limits(column, shown.values(), norm)
    scale = Scale(low, high)
    parts = [norm_band(norm, scale), axes(scale)]
    for draw in (_band, _cycles, _mean):
        parts += [draw(side, shown[side], column, scale) for side in SIDES if side in shown]
    words = html.escape(_described(angle, column, shown), quote=True)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">'
        f"{''.join(parts)}</svg>"
    )


@dataclasses.dataclass(frozen=True)
class Scale:
    """From percent and degrees, of which the least and greatest are given, to the drawing."""

    low: float
    high: float

    @property
    def step(self) -> float:
        """Degrees between two lines."""
        return next((one for one in _STEPS if (self.high - self.low) / one <= 5.5), _STEPS[-1])

    def x(self, percent: Float[np.ndarray, "point"]) -> Float[np.ndarray, "point"]:
        """From the left edge."""
        return _LEFT + percent / 100.0 * (_RIGHT - _LEFT)

    def y(self, degrees: Float[np.ndarray, "point"]) -> Float[np.ndarray, "point"]:
        """From the top edge, within the chart."""
        share = (degrees - self.low) / (self.high - self.low)
        return np.clip(_BOTTOM - share * (_BOTTOM - _TOP), _TOP, _BOTTOM)

    def line(self, percent: Float[np.ndarray, "point"], degrees: Float[np.ndarray, "point"]) -> str:
        """A path through points that are known."""
        known = np.isfinite(degrees)
        pairs = zip(self.x(percent[known]), self.y(degrees[known]), strict=True)
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in pairs)

    def band(
        self,
        percent: Float[np.ndarray, "point"],
        low: Float[np.ndarray, "point"],
        high: Float[np.ndarray, "point"],
    ) -> str:
        """A closed path between two lines."""
        above, below = self.line(percent, high), self.line(percent[::-1], low[::-1])
        return f"{above}L{below[1:]}Z"


def limits(column: int, shown: Iterable[SideCurves], norm: NormCurve | None) -> tuple[float, float]:
    """Lowest and highest degree of the chart: of cycles and norm, not of bands."""
    ends = [extreme(one.angles.curves[..., column]) for one in shown]
    if norm is not None:
        ends.append((float((norm.mean - norm.sd).min()), float((norm.mean + norm.sd).max())))
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    spare = max(0.06 * (high - low), (_LEAST_SPAN - (high - low)) / 2)
    return low - spare, high + spare


def extreme(values: Float[np.ndarray, "*any"]) -> tuple[float, float]:
    """Least and greatest of what is known."""
    return float(np.nanmin(values)), float(np.nanmax(values))


def axes(scale: Scale) -> str:
    """Lines of degrees and percent, and their numbers."""
    parts = []
    first = np.ceil(scale.low / scale.step) * scale.step
    for value in np.arange(first, scale.high + 1e-9, scale.step):
        y = float(scale.y(np.array([value]))[0])
        kind = "zero" if abs(value) < 1e-9 else "grid"
        parts.append(f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="{kind}"/>')
        label = f"{round(float(value))}".replace("-", "−")
        parts.append(f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    for percent in (0, 20, 40, 60, 80, 100):
        x = float(scale.x(np.array([float(percent)]))[0])
        anchor = "end" if percent == 100 else "middle"
        label = f"{percent}{' %' if percent == 100 else ''}"
        parts.append(f'<text x="{x:.1f}" y="{_BOTTOM + 16}" text-anchor="{anchor}">{label}</text>')
    parts.append(f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{_BOTTOM}" y2="{_BOTTOM}" class="axis"/>')
    return "".join(parts)


def norm_band(norm: NormCurve | None, scale: Scale) -> str:
    """Mean and one standard deviation between people; nothing where there is no norm."""
    if norm is None:
        return ""
    path = scale.band(norm.percent, norm.mean - norm.sd, norm.mean + norm.sd)
    return f'<path d="{path}" class="norm"/>'


def _band(side: str, one: SideCurves, column: int, scale: Scale) -> str:
    """How far the mean may be off, and the events within the cycle."""
    cut, mean = one.angles, one.angles.mean[:, column]
    line = events(side, one, scale)
    if cut.sd is None or not np.isfinite(cut.sd[..., column]).all():
        return line
    half = NINETY_PERCENT * cut.sd[..., column].mean(axis=0)
    path = scale.band(cut.percent, mean - half, mean + half)
    return f'<path d="{path}" class="band {side}"/>{line}'


def events(side: str, one: SideCurves, scale: Scale) -> str:
    """When the foot leaves the ground, and short at the top when the other leaves and meets it."""
    x = float(scale.x(np.array([one.toe_off]))[0])
    parts = [f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_BOTTOM}" class="toe-off {side}"/>']
    for percent in (one.opposite_toe_off, one.opposite_contact):
        if np.isfinite(percent):
            x = float(scale.x(np.array([percent]))[0])
            low = _TOP + _TICK
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{low}" class="opposite {side}"/>'
            )
    return "".join(parts)


def _cycles(side: str, one: SideCurves, column: int, scale: Scale) -> str:
    """Each stride, the paler the more there are."""
    cut = one.angles
    if len(cut.curves) < 2:
        return ""
    thin = np.linspace(0, len(cut.percent) - 1, _THIN_POINTS).round().astype(int)
    rows = _drawn(len(cut.curves))
    pale = float(np.clip(3.0 / len(rows), 0.12, 0.5))
    paths = [scale.line(cut.percent[thin], cut.curves[row, thin, column]) for row in rows]
    lines = "".join(f'<path d="{path}" class="cycle {side}"/>' for path in paths)
    return f'<g stroke-opacity="{pale:.2f}">{lines}</g>'


def _mean(side: str, one: SideCurves, column: int, scale: Scale) -> str:
    path = scale.line(one.angles.percent, one.angles.mean[:, column])
    return f'<path d="{path}" class="halo"/><path d="{path}" class="curve {side}"/>'


def _drawn(count: int) -> list[int]:
    """Which cycles, evenly spread."""
    return (
        np.unique(np.linspace(0, count - 1, min(count, _MOST_LINES)).round()).astype(int).tolist()
    )


def _described(angle: GaitAngle, column: int, shown: dict[str, SideCurves]) -> str:
    """The chart in words, for who does not see it."""
    words = {"r": "right", "l": "left"}
    parts = []
    for side, one in shown.items():
        low, high = extreme(one.angles.mean[:, column])
        parts.append(f"{words[side]} {low:.0f} to {high:.0f} degrees")
    return f"{angle.title} over the gait cycle, {angle.positive} positive: {', '.join(parts)}"
