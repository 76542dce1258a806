"""Bench of floating point in a memory array."""

from nomul.sim.sotfp.bench import (
    MEASURED,
    OPERATION,
    RECORDED,
    a_sink_that_stops_loses_nothing,
    ends,
    exchange,
    operands,
    pack,
    partial_batches_and_both_programs,
    programs,
    results_equal_the_model,
    run,
    unpack,
)

__all__ = [
    "MEASURED",
    "OPERATION",
    "RECORDED",
    "a_sink_that_stops_loses_nothing",
    "ends",
    "exchange",
    "operands",
    "pack",
    "partial_batches_and_both_programs",
    "programs",
    "results_equal_the_model",
    "run",
    "unpack",
]
