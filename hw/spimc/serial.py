"""The SP-IMC column for block RAM: one slot per cycle, one comparator, no adder tree."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from nomul.golden.spimc import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.spimc.column import accumulate, column_members, reference, selected


class SerialColumn(Configured[Config]):
    """Computes one sum, reading its slots one after the other.

    A step takes R cycles. Latency is one cycle from ``row`` to the entry, none from there to
    ``acc``; ``select`` and ``bundle`` come with the entry, ``row`` one cycle before.

    Members
    -------
    row : ``In(R)``
        The slot to read for the next cycle.
    chosen, write, select, add, bundle, acc, total
        As those of :class:`nomul.hw.spimc.column.Column`, with a single bundle.
    """

    def ports(self, cfg: Config) -> Ports:
        members = column_members(cfg)
        return {"row": wiring.In(range(max(2, cfg.slots))), **members}

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        select, write = self.select, self.write
        width = cfg.weight_bits + cfg.ib
        store: Memory = Memory(shape=unsigned(width), depth=cfg.slots, init=[])
        m.submodules.store = store
        port, read = store.write_port(), store.read_port()
        m.d.comb += [
            port.en.eq(self.chosen & write.enable),
            port.addr.eq(write.slot),
            port.data.eq(Cat(write.value, write.index)),
            read.addr.eq(self.row),
            read.en.eq(1),
        ]
        # A slot is read in the cycle before it is compared.
        value, index = Signal(signed(cfg.weight_bits)), Signal(cfg.ib)
        m.d.comb += Cat(value, index).eq(read.data)

        # What is compared: as many rows as the column holds, in run lengths one after the other.
        count, zeros = Signal(range(cfg.slots + 1)), Signal(cfg.ib)
        turn, fired = Signal(range(cfg.slots + 1)), Signal()
        with m.If(self.chosen & write.commit):
            m.d.sync += count.eq(write.count)
        live, hit, match = Signal(), Signal(), Signal(2)
        ref = reference(m, cfg, select, zeros)
        own = (turn == select.row) & ~fired
        psum = Signal(signed(cfg.weight_bits))
        m.d.comb += [
            match.eq(selected(m, cfg, index, ref, self.bundle[0], select.rl)),
            live.eq(select.valid & (count > select.row) & (own | ~select.rl)),
            hit.eq(live & (match[0] | select.dense)),
            psum.eq(Mux(hit & match[1], value, 0)),
        ]
        # Run lengths: zeros since the last hit, and whose turn it is.
        with m.If(select.valid & select.rl):
            with m.If(hit):
                m.d.sync += [turn.eq(turn + 1), zeros.eq(0), fired.eq(1)]
            with m.If(select.row_last):
                m.d.sync += fired.eq(0)
                with m.If(~(hit | fired)):
                    m.d.sync += zeros.eq(zeros + 1)
                with m.If(select.last):
                    m.d.sync += [turn.eq(0), zeros.eq(0)]
        accumulate(m, cfg, self.add, psum, self.acc, self.total)
        return m
