"""Rows of a large outer-product array, stacked in halves so that its description stays short.

A module of M rows and N columns takes text and time of M times N, for the wires of all rows'
results; M rows in halves take N log M.
"""

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.essop import Config
from nomul.hw.essop.array import Row, column_shape, control_layout, result_shape
from nomul.hw.once import Once


class Stack(wiring.Component):
    """Rows on top of each other: the read-out chain goes from the last to the first.

    Two halves, each a stack of its own, down to single rows. Equal halves are one module. Latency
    and interval are those of the row.

    Parameters
    ----------
    cfg : :class:`nomul.golden.essop.Config`
        As for the row.
    count : int
        Rows, at least 2.

    Members
    -------
    control : ``In(control_layout(cfg))``, b : ``In(ArrayLayout(column_shape(cfg), N))``
        What all rows see.
    live : ``In(count)``, a : ``In(ArrayLayout(cfg.lane_bits, count))``
        One per row.
    i, o : ``In`` and ``Out(ArrayLayout(result, N))``
        The read-out chain.
    sx : ``In(count)``, sd : ``In(N)``, overflow : ``Out(1)``
        With accumulators: signs of the rows and of the columns, and whether any cell saturates.
    """

    def __init__(self, cfg: Config, count: int):
        self.cfg, self.count = cfg, count
        results = data.ArrayLayout(result_shape(cfg), cfg.cols)
        members = {
            "control": In(control_layout(cfg)),
            "live": In(count),
            "a": In(data.ArrayLayout(cfg.lane_bits, count)),
            "b": In(data.ArrayLayout(column_shape(cfg), cfg.cols)),
            "i": In(results),
            "o": Out(results),
        }
        if cfg.accumulate:
            members |= {"sx": In(count), "sd": In(cfg.cols), "overflow": Out(1)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # The larger half is a power of two, so that few sizes occur.
        half = 1 << (self.count - 1).bit_length() - 1
        first = self._part(m, "first", 0, half)
        second = self._part(m, "second", half, self.count)
        m.d.comb += [self.o.eq(first.o), first.i.eq(second.o), second.i.eq(self.i)]
        if self.cfg.accumulate:
            m.d.comb += self.overflow.eq(first.overflow | second.overflow)
        return m

    def _part(self, m: Module, name: str, start: int, stop: int) -> Once:
        """Describe some of the rows."""
        cfg, count = self.cfg, stop - start
        if count == 1:
            part = Once("row", Row, cfg)
            m.d.comb += [part.live.eq(self.live[start]), part.a.eq(self.a[start])]
            if cfg.accumulate:
                m.d.comb += part.negative.eq(self.sd ^ self.sx[start].replicate(cfg.cols))
        else:
            part = Once("rows", Stack, cfg, count)
            lanes = self.a.as_value()[start * cfg.lane_bits : stop * cfg.lane_bits]
            m.d.comb += [part.live.eq(self.live[start:stop]), part.a.eq(lanes)]
            if cfg.accumulate:
                m.d.comb += [part.sx.eq(self.sx[start:stop]), part.sd.eq(self.sd)]
        m.submodules[name] = part
        m.d.comb += [part.control.eq(self.control), part.b.eq(self.b)]
        return part
