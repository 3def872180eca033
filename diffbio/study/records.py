"""What a study keeps of every participant: evidence for the population, and what was delivered."""

import dataclasses
import json
import os
import pathlib
import zipfile
from typing import Any

import numpy as np
from jaxtyping import Float

from diffbio.cohort import Population
from diffbio.cohort.evidence import Evidence
from diffbio.cohort.prior import BodyPrior

EVIDENCE_FILE, RESULT_FILE, TABLE_FILE = "evidence.npz", "participant.json", "angles.parquet"
"""In a participant's folder of results."""

_ARRAYS = ("information", "vector", "person", "slope", "curvature", "expected")


@dataclasses.dataclass(frozen=True)
class Learnt:
    """What a participant's trials said about them when they were last solved for.

    Attributes:
        evidence: what they say, no prior included.
        person: log scales and marker offsets in metres, as solved for.
        slope: of the trials' objectives there in the person, motions and cameras following.
        curvature: likewise. It is more than the information, from which lasting errors of the
            detector are discounted.
        expected: the person by `under`, under the population they were solved with.
        inputs: fingerprint of the trials.
        settings: digest of how they were fitted.
        turns: how often these inputs were solved, each time under a better population.
        trials: that were used.
        failed: why the others were not, by trial.
    """

    evidence: Evidence
    person: Float[np.ndarray, "person"]
    slope: Float[np.ndarray, "person"]
    curvature: Float[np.ndarray, "person person"]
    expected: Float[np.ndarray, "person"]
    inputs: str
    settings: str
    turns: int
    trials: tuple[str, ...]
    failed: dict[str, str]

    def under(self, population: Population) -> Float[np.ndarray, "person"]:
        """The person whom these trials and a population make most likely; see `newton_target`."""
        return newton_target(self.person, self.slope, self.curvature, population.as_prior())

    def sd(self, population: Population) -> Float[np.ndarray, "person"]:
        """Standard deviations of the person's numbers under a population."""
        information = self.evidence.information + population.as_prior().information
        return np.sqrt(np.diag(np.linalg.inv(information)))

    def moves(self, population: Population, before: np.ndarray | None = None) -> float:
        """By how many of their own standard deviations a population moves any number of theirs.

        Args:
            population: the present one.
            before: the person by `under` before; by default when they were solved for.
        """
        away = self.under(population) - (self.expected if before is None else before)
        return float(np.abs(away / self.sd(population)).max())


def newton_target(
    person: Float[np.ndarray, "person"],
    slope: Float[np.ndarray, "person"],
    curvature: Float[np.ndarray, "person person"],
    prior: BodyPrior,
) -> Float[np.ndarray, "person"]:
    """Where a Newton step leads under a prior: exact where the trials' objective is quadratic.

    Args:
        person: where the trials were solved.
        slope: of their objective there.
        curvature: likewise.
        prior: any, not only the one they were solved with.
    """
    step = np.linalg.solve(curvature + prior.information, slope + prior.gradient(person))
    return person - step


@dataclasses.dataclass(frozen=True)
class Delivered:
    """Results of a participant that were written.

    Attributes:
        inputs: fingerprint of the trials.
        settings: digest of how they were fitted.
        population: name of the prior; empty for the default prior.
        expected: the person under it by `Learnt.under`; empty where there is no population.
        trials: of each its verdict and its error in pixels, by name.
        failed: why the others have none, by name.
        body: height in metres, mass, segment scales, and what the study says of them.
    """

    inputs: str
    settings: str
    population: str
    expected: tuple[float, ...]
    trials: dict[str, dict[str, Any]]
    failed: dict[str, str]
    body: dict[str, Any]


def write_learnt(folder: pathlib.Path, learnt: Learnt) -> None:
    """Keep what was learnt, all of it or nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "inputs": learnt.inputs,
        "settings": learnt.settings,
        "turns": learnt.turns,
        "trials": list(learnt.trials),
        "failed": learnt.failed,
    }
    partial = folder / f".{EVIDENCE_FILE}.{os.getpid()}.partial"
    try:
        with partial.open("wb") as file:
            np.savez(
                file,
                information=learnt.evidence.information,
                vector=learnt.evidence.vector,
                person=learnt.person,
                slope=learnt.slope,
                curvature=learnt.curvature,
                expected=learnt.expected,
                about=np.asarray(json.dumps(about)),
            )
        partial.replace(folder / EVIDENCE_FILE)
    finally:
        partial.unlink(missing_ok=True)


def read_learnt(folder: pathlib.Path) -> Learnt | None:
    """What was kept; None where there is nothing, or nothing that can be read."""
    try:
        with np.load(folder / EVIDENCE_FILE, allow_pickle=False) as archive:
            information, vector, *others = (archive[name] for name in _ARRAYS)
            about = json.loads(str(archive["about"]))
        about["trials"] = tuple(about["trials"])
        return Learnt(Evidence(information, vector), *others, **about)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def write_delivered(folder: pathlib.Path, delivered: Delivered) -> None:
    """Say what was written; the last file of a participant, so that it vouches for the others."""
    text = json.dumps(dataclasses.asdict(delivered), indent=1, allow_nan=False) + "\n"
    replace_text(folder / RESULT_FILE, text)


def read_delivered(folder: pathlib.Path) -> Delivered | None:
    """What was written; None where there is nothing, or nothing that can be read."""
    try:
        content = json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))
        content["expected"] = tuple(content["expected"])
        return Delivered(**content)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def replace_text(path: pathlib.Path, text: str) -> None:
    """Write a text file, all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
