"""SOT-MRAM PIM emulator: a memory array that adds and multiplies floating-point words in place.

One file, since it is one pipeline of load, run and store, whose banks go round.
"""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from nomul.golden import lfsr, sotfp
from nomul.golden.sotfp import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.lfsr import transform
from nomul.hw.sotfp.array import PORTS, RowsIn, RowsOut, lookup, word_layout


def first_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``a``: a word, the program's number, and the end of the batch.

    With ``cfg.mac`` also ``keep``: the sums stay in the array, and no words are sent.
    """
    return data.StructLayout({"word": unsigned(cfg.width), **_choice(cfg), "last": 1})


def _choice(cfg: Config) -> dict[str, int]:
    return {"program": 2, "keep": 1} if cfg.mac else {"program": 1}


def plain_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``b`` and of ``y``: a word, the end of the batch."""
    return data.StructLayout({"word": unsigned(cfg.width), "last": 1})


def batch_layout(cfg: Config) -> data.StructLayout:
    """Return what goes with a batch: its number of words, its program, and whether it is last."""
    count = unsigned(cfg.lanes.bit_length())
    return data.StructLayout({"count": count, **_choice(cfg), "last": 1})


class Loader(Configured[Config]):
    """Collects pairs of operands, and writes them as columns beside the running program.

    A word per cycle while collecting; then one column per slot of the memory.

    Members
    -------
    a, b : ``In(stream.Signature(...))``
        Operands, taken together.
    free : ``In(1)``
        The bank to load is empty.
    slot : ``In(1)``, column : ``Out(lanes)``, index, write : ``Out(1)``
        Column ``index`` of the bank is written where both write and slot are one.
    batch : ``Out(batch_layout(cfg))``, done : ``Out(1)``
        The batch's particulars, and its last column's write.
    unpaired : ``Out(1)``
        Sticky: ``last`` of a and b differed; either ends the batch.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "a": In(stream.Signature(first_layout(cfg))),
            "b": In(stream.Signature(plain_layout(cfg))),
            "free": In(1),
            "slot": In(1),
            "column": Out(cfg.lanes),
            "index": Out(range(2 * cfg.width)),
            "write": Out(1),
            "batch": Out(batch_layout(cfg)),
            "done": Out(1),
            "unpaired": Out(1),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.rows = rows = RowsIn(cfg.lanes, 2 * cfg.width)
        closed, taken, last = Signal(), Signal(), Signal()
        m.d.comb += [
            taken.eq(self.a.valid & self.b.valid & ~closed),
            self.a.ready.eq(self.b.valid & ~closed),
            self.b.ready.eq(self.a.valid & ~closed),
            last.eq(self.a.payload.last | self.b.payload.last),
            rows.word.eq(Cat(self.a.payload.word, self.b.payload.word)),
            rows.write.eq(taken),
            self.column.eq(rows.column),
            self.write.eq(closed & self.free),
            rows.shift.eq(self.write & self.slot),
            self.done.eq(rows.shift & (self.index == 2 * cfg.width - 1)),
            rows.clear.eq(self.done),
            self.batch.count.eq(rows.count),
        ]
        with m.If(taken):
            m.d.sync += [
                *(self.batch[name].eq(self.a.payload[name]) for name in _choice(cfg)),
                self.batch.last.eq(last),
                closed.eq(last | (rows.count == cfg.lanes - 1)),
            ]
            with m.If(self.a.payload.last != self.b.payload.last):
                m.d.sync += self.unpaired.eq(1)
        with m.If(rows.shift):
            m.d.sync += self.index.eq(self.index + 1)
        with m.If(self.done):
            m.d.sync += [self.index.eq(0), closed.eq(0)]
        return m


class Storer(Configured[Config]):
    """Reads the columns of a finished batch beside the running program, and sends out its words.

    One column per slot of the memory, then a word per cycle.

    Members
    -------
    batch : ``In(batch_layout(cfg))``, ready : ``In(1)``
        A finished batch waits in the bank.
    slot : ``In(1)``, read : ``Out(1)``, column, value : ``In(lanes)``
        Asks for ``column`` of the bank; its value comes in the cycle after a slot.
    done : ``Out(1)``
        The bank's last column has come; it is free.
    y : ``Out(stream.Signature(plain_layout(cfg)))``
        Results; as many as there were operands.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "batch": In(batch_layout(cfg)),
            "ready": In(1),
            "slot": In(1),
            "read": Out(1),
            "column": Out(range(cfg.depth)),
            "value": In(cfg.lanes),
            "done": Out(1),
            "y": Out(stream.Signature(plain_layout(cfg))),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.rows = rows = RowsOut(cfg.lanes, cfg.width)
        index, left = Signal(range(cfg.width + 1)), Signal(range(cfg.lanes + 1))
        coming, last, final = Signal(), Signal(), Signal()
        places = [
            Array(Const(column, len(self.column)) for column in sotfp.program(cfg, op).output)
            for op in cfg.programs
        ]
        m.d.comb += [
            self.read.eq(self.ready & (left == 0) & (index != cfg.width)),
            self.column.eq(Array(table[index] for table in places)[self.batch.program]),
            rows.column.eq(self.value),
            rows.shift.eq(coming),
            final.eq(coming & (index == cfg.width)),
            self.done.eq(final),
            self.y.valid.eq(left != 0),
            self.y.payload.word.eq(rows.word),
            self.y.payload.last.eq(last & (left == 1)),
            rows.take.eq(self.y.valid & self.y.ready),
        ]
        m.d.sync += coming.eq(self.read & self.slot)
        with m.If(self.read & self.slot):
            m.d.sync += index.eq(index + 1)
        with m.If(final):
            m.d.sync += [index.eq(0), left.eq(self.batch.count), last.eq(self.batch.last)]
        with m.Elif(rows.take):
            m.d.sync += left.eq(left - 1)
        return m


class Top(Configured[Config]):
    """Executes :func:`nomul.golden.sotfp.program` step by step on all lanes of a memory.

    A program keeps the array busy for c S + 3 cycles: S steps of c cycles (``cfg.ports``), one to
    start, one for the first microcode word, one to hand the bank over. The next batch is loaded
    into, and the previous one read from, the other of two banks meanwhile. ``begin`` and ``mac``
    leave their sums in the bank of the next batch too, so they start when it is read out. The array
    emulates a device: it has its functions and its steps, not its electrical behaviour.

    Members
    -------
    a : ``In(stream.Signature(first_layout(cfg)))``
        First operands, the program of their batch by its place in ``cfg.programs`` (that of the
        last word counts), ``keep`` if there is ``cfg.mac``, and ``last``. A batch also ends after
        ``cfg.lanes`` words.
    b : ``In(stream.Signature(plain_layout(cfg)))``
        Second operands; ``last`` must be that of ``a``.
    y : ``Out(stream.Signature(plain_layout(cfg)))``
        Results in the order of the operands, ``last`` with the last one of a batch that had it.
    busy : ``Out(1)``
        A program is at work.
    reads, writes, searches : ``Out(32)``
        Phases executed since reset, modulo 2**32.
    unpaired : ``Out(1)``
        Sticky: ``last`` of a and b differed; either ends the batch.

    Limits
    ------
    A search answers for exponents as they were loaded: it is decided while their columns pass.
    Write errors and stuck lanes are injected by a register and a mask, not by physics.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "a": In(stream.Signature(first_layout(cfg))),
            "b": In(stream.Signature(plain_layout(cfg))),
            "y": Out(stream.Signature(plain_layout(cfg))),
            "busy": Out(1),
            "reads": Out(32),
            "writes": Out(32),
            "searches": Out(32),
            "unpaired": Out(1),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        column_bits = (cfg.depth - 1).bit_length()
        kind = PORTS[cfg.ports]
        m.submodules.memory = memory = kind(cfg.lanes, column_bits + 1)
        m.submodules.loader = loader = Loader(cfg)
        m.submodules.storer = storer = Storer(cfg)
        cells = memory.cells
        wiring.connect(m, wiring.flipped(self.a), loader.a)
        wiring.connect(m, wiring.flipped(self.b), loader.b)
        wiring.connect(m, storer.y, wiring.flipped(self.y))

        # Two banks go round: loading, running, storing.
        full, done = Signal(2), Signal(2)
        batches = [Signal(batch_layout(cfg), name=f"batch_{bank}") for bank in range(2)]
        loading, running, storing = Signal(), Signal(), Signal()
        kept = Signal()  # the finished batch sends nothing
        if cfg.mac:
            m.d.comb += kept.eq(Mux(running, batches[1].keep, batches[0].keep))
        stuck = Const(sum(1 << lane for lane in cfg.stuck_lanes), cfg.lanes)
        finished = Signal()
        m.d.comb += [
            loader.free.eq(~(full | done).bit_select(loading, 1)),
            loader.slot.eq(cells.load_slot),
            cells.load.eq(loader.write),
            cells.load_column.eq(Cat(_fit(loader.index, column_bits), loading)),
            cells.load_value.eq(loader.column & ~stuck),
            storer.ready.eq(done.bit_select(storing, 1)),
            storer.batch.eq(Mux(storing, batches[1].as_value(), batches[0].as_value())),
            storer.slot.eq(cells.store_slot),
            cells.store.eq(storer.read),
            cells.store_column.eq(Cat(_fit(storer.column, column_bits), storing)),
            storer.value.eq(cells.store_value),
            self.unpaired.eq(loader.unpaired),
        ]
        # A bank is full from its load to its run, and done from its run to its store.
        for bank in range(2):
            with m.If(loader.done & (loading == bank)):
                m.d.sync += [full[bank].eq(1), batches[bank].eq(loader.batch)]
            with m.If(finished & (running == bank)):
                m.d.sync += [full[bank].eq(0), done[bank].eq(~kept)]
            with m.If(storer.done & (storing == bank)):
                m.d.sync += done[bank].eq(0)
        m.d.sync += [
            loading.eq(loading ^ loader.done),
            running.eq(running ^ finished),
            storing.eq(storing ^ storer.done ^ (finished & kept)),
        ]
        program = Mux(running, batches[1].program, batches[0].program)
        # A chain writes into the other bank, so nothing may wait there.
        ready = [Signal(name=f"ready_{bank}") for bank in range(2)]
        for bank in range(2):
            alone = ~done[1 - bank] & ~(finished & ~kept) if cfg.mac else Const(1)
            chained = batches[bank].program[-1] if cfg.mac else Const(0)
            m.d.comb += ready[bank].eq(full[bank] & (~chained | alone))
        # The microcode addresses columns of the bank that runs; a chain writes into the other.
        step, phase = self._sequence(m, ready, running, program, finished, kind.phases)
        m.d.comb += cells.phase.eq(phase)
        for name in ("a", "b", "p"):
            m.d.comb += getattr(cells, name).eq(Cat(step[name], running))
        m.d.comb += cells.dst.eq(Cat(step.dst, running ^ step.other if cfg.mac else running))
        executing = Signal()
        m.d.comb += executing.eq(phase == kind.phases - 1)
        value = self._search(m, loader, loading, running, step, cells)
        # Lanes whose predicate does not hold, or whose write fails, keep what they had.
        chosen = Signal(cfg.lanes)
        accepts = (cells.read_p ^ (~step.pol).replicate(cfg.lanes)) | (~step.sets).replicate(
            cfg.lanes
        )
        m.d.comb += [
            chosen.eq(accepts & ~self._failing(m, executing)),
            cells.value.eq(((chosen & value) | (~chosen & cells.read_dst)) & ~stuck),
        ]
        self._count(m, executing, step)
        return m

    def _sequence(
        self,
        m: Module,
        ready: Any,
        running: Signal,
        program: Any,
        finished: Signal,
        phases: int,
    ) -> tuple[Any, Signal]:
        """Describe the program counter; return the microcode word and the phase of its step."""
        words = sotfp.rom(self.cfg)
        layout = word_layout(sotfp.rom_fields(self.cfg))
        rom: Memory = Memory(shape=unsigned(layout.size), depth=len(words), init=words)
        m.submodules.rom = rom
        read = rom.read_port()
        step, counter = data.View(layout, read.data), Signal(range(len(words) + 1))
        phase, entries = Signal(2, init=3), Array(sotfp.rom_entries(self.cfg))
        this, following = Mux(running, ready[1], ready[0]), Mux(running, ready[0], ready[1])
        m.d.comb += [read.addr.eq(counter), read.en.eq(0)]
        with m.FSM(name="sequencer"):
            with m.State("IDLE"):
                with m.If(this):
                    m.next = "START"
            with m.State("START"):
                m.d.sync += counter.eq(entries[program])
                m.d.comb += self.busy.eq(1)
                m.next = "FETCH"
            with m.State("FETCH"):
                m.d.comb += [self.busy.eq(1), read.en.eq(1)]
                m.d.sync += [counter.eq(counter + 1), phase.eq(0)]
                m.next = "STEP"
            with m.State("STEP"):
                m.d.comb += self.busy.eq(1)
                with m.If(phase != phases - 1):
                    m.d.sync += phase.eq(phase + 1)
                with m.Elif(step.end):
                    m.d.sync += phase.eq(3)
                    m.next = "DONE"
                with m.Else():
                    m.d.comb += read.en.eq(1)
                    m.d.sync += [counter.eq(counter + 1), phase.eq(0)]
            with m.State("DONE"):
                m.d.comb += [self.busy.eq(1), finished.eq(1)]
                m.next = "IDLE"
                with m.If(following):
                    m.next = "START"
        return step, phase

    def _search(
        self, m: Module, loader: Any, loading: Value, running: Value, step: Any, cells: Any
    ) -> Value:
        """Return the value of every lane: the look-up, or an answer found while loading."""
        cfg = self.cfg
        value = Signal(cfg.lanes)
        m.d.comb += value.eq(lookup(step.f, cells.read_a, cells.read_b))
        if not cfg.opset.endswith("search"):
            return value
        answers = []
        for bank in range(2):
            for operand in range(2):
                first = operand * cfg.width + cfg.mantissa_bits
                for key in range(2):
                    name = f"match_{bank}_{operand}_{key}"
                    match = Signal(cfg.lanes, name=name)
                    equal = cells.load_value if key else ~cells.load_value
                    within = (loader.index >= first) & (loader.index < first + cfg.exponent_bits)
                    with m.If(loader.write & loader.slot & (loading == bank) & within):
                        m.d.sync += match.eq(Mux(loader.index == first, equal, match & equal))
                    answers.append(match)
        answer = Array(answers)[Cat(step.key, step.operand, running)]
        found = Signal(cfg.lanes)
        m.d.comb += found.eq(Mux(step.search, answer ^ step.invert.replicate(cfg.lanes), value))
        return found

    def _failing(self, m: Module, executing: Signal) -> Signal:
        """Return the lanes whose write fails in this step, and move the register on."""
        cfg = self.cfg
        failing = Signal(cfg.lanes)
        if not cfg.write_errors:
            return failing
        width = sotfp.FAULT_WIDTH
        state = Signal(width, init=cfg.fault_seed)
        leap = lfsr.step_matrix(width, lfsr.TAPS[width]) ** width
        with m.If(executing):
            m.d.sync += state.eq(transform(leap, state))
        lane = state[sotfp.FAULT_BITS :][: (cfg.lanes - 1).bit_length()]
        hit = state[: sotfp.FAULT_BITS] < cfg.write_errors
        m.d.comb += failing.eq(Cat(hit & (lane == number) for number in range(cfg.lanes)))
        return failing

    def _count(self, m: Module, executing: Signal, step: Any) -> None:
        """Describe the counters of phases."""
        searching = step.search if self.cfg.opset.endswith("search") else Const(0)
        constant = (step.f == 0) | (step.f == 15)
        with m.If(executing):
            m.d.sync += [
                self.writes.eq(self.writes + 1),
                self.searches.eq(self.searches + searching),
                self.reads.eq(self.reads + (~searching & (step.sets | ~constant))),
            ]


def _fit(value: Value, width: int) -> Value:
    """Return a value in exactly ``width`` bits."""
    return Cat(value, Const(0, width))[:width]
