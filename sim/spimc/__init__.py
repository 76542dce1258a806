"""Bench of the sparse in-memory-compute macro."""

from nomul.sim.spimc.bench import (
    COMMAND,
    MEASURED,
    OPERATION,
    Macro,
    cases,
    malformed_tiles_raise_their_flags,
    products_equal_the_model,
    refuse_later_pass,
    refuses_headers_that_it_cannot_read,
    refuses_to_start_too_early,
    refuses_vectors_of_another_length,
    run,
    spoil,
    tiles,
)

__all__ = [
    "COMMAND",
    "MEASURED",
    "OPERATION",
    "Macro",
    "cases",
    "malformed_tiles_raise_their_flags",
    "products_equal_the_model",
    "refuse_later_pass",
    "refuses_headers_that_it_cannot_read",
    "refuses_to_start_too_early",
    "refuses_vectors_of_another_length",
    "run",
    "spoil",
    "tiles",
]
