"""Power-of-two operand scaler: block exponent in one pass, shifts in the next."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, memory, stream
from amaranth.lib.wiring import In, Out

from nomul.golden import lfsr, pow2
from nomul.golden.pow2 import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.lfsr import transform


class Top(Configured[Config]):
    """Scales a vector of integers by the power of two that makes its magnitudes fill W bits.

    The first pass stores the vector and ORs the magnitudes, whose highest one gives the exponent e;
    the second sends (|v| + rho) >> (e - W), or |v| << (W - e), which is step 1 of
    :func:`nomul.golden.essop.model`. Latency is two cycles from a vector's last element to its
    first magnitude; one element per cycle in either pass.

    Members
    -------
    v : ``In(stream.Signature(StructLayout({value: signed(B), last: 1})))``
        Elements. A vector longer than ``cfg.length`` is cut there, and its rest is another vector.
    m : ``Out(stream.Signature(StructLayout({magnitude, sign, exponent, last})))``
        W-bit magnitudes with their signs; the exponent is the same for the whole vector.
    """

    v: stream.Interface
    m: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        element = data.StructLayout({"value": signed(cfg.bits), "last": unsigned(1)})
        result = data.StructLayout(
            {
                "magnitude": unsigned(cfg.width),
                "sign": unsigned(1),
                "exponent": unsigned(cfg.exponent_bits),
                "last": unsigned(1),
            }
        )
        return {"v": In(stream.Signature(element)), "m": Out(stream.Signature(result))}

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        stored = unsigned(cfg.bits + 1)
        store: memory.Memory = memory.Memory(shape=stored, depth=cfg.length, init=[])
        m.submodules.store = store
        write, read = store.write_port(), store.read_port(domain="comb")

        # Take a vector into the store; the OR of all magnitudes finds their common exponent.
        sending = Signal()
        index = Signal(range(cfg.length))
        end = Signal(range(cfg.length))
        joined = Signal(cfg.bits)
        value = self.v.payload.value
        incoming = Signal(cfg.bits)
        whole = Signal()
        m.d.comb += [
            incoming.eq(Mux(value < 0, -value, value)),
            whole.eq(self.v.payload.last | (index == cfg.length - 1)),
            self.v.ready.eq(~sending),
            write.addr.eq(index),
            write.data.eq(Cat(incoming, value < 0)),
            write.en.eq(self.v.valid & self.v.ready),
            read.addr.eq(index),
        ]
        with m.If(write.en):
            m.d.sync += [joined.eq(joined | incoming), index.eq(index + 1)]
            with m.If(whole):
                m.d.sync += [sending.eq(1), end.eq(index), index.eq(0)]

        # Send it scaled by that exponent, one word per cycle.
        go = Signal()
        final = Signal()
        m.d.comb += [
            go.eq(sending & (~self.m.valid | self.m.ready)),
            final.eq(index == end),
        ]
        exponent = Signal(cfg.exponent_bits)
        for bit in range(cfg.bits):
            with m.If(joined[bit]):
                m.d.comb += exponent.eq(bit + 1)
        magnitude, sign = read.data[: cfg.bits], read.data[-1]
        with m.If(self.m.ready):
            m.d.sync += self.m.valid.eq(0)
        with m.If(go):
            m.d.sync += [
                self.m.valid.eq(1),
                self.m.payload.magnitude.eq(self._shift(m, magnitude, exponent, go)),
                self.m.payload.sign.eq(sign),
                self.m.payload.exponent.eq(exponent),
                self.m.payload.last.eq(final),
                index.eq(index + 1),
            ]
            with m.If(final):
                m.d.sync += [sending.eq(0), index.eq(0), joined.eq(0)]
        return m

    def _shift(self, m: Module, magnitude: Signal, exponent: Signal, go: Signal) -> Signal:
        """Describe (magnitude + rho) shifted to W bits and clipped, and return it."""
        cfg = self.cfg
        right = Signal(range(cfg.bits + 1))
        left = Signal(range(cfg.width + 1))
        total = Signal(cfg.bits + 1)
        scaled = Signal(cfg.bits + 1 + cfg.width)
        clipped = Signal(cfg.width)
        high = (1 << cfg.width) - 1
        m.d.comb += [
            right.eq(Mux(exponent > cfg.width, exponent - cfg.width, 0)),
            left.eq(Mux(exponent < cfg.width, cfg.width - exponent, 0)),
            total.eq(magnitude + self._rho(m, right, go)),
            scaled.eq((total >> right) << left),
            clipped.eq(Mux(scaled > high, high, scaled)),
        ]
        return clipped

    def _rho(self, m: Module, right: Signal, go: Signal) -> Signal:
        """Describe the random number below one unit of the result."""
        rho = Signal(self.cfg.bits)
        if self.cfg.rounding == "floor":
            return rho
        width = pow2.LFSR_WIDTH
        step = lfsr.step_matrix(width, lfsr.TAPS[width]) ** (width - 1)
        word = Signal(width, init=pow2.SEED)
        with m.If(go):
            m.d.sync += word.eq(transform(step, word))
        m.d.comb += rho.eq(word & ((Const(1) << right) - 1))
        return rho
