"""Ground reactions from motion alone beside force plates, for optimisation and baseline."""

import pathlib
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from benchmarks.dynamics_walks import MASS_KG, Walker, between, fitted, rms, windows
from benchmarks.table import markdown_table
from diffbio.dynamics import (
    GRAVITY,
    FilteredMotion,
    GroundReaction,
    foot_paths,
    ground_reaction,
    ground_reaction_by_transition,
    motion_through,
    person_inertia,
    plates_on_feet,
)
from diffbio.dynamics.feet import SIDES
from diffbio.dynamics.inertia import de_leva
from diffbio.io.read_ground_reactions import read_external_loads, read_ground_reactions

METHODS = {
    "optimisation": ground_reaction,
    "smooth transition": ground_reaction_by_transition,
}

LOADED = 0.2
"""Body weights of vertical force from which the pressure of a plate is compared."""

HEADER = (
    "trial",
    "samples",
    "vertical, % BW",
    "fore-aft, % BW",
    "sideways, % BW",
    "vertical, right alone, % BW",
    "bias",
    "vertical, left alone, % BW",
    "bias",
    "fore-aft alone, % BW",
    "CoP alone, mm",
    "forwards",
    "sideways",
    "all plates, vertical, % BW",
    "residual, N",
    "Nm",
    "floor, mm",
)

MEANING = (
    "Root mean square deviations from the plates, both feet together, each while it is on its "
    "plate (20 N); `alone` while the other foot is in the air by the plates' own times (the double "
    "support before the first and after the second foot's stance, on bare floor, is taken to last "
    "as long as that between them). CoP: length of the vector, and its parts. `all plates`: the "
    "sum of both feet while no foot is on bare floor, which is the motion's own error, without any "
    "division. Residual: what the contacts could not make in the stances, as root mean square "
    "length. Bias: ours less the plate's. Floor: where it was taken to be; the plates are at 0. "
    "Fore-aft is the world's x, along which all trials walk."
)


class Compared(NamedTuple):
    """Differences to the plates of one trial, in body weights and metres."""

    stance: Float[np.ndarray, "sample 3"]
    alone: tuple[Float[np.ndarray, "sample 3"], Float[np.ndarray, "sample 3"]]
    pressure: Float[np.ndarray, "sample 2"]
    covered: Float[np.ndarray, "sample"]
    residual: tuple[float, float]
    floor: float


def ground(data: pathlib.Path) -> dict[str, Any]:
    """Eight walks of falisse-walking: what their motion says of the plates it does not see."""
    walker = fitted(data, "falisse-walking", "markers/gait*.trc", "falisse_markers")
    return ground_of(walker, data)


def ground_of(walker: Walker, data: pathlib.Path) -> dict[str, Any]:
    """Likewise for a walker who has been fitted."""
    sections, measured = [], {}
    for name, method in METHODS.items():
        trials = {
            window["trial"]: compared(walker, data / walker.name, window, method)
            for window in windows(data / walker.name)
            if window["trial"] in walker.motions
        }
        rows = [row(trial, [one]) for trial, one in trials.items()]
        rows.append(row(f"all {len(rows)}", list(trials.values())))
        measured[name] = rows
        sections.append(f"### {name}\n\n{markdown_table(HEADER, rows)}")
    return {"report": "\n\n".join([*sections, MEANING]), "rows": measured}


def compared(walker: Walker, folder: pathlib.Path, window: dict[str, str], method) -> Compared:
    """One trial by one method against its plates."""
    trial = window["trial"]
    feet = read_external_loads(folder / "external-loads" / f"{trial}.xml")
    reactions = read_ground_reactions(folder / "grf" / f"{trial}.mot", feet)
    fit = walker.motions[trial]
    motion = motion_through(fit.time, fit.movement.pose, source=trial)
    found = reaction(walker, motion, method)
    measured = motion.cut(float(reactions.time[0]), float(reactions.time[-1]))
    person = (walker.body, walker.parameters)
    plates = plates_on_feet(reactions, foot_paths(*person, measured), measured).wrenches
    here = np.isin(found.time, measured.time)
    weight = MASS_KG[walker.name] * GRAVITY
    force = np.asarray(found.feet.force)[here]
    apart = (force - np.asarray(plates.force)) / weight
    place = np.asarray(found.feet.centre_of_pressure)[here] - np.asarray(plates.point)
    time = measured.time
    stance = [between(time, window, f"{side}_on_s", f"{side}_off_s") for side in ("right", "left")]
    alone = one_foot(time, window)
    heavy = [
        when & (np.asarray(plates.force)[:, side, 2] > LOADED * weight)
        for side, when in enumerate(alone)
    ]
    covered = between(time, window, "covered_start_s", "covered_end_s")
    either = np.flatnonzero(here)[stance[0] | stance[1]]
    return Compared(
        np.concatenate([apart[when, side] for side, when in enumerate(stance)]),
        (apart[alone[0], 0], apart[alone[1], 1]),
        np.concatenate([place[when, side, :2] for side, when in enumerate(heavy)]),
        apart[covered, :, 2].sum(axis=1),
        found.residual_rms(either),
        float(found.contacts.floor),
    )


def reaction(walker: Walker, motion: FilteredMotion, method) -> GroundReaction:
    """Ground reactions of one motion, with masses of people and the stated mass."""
    person = (walker.body, walker.parameters)
    inertia = person_inertia(*person, MASS_KG[walker.name], anthropometry=de_leva(walker.body))
    return method(*person, inertia, motion)


def one_foot(
    time: Float[np.ndarray, "time"], window: dict[str, str]
) -> list[Bool[np.ndarray, "time"]]:
    """While the right, and while the left foot bears all, by the plates' own times."""
    first = window["first_side"]
    second = "left" if first == "right" else "right"
    on, off = (
        {side: float(window[f"{side}_{what}_s"]) for side in (first, second)}
        for what in ("on", "off")
    )
    both = off[first] - on[second]
    spans = {first: (on[first] + both, on[second]), second: (off[first], off[second] - both)}
    ordered = [next(name for name in spans if name.startswith(side)) for side in SIDES]
    return [(time >= spans[name][0]) & (time <= spans[name][1]) for name in ordered]


def row(label: str, trials: list[Compared]) -> tuple[object, ...]:
    """One line of the table, over some trials."""
    stance, pressure, covered = (np.concatenate([one[i] for one in trials]) for i in (0, 2, 3))
    right, left = (np.concatenate([one.alone[side] for one in trials]) for side in range(2))
    force, moment = (rms(np.asarray([one.residual[i] for one in trials])) for i in range(2))
    return (
        label,
        len(stance),
        *(100.0 * rms(stance[:, axis]) for axis in (2, 0, 1)),
        *(100.0 * of(one[:, 2]) for one in (right, left) for of in (rms, np.mean)),
        100.0 * rms(np.concatenate([right, left])[:, 0]),
        1e3 * rms(np.linalg.norm(pressure, axis=1)),
        *(1e3 * rms(pressure[:, axis]) for axis in (0, 1)),
        100.0 * rms(covered),
        force,
        moment,
        1e3 * float(np.mean([one.floor for one in trials])),
    )
