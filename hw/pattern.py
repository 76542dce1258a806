"""Row patterns: period and offset from a shift register, and the rows that stay."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import Out

from nomul.golden import lfsr
from nomul.golden.pattern import WORD_BITS, Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.lfsr import transform
from nomul.hw.popcount import popcount


def row_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``o``: a row that stays, and whether it is the last of its frame.

    Of a frame in which no row stays one word comes, with ``empty``.
    """
    return data.StructLayout({"row": unsigned(cfg.row_bits), "empty": 1, "last": 1})


class Top(Configured[Config]):
    """Sends the rows that stay, frame after frame: b, b + dp, b + 2 dp, ... of one draw each.

    A frame takes one cycle for the word that gives its period, one for every word that is tried for
    its offset, none where the period is 1, and one per row; :meth:`Config.cycles` counts them.

    Members
    -------
    o : ``Out(stream.Signature(row_layout(cfg)))``
        Rows, as ``nomul.golden.pattern.keep`` has them for each draw of
        ``nomul.golden.pattern.model``.

    Limits
    ------
    The rate is fixed: the table of periods is made of constants. Tiles are numbered as rows are.
    """

    o: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        return {"o": Out(stream.Signature(row_layout(cfg)))}

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        state = Signal(32, init=cfg.seed)
        step, word = lfsr.leap_matrix(32, lfsr.TAPS[32], WORD_BITS), Signal(WORD_BITS)
        m.d.comb += word.eq(state[:WORD_BITS])
        period, mask = Signal(cfg.period_bits), Signal(cfg.period_bits)
        row = Signal(range(max(cfg.rows, cfg.most) + cfg.most), reset_less=True)
        found, found_mask = Signal.like(period), Signal.like(mask)
        m.d.comb += [found.eq(self._period(m, word)), found_mask.eq(self._mask(found))]
        tried, following = Signal(cfg.period_bits), Signal.like(row)
        m.d.comb += [
            tried.eq(word & mask),
            following.eq(row + period),
            self.o.payload.row.eq(row),
            self.o.payload.empty.eq(row >= cfg.rows),
            self.o.payload.last.eq(following >= cfg.rows),
        ]
        with m.FSM():
            with m.State("PERIOD"):
                m.d.sync += [period.eq(found), mask.eq(found_mask), row.eq(0)]
                m.d.sync += state.eq(transform(step, state))
                m.next = "OFFSET"
                with m.If(found == 1):
                    m.next = "ROWS"
            with m.State("OFFSET"):
                m.d.sync += state.eq(transform(step, state))
                with m.If(tried < period):
                    m.d.sync += row.eq(tried)
                    m.next = "ROWS"
            with m.State("ROWS"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += row.eq(following)
                    with m.If(self.o.payload.last):
                        m.next = "PERIOD"
        return m

    def _period(self, m: Module, word: Signal) -> Signal:
        """Return the period of a word: one more than the thresholds that are not above it."""
        reached = [word >= int(end) for end in self.cfg.thresholds[:-1] if end < 1 << WORD_BITS]
        period = Signal(self.cfg.period_bits)
        m.d.comb += period.eq(popcount(m, [Cat(bit) for bit in reached]) + 1 if reached else 1)
        return period

    def _mask(self, period: Signal) -> object:
        """Return the ones that hold period - 1."""
        mask: Value = Const(0, self.cfg.period_bits)
        for bits in range(self.cfg.period_bits):
            mask = Mux(period > 1 << bits, (2 << bits) - 1, mask)
        return mask
