"""Input coders: an image of pixels to the events of T steps."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import lfsr
from nomul.golden.lif import Config, coders
from nomul.hw.lfsr import transform
from nomul.hw.lif.layouts import event_layout, pixel_layout
from nomul.hw.skid import Stage


class Coder(wiring.Component):
    """Keeps an image and goes through its pixels once per step.

    Latency is three cycles from the last pixel to the first event; one pixel per cycle, so an image
    takes M + T M cycles and a few. ``accumulate`` keeps each pixel's remainder beside it.

    Parameters
    ----------
    cfg : :class:`nomul.golden.lif.Config`
        Coder, M, T and bits of a pixel.

    Members
    -------
    i : ``In(stream.Signature(pixel_layout(cfg.pixel_bits)))``
        Images, M pixels each, whatever ``last`` says.
    o : ``Out(stream.Signature(event_layout(index_bits)))``
        A beat per pixel and step, also of pixels that do not spike.
    wrong : ``Out(1)``
        A pixel is taken whose ``last`` is missing or comes early.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, cfg: Config):
        self.cfg = cfg
        self.events = event_layout(cfg.inputs.bit_length())
        super().__init__(
            {
                "i": In(stream.Signature(pixel_layout(cfg.pixel_bits))),
                "o": Out(stream.Signature(self.events)),
                "wrong": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m, bits = self.cfg, Module(), self.cfg.pixel_bits
        store: memory.Memory = memory.Memory(
            shape=unsigned(2 * bits), depth=max(2, cfg.inputs), init=[]
        )
        m.submodules.store = store
        write = store.write_port()
        # With a single pixel a remainder is read in the cycle in which it is written.
        read = store.read_port(transparent_for=[write] if cfg.inputs == 1 else [])
        m.submodules.stage = stage = Stage(self.events)
        wiring.connect(m, stage.o, wiring.flipped(self.o))
        scanning, full, taken, advance = Signal(), Signal(), Signal(), Signal()
        number, step = Signal(range(max(2, cfg.inputs))), Signal(range(max(2, cfg.steps)))
        ends = Signal()
        m.d.comb += [
            ends.eq(number == cfg.inputs - 1),
            self.i.ready.eq(~scanning & ~full),
            taken.eq(self.i.valid & self.i.ready),
            self.wrong.eq(taken & (ends != self.i.payload.last)),
            advance.eq(~full | stage.i.ready),
            read.addr.eq(number),
            read.en.eq(advance),
        ]
        with m.If(taken | (scanning & advance)):
            m.d.sync += number.eq(Mux(ends, 0, number + 1))
        with m.If(taken & ends):
            m.d.sync += scanning.eq(1)
        with m.If(scanning & advance & ends):
            m.d.sync += step.eq(Mux(step == cfg.steps - 1, 0, step + 1))
            with m.If(step == cfg.steps - 1):
                m.d.sync += scanning.eq(0)

        # A cycle later the pixel is there.
        at, now, last = Signal.like(number), Signal.like(step), Signal()
        with m.If(advance):
            m.d.sync += [full.eq(scanning), at.eq(number), now.eq(step), last.eq(ends)]
        pixel, remainder = read.data[:bits], read.data[bits:]
        total = Signal(bits + 1)
        m.d.comb += total.eq(pixel + Mux(now == 0, 0, remainder))
        scanned = Signal()
        m.d.comb += [
            scanned.eq(full & stage.i.ready),
            stage.i.valid.eq(full),
            stage.i.payload.index.eq(at),
            stage.i.payload.last.eq(last),
            stage.i.payload.spike.eq(self._spike(m, pixel, total, now, last, scanned)),
            write.addr.eq(Mux(full, at, number)),
            write.data.eq(Mux(full, Cat(pixel, total[:bits]), self.i.payload.value)),
            write.en.eq(taken | (scanned if cfg.coder == "accumulate" else 0)),
        ]
        return m

    def _spike(
        self, m: Module, pixel: Value, total: Value, now: Value, last: Value, scanned: Value
    ) -> Signal:
        """Describe whether a pixel spikes in a step."""
        cfg, spike = self.cfg, Signal()
        if cfg.coder == "accumulate":
            m.d.comb += spike.eq(total[-1])
        elif cfg.coder == "latency":
            most, levels = (1 << cfg.pixel_bits), coders.levels(cfg.steps, cfg.pixel_bits)
            with m.Switch(now):
                for t, (low, high) in enumerate(zip(levels, [most, *levels[:-1]], strict=True)):
                    with m.Case(t):
                        m.d.comb += spike.eq((pixel >= low) & (pixel < high))
        else:
            width = coders.LFSR_WIDTH
            state = Signal(width, init=coders.SEED)
            leap = lfsr.step_matrix(width, lfsr.TAPS[width]) ** cfg.pixel_bits
            m.d.comb += spike.eq(state[width - cfg.pixel_bits :] < pixel)
            # Every image starts from the seed, so that none depends on those before.
            with m.If(scanned & (1 if cfg.coder == "rate" else last)):
                m.d.sync += state.eq(transform(leap, state))
                with m.If(last & (now == cfg.steps - 1)):
                    m.d.sync += state.eq(coders.SEED)
        return spike
