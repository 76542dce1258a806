"""Elements in a ring, each with a bank of weights: rows and columns without a transposed copy."""

from amaranth.hdl import Array, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.sgd import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.memory import memory_behind
from nomul.hw.once import Once
from nomul.hw.sgd.element import Element
from nomul.hw.sgd.floats import FloatElement
from nomul.hw.sgd.layouts import control_layout, gradient_layout


def index_bits(count: int) -> int:
    """Return the bits of an index below ``count``, at least one."""
    return max(1, (count - 1).bit_length())


class Bank(wiring.Component):
    """A memory of weights with their residues; what is read comes a cycle later, and stays.

    Parameters
    ----------
    width, depth : int
        Bits of a weight, and weights.

    Members
    -------
    read, address : ``In``
        Ask for a weight.
    found : ``Out(width)``
        It.
    write, into, word : ``In``
        Write one; never the one that is asked for.
    """

    def __init__(self, width: int, depth: int):
        self.width, self.depth = width, depth
        address = unsigned(index_bits(depth))
        super().__init__(
            {
                "read": In(1),
                "address": In(address),
                "found": Out(width),
                "write": In(1),
                "into": In(address),
                "word": In(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        return memory_behind(self, "weights")


class Ring(Configured[Config]):
    """P elements and P banks. Weight (r, c) of a tile of P x P is word r of bank (r + c) mod P.

    So the P weights of a row are in P banks, and so are those of a column. Element b always works
    on bank b; what it adds up belongs to another output in every beat, so sums and gradients move
    down by one element per beat instead of weights. The last operand comes first: after operand 0
    the sums are in order.

    Members
    -------
    control : ``In(control_layout(cfg))``
        What the elements do.
    read, tile, line, columns : ``In``
        Read row ``line`` of a tile, or with ``columns`` its column.
    store : ``In(1)``
        Write the updates of the weights that were read before back to their places.
    load, bank, word : ``In``
        Write one weight instead, to bank ``bank``, at ``tile`` and ``line``.
    fill, gradient : ``In(1)``, ``In(gradient_layout(cfg))``
        A gradient comes in at the last element; those there move on by ``control.turn``.
    exit : ``Out(signed(cfg.sum_bits))``
        Sum of the last element.
    found : ``Out(cfg.weight_bits)``
        What bank ``bank`` had, if it was read in the cycle before.
    """

    def ports(self, cfg: Config) -> Ports:
        place = unsigned(index_bits(cfg.pes))
        return {
            "control": In(control_layout(cfg)),
            "read": In(1),
            "tile": In(unsigned(index_bits(cfg.tiles))),
            "line": In(place),
            "columns": In(1),
            "store": In(1),
            "load": In(1),
            "bank": In(place),
            "word": In(cfg.weight_bits),
            "fill": In(1),
            "gradient": In(gradient_layout(cfg)),
            "exit": Out(signed(cfg.sum_bits)),
            "found": Out(cfg.weight_bits),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        depth = cfg.tiles * cfg.pes
        banks = [Once("bank", Bank, cfg.weight_bits, depth) for _ in range(cfg.pes)]
        kind = FloatElement if cfg.numbers == "fp16" else Element
        elements = [Once("element", kind, cfg) for _ in range(cfg.pes)]
        # Where the banks are read, and where what was read before is written back.
        base, before = Signal(index_bits(depth)), Signal(index_bits(depth), reset_less=True)
        loaded = Signal(index_bits(depth))
        m.d.comb += [base.eq(self.tile * cfg.pes), loaded.eq(base + self.line)]
        with m.If(self.read):
            m.d.sync += before.eq(loaded)
        for b, bank in enumerate(banks):
            m.submodules[f"bank{b}"] = bank
            m.d.comb += [
                bank.read.eq(self.read),
                bank.address.eq(base + Mux(self.columns, self._line(b), self.line)),
                bank.write.eq(self.store | (self.load & (self.bank == b))),
                bank.into.eq(Mux(self.load, loaded, before)),
                bank.word.eq(Mux(self.load, self.word, elements[b - 1].new)),
            ]
        for b, element in enumerate(elements):
            m.submodules[f"element{b}"] = element
            above = elements[(b + 1) % cfg.pes]
            m.d.comb += [
                element.control.eq(self.control),
                element.weight.eq(banks[b].found[cfg.low_bits :].as_signed()),
                element.old.eq(banks[(b + 1) % cfg.pes].found),
                element.sum_in.eq(above.sum_out),
                Value.cast(element.gradient_in).eq(Value.cast(above.gradient_out)),
            ]
        last = elements[-1]
        with m.If(self.fill):
            m.d.comb += Value.cast(last.gradient_in).eq(Value.cast(self.gradient))
        m.d.comb += self.exit.eq(last.acc)
        chosen = Signal.like(self.bank, reset_less=True)
        with m.If(self.read):
            m.d.sync += chosen.eq(self.bank)
        m.d.comb += self.found.eq(Array(bank.found for bank in banks)[chosen])
        return m

    def _line(self, b: int) -> Value:
        """Return which word of bank b is in column ``line``: (b - line) mod P."""
        pes = self.cfg.pes
        if pes == 1:
            return Const(0, 1)
        if pes & (pes - 1) == 0:
            return (Const(b + pes, pes.bit_length() + 1) - self.line)[: index_bits(pes)]
        return Mux(self.line > b, b + pes - self.line, b - self.line)[: index_bits(pes)]
