"""What is measured in which part, by the name it is kept under."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Sequence

from benchmarks.beam import PROJECT
from experiments.differentiable_biomechanics.beam import measure_beam
from experiments.differentiable_biomechanics.bodies import measure_cohort, measure_kept_out
from experiments.differentiable_biomechanics.cases import (
    measure_bundle,
    measure_solver,
    measure_stages,
)
from experiments.differentiable_biomechanics.recordings import WORSE, walk_names
from experiments.trajectories.store import Measured
from experiments.trajectories.ways import GAUSS_NEWTON, NETWORK, How

PARTS = ("a", "b", "c", "d", "e")
"""Stages, bundle adjustment, consistency (of what the others measured), bodies, solvers."""

BEAM = "beam"


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        walks: measured walks that are fitted.
        kinds: of keypoints, each with numbers of cameras.
        worse: conditions of the detections, tried with the first kind.
        worse_cameras: number of cameras of these.
        knocks: standard deviations of camera errors per axis, degrees and millimetres.
        knocked_walks: walks of these.
        knocked_cameras: their numbers of cameras.
        solved_walks: walks of the comparison of solvers.
        solved_cameras: their numbers of cameras.
        steps: of the network.
        kept_out: walks that are kept out in turn.
        kept_out_cameras: that see such a walk.
        others: numbers of other walks that a body is learnt from.
        cohort: participants, and people who are not among them.
    """

    walks: int = 6
    kinds: tuple[tuple[str, tuple[int, ...]], ...] = (("body", (8, 4, 3, 2)), ("markers", (8, 2)))
    worse: tuple[str, ...] = tuple(list(WORSE)[1:])
    worse_cameras: int = 4
    knocks: tuple[tuple[float, float], ...] = ((0.0, 0.0), (0.25, 5.0), (0.5, 10.0), (1.0, 20.0))
    knocked_walks: int = 4
    knocked_cameras: tuple[int, ...] = (8, 4)
    solved_walks: int = 2
    solved_cameras: tuple[int, ...] = (8, 3)
    steps: tuple[int, ...] = (300, 1000, 3000)
    kept_out: int = 6
    kept_out_cameras: tuple[int, ...] = (8, 2)
    others: tuple[int, ...] = (1, 7)
    cohort: tuple[int, int] = (6, 3)


QUICK = Sizes(
    walks=1,
    kinds=(("body", (8, 2)),),
    worse=("noise x4",),
    worse_cameras=2,
    knocks=((0.0, 0.0), (0.5, 10.0)),
    knocked_walks=1,
    knocked_cameras=(8,),
    solved_walks=1,
    solved_cameras=(8,),
    steps=(100,),
    kept_out=1,
    others=(1,),
    cohort=(3, 1),
)
"""One walk, fewer conditions: whether everything works, and hardly a result."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One thing to measure.

    Attributes:
        case: what it is; what is kept of it says so again.
        measure: to be called once.
    """

    case: dict[str, str | int | float]
    measure: Callable[[], Measured]

    @property
    def key(self) -> str:
        """The name it is kept under."""
        return " ".join(f"{name}={value}" for name, value in self.case.items())


def plan_of(part: str, recordings: pathlib.Path, sizes: Sizes) -> list[Entry]:
    """What a part measures; nothing where it looks at what the others measured.

    Args:
        part: one of `PARTS`.
        recordings: folder of recordings.
        sizes: how much.

    Raises:
        InputError: the recordings are not there.
    """
    names = walk_names(recordings)
    plans = {"a": _stages, "b": _bundle, "d": _bodies, "e": _solvers}
    return plans[part](recordings, names, sizes) if part in plans else []


def _stages(recordings: pathlib.Path, names: Sequence[str], sizes: Sizes) -> list[Entry]:
    conditions = [
        (kind, n_cameras, "as recorded") for kind, numbers in sizes.kinds for n_cameras in numbers
    ]
    conditions += [(sizes.kinds[0][0], sizes.worse_cameras, worse) for worse in sizes.worse]
    return [
        Entry(
            {"part": "a", "walk": name, "kind": kind, "cameras": n_cameras, "condition": condition},
            functools.partial(measure_stages, recordings, name, kind, n_cameras, condition),
        )
        for kind, n_cameras, condition in conditions
        for name in names[: sizes.walks]
    ]


def _bundle(recordings: pathlib.Path, names: Sequence[str], sizes: Sizes) -> list[Entry]:
    entries = [
        Entry(
            {"part": "b", "walk": name, "cameras": n_cameras, "deg": deg, "mm": mm},
            functools.partial(measure_bundle, recordings, name, n_cameras, deg, mm),
        )
        for n_cameras in sizes.knocked_cameras
        for deg, mm in sizes.knocks
        for name in names[: sizes.knocked_walks]
    ]
    if (recordings / PROJECT).is_dir():
        entries.append(
            Entry({"part": "b", "walk": BEAM}, functools.partial(measure_beam, recordings))
        )
    return entries


def _bodies(recordings: pathlib.Path, names: Sequence[str], sizes: Sizes) -> list[Entry]:
    kept_out = [
        Entry(
            {
                "part": "d",
                "walk": name,
                "cameras": n_cameras,
                "others": "-".join(map(str, sizes.others)),
            },
            functools.partial(measure_kept_out, recordings, name, n_cameras, sizes.others),
        )
        for name in names[: sizes.kept_out]
        for n_cameras in sizes.kept_out_cameras
    ]
    people, strangers = sizes.cohort
    cohort = functools.partial(measure_cohort, people, strangers)
    return [*kept_out, Entry({"part": "d", "cohort": people, "strangers": strangers}, cohort)]


def _solvers(recordings: pathlib.Path, names: Sequence[str], sizes: Sizes) -> list[Entry]:
    ways = [How(GAUSS_NEWTON), *(How(NETWORK, steps) for steps in sizes.steps)]
    return [
        Entry(
            {"part": "e", "walk": name, "cameras": n_cameras, "way": str(how)},
            functools.partial(measure_solver, recordings, name, n_cameras, how),
        )
        for name in names[: sizes.solved_walks]
        for n_cameras in sizes.solved_cameras
        for how in ways
    ]
