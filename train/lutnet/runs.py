"""Trainings that do not depend on each other, one per core at a time."""

import contextlib
import dataclasses
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nomul.runs import parallel
from nomul.train.data import Data

Advance = Callable[[float], None]


@dataclasses.dataclass(frozen=True)
class Run:
    """One training.

    Parameters
    ----------
    train
        Function of a module's top level that trains; it is given what follows.
    preset, data, seed
        What to train, on what, and from which seed.
    checkpoint
        File from which an interrupted run goes on.
    losses
        Where another process puts the mean loss after each epoch.
    """

    train: Callable[..., Any]
    preset: Any
    data: Data
    seed: int
    checkpoint: Path
    losses: Any = None


# Tables of a layer from which more than two threads gain something, and threads at most.
LARGE, MOST = 1_000, 8


def threads(tables: int) -> int:
    """Return how many threads a training uses for layers of at most so many tables.

    One beside other trainings, each of which has a core. What is trained does not depend on it:
    rows and batched products are divided among threads, no sum is.
    """
    alone = multiprocessing.parent_process() is None
    most = MOST if tables >= LARGE else 2
    return min(len(os.sched_getaffinity(0)), most) if alone else 1


def several(runs: Sequence[Run], advance: Advance) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield place and network, as its dictionary, of each run in the order in which they end.

    ``advance`` is called with the mean loss after each epoch of any run. What a run gives does not
    depend on the others. With one core or one run all is done in this process.
    """
    if min(len(runs), len(os.sched_getaffinity(0))) < 2:
        for place, run in enumerate(runs):
            yield place, trained(run, advance)
        return
    with _heard(advance) as losses:
        sent = [dataclasses.replace(r, data=_narrow(r.data), losses=losses) for r in runs]
        yield from parallel.each(trained, sent)


def trained(run: Run, advance: Advance | None = None) -> dict[str, Any]:
    """Return the network of one run; its losses go to ``advance``, or to where the run says."""
    told = run.losses.put if advance is None else advance
    result = run.train(run.preset, run.data, run.seed, checkpoint=run.checkpoint, advance=told)
    network: dict[str, Any] = result.network.to_dict()
    return network


@contextlib.contextmanager
def _heard(advance: Advance) -> Iterator[Any]:
    """Return a queue for other processes, whose numbers are given to ``advance``."""
    with multiprocessing.get_context("spawn").Manager() as manager:
        losses = manager.Queue()

        def listen() -> None:
            for loss in iter(losses.get, None):
                advance(loss)

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            yield losses
        finally:
            losses.put(None)
            listener.join()


def _narrow(data: Data) -> Data:
    """Return data whose codes take as few bytes as they can, since they travel."""
    x, x_test = (v.astype(np.min_scalar_type(int(v.max(initial=0)))) for v in (data.x, data.x_test))
    return dataclasses.replace(data, x=x, x_test=x_test)
