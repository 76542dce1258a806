"""The array of bit planes: precision, weights, activations, columns, and what ends a sum."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.bitplanes import FLAGS, Config
from nomul.golden.bitplanes.config import RULES
from nomul.hw.bitplanes.column import Column, adjust_bits, adjustment, places, x_shape
from nomul.hw.bitplanes.reads import Modes, Reads, mode_layout
from nomul.hw.bitplanes.step import Step
from nomul.hw.configured import Configured, Ports
from nomul.hw.once import Once
from nomul.hw.popcount import popcount
from nomul.hw.products.drain import Drain
from nomul.hw.products.feed import Feed
from nomul.hw.products.loader import Loader
from nomul.hw.products.ports import filling, ports, raise_flags
from nomul.hw.products.store import Store

COUNTER_BITS = 16


class Top(Configured[Config]):
    """Multiplies vectors by a matrix that stays, plane by plane: y = W^T x at a chosen precision.

    A reconstruction of the arithmetic of arXiv 1905.13389, 2003.00822 and 2012.13113, whose
    hardware was never published. Weight planes are the outer loop, the most significant first, with
    Horner's rule; a step reads one slice of weight planes and ``pairs`` activation planes of all
    columns. A vector takes ``cfg.steps`` cycles, its first sums leave ``cfg.latency`` later. What
    ``xnor`` and ``round`` add is a column of its own, whose weights are all one.

    A tile is loaded slice by slice, the lowest planes first, and may end behind any slice. A vector
    must not be offered before its tile's first word and its command were taken, nor a tile's first
    word before the last activation meant for the tile before it was.

    Members
    -------
    command : ``In(stream.Signature(mode_layout()))``
        Precision of all vectors that begin later.
    weight : ``In(stream.Signature({w, last}))``
        Words of a tile: bits, lane by lane within planes within columns.
    x : ``In(stream.Signature({x: ArrayLayout(act_planes, width), last}))``
        Codes of activations in order; lanes beyond the vector's end are ignored.
    y : ``Out(stream.Signature({y: ArrayLayout(signed(y_bits), y_lanes), last}))``
        Sums in order, in units of full precision.
    errors : ``Out(8)``
        Sticky flags, ``nomul.golden.bitplanes.FLAGS``.
    loaded : ``Out(1)``
        A tile is there.
    masked : ``Out(16)``
        Activations with bits above the precision, saturating; stays zero without ``checks``.
    clips : ``Out(32)``
        Reads that the converter clipped, modulo 2^32.

    Limits
    ------
    Digital all through: an analog array's noise and its converter's own errors are not modelled.
    """

    notes = {"errors": RULES}  # for register maps

    command: stream.Interface
    weight: stream.Interface
    x: stream.Interface
    y: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        return {
            "command": In(stream.Signature(mode_layout())),
            **ports(cfg, len(FLAGS)),
            "masked": Out(COUNTER_BITS),
            "clips": Out(32),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.modes = modes = Modes(cfg)
        m.submodules.reads = reads = Reads(cfg)
        m.submodules.loader = loader = Loader(cfg.word_bits, cfg.depth, cfg.chunks)
        m.submodules.store = store = Once("store", Store, cfg.word_bits, cfg.depth)
        m.submodules.feed = feed = Feed(cfg.width, cfg.act_planes, cfg.chunks, True)
        m.submodules.drain = drain = Drain(cfg.outputs, cfg.y_lanes, cfg.y_bits, cfg.y_beats)
        wiring.connect(m, wiring.flipped(self.command), modes.command)
        wiring.connect(m, wiring.flipped(self.weight), loader.weight)
        wiring.connect(m, wiring.flipped(self.x), feed.x)
        m.d.comb += [
            modes.idle.eq(feed.idle),
            modes.parts.eq(loader.parts),
            reads.mode.eq(modes.mode),
            reads.restart.eq(feed.end | feed.drop),
            reads.advance.eq(feed.pass_end),
            feed.final.eq(reads.final),
            feed.hold.eq(loader.busy | modes.busy),
            feed.refuse.eq(~loader.loaded | modes.bad),
            loader.idle.eq(feed.idle),
            self.loaded.eq(loader.loaded),
            *filling(loader, store),
            store.read.eq(feed.step),
            store.address.eq(reads.slice * cfg.chunks + feed.chunk),
        ]
        self._flags(m, loader, feed, modes)

        # One cycle later operands are there, and after the trees' registers their counts.
        step = Step(m, cfg, feed, reads, modes)
        stuck = step.whole & ~drain.room
        m.d.comb += feed.go.eq(~stuck)
        x, unlike = self._lanes(m, feed, step)
        self._columns(m, store, drain, feed, step, x, unlike)
        m.d.comb += [drain.load.eq(step.whole & drain.room), drain.final.eq(1)]
        self._finish(m, drain, step)
        return m

    def _lanes(self, m: Module, feed: Feed, step: Step) -> tuple[Signal, Signal]:
        """Return what all columns share: bits of the step's activation planes, and their opposites.

        Planes above the precision and lanes beyond the last row give neither.
        """
        cfg = self.cfg
        x, unlike = Signal(x_shape(cfg)), Signal(x_shape(cfg))
        short = cfg.inputs - (cfg.chunks - 1) * cfg.width
        for i in range(cfg.at_once):
            plane = Signal(6, name=f"plane{i}")
            m.d.comb += plane.eq(step.place * cfg.at_once + i)
            there = Signal(name=f"there{i}")
            m.d.comb += there.eq(plane < step.act_planes)
            for k in range(cfg.width):
                seen = there if k < short else there & ~step.chunk_last
                choices = list(feed.now[k])[i :: cfg.at_once]
                bit = Cat(choices).bit_select(step.place, 1) if len(choices) > 1 else choices[0]
                if places(cfg) > 1 and len(choices) < places(cfg):
                    bit = Cat(*choices, Const(0, 1)).bit_select(step.place, 1)
                m.d.comb += x[i][k].eq(bit & seen)
                if "xnor" in cfg.encodings:
                    m.d.comb += unlike[i][k].eq(~bit & seen & step.xnor)
        return x, unlike

    def _columns(
        self,
        m: Module,
        store: Once,
        drain: Drain,
        feed: Feed,
        step: Step,
        x: Signal,
        unlike: Signal,
    ) -> None:
        """Describe the columns, and count what their converters clip."""
        cfg, size = self.cfg, self.cfg.slice_planes * self.cfg.width
        clips: Value = Const(0, 1)
        adjust = Signal(signed(adjust_bits(cfg)))
        m.d.comb += adjust.eq(adjustment(cfg, step.add.negate))
        for number in range(cfg.outputs):
            m.submodules[f"column{number}"] = column = Once("column", Column, cfg)
            m.d.comb += [
                column.x.eq(x),
                column.unlike.eq(unlike),
                column.w.eq(store.found[number * size :][:size]),
                column.planes.eq(step.planes),
                column.go.eq(feed.go),
                column.enable.eq(step.counted & feed.go),
                column.add.eq(step.add),
                column.adjust.eq(adjust),
                drain.sums[number].eq(column.total),
            ]
            clips = clips + column.clips
        if cfg.adc_bits is not None:
            with m.If(step.counted & feed.go):
                m.d.sync += self.clips.eq(self.clips + clips)
        self.beside = Signal(signed(cfg.y_bits))
        if not (cfg.rounding or "xnor" in cfg.encodings):
            return
        # The column beside the others: all weights one. Of binary codes it takes the first read
        # only, which makes it the sum of the activations.
        free = cfg.replace(adc_bits=None)
        m.submodules.ones = ones = Once("ones", Column, free)
        m.d.comb += [
            ones.x.eq(x.as_value() | unlike.as_value()),
            ones.w.eq(-1),
            ones.planes.eq(Mux(step.xnor, step.planes, 1)),
            ones.go.eq(feed.go),
            ones.enable.eq(step.counted & feed.go & (step.add_xnor | step.add_first_read)),
            ones.add.eq(step.add),
            ones.add.negate.eq(step.act_negate),
            ones.adjust.eq(adjustment(free, step.act_negate)),
            self.beside.eq(Mux(step.add_xnor | step.add_first_read, ones.total, step.kept)),
        ]
        with m.If(ones.enable):
            m.d.sync += step.kept.eq(ones.total)

    def _finish(self, m: Module, drain: Drain, step: Step) -> None:
        """Bring sums to the unit of full precision, and add what their encoding or rounding does.

        ``xnor``: twice the count of agreeing lanes less the lanes. ``round``: half a unit of the
        lowest plane used, times the sum of the activations.
        """
        cfg, width = self.cfg, self.cfg.y_bits
        rest, xnor = Signal.like(step.rest), Signal()
        unit, bias = Signal.like(step.unit), Signal(signed(width))
        with m.If(drain.load):
            m.d.sync += [rest.eq(step.rest), xnor.eq(step.xnor_end), unit.eq(step.unit)]
            m.d.sync += bias.eq(
                Mux(step.xnor_end, -self.beside, Mux(step.round_end, self.beside, 0))
            )
        shifted, ready = Signal(signed(width)), Signal(signed(width))
        # Half of 2^rest, where there is a rest at all.
        half = Signal(signed(width))
        m.d.comb += [
            half.eq(Mux(rest == 0, 0, (bias << rest)[1 : width + 1])),
            shifted.eq((bias << unit)[:width]),
            ready.eq(Mux(xnor, shifted, half)),
            self.y.valid.eq(drain.o.valid),
            self.y.payload.last.eq(drain.o.payload.last),
            drain.o.ready.eq(self.y.ready),
        ]
        for lane in range(cfg.y_lanes):
            placed = Signal(signed(width), name=f"placed{lane}")
            raised = (drain.o.payload.y[lane] << unit)[:width].as_signed()
            m.d.comb += [
                placed.eq(Mux(xnor, raised << 1, raised)),
                self.y.payload.y[lane].eq(placed + ready),
            ]

    def _flags(self, m: Module, loader: Loader, feed: Feed, modes: Modes) -> None:
        """Describe the sticky flags, in the order of ``FLAGS``, and the count of masked codes."""
        cfg, mode = self.cfg, modes.mode
        outside = Signal()
        strobes = (
            loader.short,
            loader.long,
            feed.refused & ~loader.loaded,
            feed.short,
            feed.long,
            feed.refused & loader.loaded,
            modes.inside,
            outside,
        )
        raise_flags(m, self.errors, strobes)
        if not cfg.checks or cfg.act_planes == 1:
            return
        # A code ends where all bits above its precision are its sign, or zero.
        signs = Const(int(cfg.act_signed), 1) & (mode.encoding == 0)
        upper = Signal(cfg.act_planes)
        m.d.comb += upper.eq(
            Cat(Const(k, 6) >= mode.act_planes - signs for k in range(cfg.act_planes))
        )
        short = cfg.inputs - (cfg.chunks - 1) * cfg.width
        wrong = []
        for k in range(cfg.width):
            code = self.x.payload.x[k]
            above = Cat(code[1:], code[-1] & signs)
            differ = Mux(signs, code ^ above, code) & upper
            here = Const(1, 1) if k < short else feed.chunk != cfg.chunks - 1
            wrong.append(differ.any() & here)
        count = Signal(range(cfg.width + 1))
        total = Signal(COUNTER_BITS + 1)
        m.d.comb += [
            count.eq(popcount(m, wrong)),
            outside.eq(feed.taken & (count != 0)),
            total.eq(self.masked + count),
        ]
        with m.If(outside):
            m.d.sync += self.masked.eq(Mux(total[-1], (1 << COUNTER_BITS) - 1, total))
