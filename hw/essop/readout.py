"""How results leave the outer-product unit: counts or accumulators, row by row."""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data

from nomul.golden import essop, lfsr
from nomul.golden.essop import Config
from nomul.hw.essop.array import FLAT, Row
from nomul.hw.essop.layouts import UNIT_EXPONENT
from nomul.hw.essop.stack import Stack
from nomul.hw.lfsr import transform


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
    """

    top: Any
    m: Module
    control: data.View
    tail: data.View
    ended: Value
    go: Signal

    @property
    def cfg(self) -> Config:
        """Configuration of the unit."""
        cfg: Config = self.top.cfg
        return cfg

    def counts(self, counts: list[Value]) -> None:
        """Describe the read-out of counts: captured with a pair's last bits, then sent row by row.

        The array waits with those bits until the rows of the pair before have left. ``counts`` are
        those of the row that leaves.
        """
        top, m, cfg, control, tail = self.top, self.m, self.cfg, self.control, self.tail
        free = Signal()
        busy, done = self._send_rows(start=control.capture)
        m.d.comb += [
            free.eq(~busy | done),
            self.go.eq(~self.ended | free),
            control.capture.eq(self.ended & free),
        ]
        signs = Signal(data.StructLayout(_signs(cfg)), reset_less=True)
        unit = Signal(UNIT_EXPONENT, reset_less=True)
        with m.If(control.capture):
            m.d.sync += [signs.sx.eq(tail.sx), signs.sd.eq(tail.sd), unit.eq(tail.unit)]
        with m.Elif(control.shift):
            m.d.sync += signs.sx.eq(signs.sx >> 1)
        m.d.comb += top.y.payload.exponent.eq(unit)
        values = [top.result(count, signs.sx[0] ^ signs.sd[j]) for j, count in enumerate(counts)]
        if cfg.cols > FLAT:
            signals = [Signal(signed(cfg.y_bits), name=f"y{j}") for j in range(cfg.cols)]
            m.d.comb += [y.eq(value) for y, value in zip(signals, values, strict=True)]
            m.d.comb += Value.cast(top.y.payload.y).eq(Cat(signals))
        else:
            m.d.comb += [top.y.payload.y[j].eq(value) for j, value in enumerate(values)]

    def accumulators(self, rows: list[Row] | list[Stack], reload: Value) -> None:
        """Describe accumulation, one cycle after a pair's last bits, and the read-out on request.

        While accumulators leave row by row they go round, or zeros follow them, and the next pair's
        counts wait. ``reload`` says that the sources' registers are reloaded.
        """
        top, m, cfg, control, tail = self.top, self.m, self.cfg, self.control, self.tail
        # A pair's counts are taken one cycle later, or as soon as the rows have left.
        pending = Signal()
        clear = Signal()
        signs = Signal(data.StructLayout(_signs(cfg)), reset_less=True)
        request = Signal(data.StructLayout({"read": 1, "clear": 1}), reset_less=True)
        counted = Signal()
        busy, _ = self._send_rows(start=control.capture & request.read)
        m.d.comb += [
            counted.eq(self.ended & self.go),
            self.go.eq(~(pending & busy)),
            control.capture.eq(pending & ~busy),
            rows[-1].i.eq(Mux(clear, 0, Value.cast(rows[0].o))),
            top.y.payload.exponent.eq(cfg.acc_exponent),
            Value.cast(top.y.payload.y).eq(rows[0].o),
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
        # Signs of the products, by row or for the whole stack.
        if cfg.rows > FLAT:
            m.d.comb += [rows[0].sx.eq(signs.sx), rows[0].sd.eq(signs.sd)]
        else:
            for i, row in enumerate(rows):
                m.d.comb += row.negative.eq(signs.sd ^ signs.sx[i].replicate(cfg.cols))
        with m.If(Cat(row.overflow for row in rows).any()):
            m.d.sync += top.overflow.eq(1)
        self._scale(counted, reload)

    def _scale(self, counted: Signal, reload: Value) -> None:
        """Describe the distance of a pair's unit to the accumulators', and its rounding term."""
        m, cfg, control, unit = self.m, self.cfg, self.control, self.tail.unit
        most_left, most_right = cfg.accumulate, essop.max_right_shift(cfg)
        distance = Signal(signed(len(unit) + 2))
        left = Signal.like(control.left)
        right = Signal.like(control.right)
        m.d.comb += [
            distance.eq(unit - cfg.acc_exponent),
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
        if cfg.acc_rounding == "stochastic":
            step = lfsr.step_matrix(cfg.lfsr_width, cfg.taps(1)) ** cfg.lfsr_width
            word = Signal(cfg.lfsr_width, init=cfg.seeds[0], name="rounding")
            with m.If(counted):
                m.d.sync += [
                    word.eq(transform(step, word)),
                    rho.eq((word << right) >> cfg.lfsr_width),
                ]
            if cfg.registers:
                with m.If(reload):
                    m.d.sync += word.eq(self.top.seed.payload.a)

    def _send_rows(self, start: Value) -> tuple[Signal, Signal]:
        """Describe the row counter of the read-out; return busy, and whether it ends now."""
        top, m, cfg, control = self.top, self.m, self.cfg, self.control
        busy = Signal()
        done = Signal()
        row = Signal(range(max(cfg.rows, 2)))
        m.d.comb += [
            top.y.valid.eq(busy),
            top.y.payload.row.eq(row),
            top.y.payload.last.eq(row == cfg.rows - 1),
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


def _signs(cfg: Config) -> dict[str, object]:
    return {"sx": unsigned(cfg.rows), "sd": unsigned(cfg.cols)}
