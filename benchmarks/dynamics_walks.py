"""Joint moments and residuals of walks on plates, beside those of OpenSim on the same data."""

import csv
import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from benchmarks.optical import trimmed
from benchmarks.table import markdown_table
from diffbio.body import BodyModel, BodyParameters, default_body, load_keypoint_set
from diffbio.cohort.participant import solve_participant
from diffbio.dynamics import (
    FilteredMotion,
    InverseDynamics,
    check_plates,
    de_leva,
    foot_paths,
    inverse_dynamics,
    knee_moments,
    motion_along,
    motion_through,
    needed_wrench,
    person_inertia,
    plates_on_feet,
)
from diffbio.io.read_ground_reactions import read_external_loads, read_ground_reactions
from diffbio.io.read_mot import StorageTable, read_storage
from diffbio.io.read_trc import read_trc
from diffbio.observations import GroundReactions

MASS_KG = {"falisse-walking": 62.0, "rajagopal-walking": 85.27}
"""As the folders' README state them."""

COORDINATES = {"hip": "hip_flexion", "knee": "knee_angle", "ankle": "ankle_angle"}

PELVIS_FORCES = tuple(f"pelvis_t{axis}_force" for axis in "xyz")
PELVIS_MOMENTS = tuple(f"pelvis_{turn}_moment" for turn in ("tilt", "list", "rotation"))

HEADER = (
    "trial",
    "samples",
    *(f"{joint} {what}" for joint in COORDINATES for what in ("r", "RMSE, Nm", "bias")),
    "residual, N",
    "Nm",
    "OpenSim's, N",
    "Nm",
    "peak KAM, % BW ht",
)


class Walker(NamedTuple):
    """One person fitted to optical markers, all trials together.

    Attributes:
        name: of the folder.
        body: the anatomy.
        parameters: the person's size.
        motions: as fitted, at the markers' times, by trial.
    """

    name: str
    body: BodyModel
    parameters: BodyParameters
    motions: dict[str, FilteredMotion]


class Variant(NamedTuple):
    """How dynamics are computed.

    Attributes:
        label: for the table.
        masses: `people` (de Leva) or `model`.
        motion_hz: bandwidth; None for the fit's own derivatives.
        plates_hz: bandwidth of the plates; None for plates as measured.
    """

    label: str
    masses: str = "people"
    motion_hz: float | None = 6.0
    plates_hz: float | None = None


VARIANTS = (
    Variant("default: motion of 6 Hz, plates as measured, masses of people"),
    Variant("plates of 6 Hz too", plates_hz=6.0),
    Variant("masses of the model, by volume", masses="model"),
    Variant("the fit's own derivatives", motion_hz=None),
)


def fitted(data: pathlib.Path, name: str, pattern: str, set_name: str) -> Walker:
    """Fit one body to all trials of a person."""
    body = default_body(load_keypoint_set(set_name))
    trials = {
        path.stem: trimmed(read_trc(path), body.marker_names)
        for path in sorted((data / name).glob(pattern))
    }
    # As users fit: in single precision. What follows is in double.
    with jax.enable_x64(False):
        solved = solve_participant(body, trials)
    # Programs traced in the fit hold indices of single precision.
    jax.clear_caches()
    motions = {}
    for trial in solved.prepared:
        time = trials[trial].time
        trajectory = solved.unknowns(trial).trajectory
        motions[trial] = motion_along(trajectory, time, zero=float(time[0]), source=trial)
    parameters = solved.unknowns(next(iter(motions))).parameters
    exact = jax.tree.map(lambda x: jnp.asarray(x, float), parameters)
    return Walker(name, body, exact, motions)


def computed(
    walker: Walker, trial: str, reactions: GroundReactions, variant: Variant
) -> InverseDynamics:
    """Inverse dynamics of one trial while plates and motion last, plates checked before."""
    fit = walker.motions[trial]
    motion = fit
    if variant.motion_hz is not None:
        pose = fit.movement.pose
        motion = motion_through(fit.time, pose, bandwidth_hz=variant.motion_hz, source=trial)
    motion = motion.cut(float(reactions.time[0]), float(reactions.time[-1]))
    people = de_leva(walker.body) if variant.masses == "people" else None
    person = (walker.body, walker.parameters)
    inertia = person_inertia(*person, MASS_KG[walker.name], anthropometry=people)
    paths = foot_paths(*person, motion)
    needed = needed_wrench(inverse_dynamics(*person, inertia, motion))
    plates = check_plates(reactions, needed, paths).reactions
    loads = plates_on_feet(plates, paths, motion, bandwidth_hz=variant.plates_hz)
    return inverse_dynamics(*person, inertia, motion, loads.wrenches)


def falisse(data: pathlib.Path) -> dict[str, Any]:
    """Eight walks; moments of the foot on a plate, residuals while every foot is on one."""
    walker = fitted(data, "falisse-walking", "markers/gait*.trc", "falisse_markers")
    folder = data / walker.name
    measured, sections = {}, []
    for variant in VARIANTS:
        rows = []
        for window in windows(folder):
            trial = window["trial"]
            feet = read_external_loads(folder / "external-loads" / f"{trial}.xml")
            reactions = read_ground_reactions(folder / "grf" / f"{trial}.mot", feet)
            reference = read_storage(folder / "id" / f"{trial}.sto")
            found = computed(walker, trial, reactions, variant)
            stance = {
                side[0]: between(found.time, window, f"{side}_on_s", f"{side}_off_s")
                for side in ("right", "left")
            }
            covered = between(found.time, window, "covered_start_s", "covered_end_s")
            rows.append(row(walker, trial, found, reference, stance, covered, knee_sign=-1.0))
        measured[variant.label] = rows
        sections.append(f"### {variant.label}\n\n{markdown_table(HEADER, shown(with_mean(rows)))}")
    return {"report": "\n\n".join([*sections, MEANING]), "rows": measured}


def rajagopal(data: pathlib.Path) -> dict[str, Any]:
    """One walk of which 1.35 s are on plates; reference moments of motion that was adjusted."""
    walker = fitted(data, "rajagopal-walking", "markers.trc", "rajagopal_markers")
    folder = data / walker.name
    feet = read_external_loads(folder / "external-loads.xml")
    reactions = read_ground_reactions(folder / "grf.mot", feet)
    reference = read_storage(folder / "id.sto")
    rows = []
    for variant in VARIANTS:
        found = computed(walker, "markers", reactions, variant)
        covered = (found.time >= reference.time[0]) & (found.time <= reference.time[-1])
        whole = {"r": covered, "l": covered}
        rows.append(row(walker, variant.label, found, reference, whole, covered))
    return {"report": f"{markdown_table(HEADER, shown(rows))}\n\n{MEANING}", "rows": rows}


MEANING = (
    "r, root mean square error and bias against OpenSim's inverse dynamics, both legs together: in "
    "stance on a plate (falisse), over the whole reference (rajagopal). Residuals: root mean "
    "square length of the vectors at the pelvis, while every foot is on a plate; OpenSim's are "
    "of the shipped files, at the same samples."
)


def row(
    walker: Walker,
    label: str,
    found: InverseDynamics,
    reference: StorageTable,
    stance: dict[str, Bool[np.ndarray, "time"]],
    covered: Bool[np.ndarray, "time"],
    knee_sign: float = 1.0,
) -> tuple[object, ...]:
    """One line of the table.

    Args:
        walker: the person.
        label: what the line is of.
        found: ours.
        reference: OpenSim's generalised forces.
        stance: samples to compare moments at, by side.
        covered: samples at which no foot stands on bare floor.
        knee_sign: -1 where the reference counts knee extension as positive.
    """

    def theirs(column: str, when: Bool[np.ndarray, "time"]) -> Float[np.ndarray, "sample"]:
        return np.interp(found.time[when], reference.time, reference.column(column))

    cells: list[object] = []
    for joint, coordinate in COORDINATES.items():
        sign = knee_sign if joint == "knee" else 1.0
        ours = [found.of(f"{coordinate}_{side}")[when] for side, when in stance.items()]
        other = [
            sign * theirs(f"{coordinate}_{side}_moment", when) for side, when in stance.items()
        ]
        x, y = np.concatenate(ours), np.concatenate(other)
        cells += [float(np.corrcoef(x, y)[0, 1]), rms(x - y), float(np.mean(x - y))]
    force, moment = found.residual_rms(covered)
    of_force, of_moment = (
        rms(np.linalg.norm([theirs(name, covered) for name in names], axis=0))
        for names in (PELVIS_FORCES, PELVIS_MOMENTS)
    )
    knees = [knee_moments(walker.body, walker.parameters, found, side) for side in stance]
    peak = max(
        float(knee.percent(knee.adduction)[when].max())
        for knee, when in zip(knees, stance.values(), strict=True)
    )
    return (label, int(covered.sum()), *cells, force, moment, of_force, of_moment, peak)


def windows(folder: pathlib.Path) -> Iterator[dict[str, str]]:
    """Rows of the table of contact times."""
    with (folder / "windows.csv").open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def between(
    time: Float[np.ndarray, "time"], window: dict[str, str], start: str, end: str
) -> Bool[np.ndarray, "time"]:
    """Samples between two times of a window."""
    return (time >= float(window[start])) & (time <= float(window[end]))


def with_mean(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The rows and their mean."""
    mean = [float(np.mean([one[i] for one in rows])) for i in range(2, len(rows[0]))]  # pyright: ignore[reportArgumentType, reportCallIssue]
    return [*rows, (f"mean of {len(rows)}", sum(int(str(one[1])) for one in rows), *mean)]


def shown(rows: list[tuple[object, ...]]) -> list[list[object]]:
    """The rows with three decimals of every correlation: what is asked for is 0.99."""
    columns = [i for i, heading in enumerate(HEADER) if heading.endswith(" r")]
    return [
        [f"{value:.3f}" if i in columns else value for i, value in enumerate(one)] for one in rows
    ]


def rms(values: Float[np.ndarray, "sample"]) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))
