"""Stream agents for benches: sources, sinks, stalls, a protocol monitor, exact comparison.

All agents sample in the middle of a cycle, at the falling edge, when every combinational path has
settled, and drive after the rising edge. So a transfer is seen the same way in every simulator.
"""

import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from nomul.golden.config import Config
from nomul.sim import harness, record, trace
from nomul.sim.layout import Layout as Layout
from nomul.sim.signals import bit as bit
from nomul.sim.signals import bits as bits
from nomul.sim.watch import beat

C = TypeVar("C", bound=Config)

STALLS = ("never", "random")
PERIOD_NS = 10


def pauses(pattern: str, rng: random.Random) -> Callable[[], bool]:
    """Return a function that says, each cycle, whether to pause.

    ``never``; ``random``, in half of the cycles; ``mostly``, in nine of ten.
    """
    share = {"never": 0.0, "random": 0.5, "mostly": 0.9}
    if pattern not in share:
        raise ValueError(f"stall pattern must be one of {', '.join(share)}, not {pattern!r}")
    if pattern == "never":
        return lambda: False
    return lambda: rng.random() < share[pattern]


@dataclass
class Source:
    """Offers payloads in order; valid holds until ready. While idle, the payload is noise."""

    bench: "Bench"
    name: str
    payloads: Sequence[int]
    pattern: str = "never"
    sent: list[int] = field(default_factory=list)  # the cycle of each transfer

    def __post_init__(self) -> None:
        self.valid = self.bench.signal(f"{self.name}__valid")
        self.payload = self.bench.signal(f"{self.name}__payload")
        self.ready = self.bench.signal(f"{self.name}__ready")
        self.pause = pauses(self.pattern, self.bench.rng)
        self.width = len(self.payload)
        self.offering = False
        self.shown: bool | None = None  # what valid is; a write to a port takes longer than a look
        self.drive()

    @property
    def done(self) -> bool:
        """Whether every payload was taken."""
        return len(self.sent) == len(self.payloads)

    def restart(self, payloads: Sequence[int] | None = None) -> None:
        """Begin anew with the first payload, or with the first of others; while reset is held."""
        if payloads is not None:
            self.payloads = payloads
        self.sent.clear()
        self.offering = False
        self.drive()

    def withdraw(self) -> None:
        """Take back what is offered, and whatever was to follow."""
        self.payloads, self.offering = self.payloads[: len(self.sent)], False
        self.drive()

    def sample(self, cycle: int) -> None:
        """See whether the offered payload is taken at the coming edge."""
        if self.offering and bit(self.ready):
            self.sent.append(cycle)
            self.offering = False

    def drive(self) -> None:
        """Offer the next payload, keep the pending one, or pause."""
        if self.offering:
            return
        self.offering = not self.done and not self.pause()
        noise = self.bench.rng.getrandbits
        word = self.payloads[len(self.sent)] if self.offering else noise(self.width)
        if self.shown != self.offering:
            self.valid.value = int(self.offering)
            self.shown = self.offering
        self.payload.value = int(word)


@dataclass
class Sink:
    """Takes payloads, and checks that valid and payload hold until it is ready."""

    bench: "Bench"
    name: str
    pattern: str = "never"
    received: list[int] = field(default_factory=list)
    cycles: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.valid = self.bench.signal(f"{self.name}__valid")
        self.payload = self.bench.signal(f"{self.name}__payload")
        self.ready = self.bench.signal(f"{self.name}__ready")
        self.pause = pauses(self.pattern, self.bench.rng)
        self.pending: int | None = None
        self.accepting = False
        self.shown: bool | None = None  # what ready is
        self.drive()

    def forget(self) -> None:
        """Forget what came, and what was offered and not taken; while reset is held."""
        self.received.clear()
        self.cycles.clear()
        self.pending = None

    def sample(self, cycle: int) -> None:
        """Take what is transferred at the coming edge; complain about a broken protocol."""
        offered = bit(self.valid)
        word = bits(self.payload) if offered else None
        if self.pending is not None:
            assert offered, f"{self.name}: valid fell before ready, cycle {cycle}"
            assert word == self.pending, f"{self.name}: payload changed before ready, cycle {cycle}"
        self.pending = word if offered and not self.accepting else None
        if word is not None and self.accepting:
            self.received.append(word)
            self.cycles.append(cycle)

    def drive(self) -> None:
        """Be ready, or not."""
        accepting = not self.pause()
        if self.shown != accepting:
            self.ready.value = int(accepting)
            self.shown = accepting
        self.accepting = accepting


class Bench:
    """Clock, reset and the agents on the ports of one design.

    Attributes
    ----------
    cycle
        Number of rising edges since reset was released.
    rng
        Source of all randomness, from the seed of the run.
    """

    def __init__(self, dut: Any):
        self.dut = dut
        self.cycle = 0
        self.rng = random.Random(harness.seed())
        self.numpy_rng = np.random.default_rng(harness.seed())
        self.agents: list[Source | Sink] = []
        seen = trace.recorder(dut)
        self.watchers: list[Callable[[int], None]] = [seen.watch] if seen else []
        record.attach(self)

    def signal(self, name: str) -> Any:
        """Return the handle of a port."""
        return getattr(self.dut, name)

    def source(self, name: str, payloads: Iterable[int], pattern: str = "never") -> Source:
        """Put a source on the input stream ``name``."""
        agent = Source(self, name, list(payloads), pattern)
        self.agents.append(agent)
        return agent

    def sink(self, name: str, pattern: str = "never") -> Sink:
        """Put a sink on the output stream ``name``."""
        agent = Sink(self, name, pattern)
        self.agents.append(agent)
        return agent

    def outstanding(self) -> dict[str, int]:
        """Return how many payloads each source has still to send."""
        sources = (agent for agent in self.agents if isinstance(agent, Source))
        return {source.name: len(source.payloads) - len(source.sent) for source in sources}

    async def reset(self, cycles: int = 3) -> None:
        """Start the clock and hold reset; agents are already driving, so no input is unknown."""
        self.dut.rst.value = 1
        self.clock = Clock(self.dut.clk, PERIOD_NS, unit="ns", impl="gpi")
        self.clock.start()
        for _ in range(cycles):
            await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0

    async def restart(self) -> None:
        """Reset in mid-transaction: sources begin anew, and sinks forget what came."""
        await self._reset_again(Source.restart)

    async def abort(self) -> None:
        """Reset in mid-transaction: what was offered is withdrawn, and sinks forget what came."""
        await self._reset_again(Source.withdraw)
        await self.step()

    async def _reset_again(self, source: Callable[[Source], None], cycles: int = 3) -> None:
        """Hold reset with the clock running, and do with every source as is said."""
        self.dut.rst.value = 1
        for _ in range(cycles):
            await RisingEdge(self.dut.clk)
        for agent in self.agents:
            if isinstance(agent, Source):
                source(agent)
            else:
                agent.forget()
        self.dut.rst.value = 0

    async def step(self) -> None:
        """Pass one cycle: sample at its middle, drive after its end."""
        await FallingEdge(self.dut.clk)
        for watch in self.watchers:
            watch(self.cycle)
        for agent in self.agents:
            agent.sample(self.cycle)
        await RisingEdge(self.dut.clk)
        self.cycle += 1
        beat()
        for agent in self.agents:
            agent.drive()

    async def until(self, condition: Callable[[], bool], limit: int = 100_000) -> None:
        """Pass cycles until ``condition()``; more than ``limit`` of them is a hang."""
        for _ in itertools.takewhile(lambda _: not condition(), range(limit)):
            await self.step()
        assert condition(), f"nothing happened for {limit} cycles"

    async def receive(self, sink: Sink, count: int, settle: int = 20) -> list[int]:
        """Return ``count`` payloads; a surplus one within ``settle`` further cycles is an error."""
        await self.until(lambda: len(sink.received) >= count)
        for _ in range(settle):
            await self.step()
        assert len(sink.received) == count, (
            f"{sink.name}: {len(sink.received)} payloads, not {count}"
        )
        return sink.received


def pieces(words: list[int], size: int) -> list[list[int]]:
    """Return wide words in pieces that numpy's integers hold."""
    return [[word >> k & 0xFFFF for k in range(0, size, 16)] for word in words]


def assert_equal(got: Any, expected: Any, what: str = "result") -> None:
    """Require two integer arrays to be equal; name the first place where they differ, in hex."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    assert got.size, f"{what}: nothing to compare"
    differ = np.argwhere(got != expected)
    if len(differ):
        place = tuple(int(i) for i in differ[0])
        raise AssertionError(
            f"{what}{list(place) if place else ''} is {int(got[place]):#x}, "
            f"expected {int(expected[place]):#x}; {len(differ)} of {got.size} differ"
        )
    harness.record(compared=int(got.size))


def under_test(dut: Any, config: type[C]) -> tuple[C, Bench]:
    """Return the configuration that the harness names, and a bench on the design under test."""
    return config.from_json(harness.config_text()), Bench(dut)
