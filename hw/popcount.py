"""Population count by full adders, and its pipelined stream form."""

from collections import deque
from collections.abc import Iterable

from amaranth.hdl import Cat, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.popcount import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.skid import Stage


def full_adder(m: Module, a: Value, b: Value, c: Value) -> tuple[Signal, Signal]:
    """Return sum and carry of three bits.

    They are signals, not expressions: Amaranth prints an expression again wherever it is used,
    which in a tree of adders grows exponentially.
    """
    half = Signal()
    total = Signal()
    carry = Signal()
    m.d.comb += [half.eq(a ^ b), total.eq(half ^ c), carry.eq((a & b) | (half & c))]
    return total, carry


def popcount(m: Module, bits: Iterable[Value]) -> Value:
    """Return how many of ``bits`` are one, in the fewest full and half adders.

    Bits of equal weight are added three at a time, the oldest first, which keeps the tree
    balanced; each adder removes one bit, so n bits take n - ones(n) of them.
    """
    column, result = deque(bits), []
    while column:
        carries: deque[Value] = deque()
        while len(column) >= 3:
            total, carry = full_adder(m, column.popleft(), column.popleft(), column.popleft())
            column.append(total)
            carries.append(carry)
        if len(column) == 2:
            total = Signal()
            carry = Signal()
            m.d.comb += Cat(total, carry).eq(column[0] + column[1])
            column = deque([total])
            carries.append(carry)
        result.append(column.popleft())
        column = carries
    return Cat(*result)


class Top(Configured[Config]):
    """Counts the ones of a word.

    Latency is one cycle; one word per cycle (``cfg.interval`` is 1).

    Members
    -------
    x : ``In(stream.Signature(unsigned(cfg.width)))``
        Words.
    y : ``Out(stream.Signature(unsigned(cfg.count_bits)))``
        Counts, equal to ``nomul.golden.popcount.model(cfg, bits)``.
    """

    x: stream.Interface
    y: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        return {
            "x": In(stream.Signature(unsigned(cfg.width))),
            "y": Out(stream.Signature(unsigned(cfg.count_bits))),
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.stage = stage = Stage(unsigned(self.cfg.count_bits))
        m.d.comb += [
            stage.i.payload.eq(popcount(m, self.x.payload)),
            stage.i.valid.eq(self.x.valid),
            self.x.ready.eq(stage.i.ready),
        ]
        wiring.connect(m, stage.o, wiring.flipped(self.y))
        return m
