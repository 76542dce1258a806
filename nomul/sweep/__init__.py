"""Sweeps: the steps of the flow over a grid of configurations, on one machine or on a cluster.

Points are spread over the workers of ``dask.distributed``. Every result is stored as soon as it
arrives, so a sweep that was stopped goes on where it was, and a worker that dies costs only the
points it was at, which another one does again.
"""

from nomul.sweep.schedule import STORE, Point, Sweep, check_steps, run

__all__ = [
    "STORE",
    "Point",
    "Sweep",
    "check_steps",
    "run",
]
