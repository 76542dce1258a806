"""Bench of SONIC's accelerator: unknown values wherever the contract allows anything."""

from typing import Any

import cocotb
import numpy as np
from cocotb.types import LogicArray

from nomul.sim.sonic.bench import (
    Accelerator,
    Memory,
    book,
    jobs_of,
    operand_layout,
    run,
    vector_layout,
)
from nomul.sim.stream import STALLS, Bench, Source, assert_equal, bits


class Unknown(Source):
    """A source whose payload is unknown while idle, and in bits that a payload need not have."""

    def __init__(self, bench: Bench, name: str, pattern: str):
        self.blank: list[int] = []  # of each payload, the bits that are unknown
        super().__init__(bench, name, [], pattern)

    def drive(self) -> None:
        """Drive as a source does, less what is unknown."""
        super().drive()
        word, blank = 0, -1
        if self.offering:
            word, blank = self.payloads[len(self.sent)], self.blank[len(self.sent)]
        both = ((word >> i & 1, blank >> i & 1) for i in reversed(range(len(self.payload))))
        self.payload.value = LogicArray("".join("X" if x else str(v) for v, x in both))


class Forgetful(Memory):
    """A memory that answers unknown values where nothing was asked for."""

    def answer(self, words: list[int], request: dict[str, np.ndarray]) -> None:
        """Offer an answer."""
        super().answer(words, request)
        assert self.cfg is not None
        unasked = np.where(self.wanted(request), 0, -1).reshape(1, -1)
        assert isinstance(self.answers, Unknown)
        self.answers.blank += operand_layout(self.cfg, self.kind).pack(value=unasked)


class Careless(Accelerator):
    """The design among neighbours that drive only what they must."""

    memory_class = Forgetful

    def source(self, name: str, pattern: str) -> Source:
        """Return the source of a vector or of operands."""
        agent = Unknown(self.bench, name, pattern)
        self.bench.agents.append(agent)
        return agent

    def beats(self, kind: str, vector: np.ndarray) -> list[int]:
        """Return the beats of a vector; what fills up the last one is unknown."""
        words, layout = super().beats(kind, vector), vector_layout(self.cfg, kind)
        mask = layout.unpack(words)["mask"].reshape(len(words), -1)
        none = np.zeros_like(mask)
        unused = layout.pack(value=np.where(mask, 0, -1), mask=none, last=none[:, 0])
        source: Any = self.vector[kind]
        source.blank += unused
        return words


@cocotb.test()
@cocotb.parametrize(stalls=STALLS)
async def unknown_values_never_reach_a_result_or_a_counter(dut, stalls):
    """Lanes that hold nothing, units that are off, and payloads that are not valid carry X."""
    unit = Careless(dut, stalls, stalls)
    rng = unit.bench.numpy_rng
    levels = book(unit.cfg, rng)
    unit.load(levels)
    await run(unit, jobs_of(unit.cfg, rng), levels)
    assert_equal(bits(dut.refused), 0, "refused")
