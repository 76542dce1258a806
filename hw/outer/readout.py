"""How results leave an outer-product unit: products or accumulators, row by row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data

from nomul.golden import lfsr
from nomul.golden.bitstream import Side
from nomul.golden.outer import Accumulators, Array
from nomul.hw.lfsr import transform
from nomul.hw.outer.layouts import UNIT_EXPONENT


@dataclass(frozen=True)
class ReadOut:
    """The end of a pair's way through a unit; its methods describe what is behind the cells.

    Attributes
    ----------
    top
        The unit, whose ports the rows leave through.
    m
        Its module.
    control
        What is broadcast to the cells; ``capture`` and ``shift`` are driven here.
    tail
        Signs and unit of the pair, valid with its last bits.
    ended, go
        The cells count a pair's last bits; driven here: they may.
    reload
        The sources' registers are reloaded.
    """

    top: Any
    m: Module
    control: data.View
    tail: data.View
    ended: Value
    go: Signal
    reload: Value

    @property
    def array(self) -> Array:
        """Widths and accumulators of the unit."""
        array: Array = self.top.array
        return array

    def counts(self, counts: list[Value], result: Callable[[Value, Value], Value]) -> None:
        """Describe the read-out of counts: captured with a pair's last bits, then sent row by row.

        The array waits with those bits until the rows of the pair before have left. ``counts`` are
        those of the row that leaves, magnitudes from which and from the sign ``result`` makes what
        is sent.
        """
        top, m, array, control, tail = self.top, self.m, self.array, self.control, self.tail
        free = Signal()
        busy, done = self._send_rows(start=control.capture)
        m.d.comb += [
            free.eq(~busy | done),
            self.go.eq(~self.ended | free),
            control.capture.eq(self.ended & free),
        ]
        signs = Signal(data.StructLayout(_signs(array)), reset_less=True)
        unit = Signal(UNIT_EXPONENT, reset_less=True)
        with m.If(control.capture):
            m.d.sync += [signs.sx.eq(tail.sx), signs.sd.eq(tail.sd), unit.eq(tail.unit)]
        with m.Elif(control.shift):
            m.d.sync += signs.sx.eq(signs.sx >> 1)
        m.d.comb += top.y.payload.exponent.eq(unit)
        # A structure's parts would bring copies of all of it; a named signal is there once.
        values = [Signal(signed(array.y_bits), name=f"y{j}") for j in range(array.cols)]
        for j, (value, count) in enumerate(zip(values, counts, strict=True)):
            m.d.comb += value.eq(result(count, signs.sx[0] ^ signs.sd[j]))
        m.d.comb += Value.cast(top.y.payload.y).eq(Cat(values))

    def accumulators(self, rows: Any) -> None:
        """Describe accumulation, one cycle after a pair's last bits, and the read-out on request.

        While accumulators leave row by row they go round, or zeros follow them, and the next pair's
        counts wait. ``rows`` are all of them, a :class:`nomul.hw.outer.rows.Rows`.
        """
        top, m, array, control, tail = self.top, self.m, self.array, self.control, self.tail
        assert array.accumulators is not None
        # A pair's counts are taken one cycle later, or as soon as the rows have left.
        pending = Signal()
        clear = Signal()
        signs = Signal(data.StructLayout(_signs(array)), reset_less=True)
        request = Signal(data.StructLayout({"read": 1, "clear": 1}), reset_less=True)
        counted = Signal()
        busy, _ = self._send_rows(start=control.capture & request.read)
        m.d.comb += [
            counted.eq(self.ended & self.go),
            self.go.eq(~(pending & busy)),
            control.capture.eq(pending & ~busy),
            rows.i.eq(Mux(clear, 0, Value.cast(rows.o))),
            top.y.payload.exponent.eq(array.accumulators.exponent),
            Value.cast(top.y.payload.y).eq(rows.o),
        ]
        # What belongs to these counts is held until they are taken.
        with m.If(self.go):
            m.d.sync += pending.eq(self.ended)
        with m.If(counted):
            m.d.sync += [
                signs.sx.eq(tail.sx),
                signs.sd.eq(tail.sd),
                request.read.eq(tail.read),
                request.clear.eq(tail.clear),
            ]
        with m.If(control.capture):
            m.d.sync += clear.eq(request.clear)
        m.d.comb += [rows.sx.eq(signs.sx), rows.sd.eq(signs.sd)]
        with m.If(rows.overflow):
            m.d.sync += top.overflow.eq(1)
        self._scale(array.accumulators, counted)

    def _scale(self, accumulators: Accumulators, counted: Signal) -> None:
        """Describe the distance of a pair's unit to the accumulators', and its rounding term."""
        m, words, control, unit = self.m, self.array.words, self.control, self.tail.unit
        most_left, most_right = accumulators.width, self.array.max_right_shift
        distance = Signal(signed(len(unit) + 2))
        left = Signal.like(control.left)
        right = Signal.like(control.right)
        m.d.comb += [
            distance.eq(unit - accumulators.exponent),
            left.eq(Mux(distance < 0, 0, Mux(distance > most_left, most_left, distance))),
            right.eq(Mux(distance > 0, 0, Mux(-distance > most_right, most_right, -distance))),
        ]
        kept = Signal(
            data.StructLayout({"left": left.shape(), "right": right.shape()}), reset_less=True
        )
        rho = Signal.like(control.rho, reset_less=True)
        m.d.comb += [control.left.eq(kept.left), control.right.eq(kept.right), control.rho.eq(rho)]
        with m.If(counted):
            m.d.sync += [kept.left.eq(left), kept.right.eq(right)]
        if accumulators.rounding == "stochastic":
            step = lfsr.step_matrix(words.lfsr_width, words.taps(Side.D)) ** words.lfsr_width
            word = Signal(words.lfsr_width, init=words.seeds[0], name="rounding")
            with m.If(counted):
                m.d.sync += [
                    word.eq(transform(step, word)),
                    rho.eq((word << right) >> words.lfsr_width),
                ]
            if words.registers:
                with m.If(self.reload):
                    m.d.sync += word.eq(self.top.seed.payload.a)

    def _send_rows(self, start: Value) -> tuple[Signal, Signal]:
        """Describe the row counter of the read-out; return busy, and whether it ends now."""
        top, m, array, control = self.top, self.m, self.array, self.control
        busy = Signal()
        done = Signal()
        row = Signal(range(max(array.rows, 2)))
        m.d.comb += [
            top.y.valid.eq(busy),
            top.y.payload.row.eq(row),
            top.y.payload.last.eq(row == array.rows - 1),
            control.shift.eq(busy & top.y.ready),
            done.eq(control.shift & top.y.payload.last),
        ]
        with m.If(control.shift):
            m.d.sync += row.eq(Mux(done, 0, row + 1))
        with m.If(start):
            m.d.sync += busy.eq(1)
        with m.Elif(done):
            m.d.sync += busy.eq(0)
        return busy, done


def _signs(array: Array) -> dict[str, object]:
    return {"sx": unsigned(array.rows), "sd": unsigned(array.cols)}
