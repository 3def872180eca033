"""Study folders: `sub-*/ses-*/` with trials in them, and `participants.tsv`; see `read_study`."""

import dataclasses
import pathlib

from diffbio.errors import InputError
from diffbio.io.camera_folders import camera_folders
from diffbio.io.folder import RIG_FILE
from diffbio.io.participants_table import TABLE, Facts, read_participants

RESULTS = "diffbio"
"""Folder of results beside a trial: it is no trial."""

_NO_TRIALS = frozenset({RESULTS, "derivatives", "videos", "calibration", "sourcedata"})
_CALIBRATION = "calibration"

_LAYOUT = (
    "A study holds sub-NAME folders, each with trials or ses-NAME folders of trials; a trial is "
    "anything that `diffbio fit` reads."
)


@dataclasses.dataclass(frozen=True)
class TrialFiles:
    """Where a trial lies; nothing of it is read.

    Attributes:
        session: name of its folder, `ses-01`; empty where the participant has no sessions.
        name: of the trial, unique in its session.
        path: what `read_trial` reads.
        rig: calibration for all trials of a session; None where the trial has its own.
    """

    session: str
    name: str
    path: pathlib.Path
    rig: pathlib.Path | None

    @property
    def key(self) -> str:
        """Session and name: unique among the trials of a participant, and a path of results."""
        return f"{self.session}/{self.name}" if self.session else self.name


@dataclasses.dataclass(frozen=True)
class Enrolled:
    """A participant of a study: what is known of them, and where their trials lie.

    Attributes:
        name: of the folder, `sub-01`.
        facts: what `participants.tsv` says.
        trials: in order of session and name.
    """

    name: str
    facts: Facts
    trials: tuple[TrialFiles, ...]


@dataclasses.dataclass(frozen=True)
class Remark:
    """Something of a study that cannot be used, and why.

    Attributes:
        participant: whose it is; empty where nobody's.
        trial: session and name; empty where it concerns all trials.
        reason: as sentences.
    """

    participant: str
    trial: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Study:
    """Participants with trials, and what was found beside them.

    Attributes:
        path: the folder.
        participants: in order of name, each with at least one trial.
        remarks: on whom or what is left out.
    """

    path: pathlib.Path
    participants: tuple[Enrolled, ...]
    remarks: tuple[Remark, ...]


def read_study(path: pathlib.Path) -> Study:
    """List the participants of a study and their trials, without reading any keypoints.

    Every folder and every `.npz` in a session, or in a participant who has no sessions, is a
    trial. Its cameras are those of the nearest `rig.toml` from the trial upwards; a trial with a
    `calibration` folder keeps that.

    Args:
        path: the study's folder.

    Returns:
        What does not fit stops nothing: it is remarked.

    Raises:
        InputError: there is no such folder, or nobody in it; or the table cannot be read.
    """
    if not path.is_dir():
        raise InputError(str(path), "There is no such folder.", _LAYOUT)
    folders = sorted(folder for folder in path.glob("sub-*") if folder.is_dir())
    if not folders:
        raise InputError(str(path), "It holds no folder sub-NAME.", _LAYOUT)
    facts, doubts = read_participants(path / TABLE)
    remarks = [Remark(name, "", reason) for name, reason in doubts]
    names = [folder.name for folder in folders]
    remarks += [
        Remark(name, "", f"{TABLE} lists them, and there is no folder {name}.")
        for name in facts
        if name not in names
    ]
    participants = []
    for folder in folders:
        trials, more = _trials_of(folder, path)
        remarks += more
        if facts and folder.name not in facts:
            remarks.append(Remark(folder.name, "", f"{TABLE} does not list them; fitted anyway."))
        if trials:
            known = facts.get(folder.name, Facts())
            participants.append(Enrolled(folder.name, known, tuple(trials)))
        else:
            remarks.append(Remark(folder.name, "", "They have no trial."))
    if not participants:
        raise InputError(str(path), "Nobody in it has a trial.", _LAYOUT)
    return Study(path, tuple(participants), tuple(remarks))


def _trials_of(folder: pathlib.Path, study: pathlib.Path) -> tuple[list[TrialFiles], list[Remark]]:
    sessions = sorted(session for session in folder.glob("ses-*") if session.is_dir())
    trials, remarks = [], []
    for place in (folder, *sessions):
        session = "" if place == folder else place.name
        found, more = _trials_in(place, session, study)
        remarks += [Remark(folder.name, trial, reason) for trial, reason in more]
        if session and not found and not more:
            remarks.append(Remark(folder.name, session, "The session is empty."))
        trials += found
    return trials, remarks


def _trials_in(
    place: pathlib.Path, session: str, study: pathlib.Path
) -> tuple[list[TrialFiles], list[tuple[str, str]]]:
    """Trials that lie directly in a folder, and what of it cannot be used."""
    if cameras := camera_folders(place):
        loose = ", ".join(camera.name for camera in cameras)
        reason = f"Keypoints of {loose} lie in it directly. Put them in a folder of their trial."
        return [], [(session, reason)]
    found: dict[str, TrialFiles] = {}
    remarks = []
    for path in sorted(place.iterdir(), key=lambda path: (path.is_file(), path.name)):
        if path.name.startswith((".", "ses-")) or path.name in _NO_TRIALS:
            continue
        if not path.is_dir() and path.suffix != ".npz":
            continue
        name = path.name if path.is_dir() else path.stem
        one = TrialFiles(session, name, path, _rig_for(path, study))
        if name in found:
            reason = f"{path.name} has the name of {found[name].path.name}. Rename one of them."
            remarks.append((one.key, reason))
        else:
            found[name] = one
    return list(found.values()), remarks


def _rig_for(trial: pathlib.Path, study: pathlib.Path) -> pathlib.Path | None:
    """The nearest rig above a trial; None where the trial has one, or nobody has."""
    own = trial if trial.is_dir() else trial.parent
    if (own / RIG_FILE).is_file() or (trial.is_dir() and any(trial.glob(f"{_CALIBRATION}*"))):
        return None
    for folder in trial.parents:
        if (folder / RIG_FILE).is_file():
            return folder / RIG_FILE
        if folder == study:
            break
    return None
