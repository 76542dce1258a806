"""The tests that every member's bench has, and which of them is measured."""

from typing import Any

import cocotb

from nomul.sim.products import bench
from nomul.sim.products.driver import Driver
from nomul.sim.stream import STALLS


def tests(unit: type[Driver]) -> dict[str, Any]:
    """Return the family's tests of a member by name, which its bench puts among its own names.

    The harness finds tests as objects of the bench's module: ``globals().update(tests(Unit))``. So
    it does ``MEASURED``, ``OPERATION`` and ``RECORDED``, which are the same for all members.

    Parameters
    ----------
    unit
        Drives the member.
    """

    async def products_equal_the_model(dut: Any, source: str, sink: str) -> None:
        """Random and corner tiles, back to back, under all stalls; cycles as the formula says."""
        await bench.products(unit(dut, source, sink), source == sink == "never")

    async def vectors_in_sequence(dut: Any) -> None:
        """One tile, many vectors."""
        await bench.sequence(unit(dut))

    async def malformed_tiles_give_nothing(dut: Any, source: str) -> None:
        """Short and long tiles: their flags, no sums, no harm."""
        await bench.malformed_tiles(unit(dut, source, source))

    async def wrong_vectors_give_nothing(dut: Any, source: str) -> None:
        """Short and long vectors: their flags, no sums, no harm."""
        await bench.wrong_vectors(unit(dut, source, source))

    async def works_after_reset(dut: Any) -> None:
        """Reset in mid-transaction."""
        await bench.resets(unit(dut, "random", "random"))

    made = {
        products_equal_the_model: {"source": STALLS, "sink": STALLS},
        vectors_in_sequence: {},
        malformed_tiles_give_nothing: {"source": STALLS},
        wrong_vectors_give_nothing: {"source": STALLS},
        works_after_reset: {},
    }
    found: dict[str, Any] = {
        "MEASURED": "vectors_in_sequence",
        "OPERATION": "product",
        "RECORDED": "products_equal_the_model/source=never/sink=never",
    }
    for function, stalls in made.items():
        # Their names are those of the bench that runs them, by which they are chosen.
        function.__qualname__, function.__module__ = function.__name__, unit.__module__
        found[function.__name__] = cocotb.test(cocotb.parametrize(**stalls)(function))
    return found
