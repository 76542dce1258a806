"""The controller over a dense array, which holds the epitome."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.epitome import FLAGS, Config
from nomul.golden.epitome.config import RULES
from nomul.golden.products import contract
from nomul.hw import dense
from nomul.hw.epitome.controller import Controller
from nomul.hw.epitome.table import table_layout
from nomul.hw.products.drain import y_layout
from nomul.hw.products.feed import x_layout
from nomul.hw.products.loader import weight_layout


class Top(wiring.Component):
    """Computes a layer whose weights are overlapping patches of a small matrix: y = W^T x.

    The :class:`Controller` over a dense array of as many products as columns; any array with
    streams of one activation per beat takes its place. A vector takes
    ``nomul.golden.epitome.cycles``, of which nothing overlaps, and the next one begins behind it.

    Weights and table may be loaded while no vector is under way; a vector must not be offered
    before the first words of both were taken.

    Parameters
    ----------
    cfg : :class:`nomul.golden.epitome.Config`
        Sizes and widths, already validated.

    Members
    -------
    weight : ``In(stream.Signature({w, last}))``
        The epitome, as the dense array takes it.
    table : ``In(stream.Signature({entry, last}))``
        Entries, in the order of their rounds; see ``nomul.golden.epitome.words``.
    x : ``In(stream.Signature({x: ArrayLayout(act_bits, 1), last}))``
        Activations in order.
    y : ``Out(stream.Signature({y: ArrayLayout(signed(y_bits), 1), last}))``
        Outputs in order.
    errors : ``Out(6)``
        Sticky flags, ``nomul.golden.epitome.FLAGS``.
    array_errors : ``Out(5)``
        Those of the array.
    loaded : ``Out(1)``
        Weights and a table are there.
    """

    notes = {"errors": RULES, "array_errors": contract.RULES}  # for register maps

    weight: stream.Interface
    table: stream.Interface
    x: stream.Interface
    y: stream.Interface

    def __init__(self, cfg: Config):
        self.cfg = cfg
        self.array = dense.Top(cfg.array)
        super().__init__(
            {
                "weight": In(stream.Signature(weight_layout(cfg.array.word_bits))),
                "table": In(stream.Signature(table_layout(cfg))),
                "x": In(stream.Signature(x_layout(1, cfg.act_bits))),
                "y": Out(stream.Signature(y_layout(1, cfg.y_bits))),
                "errors": Out(len(FLAGS)),
                "array_errors": Out(len(contract.FLAGS)),
                "loaded": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.array = array = self.array
        m.submodules.controller = control = Controller(cfg, cfg.array.y_lanes, cfg.array.y_bits)
        wiring.connect(m, wiring.flipped(self.table), control.table)
        wiring.connect(m, wiring.flipped(self.x), control.x)
        wiring.connect(m, control.drive, array.x)
        wiring.connect(m, array.y, control.sums)
        wiring.connect(m, control.y, wiring.flipped(self.y))
        begun = Signal()
        with m.If(self.weight.valid & self.weight.ready):
            m.d.sync += begun.eq(~self.weight.payload.last)
        m.d.comb += [
            # The array may be loaded between vectors, not between rounds.
            array.weight.payload.eq(self.weight.payload),
            array.weight.valid.eq(self.weight.valid & control.idle),
            self.weight.ready.eq(array.weight.ready & control.idle),
            control.ready.eq(array.loaded),
            control.hold.eq(begun | self.weight.valid),
            self.array_errors.eq(array.errors),
            self.loaded.eq(control.loaded & array.loaded),
        ]
        for flag, name in zip(self.errors, Controller.STROBES, strict=True):
            with m.If(getattr(control, name)):
                m.d.sync += flag.eq(1)
        return m
