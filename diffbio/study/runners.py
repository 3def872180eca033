"""Who does the jobs of a study: this process, one after the other."""

from collections.abc import Callable, Iterator, Sequence

from diffbio.study.faults import reason_of
from diffbio.study.job import Job, Told

Work = Callable[[Job], Told]
Runner = Callable[[Work, Sequence[Job]], Iterator[Told]]
"""Does all jobs and says how each one ended, in any order. It never raises for a job's sake."""


def in_turn(work: Work, jobs: Sequence[Job]) -> Iterator[Told]:
    """Do the jobs in this process."""
    for job in jobs:
        yield attempt(work, job)


def attempt(work: Work, job: Job) -> Told:
    """Do a job, or say why it failed: in words, for not every error survives the way back."""
    try:
        return work(job)
    except Exception as error:  # One participant's fault, ours included, stops no other.
        return Told(job.participant.name, error=reason_of(error))
