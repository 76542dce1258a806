"""Addresses of a pass: windows over a value, element by element."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.hw.engine.word import Words


class Walk(wiring.Component):
    """Gives the address of one element per cycle, as :class:`nomul.golden.engine.Walk` says.

    ``start`` loads the pass; its first element is there in the next cycle, and each stays while
    ``go`` is low.

    Parameters
    ----------
    words : :class:`nomul.hw.engine.word.Words`
        The program's fields.
    lanes : int
        Sums of a word.

    Members
    -------
    step : ``In(words.layout)``
        The pass; holds until it is over.
    start, go : ``In(1)``
        Load the pass; go to the next element.
    running : ``Out(1)``
        There is an element.
    address, lane : ``Out``
        Where it is.
    real, outside : ``Out(1)``
        It is no zero behind a window; it is padding.
    first, last : ``Out(1)``
        It is its window's first, or last.
    channel_last, end : ``Out(1)``
        It is the last of its channel, or of all.
    """

    def __init__(self, words: Words, lanes: int):
        self.words, self.lanes = words, lanes
        strobes = ("running", "real", "outside", "first", "last", "channel_last", "end")
        super().__init__(
            {
                "step": In(words.layout),
                "start": In(1),
                "go": In(1),
                "address": Out(words.address_bits),
                "lane": Out(range(max(2, lanes))),
            }
            | {name: Out(1) for name in strobes}
        )

    def elaborate(self, platform: object) -> Module:
        m, step, place_bits = Module(), self.step, self.words.place_bits
        count = Signal.like(step.length)
        kx, ky = Signal.like(step.kx_end), Signal.like(step.ky_end)
        x, y = Signal(place_bits), Signal(place_bits)  # of the window's corner
        column, row = Signal.like(step.x_end), Signal.like(step.y_end)
        channel = Signal.like(step.channel_end)
        kx_last, ky_last, x_last, y_last = (
            Signal(name=n) for n in ("kx_last", "ky_last", "x_last", "y_last")
        )
        moves, word_end = Signal(), Signal()
        # Where this element is.
        m.d.comb += [
            kx_last.eq(kx == step.kx_end),
            ky_last.eq(ky == step.ky_end),
            x_last.eq(column == step.x_end),
            y_last.eq(row == step.y_end),
            self.first.eq(count == 0),
            self.last.eq(count == step.length),
            self.real.eq(count <= step.size),
            moves.eq(count < step.size),
            self.channel_last.eq(self.last & x_last & y_last),
            self.end.eq(self.channel_last & (channel == step.channel_end)),
            word_end.eq((self.lane == step.lane_end) & step.wide),
        ]
        if self.words.pads:
            at_x, at_y = Signal(place_bits), Signal(place_bits)
            m.d.comb += [
                at_x.eq(x + kx),
                at_y.eq(y + ky),
                self.outside.eq((at_x >= step.width) | (at_y >= step.height)),
            ]
        # How far it is to the next one.
        pace = Signal(self.words.address_bits)
        within = Mux(kx_last, Mux(ky_last, step.depth_step, step.ky_step), step.kx_step)
        across = Mux(x_last, Mux(y_last, step.channel_step + word_end, step.y_step), step.x_step)
        m.d.comb += pace.eq(Mux(self.last, across, Mux(moves, within, 0)))
        with m.If(self.go & self.running):
            m.d.sync += [
                self.address.eq(self.address + pace),
                count.eq(Mux(self.last, 0, count + 1)),
                self.running.eq(~self.end),
            ]
            with m.If(self.last):
                m.d.sync += [kx.eq(step.kx_start), ky.eq(step.ky_start)]
                self._window(m, (column, row, channel), (x, y), x_last, y_last)
            with m.Elif(moves):
                m.d.sync += kx.eq(Mux(kx_last, 0, kx + 1))
                with m.If(kx_last):
                    m.d.sync += ky.eq(Mux(ky_last, 0, ky + 1))
        with m.If(self.start):
            m.d.sync += [
                *(signal.eq(0) for signal in (count, column, row, channel, self.lane)),
                self.running.eq(1),
                self.address.eq(step.base),
                kx.eq(step.kx_start),
                ky.eq(step.ky_start),
                x.eq(step.x_origin),
                y.eq(step.y_origin),
            ]
        return m

    def _window(self, m: Module, numbers: Any, corner: Any, x_last: Signal, y_last: Signal) -> None:
        """Go to the next window: of the row, of the channel, or of the next channel."""
        (column, row, channel), (x, y), step = numbers, corner, self.step
        m.d.sync += [column.eq(column + 1), x.eq(x + step.x_stride)]
        with m.If(x_last):
            m.d.sync += [column.eq(0), x.eq(step.x_origin)]
            m.d.sync += [row.eq(row + 1), y.eq(y + step.y_stride)]
            with m.If(y_last):
                m.d.sync += [row.eq(0), y.eq(step.y_origin), channel.eq(channel + 1)]
                if self.lanes > 1:
                    end = self.lane == step.lane_end
                    m.d.sync += self.lane.eq(Mux(end, 0, self.lane + 1))
