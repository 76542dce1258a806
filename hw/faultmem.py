"""A memory in which a bit that is to change may keep its old value."""

from functools import reduce
from operator import or_

from amaranth.hdl import Array, C, Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.faultmem import Bank as Model
from nomul.golden.faultmem import Config
from nomul.golden.faultmem.config import GAP_DRAW, WIDTH
from nomul.hw.configured import Configured, Ports
from nomul.hw.lfsr import transform
from nomul.hw.popcount import popcount
from nomul.hw.skid import Stage

COUNTER_BITS = 32


def request_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``i``: a word to write, or with ``read`` only an address."""
    return data.StructLayout(
        {
            "address": unsigned(cfg.address_bits),
            "value": unsigned(cfg.bits),
            "read": unsigned(1),
        }
    )


def answer_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``o``: the word afterwards, and the bits that failed."""
    return data.StructLayout(
        {
            "word": unsigned(cfg.bits),
            "failed": unsigned(cfg.bits),
            "dropped": unsigned(1),
        }
    )


class Bank(wiring.Component):
    """Draws for the bits of a word that share a register, the lowest changing one first.

    Combinational from ``pending`` to ``fails``; the register moves where ``go`` and a bit changed,
    or with gaps while one is drawn, a bit of it per cycle.

    Parameters
    ----------
    cfg : :class:`nomul.golden.faultmem.Config`
        Widths and chances.
    number : int
        Which bank.

    Members
    -------
    go : ``In(1)``
        What is drawn in this cycle counts.
    pending, value : ``In(bits of the bank)``
        Bits that have to change and did not draw yet, and what is to be written.
    one : ``Out(bits of the bank)``
        The bit that draws.
    fails : ``Out(bits of the bank)``
        That bit, if it keeps its old value.
    done : ``Out(1)``
        After this cycle nothing is left to draw.
    """

    go: Signal
    pending: Signal
    value: Signal
    one: Signal
    fails: Signal
    done: Signal

    def __init__(self, cfg: Config, number: int):
        self.cfg, self.number = cfg, number
        low, end = cfg.banks[number]
        size = end - low
        super().__init__(
            {
                "go": In(1),
                "pending": In(size),
                "value": In(size),
                "one": Out(size),
                "fails": Out(size),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        lowest, fails, last = Signal.like(self.pending), Signal(), Signal()
        m.d.comb += [
            lowest.eq(self.pending & -self.pending),
            last.eq(~(self.pending & ~lowest).any()),
            self.fails.eq(Mux(fails, self.one, 0)),
        ]
        if cfg.gaps[self.number]:
            self._count(m, lowest, fails, last)
            return m
        m.d.comb += [self.one.eq(lowest), self.done.eq(last)]
        low, end = cfg.banks[self.number]
        # Where no bit of the bank can fail, nothing is drawn and compared.
        if any(cfg.chances(name)[low:end].any() for name in ("p01", "p10")):
            self._compare(m, fails)
        return m

    def _compare(self, m: Module, fails: Signal) -> None:
        """Describe one comparison: the drawn number, and the chance of the bit and direction."""
        cfg = self.cfg
        low, end = cfg.banks[self.number]
        state = Signal(WIDTH, init=cfg.seeds[self.number])
        with m.If(self.go & self.pending.any()):
            m.d.sync += state.eq(transform(cfg.step, state))
        threshold = Signal(cfg.resolution)
        limits = [
            Mux(self.value[k], int(cfg.chances("p01")[low + k]), int(cfg.chances("p10")[low + k]))
            for k in range(end - low)
        ]
        m.d.comb += [
            threshold.eq(
                reduce(or_, (Mux(self.one[k], limit, 0) for k, limit in enumerate(limits)))
            ),
            fails.eq(state[: cfg.resolution] < threshold),
        ]

    def _count(self, m: Module, lowest: Signal, fails: Signal, last: Signal) -> None:
        """Describe the counter to the next failure, and how it is drawn after one, bit by bit."""
        cfg, thresholds = self.cfg, self.cfg.gaps[self.number]
        size, first = len(thresholds), Model(cfg, self.number)
        # Reset leaves what the first gap's drawing would.
        state = Signal(WIDTH, init=int(first.register.state[0]))
        gap, left = Signal(size, init=first.gap), Signal(range(size + 1))
        draws = self.pending.any() & ~left.any()
        limit = Array(C(t, GAP_DRAW) for t in (0, *reversed(thresholds)))[left]
        m.d.comb += [
            self.one.eq(Mux(left.any(), 0, lowest)),
            fails.eq(draws & ~gap.any()),
            self.done.eq(Mux(left.any(), (left == 1) & ~self.pending.any(), last & ~fails)),
        ]
        with m.If(self.go & left.any()):
            m.d.sync += [
                state.eq(transform(cfg.step, state)),
                gap.eq(Cat(gap, state[:GAP_DRAW] < limit)[1:]),
                left.eq(left - 1),
            ]
        with m.Elif(self.go & draws):
            m.d.sync += [gap.eq(gap - 1), left.eq(Mux(fails, size, 0))]


class Top(Configured[Config]):
    """Writes words of which each changing bit fails by chance; with chances of 0, a bare memory.

    Latency is two cycles; one request per cycle where no bank has more than one bit to change,
    and one cycle more for each further bit of the bank that has most. With gaps a bank takes as
    many cycles more as a gap has bits, for each bit that fails.

    Members
    -------
    i : ``In(stream.Signature(request_layout(cfg)))``
        Writes and reads.
    o : ``Out(stream.Signature(answer_layout(cfg)))``
        The word afterwards and the bits that failed, as ``nomul.golden.faultmem.history`` has them;
        one answer per request. That to an address behind the memory is 0 and ``dropped``.
    misaddressed : ``Out(1)``
        Sticky: an address behind the memory, whose request drew no number.
    failures0, failures1, ... : ``Out(32)``
        Failures of each bit, modulo 2^32.
    bank_failures0, bank_failures1, ... : ``Out(32)``
        Failures of each bank, modulo 2^32.

    Limits
    ------
    Reset clears flag and counters and lets the random numbers begin anew; the words, which are 0
    when the device is configured, stay.
    """

    i: stream.Interface
    o: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        counters = [f"failures{bit}" for bit in range(cfg.bits)]
        counters += [f"bank_failures{number}" for number in range(len(cfg.banks))]
        return {
            "i": In(stream.Signature(request_layout(cfg))),
            "o": Out(stream.Signature(answer_layout(cfg))),
            "misaddressed": Out(1),
            **dict.fromkeys(counters, Out(COUNTER_BITS)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        store: memory.Memory = memory.Memory(
            shape=unsigned(cfg.bits), depth=cfg.words, init=[0] * cfg.words
        )
        m.submodules.store = store
        write, read = store.write_port(), store.read_port()
        m.submodules.stage = stage = Stage(answer_layout(cfg))
        # A request waits in a register while its word is read.
        request, busy, taken = Signal(request_layout(cfg)), Signal(), Signal()
        done, moves = Signal(), Signal()
        m.d.comb += [
            moves.eq(busy & done & stage.i.ready),
            self.i.ready.eq(~busy | moves),
            taken.eq(self.i.valid & self.i.ready),
            read.addr.eq(self.i.payload.address),
            read.en.eq(taken),
        ]
        with m.If(self.i.ready):
            m.d.sync += busy.eq(self.i.valid)
        # A word that is being written is read as it was: the next cycle takes it from here.
        forwarded, written, old = Signal(), Signal(cfg.bits), Signal(cfg.bits)
        with m.If(taken):
            m.d.sync += [request.eq(self.i.payload), forwarded.eq(self._forwards(write))]
        with m.If(write.en):
            m.d.sync += written.eq(write.data)
        m.d.comb += old.eq(Mux(forwarded, written, read.data))
        # Bits draw, one of each bank per cycle; what failed before is kept in ``failed``.
        missing, begun = Signal(), Signal()
        left, failed, pending = Signal(cfg.bits), Signal(cfg.bits), Signal(cfg.bits)
        changing = Mux(missing | request.read, 0, old ^ request.value)
        m.d.comb += [
            missing.eq(request.address >= cfg.words),
            pending.eq(Mux(begun, left, changing)),
        ]
        banks = [Bank(cfg, number) for number in range(len(cfg.banks))]
        going = Signal()
        for number, (bank, (low, end)) in enumerate(zip(banks, cfg.banks, strict=True)):
            m.submodules[f"bank{number}"] = bank
            m.d.comb += [
                bank.go.eq(going),
                bank.pending.eq(pending[low:end]),
                bank.value.eq(request.value[low:end]),
            ]
        drawn, fails, rest, every = (
            Signal(cfg.bits, name=name) for name in ("drawn", "fails", "rest", "every")
        )
        m.d.comb += [
            drawn.eq(Cat(bank.one for bank in banks)),
            fails.eq(Cat(bank.fails for bank in banks)),
            rest.eq(pending & ~drawn),
            every.eq(fails | Mux(begun, failed, 0)),
            done.eq(Cat(bank.done for bank in banks).all()),
            going.eq(busy & (~done | stage.i.ready)),
        ]
        with m.If(going):
            m.d.sync += [begun.eq(~done), left.eq(rest), failed.eq(every)]
        # The last cycle of a request: what did not fail is written.
        after = Signal(cfg.bits)
        m.d.comb += [
            after.eq(Mux(request.read, old, request.value ^ every)),
            write.addr.eq(request.address),
            write.data.eq(after),
            write.en.eq(moves & ~missing & ~request.read),
            stage.i.valid.eq(busy & done),
            stage.i.payload.word.eq(Mux(missing, 0, after)),
            stage.i.payload.failed.eq(every),
            stage.i.payload.dropped.eq(missing),
        ]
        with m.If(moves):
            m.d.sync += self.misaddressed.eq(self.misaddressed | missing)
        self._count(m, Mux(moves, every, 0))
        wiring.connect(m, stage.o, wiring.flipped(self.o))
        return m

    def _forwards(self, write: memory.WritePort) -> Value:
        """Return whether the word that is read is the one being written."""
        return write.en & (Value.cast(write.addr) == self.i.payload.address)

    def _count(self, m: Module, failed: Value) -> None:
        """Describe the counters of each bit and of each bank."""
        cfg = self.cfg
        counted = Signal(cfg.bits)
        m.d.comb += counted.eq(failed)
        for bit in range(cfg.bits):
            counter = getattr(self, f"failures{bit}")
            m.d.sync += counter.eq(counter + counted[bit])
        for number, (low, end) in enumerate(cfg.banks):
            total = getattr(self, f"bank_failures{number}")
            m.d.sync += total.eq(total + popcount(m, list(counted[low:end])))
