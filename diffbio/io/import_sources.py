"""Sources of other programs: which one a path is, by its content, and the trial in it."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable

from diffbio.errors import InputError, UnknownNameError
from diffbio.io.import_cameras import (
    FORMATS,
    format_of,
    import_anipose,
    import_cameras,
    import_freemocap,
    is_anipose,
    is_freemocap,
)
from diffbio.io.import_markers import (
    import_addbiomechanics,
    import_opencap,
    import_theia,
    is_addbiomechanics,
    is_opencap,
)
from diffbio.io.imported import Imported, Stated
from diffbio.io.pose2sim import find_trials
from diffbio.io.read import read_trial
from diffbio.io.read_theia import is_theia


@dataclasses.dataclass(frozen=True)
class Source:
    """One program's files.

    Attributes:
        title: what it is called.
        signs: what it is recognised by, in words.
        recognised: whether a path is one.
        read: the trial in it.
    """

    title: str
    signs: str
    recognised: Callable[[pathlib.Path], bool]
    read: Callable[[pathlib.Path, Stated], Imported]


def _import_pose2sim(path: pathlib.Path, stated: Stated) -> Imported:
    trial = read_trial(
        path,
        rig=stated.rig,
        keypoint_set=stated.keypoint_set,
        frame_rate_hz=stated.frame_rate_hz,
        trial=stated.trial,
    )
    return Imported(trial, notes=trial.notes)


def _is_pose2sim(path: pathlib.Path) -> bool:
    return path.is_dir() and bool(find_trials(path))


def _has_format(name: str, path: pathlib.Path) -> bool:
    return format_of(path) == name


SOURCES = {
    "opencap": Source(
        "OpenCap session", "MarkerData/*.trc or Videos/*/*.pickle", is_opencap, import_opencap
    ),
    "addbiomechanics": Source(
        "AddBiomechanics subject",
        "_subject.json and trials/*/markers.trc or .c3d; or a .b3d",
        is_addbiomechanics,
        import_addbiomechanics,
    ),
    "freemocap": Source(
        "FreeMoCap recording",
        "output_data/raw_data/*2dData_*_pixelXY.npy",
        is_freemocap,
        import_freemocap,
    ),
    "anipose": Source(
        "Anipose project or session", "config.toml and pose-2d/", is_anipose, import_anipose
    ),
    "pose2sim": Source(
        "Pose2Sim trial or project",
        "pose/, pose-sync/ or pose-associated/ with a folder of JSON per camera",
        _is_pose2sim,
        _import_pose2sim,
    ),
    "theia": Source("Theia3D", "a .c3d with segment poses (ROTATION)", is_theia, import_theia),
    **{
        name: Source(
            one.title,
            "a folder with one such file per camera",
            functools.partial(_has_format, name),
            lambda path, stated, name=name: import_cameras(path, name, stated),
        )
        for name, one in FORMATS.items()
    },
}
"""By the name that `--format` takes, in the order in which they are looked for."""


def import_source(
    path: pathlib.Path, stated: Stated, name: str | None = None
) -> tuple[str, Imported]:
    """Read one trial of another program's files.

    Args:
        path: file or folder.
        stated: what the caller knows better.
        name: of the source, key of `SOURCES`; None to find it by what lies there.

    Returns:
        Name of the source, and what was found.

    Raises:
        InputError: nothing is there, nothing is recognised (the message lists what was looked
            for), or what is there cannot be used.
        UnknownNameError: there is no source of that name.
    """
    if not path.exists():
        raise InputError(str(path), "There is no such file or folder.", "Give what is to be read.")
    if name is not None:
        if name not in SOURCES:
            raise UnknownNameError("--format", "source", name, tuple(SOURCES))
        return name, SOURCES[name].read(path, stated)
    for key, source in SOURCES.items():
        if source.recognised(path):
            return key, source.read(path, stated)
    looked_for = "; ".join(f"{one.title}: {one.signs}" for one in SOURCES.values())
    raise InputError(
        str(path), "No program's files were recognised there.", f"Looked for: {looked_for}."
    )
