"""GDI, GPS and MAP of a walk against a reference population, as rows of the table.

The scores are of the mean curve over the cycles. Their standard deviation is that of the angles'
errors, each taken as constant over the cycle and independent of the others', by differences.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from diffbio.gait import Metric, ReferencePopulation, deviation_scale, gait_profile
from diffbio.gait.angles import CLINICAL_ANGLES
from diffbio.gait.events import Side
from diffbio.gait.gait_points import SIDES
from diffbio.gait.indices import Reference, overall_profile_score
from diffbio.report.gait_curves import NAMES, SideCurves

NO_REFERENCE = (
    "No reference population was given (--reference, or --norms with curves of all nine angles)."
)
NO_PEOPLE = "It needs the curves of the reference's people (--reference); norms hold their mean."

_Score = Callable[[Float[np.ndarray, "percent angle"]], float]


@dataclasses.dataclass(frozen=True)
class GaitIndices:
    """Scores against a reference.

    Attributes:
        source: of the reference, in words; empty where there is none.
        metrics: `gdi` and `gps` of each side, `gps` of both, and the Movement Analysis Profile,
            `gvs_` and the angle, of each side; none where there is no reference.
        reference: root mean square deviation of the reference's own people from their mean, by
            angle, in degrees, which a healthy person's score is like; empty where only the mean
            is known.
    """

    source: str
    metrics: tuple[Metric, ...]
    reference: dict[str, float] = dataclasses.field(default_factory=dict)

    def metric(self, name: str, side: Side | None) -> Metric | None:
        """One score, where it is there."""
        return next((m for m in self.metrics if (m.name, m.side) == (name, side)), None)


def gait_indices(curves: dict[Side, SideCurves], reference: Reference | None) -> GaitIndices:
    """All scores of a walk.

    Args:
        curves: of each side, as the page draws them.
        reference: people without disorder; None where there are none.
    """
    if reference is None:
        return GaitIndices("", ())
    metrics: list[Metric] = []
    for side in SIDES:
        metrics += _of_side(curves[side], side, reference)
    metrics.append(_overall(curves, reference))
    own = _own_scores(reference) if isinstance(reference, ReferencePopulation) else {}
    return GaitIndices(reference.source, tuple(metrics), own)


def _own_scores(reference: ReferencePopulation) -> dict[str, float]:
    """Medians of the reference's own people."""
    profiles = [gait_profile(one, reference) for one in reference.curves]
    scores = np.median([one.variable_scores for one in profiles], axis=0)
    named = {f"gvs_{name}": float(x) for name, x in zip(reference.names, scores, strict=True)}
    return {"gps": float(np.median([one.score for one in profiles])), **named}


def _of_side(cut: SideCurves, side: Side, reference: Reference) -> list[Metric]:
    names = [("gdi", "1"), ("gps", "deg"), *((f"gvs_{name}", "deg") for name in CLINICAL_ANGLES)]
    reason = next((cut.reasons[name] for name in CLINICAL_ANGLES if name in cut.reasons), None)
    if reason is not None:
        return [_open(name, side, unit, reason) for name, unit in names]
    found = []
    if isinstance(reference, ReferencePopulation):
        found.append(_scored("gdi", side, "1", cut, deviation_scale(reference).index, reference))
    else:
        found.append(_open("gdi", side, "1", NO_PEOPLE))
    found.append(_scored("gps", side, "deg", cut, _profile_score(reference, None), reference))
    for i, name in enumerate(CLINICAL_ANGLES):
        score = _profile_score(reference, i)
        found.append(_scored(f"gvs_{name}", side, "deg", cut, score, reference))
    return found


def _profile_score(reference: Reference, angle: int | None) -> _Score:
    """The profile score, or that of one angle."""

    def score(curves: Float[np.ndarray, "percent angle"]) -> float:
        profile = gait_profile(curves, reference)
        return profile.score if angle is None else float(profile.variable_scores[angle])

    return score


def _scored(
    name: str, side: Side, unit: str, cut: SideCurves, score: _Score, reference: Reference
) -> Metric:
    each, mean, sd = _nine(cut, reference)
    value = score(mean)
    if not np.isfinite(value):
        return _open(name, side, unit, "The curves are those of the reference's mean.")
    scores = [score(one) for one in each]
    spread = float(np.std(scores, ddof=1)) if len(scores) > 1 else np.nan
    error = np.nan if sd is None else _error(score, mean, sd)
    return Metric(name, side, value, error, spread, len(each), unit)


def _nine(
    cut: SideCurves, reference: Reference
) -> tuple[
    Float[np.ndarray, "cycle point angle"],
    Float[np.ndarray, "point angle"],
    Float[np.ndarray, "point angle"] | None,
]:
    """The nine angles at the reference's points: of every cycle, their mean, and its errors."""
    points = np.linspace(0.0, 100.0, len(reference.mean))
    columns = [NAMES.index(name) for name in reference.names]

    def at_points(curves: Float[np.ndarray, "percent angle"]) -> Float[np.ndarray, "point angle"]:
        return np.stack([np.interp(points, cut.angles.percent, c) for c in curves.T], axis=1)

    each = np.stack([at_points(one[:, columns]) for one in cut.angles.curves])
    sd = cut.angles.sd
    if sd is None or not np.isfinite(sd[..., columns]).all():
        return each, each.mean(axis=0), None
    return each, each.mean(axis=0), at_points(sd[..., columns].mean(axis=0))


def _error(
    score: _Score,
    mean: Float[np.ndarray, "point angle"],
    sd: Float[np.ndarray, "point angle"],
) -> float:
    changes = []
    for angle in range(mean.shape[1]):
        shift = np.zeros_like(mean)
        shift[:, angle] = sd[:, angle]
        changes.append((score(mean + shift) - score(mean - shift)) / 2.0)
    return float(np.linalg.norm(changes))


def _overall(curves: dict[Side, SideCurves], reference: Reference) -> Metric:
    reason = next(
        (curves[s].reasons[n] for s in SIDES for n in CLINICAL_ANGLES if n in curves[s].reasons),
        None,
    )
    if reason is not None:
        return _open("gps", None, "deg", reason)
    (each_r, mean_r, sd_r), (each_l, mean_l, sd_l) = (_nine(curves[s], reference) for s in SIDES)

    def score(both: Float[np.ndarray, "point angles"]) -> float:
        halves = np.split(both, 2, axis=1)
        return overall_profile_score([gait_profile(one, reference) for one in halves])

    mean = np.concatenate([mean_r, mean_l], axis=1)
    sd = np.nan
    if sd_r is not None and sd_l is not None:
        sd = _error(score, mean, np.concatenate([sd_r, sd_l], axis=1))
    n = min(len(each_r), len(each_l))
    return Metric("gps", None, score(mean), sd, np.nan, n, "deg")


def _open(name: str, side: Side | None, unit: str, reason: str) -> Metric:
    return Metric(name, side, np.nan, np.nan, np.nan, 0, unit, reason)
