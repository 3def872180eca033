"""Measure what is missing of the parts asked for, and write their tables and figures."""

import argparse
import os
import pathlib
import sys
from collections.abc import Callable
from typing import Any

# OpenBLAS and matplotlib read these when they are imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from tqdm import tqdm

from benchmarks.arguments import ROOT
from benchmarks.machine import load_average, load_sentence
from benchmarks.table import check_writable, write_result
from diffbio._jax import cache_folder, enable_compilation_cache
from diffbio.errors import DiffbioError
from experiments.differentiable_biomechanics import pictures
from experiments.differentiable_biomechanics.body_pictures import draw_bodies
from experiments.differentiable_biomechanics.body_tables import body_report
from experiments.differentiable_biomechanics.consistency import (
    consistency_report,
    curves_of,
)
from experiments.differentiable_biomechanics.plan import PARTS, QUICK, Entry, Sizes, plan_of
from experiments.differentiable_biomechanics.scores import within
from experiments.differentiable_biomechanics.tables import (
    Found,
    bundle_report,
    solver_report,
    stages_report,
)
from experiments.trajectories.store import Measured, Store

HERE = pathlib.Path(__file__).parent

KEPT = cache_folder() / "experiments" / "differentiable_biomechanics"

NAMES = {"a": "stages", "b": "bundle", "c": "consistency", "d": "bodies", "e": "solvers"}
"""Of the parts' files."""

LOOKED_AT = ("a", "b", "e")
"""Parts whose fits the curves of part (c) are of."""

REPORTS: dict[str, Callable[[Found], str]] = {
    "a": stages_report,
    "b": bundle_report,
    "c": consistency_report,
    "d": body_report,
    "e": solver_report,
}
FIGURES: dict[str, Callable[[Found, pathlib.Path], None]] = {
    "a": pictures.draw_stages,
    "b": pictures.draw_bundle,
    "c": pictures.draw_consistency,
    "d": draw_bodies,
    "e": pictures.draw_solvers,
}


def main() -> int:
    """Measure, and write a table and a figure of every part."""
    arguments = _arguments()
    output = arguments.output or (KEPT / "quick" if arguments.quick else HERE)
    sizes = QUICK if arguments.quick else Sizes()
    try:
        check_writable(output)
        plans = {part: plan_of(part, arguments.data, sizes) for part in PARTS}
    except DiffbioError as error:
        print(f"differentiable_biomechanics: {error}", file=sys.stderr)
        return 2
    enable_compilation_cache()
    store = Store(arguments.measured, fresh=arguments.fresh)
    parts = [part for part in PARTS if part in arguments.parts]
    # Part (c) measures nothing itself; what it looks at is there already, or is measured for it.
    needed = [p for p in PARTS if p in parts or ("c" in parts and p in LOOKED_AT)]
    found = measure({part: plans[part] for part in needed}, store)
    for part in parts:
        looked_at = LOOKED_AT if part == "c" else (part,)
        _write(part, [one for p in looked_at for one in found[p]], output)
    return 0


def measure(plans: dict[str, list[Entry]], store: Store) -> dict[str, Found]:
    """What is planned, out of the store where it is there."""
    found: dict[str, Found] = {part: [] for part in plans}
    bar = tqdm(total=sum(map(len, plans.values())), unit="case", file=sys.stderr)
    for part, entries in plans.items():
        for entry in entries:
            bar.set_description(entry.key)
            found[part].append((entry, store.get(entry.key, lambda e=entry: _measured(e))))
            bar.update()
    bar.close()
    return found


def _measured(entry: Entry) -> Measured:
    return {"case": entry.case, "found": entry.measure(), "load_average": load_average()}


def _write(part: str, found: Found, output: pathlib.Path) -> None:
    """Tables, numbers and the figure of one part."""
    plain: Found = []
    loads: list[list[float]] = []
    for entry, one in found:
        measured, load = one["found"], one["load_average"]
        assert isinstance(measured, dict) and isinstance(load, list)
        plain.append((entry, measured))
        loads.append(load)
    text = f"{load_sentence(loads)}\n\n{REPORTS[part](plain)}"
    print(f"\n## ({part}) {NAMES[part]}\n\n{text}")
    content = curves_of(plain) if part == "c" else {"cases": [one for _, one in found]}
    folder = output / "results"
    written = write_result(folder, f"{part}-{NAMES[part]}", _rounded(content), text)
    picture = output / f"{NAMES[part]}.png"
    FIGURES[part](plain, picture)
    print(f"\nWritten: {written[0]}, {written[1].name}, {picture.name}.")


def _rounded(value: Any) -> Any:
    """For a file: five digits of every number, and of a curve of consistency two points, since
    part (c) writes the curves."""
    if isinstance(value, dict):
        kept = {name: _rounded(one) for name, one in value.items() if name != "gc"}
        if "gc" in value:
            kept |= {f"gc{px}": _rounded(within(value, px)) for px in (5, 10)}
        return kept
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m experiments.differentiable_biomechanics", description=__doc__
    )
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
        help="a two stages or end to end, b bundle adjustment, c geometric consistency, "
        "d bodies, e solvers (default all)",
    )  # fmt: skip
    parser.add_argument(
        "--quick", action="store_true",
        help="one walk, few conditions: to see that it works. Writes beside what is kept",
    )  # fmt: skip
    parser.add_argument(
        "--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data", metavar="FOLDER",
        help="folder of recordings (default: ../shared/data, beside the repository)",
    )  # fmt: skip
    parser.add_argument(
        "--measured", type=pathlib.Path, metavar="FOLDER", default=KEPT,
        help="where the numbers of every case are kept as soon as they are there",
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="measure everything again")
    parser.add_argument(
        "-o", "--output", type=pathlib.Path, metavar="FOLDER",
        help="for tables and figures (default: this experiment's own folder)",
    )  # fmt: skip
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
