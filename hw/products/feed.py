"""Takes a vector's activations, and offers them again as often as a member passes over them."""

from amaranth.hdl import Array, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out


def x_layout(lanes: int, bits: int) -> data.StructLayout:
    """Return the payload of ``x``: activations of a beat, and whether it is the vector's last."""
    return data.StructLayout({"x": data.ArrayLayout(unsigned(bits), lanes), "last": unsigned(1)})


class Feed(wiring.Component):
    """Issues the steps of a vector: one pass after the other over its chunks of activations.

    The first pass takes the activations, a chunk per step, so computing starts with the first of
    them. One step per cycle; a step's activations are there in the cycle after it was issued, and
    stay while ``go`` is low. A vector that is too short or too long, or refused, is taken up to its
    last activation and has no end.

    Parameters
    ----------
    lanes, bits, chunks : int
        Activations of a beat, their bits, and beats of a vector.
    again : bool
        Whether there may be more than one pass, so that activations must be kept.

    Members
    -------
    x : ``In(stream.Signature(x_layout(lanes, bits)))``
        Activations.
    go : ``In(1)``
        The pipeline moves; no step is issued without.
    hold : ``In(1)``
        No vector may begin.
    refuse : ``In(1)``
        A vector that begins is dropped.
    final : ``In(1)``
        The pass under way is the vector's last.
    idle : ``Out(1)``
        No vector is under way.
    step, begin, fresh, end, pass_end : ``Out(1)``
        A step is issued; it is its vector's first; it is the first of a pass; it is the last of a
        good vector; it is the last of a pass that another one follows.
    chunk : ``Out``
        Its chunk.
    taken : ``Out(1)``
        A beat of a vector that is not refused is taken.
    drop, refused, short, long : ``Out(1)``
        Strobes: a vector ends early, is refused, was too short, is too long.
    now : ``Out(ArrayLayout(bits, lanes))``
        Activations of the step before.
    """

    x: stream.Interface

    def __init__(self, lanes: int, bits: int, chunks: int, again: bool):
        self.lanes, self.bits, self.chunks, self.again = lanes, bits, chunks, again
        strobes = ("step", "begin", "fresh", "end", "pass_end", "taken", "idle")
        faults = ("drop", "refused", "short", "long")
        super().__init__(
            {
                "x": In(stream.Signature(x_layout(lanes, bits))),
                "go": In(1),
                "hold": In(1),
                "refuse": In(1),
                "final": In(1),
                "chunk": Out(range(max(2, chunks))),
                "now": Out(data.ArrayLayout(unsigned(bits), lanes)),
            }
            | {name: Out(1) for name in (*strobes, *faults)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        taking, skip = Signal(init=1), Signal()
        last, chunk_last = self.x.payload.last, Signal()
        # What may happen in this cycle.
        m.d.comb += [
            self.fresh.eq(self.chunk == 0),
            self.idle.eq(taking & self.fresh & ~skip),
            self.x.ready.eq(skip | taking & self.go & ~(self.idle & self.hold)),
            self.refused.eq(self.x.valid & self.x.ready & self.idle & self.refuse),
            self.taken.eq(self.x.valid & self.x.ready & ~skip & ~self.refused),
            self.step.eq(self.taken | ~taking & self.go),
            self.begin.eq(self.step & taking & self.fresh),
            chunk_last.eq(self.chunk == self.chunks - 1),
            self.short.eq(self.taken & last & ~chunk_last),
            self.long.eq(self.taken & ~last & chunk_last),
            self.drop.eq(self.short | self.long),
            self.end.eq(self.step & chunk_last & self.final & ~self.drop),
            self.pass_end.eq(self.step & chunk_last & ~self.final & ~self.drop),
        ]
        # Where the next step is.
        with m.If(skip):
            with m.If(self.x.valid & last):
                m.d.sync += skip.eq(0)
        with m.Elif(self.refused | self.long):
            m.d.sync += skip.eq(~last)
        with m.If(self.step):
            m.d.sync += self.chunk.eq(self.chunk + 1)
            with m.If(chunk_last | self.drop):
                m.d.sync += [self.chunk.eq(0), taking.eq(self.final | self.drop)]
        self._activations(m)
        return m

    def beat(
        self, m: Module, there: Value, tail: Value, began: Value, ends: Value, whole: Value
    ) -> None:
        """Describe what is known of the beat that a member works on, until it is done (``whole``).

        Parameters
        ----------
        there
            Whether there is one.
        tail, began, ends
            It is its vector's last by number; the first; the last of a good one.
        """
        with m.If(self.step):
            m.d.sync += [there.eq(1), began.eq(self.begin), ends.eq(self.end)]
            m.d.sync += tail.eq(self.chunk == self.chunks - 1)
        with m.Elif(whole):
            m.d.sync += there.eq(0)

    def acts(self, inputs: int, tail: Value) -> list[Value]:
        """Return the activations of the step before; in the last beat, zero beyond ``inputs``."""
        filled = (inputs - 1) % self.lanes + 1
        return [
            Mux(tail, 0, self.now[i]) if i >= filled else self.now[i] for i in range(self.lanes)
        ]

    def _activations(self, m: Module) -> None:
        """Keep the beats that are needed again, and select the one of the step before."""
        depth = self.chunks if self.again else 1
        kept = Array(
            Signal(self.lanes * self.bits, name=f"chunk{i}", reset_less=True) for i in range(depth)
        )
        for number, word in enumerate(kept):
            here = self.taken & (self.chunk == number if depth > 1 else 1)
            with m.If(here):
                m.d.sync += word.eq(self.x.payload.x)
        before = Signal(range(max(2, depth)), reset_less=True)
        with m.If(self.step):
            m.d.sync += before.eq(self.chunk if depth > 1 else 0)
        m.d.comb += self.now.eq(kept[before] if depth > 1 else kept[0])
