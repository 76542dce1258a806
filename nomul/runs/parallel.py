"""Independent pieces of long work, several at a time, each told of as soon as it is done."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def each(
    function: Callable[[Given], Made], values: Sequence[Given], workers: int | None = None
) -> Iterator[tuple[int, Made]]:
    """Yield place and result of each value in the order in which they are done.

    Parameters
    ----------
    function
        Of a module's top level, since it runs in other processes.
    values
        What it is called with.
    workers
        How many at a time; one per core if None.

    Raises
    ------
    Exception
        Whatever the function raises first. The other processes end then, as they do when this one
        is interrupted.
    """
    count = min(workers or len(os.sched_getaffinity(0)), len(values))
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context)
    try:
        places = {pool.submit(function, value): place for place, value in enumerate(values)}
        for done in as_completed(places):
            yield places[done], done.result()
        pool.shutdown()
    finally:  # after an error nobody waits for the rest
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
