"""Importing points in space: sessions of OpenCap, subjects of AddBiomechanics, files of Theia3D."""

import pathlib

from diffbio.errors import InputError
from diffbio.io.imported import Imported, Stated
from diffbio.io.read_c3d import read_c3d
from diffbio.io.read_theia import read_theia
from diffbio.io.read_trc import read_trc
from diffbio.io.rigs import read_rig_file
from diffbio.io.rigs.opencap import camera_files
from diffbio.observations import Markers

SUBJECT_FILE = "_subject.json"
_MARKER_FOLDERS = ("MarkerData/PostAugmentation", "MarkerData")
_NOT_MOTIONS = ("calibration", "neutral")


def is_opencap(path: pathlib.Path) -> bool:
    """Whether a folder is a session of OpenCap."""
    return path.is_dir() and ((path / "MarkerData").is_dir() or bool(camera_files(path)))


def import_opencap(path: pathlib.Path, stated: Stated) -> Imported:
    """Import the markers of one trial, its cameras, and OpenCap's own angles to compare with.

    Raises:
        InputError: there are no markers, or several trials of which none is chosen.
    """
    trials: dict[str, pathlib.Path] = {}
    for folder in reversed(_MARKER_FOLDERS):
        trials |= {file.stem: file for file in sorted((path / folder).rglob("*.trc"))}
    motions = {n: f for n, f in trials.items() if n not in _NOT_MOTIONS} or trials
    name = _chosen(path, trials if stated.trial else motions, stated.trial, "MarkerData/*.trc")
    notes = [f"Markers are those OpenCap computed, from {trials[name].relative_to(path)}."]
    copies = {}
    motion = path / "OpenSimData" / "Kinematics" / f"{name}.mot"
    if motion.is_file():
        copies["opencap.mot"] = motion
        notes.append("opencap.mot are OpenCap's own joint angles, to compare with.")
    rig = None
    if stated.rig is not None or camera_files(path):
        reading = read_rig_file(stated.rig or path)
        rig, notes = reading.rig, [*notes, *reading.notes]
    return Imported(None, read_trc(trials[name]), rig, copies, tuple(notes))


def is_addbiomechanics(path: pathlib.Path) -> bool:
    """Whether a path is a subject of AddBiomechanics: its folder, or the file it becomes."""
    return path.suffix.lower() == ".b3d" or (path / SUBJECT_FILE).is_file()


def import_addbiomechanics(path: pathlib.Path, stated: Stated) -> Imported:
    """Import the markers and forces of one trial of a subject.

    Raises:
        InputError: it is a `.b3d`, which only its own package reads; there are no markers, or
            several trials of which none is chosen.
    """
    if path.suffix.lower() == ".b3d":
        raise InputError(
            str(path),
            "Files of AddBiomechanics (.b3d) are read by its own package, nimblephysics, only.",
            "Give the subject's folder (with _subject.json and trials/), or export the trial as "
            ".trc and .mot with nimblephysics.",
        )
    trials = {
        file.parent.name: file
        for kind in ("c3d", "trc")
        for file in sorted(path.glob(f"trials/*/markers.{kind}"))
    }
    name = _chosen(path, trials, stated.trial, "trials/*/markers.trc or markers.c3d")
    markers, notes = _markers(trials[name])
    forces = trials[name].with_name("grf.mot")
    copies = {"grf.mot": forces} if forces.is_file() else {}
    if copies:
        notes = (*notes, "grf.mot are the forces: `diffbio gait markers.trc --grf grf.mot`.")
    return Imported(None, markers, None, copies, notes)


def import_theia(path: pathlib.Path, stated: Stated) -> Imported:
    """Import the origins of Theia3D's segments.

    Raises:
        InputError: the file cannot be used.
    """
    markers = read_theia(path)
    note = (
        f"Points are the origins of {len(markers.names)} segments; Theia3D has no heels, which "
        "events of gait need."
    )
    return Imported(None, markers, notes=(note,))


def _markers(path: pathlib.Path) -> tuple[Markers, tuple[str, ...]]:
    if path.suffix == ".trc":
        return read_trc(path), ()
    recording = read_c3d(path)
    return recording.markers, recording.notes


def _chosen(
    path: pathlib.Path, trials: dict[str, pathlib.Path], name: str | None, looked_for: str
) -> str:
    if name is None and len(trials) == 1:
        return next(iter(trials))
    if name is not None and name in trials:
        return name
    found = f"It holds {len(trials)} trials ({', '.join(trials) or f'no {looked_for}'})."
    raise InputError(str(path), found, "Choose one with --trial." if trials else "Give a session.")
