"""Takes a layer program from outside: passes, then entries of the requantisers' table."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.engine.rows import KINDS
from nomul.hw.engine.word import Words, program_layout

ANSWER = KINDS.index("answer")


class Loading(wiring.Component):
    """Writes the rows of a program, one per cycle, and says whether there is a whole one.

    One with more rows than there is room for, or whose last pass is no answer, is not there.

    Parameters
    ----------
    words : :class:`nomul.hw.engine.word.Words`
        Shapes of rows.
    bits : int
        Of a row as it comes.
    passes, entries : int
        Room for rows of either kind.

    Members
    -------
    program : ``In(stream.Signature(program_layout(bits)))``
        Rows; ``last`` ends a program.
    free : ``In(1)``
        No input is under way.
    write, write_entry : ``Out(1)``
        For the memory of passes, and for the table: ``program``'s row is one of theirs.
    number, entry : ``Out``
        Its place.
    closed : ``Out(1)``
        No input may begin: there is no program, or one comes.
    wrong : ``Out(1)``
        Strobe: a program ended that is not there.
    """

    program: stream.Interface

    def __init__(self, words: Words, bits: int, passes: int, entries: int):
        self.words, self.passes, self.entries = words, passes, entries
        super().__init__(
            {
                "program": In(stream.Signature(program_layout(bits))),
                "free": In(1),
                "write": Out(1),
                "write_entry": Out(1),
                "number": Out(range(2 * passes)),
                "entry": Out(range(2 * entries)),
                "closed": Out(1),
                "wrong": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        given, there = self.program.payload, Signal()
        taken, full, bad, answered = (Signal(name=n) for n in ("taken", "full", "bad", "answered"))
        row = self.words.layout(given.row[: self.words.layout.size])
        answers = Mux(given.entry, answered, row.kind == ANSWER)
        m.d.comb += [
            self.program.ready.eq(self.free),
            taken.eq(self.program.valid & self.free),
            full.eq(Mux(given.entry, self.entry == self.entries, self.number == self.passes)),
            self.write.eq(taken & ~given.entry & ~full),
            self.write_entry.eq(taken & given.entry & ~full),
            self.closed.eq(~there | (self.program.valid & self.free)),
            self.wrong.eq(taken & given.last & (bad | full | ~answers)),
        ]
        with m.If(taken):
            m.d.sync += [there.eq(0), bad.eq(bad | full), answered.eq(answers)]
            with m.If(self.write):
                m.d.sync += self.number.eq(self.number + 1)
            with m.If(self.write_entry):
                m.d.sync += self.entry.eq(self.entry + 1)
            with m.If(given.last):
                m.d.sync += [there.eq(~self.wrong), self.number.eq(0), self.entry.eq(0)]
                m.d.sync += [bad.eq(0), answered.eq(0)]
        return m
