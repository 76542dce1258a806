"""Reduces windows to one value, and rescales it: y scale + bias, rounded, clipped."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from nomul.golden.engine import Program
from nomul.hw.engine.word import Words

STAGES = 5  # registers from a window's last value to its result


class Rescale(wiring.Component):
    """Takes values of windows, and gives clip(rne((y scale + bias) 2^-shift), low, high) of each.

    A value per cycle; a window's result is there ``STAGES`` cycles after its last value. Stages:
    reduce, operands, product, bias, rounding; what comes out is clipped combinationally. Where all
    scales are powers of two nothing multiplies.

    Parameters
    ----------
    program : :class:`nomul.golden.engine.Program`
        Table of scales and biases, and widths.
    words : :class:`nomul.hw.engine.word.Words`
        The program's fields.
    depth : int
        Entries of the table.

    Members
    -------
    step : ``In(words.layout)``, start : ``In(1)``
        The pass, and that it begins.
    valid, first, last, counts, channel_last, end : ``In(1)``
        There is a value; it is its window's first, or last; it is no padding; the last of its
        channel, or of the pass.
    value : ``In(signed(widths["reduced"]))``
        The value.
    write, into, row : ``In``
        Only where the program is loaded: an entry of the table.
    done, result, result_channel_last, result_end : ``Out``
        A result, what it is, whether it is its channel's last, or the pass's.
    """

    def __init__(self, program: Program, words: Words, depth: int):
        self.program, self.words, self.depth = program, words, max(2, depth)
        self.bits = program.widths["reduced"]
        strobes = ("start", "valid", "first", "last", "counts", "channel_last", "end")
        load = {"write": In(1), "into": In(range(self.depth)), "row": In(words.entry.size)}
        super().__init__(
            (load if words.loads else {})
            | {"step": In(words.layout), "value": In(signed(self.bits))}
            | {name: In(1) for name in strobes}
            | {name: Out(1) for name in ("done", "result_channel_last", "result_end")}
            | {"result": Out(signed(words.result_bits))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        y = self._reduced(m)
        scale, bias = self._table(m)
        wide = self._scaled(m, y, scale, bias)
        self._rounded(m, wide)
        # What goes beside the values, a bit for each stage.
        for given, result in (
            (self.valid & self.last, self.done),
            (self.channel_last, self.result_channel_last),
            (self.end, self.result_end),
        ):
            line = Signal(STAGES)
            m.d.sync += line.eq(Cat(given, line))
            m.d.comb += result.eq(line[-1])
        return m

    def _reduced(self, m: Module) -> Signal:
        """Return the sum, or the largest, of a window so far; registered."""
        y, some = Signal(signed(self.bits), reset_less=True), Signal()
        none = self.first | ~some
        with m.If(self.valid):
            m.d.sync += some.eq(self.counts | (some & ~self.first))
            with m.If(none):
                m.d.sync += y.eq(Mux(self.counts, self.value, 0))
            with m.Elif(self.counts & self.step.largest):
                m.d.sync += y.eq(Mux(self.value > y, self.value, y))
            with m.Elif(self.counts):
                m.d.sync += y.eq(y + self.value)
        return y

    def _table(self, m: Module) -> tuple[Signal, Signal]:
        """Return scale and bias of the window that ended two cycles ago; the bias one later."""
        words, depth = self.words, self.depth
        rows = [] if words.loads else [{"scale": s, "bias": b} for s, b in words.table]
        table: Memory = Memory(shape=words.entry, depth=depth, init=rows)
        m.submodules.table = table
        entry, port = Signal(range(depth)), table.read_port()
        if words.loads:
            into = table.write_port()
            m.d.comb += [
                into.en.eq(self.write),
                into.addr.eq(self.into),
                Value.cast(into.data).eq(self.row),
            ]
        scale_bits, bias_bits = (words.entry[name].width for name in ("scale", "bias"))
        m.d.comb += port.addr.eq(entry)
        with m.If(self.start):
            m.d.sync += entry.eq(self.step.entry)
        with m.Elif(self.valid & self.channel_last & self.step.each):
            m.d.sync += entry.eq(entry + 1)
        scale = Signal(signed(scale_bits), reset_less=True)
        names = ("bias_read", "bias_kept")
        bias, bias_later = (Signal(signed(bias_bits), reset_less=True, name=n) for n in names)
        m.d.sync += [scale.eq(port.data.scale), bias.eq(port.data.bias), bias_later.eq(bias)]
        return scale, bias_later

    def _scaled(self, m: Module, y: Signal, scale: Signal, bias: Signal) -> Signal:
        """Return y scale + bias, registered."""
        bits = self.program.widths["scaled"]
        operand = Signal(signed(self.bits), reset_less=True)
        product, wide = (Signal(signed(bits), reset_less=True, name=n) for n in ("product", "wide"))
        m.d.sync += [operand.eq(y), wide.eq(product + bias)]
        if self.words.multiplies:
            m.d.sync += product.eq(operand * scale)
        else:
            turned = Mux(scale[0], -operand, operand)
            m.d.sync += product.eq(turned << scale[1:].as_unsigned())
        return wide

    def _rounded(self, m: Module, wide: Signal) -> None:
        """Round to the nearest, half to even; then clip."""
        bits, shifts = self.program.widths["scaled"], self.words.shifts
        kept = Signal(signed(bits + 1), reset_less=True)
        with m.Switch(self.step.shift):
            for number, shift in enumerate(shifts):
                with m.Case(number) if number < len(shifts) - 1 else m.Default():
                    shift = min(shift, bits)
                    low = wide >> shift
                    half = wide[shift - 1] if shift else Const(0, 1)
                    rest = wide[: shift - 1].any() if shift > 1 else Const(0, 1)
                    m.d.sync += kept.eq(low + (half & (rest | low[0])))
        total = self.words.result_bits
        low, high = (Signal(signed(total), name=n) for n in ("low", "high"))
        m.d.comb += [low.eq(_signed(self.step.low, total)), high.eq(_signed(self.step.high, total))]
        m.d.comb += self.result.eq(Mux(kept < low, low, Mux(kept > high, high, kept)))


def _signed(field: Value, bits: int) -> Value:
    """Return a field, which may lack the zeros above it, as a signed number of so many bits."""
    return Cat(field, Const(0, bits))[:bits].as_signed()
