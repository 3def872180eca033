"""Whether what a result was made from is still the same."""

import hashlib
import pathlib
from collections.abc import Iterator

from diffbio.io.study import RESULTS, Enrolled


def fingerprint(participant: Enrolled, study: pathlib.Path) -> str:
    """A short text that changes when a trial is added, removed, renamed or changed, or when the
    table of participants says something else of the person.

    Names, sizes and times of change of all files count, not their content, so that a study of
    terabytes is looked through in seconds. A file touched without a change is fitted again.

    Args:
        participant: whose trials.
        study: the folder that names are relative to, so that a study may be moved.
    """
    digest = hashlib.sha256(repr(participant.facts).encode())
    for trial in participant.trials:
        for path in (*_files(trial.path), *([trial.rig] if trial.rig else [])):
            stat = path.stat()
            where = path.relative_to(study).as_posix()
            digest.update(f"{trial.key}\0{where}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _files(trial: pathlib.Path) -> Iterator[pathlib.Path]:
    """Files of a trial, in order; of a single file also the rig beside it."""
    if trial.is_dir():
        paths = (path for path in sorted(trial.rglob("*")) if path.is_file())
        yield from (path for path in paths if RESULTS not in path.relative_to(trial).parts)
        return
    yield trial
    beside = trial.with_name("rig.toml")
    if beside.is_file():
        yield beside
