"""One fit in many formats: which files each consists of, and what it is called."""

import pathlib
from collections.abc import Callable, Sequence

from diffbio.errors import InputError
from diffbio.io.posed_person import PosedPerson, posed_person
from diffbio.io.read_c3d import Analog, read_c3d
from diffbio.io.read_events import EVENTS, read_events_table
from diffbio.io.read_result import FittedPerson
from diffbio.io.write_bids_motion import write_bids_motion
from diffbio.io.write_bvh import write_bvh
from diffbio.io.write_c3d import write_c3d
from diffbio.io.write_gait import write_parquet
from diffbio.io.write_glb import write_glb
from diffbio.io.write_mot import write_mot
from diffbio.io.write_motion_tables import motion_table, write_markers
from diffbio.io.write_osim import write_osim
from diffbio.io.write_sto import write_sto
from diffbio.io.write_tables import write_angles
from diffbio.io.write_trc import write_trc

_NEEDS_BONES = {"bvh", "glb", "osim"}

Paths = tuple[pathlib.Path, ...]


def write_formats(
    person: FittedPerson,
    folder: pathlib.Path,
    formats: Sequence[str],
    *,
    analog: pathlib.Path | None = None,
    subject: str = "01",
    task: str = "walk",
) -> tuple[dict[str, Paths], tuple[str, ...]]:
    """Write a fit in several formats.

    Args:
        person: the fit.
        folder: where to; created if need be. Files of the same names are replaced.
        formats: keys of what is below.
        analog: a C3D file of the same recording, whose analog channels go into the new one.
        subject: label of the person, for BIDS.
        task: label of what they did, for BIDS.

    Returns:
        The files of each format, and what was decided on the way, as sentences.

    Raises:
        InputError: a file cannot be written or the analog file not be used.
    """
    events = read_events_table(person.folder / EVENTS)
    channels, notes = _channels(analog), []
    posed: PosedPerson | None = None
    if _NEEDS_BONES & set(formats):
        posed = posed_person(person)
        notes = [posed.note] if posed.note else []
    time, rate, coordinates = person.time, person.frame_rate_hz, person.coordinates

    def bones() -> PosedPerson:
        assert posed is not None
        return posed

    def tables() -> Paths:
        paths = folder / "markers.csv", folder / "angles.csv"
        write_markers(paths[0], time, person.markers, person.marker_names)
        write_angles(paths[1], time, coordinates)
        return paths

    def c3d(path: pathlib.Path) -> None:
        write_c3d(
            path,
            time,
            person.markers,
            person.marker_names,
            rate,
            angles=coordinates,
            events=events,
            analog=channels,
        )

    def one(name: str, write: Callable[[pathlib.Path], object]) -> Callable[[], Paths]:
        def call() -> Paths:
            write(folder / name)
            return (folder / name,)

        return call

    values = dict(zip(coordinates.names, coordinates.values.T, strict=True))
    writers: dict[str, Callable[[], Paths]] = {
        "mot": one("motion.mot", lambda p: write_mot(p, time, coordinates, person.name)),
        "sto": one("motion.sto", lambda p: write_sto(p, time, values, person.name)),
        "trc": one(
            "markers.trc",
            lambda p: write_trc(p, time, person.markers, person.marker_names, rate),
        ),
        "osim": lambda: write_osim(folder / "person.osim", person, bones()),
        "c3d": one("motion.c3d", c3d),
        "bvh": one("motion.bvh", lambda p: write_bvh(p, bones(), time)),
        "glb": one("person.glb", lambda p: write_glb(p, person, bones())),
        "bids": lambda: write_bids_motion(
            folder / "bids", person, subject=subject, task=task, events=events
        ),
        "csv": tables,
        "parquet": one("motion.parquet", lambda p: write_parquet(p, motion_table(person))),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {name: writers[name]() for name in formats}, tuple(notes)
    except OSError as error:
        raise InputError(
            str(folder),
            f"The folder cannot be written ({error.strerror}).",
            "Choose another folder with -o, or make this one writable.",
        ) from error


def _channels(path: pathlib.Path | None) -> Analog | None:
    if path is None:
        return None
    found = read_c3d(path).analog
    if found is None:
        raise InputError(str(path), "It has no analog channel.", "Leave out --analog.")
    return found
