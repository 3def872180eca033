"""Who does the jobs of a study: workers of a Dask cluster, on this machine or on many."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from diffbio.errors import InputError
from diffbio.study.faults import reason_of
from diffbio.study.job import Job, Told
from diffbio.study.runners import Runner, Work, attempt

ALLOWED_DEATHS = 3
"""Of workers over one job, before the job is taken to be what kills them."""

_TO_WORKERS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
"""Environment of the workers of this machine."""


@contextlib.contextmanager
def cluster_runner(*, workers: int | None = None, scheduler: str | None = None) -> Iterator[Runner]:
    """Jobs done by a Dask cluster, which is left as it was found.

    Args:
        workers: processes to start on this machine; they end with the context.
        scheduler: address of a cluster that runs already, `tcp://host:8786`. Its workers must see
            the study and the results under the same paths.

    Raises:
        InputError: Dask is not installed, or nothing answers at the address.
    """
    try:
        import distributed
        from dask import config
    except ImportError as error:
        remedy = "Run `pip install diffbio[cohort]`, or leave out --workers and --scheduler."
        raise InputError("dask", "Its package distributed is not installed.", remedy) from error
    with contextlib.ExitStack() as stack:
        stack.enter_context(config.set({"distributed.scheduler.allowed-failures": ALLOWED_DEATHS}))
        where: Any = scheduler
        if scheduler is None:
            where = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    dashboard_address=":0",
                    memory_limit=0,
                    silence_logs=logging.ERROR,
                    env=_TO_WORKERS,
                )
            )
        try:
            connected = distributed.Client(where, timeout=30, set_as_default=False)
            client = stack.enter_context(connected)
        except (OSError, ValueError) as error:
            remedy = "Start `dask scheduler` and its workers, and give the address it prints."
            raise InputError(str(scheduler), f"No scheduler answers ({error}).", remedy) from error

        def run(work: Work, jobs: Sequence[Job]) -> Iterator[Told]:
            return by_client(client, work, jobs)

        yield run


def by_client(client: Any, work: Work, jobs: Sequence[Job]) -> Iterator[Told]:
    """Do the jobs on a Dask cluster; one whose worker dies is done again by another.

    Args:
        client: `distributed.Client`.
        work: what to do for each.
        jobs: small, since their data lie in files that all workers see.
    """
    import distributed

    # Not pure: Dask must never answer from what it did before, since work writes files.
    futures = {client.submit(attempt, work, job, pure=False): job for job in jobs}
    for future in distributed.as_completed(list(futures), loop=client.loop):
        name = futures.pop(future).participant.name
        error = future.exception()
        told = future.result() if error is None else Told(name, error=_reason(error))
        future.release()
        yield told


def _reason(error: BaseException) -> str:
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return (
            f"{ALLOWED_DEATHS + 1} workers died over it, one after the other: perhaps for want of "
            "memory. The study went on; run the command again with fewer workers."
        )
    return reason_of(error)
