"""Who does the points of a sweep: workers of ``dask.distributed``, here or on a cluster."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul.runs import folders
from nomul.sweep import point
from nomul.sweep.point import Done, Job

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

ATTEMPTS = 3  # at starting workers
PATIENCE = 10  # seconds until a scheduler must have answered


def distribute(
    jobs: Mapping[str, Job],
    scheduler: str | None,
    workers: int | None,
    note: Callable[[str], None],
) -> Iterator[tuple[str, Done]]:
    """Yield the results of a sweep's named jobs in the order in which they arrive.

    Parameters and errors are those of :func:`spread`; a job that fails is done with its error.
    """
    for key, result, error in spread(point.run, jobs, scheduler, workers, note):
        yield key, Done({}, error) if error else result


def spread(
    task: Callable[[Any], Any],
    jobs: Mapping[str, Any],
    scheduler: str | None,
    workers: int | None,
    note: Callable[[str], None],
) -> Iterator[tuple[str, Any, str]]:
    """Yield name, result and error of named jobs in the order in which they arrive.

    Parameters
    ----------
    task
        A function of a module, which does one job.
    jobs
        By a name that tells them apart on the scheduler; no process starts if there are none.
    scheduler, workers, note
        As in :func:`nomul.sweep.run`.

    Raises
    ------
    OSError, ValueError
        The scheduler does not answer, or its address is none.
    """
    if not jobs:
        return
    from distributed import as_completed

    with _client(scheduler, min(workers or os.cpu_count() or 1, len(jobs))) as client:
        if not client.scheduler_info()["workers"]:
            note(f"waiting for workers of {scheduler}")
        futures = [client.submit(task, job, key=key, pure=False) for key, job in jobs.items()]
        try:
            for future in as_completed(futures):
                error = None if future.status == "finished" else future.exception()
                if error is None:
                    yield future.key, future.result(), ""
                else:
                    yield future.key, None, f"{type(error).__name__}: {error}"
        except BaseException:
            client.cancel(futures)
            raise


@contextmanager
def _client(scheduler: str | None, workers: int) -> "Iterator[Client]":
    """Connect to a scheduler, or start one and its workers on this machine.

    Workers have one thread each, and no limit of memory: most of the work is in tools that they
    start, which nobody would count.
    """
    import dask
    from distributed import Client

    if scheduler is not None:
        with Client(scheduler, timeout=PATIENCE) as client:
            yield client
        return
    # What workers leave when they are ended is in a folder of ours.
    with (
        folders.scratch("nomul-workers-") as room,
        dask.config.set(temporary_directory=str(room)),
        _started(room, workers) as cluster,
        Client(cluster) as client,
    ):
        yield client


def _started(room: Path, workers: int) -> "LocalCluster":
    """Start workers on this machine; once more if one dies before it is there.

    Raises
    ------
    ToolError
        They die again and again.
    """
    from distributed import LocalCluster

    from nomul.synth.yosys import ToolError

    for _ in range(ATTEMPTS):
        try:
            with _interrupts_ignored():
                return LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    memory_limit=None,
                    dashboard_address=None,
                    # Its server of pages takes any free port, and says nothing of one in use.
                    scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                    silence_logs=50,
                    local_directory=str(room),
                    env={"TMPDIR": str(room)},
                )
        except (RuntimeError, OSError, TimeoutError) as error:
            reason = f"{type(error).__name__}: {error}"
    raise ToolError(f"workers died while they started, {ATTEMPTS} times; the last: {reason}")


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Let processes start that ignore Ctrl-C, because whoever starts them ends them in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
