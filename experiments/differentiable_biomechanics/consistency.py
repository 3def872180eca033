"""Geometric consistency of everything that was fitted, and whether it tells what is true."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.table import markdown_table
from experiments.differentiable_biomechanics.answers import (
    BUNDLE,
    END_TO_END,
    FRAMES,
    POINTS,
    STAGES,
)
from experiments.differentiable_biomechanics.cases import TRUTH
from experiments.differentiable_biomechanics.plan import BEAM
from experiments.differentiable_biomechanics.scores import WITHIN_PX
from experiments.differentiable_biomechanics.tables import (
    Found,
    conditions_of,
    mean_of,
    select,
    values_of,
)
from experiments.trajectories.store import Measured
from experiments.trajectories.ways import GAUSS_NEWTON, NETWORK

GC_PX = (3, 5, 10, 20)

HEADER = ("recordings", "way", *(f"GC{px}, %" for px in GC_PX), "unused cameras, GC5, %")

BODIES = (FRAMES, STAGES, END_TO_END)
"""Ways with a body, of those with exact cameras."""


def consistency_report(found: Found) -> str:
    """Part (c): the curve at a few pixels, and how often the larger value is nearer to truth.

    Args:
        found: what parts (a), (b) and (e) measured.
    """
    rows = []
    for label, ones, ways in groups_of(found):
        for way in ways:
            shares = (mean_of(ones, way, f"fitted.gc{px}") for px in GC_PX)
            unused = mean_of(ones, way, "unused.gc5") or mean_of(ones, way, "held_out.gc5")
            rows.append((label if way == ways[0] else "", way, *map(_per_cent, (*shares, unused))))
    parts = [
        "GC_x: share of the detections of confidence 0.5 or more within x px of the reprojected "
        "keypoint. Unused cameras: the same in those that were not fitted, in their given pose.",
        markdown_table(HEADER, rows),
    ]
    asked = _questions(found)
    if asked:
        header = ("pairs", "GC5 of fitted cameras is right in", "of unused cameras in")
        parts += [
            "Of two answers to the same walk, is the one of higher GC5 nearer to the truth "
            "(markers, aligned)?"
        ]
        parts += [markdown_table(header, asked)]
    return "\n\n".join(parts)


def groups_of(found: Found) -> list[tuple[str, list[Measured], tuple[str, ...]]]:
    """What is shown together: a name, recordings, and ways."""
    groups: list[tuple[str, list[Measured], tuple[str, ...]]] = []
    for n_cameras, condition in conditions_of(found, "cameras", "condition"):
        ones = select(found, part="a", kind="body", cameras=n_cameras, condition=condition)
        groups.append((f"{n_cameras} cameras, {condition}", ones, (TRUTH, POINTS, *BODIES)))
    for n_cameras, deg, mm in conditions_of(found, "cameras", "deg", "mm"):
        if deg:
            ones = select(found, part="b", cameras=n_cameras, deg=deg, mm=mm)
            ways = (TRUTH, STAGES, END_TO_END, BUNDLE)
            groups.append((f"{n_cameras} cameras, wrong by {deg:g}°, {mm:g} mm", ones, ways))
    if beam := select(found, part="b", walk=BEAM):
        groups.append((BEAM, beam, (POINTS, *BODIES, BUNDLE)))
    for n_cameras in dict.fromkeys(n for n, _ in _solver_cases(found)):
        merged = [_merged(found, n_cameras, walk) for (walk,) in conditions_of(found, "walk")]
        ones = [one for one in merged if one]
        ways = tuple(dict.fromkeys(way for one in ones for way in one))
        groups.append((f"{n_cameras} cameras, solvers", ones, ways))
    return groups


def _solver_cases(found: Found) -> list[tuple[object, ...]]:
    return conditions_of(found, "cameras", "way")


def _merged(found: Found, n_cameras: object, walk: object) -> Measured:
    """All solvers' answers to one walk, each under a name of its own."""
    merged: Measured = {}
    for _, label in _solver_cases(found):
        for one in select(found, part="e", cameras=n_cameras, walk=walk, way=label):
            (scores,) = (scores for way, scores in one.items() if way != TRUTH)
            merged |= {TRUTH: one[TRUTH], str(label): scores}
    return merged


def _questions(found: Found) -> list[tuple[object, ...]]:
    """Pairs of answers of which one has the higher GC and one is nearer to the truth."""
    groups = groups_of(found)
    exact = [one for label, ones, _ in groups if "wrong by" not in label for one in ones]
    wrong = [one for label, ones, _ in groups if "wrong by" in label for one in ones]
    recorded = [
        [
            one
            for n_cameras in dict.fromkeys(n for n, _ in conditions_of(found, "cameras", "kind"))
            for one in select(found, part="a", kind="body", walk=walk, cameras=n_cameras,
                              condition="as recorded")
        ]
        for (walk,) in conditions_of(found, "walk")
    ]  # fmt: skip
    fewer = [pair for ones in recorded for pair in itertools.combinations(ones, 2)]
    solvers = [one for label, ones, _ in groups if "solvers" in label for one in ones]
    networks = [name for one in solvers for name in one if name.startswith(NETWORK)]
    splines = [name for one in solvers for name in one if name.startswith(GAUSS_NEWTON)]
    asked = {
        "ways with a body": _within(exact, BODIES),
        f"{STAGES}; {END_TO_END}": _within(exact, (STAGES, END_TO_END)),
        f"{POINTS}; {END_TO_END}": _within(exact, (POINTS, END_TO_END)),
        f"{END_TO_END}; {BUNDLE}": _within(wrong, (END_TO_END, BUNDLE)),
        f"{STAGES}; {END_TO_END}, cameras wrong": _within(wrong, (STAGES, END_TO_END)),
        f"{GAUSS_NEWTON}; {NETWORK}": [
            ((one, a), (one, b))
            for one in solvers
            for a in dict.fromkeys(splines)
            for b in dict.fromkeys(networks)
        ],
        f"{END_TO_END}, more; fewer cameras": [
            ((a, END_TO_END), (b, END_TO_END)) for a, b in fewer
        ],
    }
    rows = []
    for label, pairs in asked.items():
        shares = [_right(pairs, key) for key in ("fitted.gc5", "unused.gc5")]
        if any(shares):
            rows.append((label, *shares))
    return rows


Answered = tuple[Measured, str]
"""A recording and a way."""


def _within(ones: Iterable[Measured], ways: Sequence[str]) -> list[tuple[Answered, Answered]]:
    """Pairs of ways of the same recording."""
    return [
        ((one, a), (one, b))
        for one in ones
        for a, b in itertools.combinations(ways, 2)
        if a in one and b in one
    ]


def _right(pairs: Sequence[tuple[Answered, Answered]], key: str) -> str | None:
    """How often the larger value goes with the smaller error of the markers."""
    right = []
    for pair in pairs:
        values = [values_of([one], way, key) for one, way in pair]
        errors = [values_of([one], way, "aligned_mm") for one, way in pair]
        if all(values) and all(errors):
            (a,), (b,) = values
            (first,), (second,) = errors
            right.append((a > b) == (first < second))
    return f"{100 * np.mean(right):.0f} % of {len(right)}" if right else None


def curve_of(ones: Iterable[Measured], way: str, which: str) -> list[float] | None:
    """Mean curve over recordings at `WITHIN_PX`; None where there is none.

    Args:
        ones: recordings.
        way: among the ways of each.
        which: `fitted`, `unused` or `held_out`.
    """
    shares = [mean_of(ones, way, f"{which}.gc{px}") for px in WITHIN_PX]
    return None if None in shares else [share for share in shares if share is not None]


def curves_of(found: Found) -> dict[str, object]:
    """All mean curves, for a file: shares at `within_px`, by recordings, way and cameras."""
    curves: dict[str, object] = {}
    for label, ones, ways in groups_of(found):
        each = {
            way: {which: curve_of(ones, way, which) for which in ("fitted", "unused", "held_out")}
            for way in ways
        }
        curves[label] = {
            way: {which: curve for which, curve in its.items() if curve is not None}
            for way, its in each.items()
        }
    return {"within_px": list(WITHIN_PX), "curves": curves}


def _per_cent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.1f}"
