"""Bench of SONIC's accelerator: layers through its streams, with a memory that answers."""

from nomul.sim.sonic.bench import (
    COUNTERS,
    Accelerator,
    Job,
    Memory,
    book,
    check_counters,
    command_layout,
    fetch_layout,
    jobs_of,
    layers_equal_the_model,
    operand_layout,
    result_layout,
    run,
    takes_as_many_cycles_as_the_formula_says,
    vector_layout,
)

__all__ = [
    "COUNTERS",
    "Accelerator",
    "Job",
    "Memory",
    "book",
    "check_counters",
    "command_layout",
    "fetch_layout",
    "jobs_of",
    "layers_equal_the_model",
    "operand_layout",
    "result_layout",
    "run",
    "takes_as_many_cycles_as_the_formula_says",
    "vector_layout",
]
