"""The weights one after the other, as frames carry them: layer by layer, row by row."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib.wiring import In, Out

from nomul.golden.sgd import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.sgd.ring import index_bits


class Walk(Configured[Config]):
    """Says where each weight is: its tile, the line there, and the bank.

    Members
    -------
    reset, advance : ``In(1)``
        Begin anew; go on to the next weight.
    tile, line, bank : ``Out``
        Where it is.
    final : ``Out(1)``
        It is the last one.
    """

    def ports(self, cfg: Config) -> Ports:
        place = unsigned(index_bits(cfg.pes))
        return {
            "reset": In(1),
            "advance": In(1),
            "tile": Out(unsigned(index_bits(cfg.tiles))),
            "line": Out(place),
            "bank": Out(place),
            "final": Out(1),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        layers, pes = range(1, cfg.layers + 1), cfg.pes
        layer = Signal(index_bits(cfg.layers))
        row, column = (Signal(range(max(max(cfg.sizes), 2))) for _ in range(2))
        # The row's tile among the first outputs, and the place of the column within its tile.
        origin, place = Signal.like(self.tile), Signal.like(self.line)

        def constant(name: str, values: Sequence[int]) -> Signal:
            signal = Signal(range(max(2, max(values) + 1)), name=name)
            with m.Switch(layer):
                for number, value in enumerate(values):
                    with m.Case(number):
                        m.d.comb += signal.eq(value)
            return signal

        rows = constant("rows_less_1", [cfg.sizes[k - 1] - 1 for k in layers])
        columns = constant("columns_less_1", [cfg.sizes[k] - 1 for k in layers])
        across = constant("across", [cfg.groups(k - 1) for k in layers])
        following = constant("next_tile", [cfg.tile(k + 1) % cfg.tiles for k in layers])
        row_end, column_end = Signal(), Signal()
        m.d.comb += [
            row_end.eq(row == rows),
            column_end.eq(column == columns),
            self.final.eq(row_end & column_end & (layer == cfg.layers - 1)),
        ]
        with m.If(self.reset):
            everything = (layer, row, column, origin, place, self.tile, self.line, self.bank)
            m.d.sync += [register.eq(0) for register in everything]
        with m.Elif(self.advance & ~column_end):
            m.d.sync += [column.eq(column + 1), place.eq(place + 1)]
            m.d.sync += self.bank.eq(Mux(self.bank == pes - 1, 0, self.bank + 1))
            with m.If(place == pes - 1):
                m.d.sync += [place.eq(0), self.tile.eq(self.tile + across)]
        with m.Elif(self.advance & ~row_end):
            below, tile = Signal.like(self.line), Signal.like(self.tile)
            wraps = self.line == pes - 1
            m.d.comb += [below.eq(Mux(wraps, 0, self.line + 1)), tile.eq(origin + wraps)]
            m.d.sync += [column.eq(0), place.eq(0), row.eq(row + 1)]
            m.d.sync += [self.line.eq(below), self.bank.eq(below)]
            m.d.sync += [origin.eq(tile), self.tile.eq(tile)]
        with m.Elif(self.advance):
            m.d.sync += [register.eq(0) for register in (row, column, place, self.line, self.bank)]
            m.d.sync += [layer.eq(layer + 1), origin.eq(following), self.tile.eq(following)]
        return m
