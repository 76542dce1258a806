"""A spiking layer: adds the weights of each event to all neurons, then updates each neuron once.

One file, since it is one pipeline, whose stages are described beside each other.
"""

from functools import reduce
from operator import add

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.arrays import Ints
from nomul.golden.lif import Layer as Config
from nomul.hw.lif import neuron
from nomul.hw.lif.intake import Lists
from nomul.hw.lif.layouts import counters_layout, event_layout, group_layout
from nomul.hw.popcount import popcount


class Store(wiring.Component):
    """Keeps one word per group of neurons; what is read comes a cycle later.

    A group is never read in the cycle after it was read, so that a word may be written back a cycle
    after it was read. A single group is a register, which needs no such care.

    Parameters
    ----------
    width
        Bits of a word.
    groups
        Number of words.

    Members
    -------
    group : ``In``, word : ``Out``, advance : ``In(1)``
        What to read, what was read; without ``advance`` it stays.
    write, to, value : ``In``
        What to write, and where.
    """

    def __init__(self, width: int, groups: int):
        self.width, self.groups = width, groups
        place = unsigned(max(1, (groups - 1).bit_length()))
        super().__init__(
            {
                "group": In(place),
                "word": Out(width),
                "advance": In(1),
                "write": In(1),
                "to": In(place),
                "value": In(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        if self.groups == 1:
            register = Signal(self.width)
            m.d.comb += self.word.eq(register)
            with m.If(self.write):
                m.d.sync += register.eq(self.value)
            return m
        store: memory.Memory = memory.Memory(shape=unsigned(self.width), depth=self.groups, init=[])
        m.submodules.store = store
        read, write = store.read_port(), store.write_port()
        m.d.comb += [
            read.addr.eq(self.group),
            read.en.eq(self.advance),
            self.word.eq(read.data),
            write.addr.eq(self.to),
            write.data.eq(self.value),
            write.en.eq(self.write),
        ]
        return m


class Weights(wiring.Component):
    """Keeps the weights: one word per input and group of neurons.

    Reading takes a cycle. A word is written or read, never both, so that memories with one port do.

    Parameters
    ----------
    cfg : :class:`nomul.golden.lif.Layer`
        Geometry.
    values
        int64[inputs, neurons], or None where they are loaded.
    large
        Whether synthesis is told to take the device's large memories, which nothing fills before.

    Members
    -------
    word : ``In``, values : ``Out``, advance : ``In(1)``
        Number of the word to read, what was read; without ``advance`` it stays.
    write : ``In(1)``, data : ``In``
        To write ``data`` at ``word`` instead.
    """

    def __init__(self, cfg: Config, values: Ints | None, large: bool = False):
        self.cfg, self.init, self.large = cfg, values, large
        self.depth, width = cfg.inputs * cfg.groups, cfg.parallel * cfg.weight_bits
        super().__init__(
            {
                "word": In(unsigned(max(1, (self.depth - 1).bit_length()))),
                "values": Out(unsigned(width)),
                "advance": In(1),
                "write": In(1),
                "data": In(unsigned(width)),
            }
        )

    def words(self) -> list[int]:
        """Return the words of given weights, the first lane lowest."""
        cfg = self.cfg
        mask, words = (1 << cfg.weight_bits) - 1, []
        for row in [] if self.init is None else self.init.tolist():
            for group in range(cfg.groups):
                lanes = row[group * cfg.parallel : (group + 1) * cfg.parallel]
                words.append(sum((w & mask) << (k * cfg.weight_bits) for k, w in enumerate(lanes)))
        return words

    def elaborate(self, platform: object) -> Module:
        m = Module()
        store: memory.Memory = memory.Memory(
            shape=unsigned(len(self.values)),
            depth=max(2, self.depth),
            init=self.words(),
            attrs={"ram_style": "huge"} if self.large else {},
        )
        m.submodules.store = store
        read = store.read_port()
        m.d.comb += [
            read.addr.eq(self.word),
            read.en.eq(self.advance & ~self.write),
            self.values.eq(read.data),
        ]
        if self.init is None:
            write = store.write_port()
            m.d.comb += [
                write.addr.eq(self.word),
                write.data.eq(self.data),
                write.en.eq(self.write),
            ]
        return m


class Layer(wiring.Component):
    """Computes one layer: for each event a pass over the groups of neurons, then one that updates.

    A step of e events takes ``cfg.cycles(e)`` = e G + G + 2 cycles, G = ceil(N / P), in which the
    next one comes in. What is kept of a neuron between steps is what its next sum starts from, so
    that each group of neurons is read once per event and once more, and nothing is cleared.

    Parameters
    ----------
    cfg : :class:`nomul.golden.lif.Layer`
        Geometry and neuron.
    weights
        int64[inputs, neurons], or None where they are loaded.
    steps
        Steps after which all potentials start from rest; 0 for never.
    index_bits
        Bits of an event's number.
    counter_bits
        Bits of each counter; 0 for none.
    large
        As of :class:`Weights`.

    Members
    -------
    i : ``In(stream.Signature(event_layout(index_bits)))``
        Events of a step; another one comes in while this one is computed, a third waits.
    o : ``Out(stream.Signature(group_layout(cfg)))``
        Spikes and stored potentials, G beats per step. Lanes without a neuron do not spike.
    write : ``In(1)``, word, data : ``In``
        Write a word of weights, where they are loaded; the layer pauses for that cycle.
    outside, wrong : ``Out(1)``
        As of :class:`nomul.hw.lif.intake.Lists`.
    counters : ``Out(counters_layout(counter_bits))``
        Since reset, if there are any.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(
        self,
        cfg: Config,
        weights: Ints | None,
        steps: int,
        index_bits: int,
        counter_bits: int = 32,
        large: bool = False,
    ):
        self.cfg, self.steps, self.counter_bits = cfg, steps, counter_bits
        self.memory = Weights(cfg, weights, large)
        self.lists = Lists(cfg.inputs, index_bits)
        counters = {"counters": Out(counters_layout(counter_bits))} if counter_bits else {}
        super().__init__(
            {
                "i": In(stream.Signature(event_layout(index_bits))),
                "o": Out(stream.Signature(group_layout(cfg))),
                "write": In(1),
                "word": In(unsigned(len(self.memory.word))),
                "data": In(unsigned(len(self.memory.data))),
                "outside": Out(1),
                "wrong": Out(1),
                **counters,
            }
        )

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        layout = data.ArrayLayout(neuron.state_layout(cfg), cfg.parallel)
        m.submodules.lists = lists = self.lists
        m.submodules.weights = weights = self.memory
        m.submodules.states = states = Store(layout.size, cfg.groups)
        wiring.connect(m, wiring.flipped(self.i), lists.i)
        # The whole pipeline waits where nobody takes what it gives, and while a weight is written.
        advance = Signal()
        m.d.comb += [
            advance.eq(~(self.o.valid & ~self.o.ready) & ~self.write),
            states.advance.eq(advance),
            weights.advance.eq(advance),
            weights.write.eq(self.write),
            weights.data.eq(self.data),
            self.outside.eq(lists.outside),
            self.wrong.eq(lists.wrong),
        ]
        adding, updating, group, clearing = self._sequence(m, advance)
        m.d.comb += states.group.eq(group)
        read = _word(lists.index, cfg.groups) + group
        m.d.comb += weights.word.eq(Mux(self.write, self.word, read))

        # A cycle later the words are there.
        adds, updates, at = Signal(), Signal(), Signal.like(group)
        with m.If(advance):
            m.d.sync += [adds.eq(adding), updates.eq(updating), at.eq(group)]
        kept = data.View(layout, states.word)
        added = Signal(layout)
        for lane in range(cfg.parallel):
            w = weights.values.word_select(lane, cfg.weight_bits).as_signed()
            m.d.comb += added[lane].eq(kept[lane])
            m.d.comb += added[lane].sum.eq(kept[lane].sum + (w << cfg.fraction))
        written, to = self._update(m, advance, updates, kept, at)
        m.d.comb += [
            states.write.eq((advance & (adds | self.o.valid)) | clearing),
            states.to.eq(Mux(clearing, group, Mux(adds, at, to))),
            states.value.eq(Mux(clearing, 0, Mux(adds, added, written))),
        ]
        return m

    def _count(self, m: Module, **more: Value | int) -> None:
        """Describe how much is added to counters in this cycle."""
        for name, amount in more.items() if self.counter_bits else ():
            m.d.sync += self.counters[name].eq(self.counters[name] + amount)

    def _sequence(self, m: Module, advance: Value) -> tuple[Signal, Signal, Signal, Signal]:
        """Describe which group is read when, and why: to add an event, or to update."""
        cfg, lists = self.cfg, self.lists
        adding, updating, clearing = Signal(), Signal(), Signal()
        group, ends = Signal(range(max(2, cfg.groups))), Signal()
        event, final = Signal.like(lists.count), Signal()
        m.d.comb += [
            ends.eq(group == cfg.groups - 1),
            final.eq(event == lists.count - 1),
            lists.place.eq(Mux(adding, Mux(ends & advance, event + 1, event), 0)),
        ]
        with m.If(advance & (adding | updating | clearing)):
            m.d.sync += group.eq(Mux(ends, 0, group + 1))
        with m.If(advance & adding & ends):
            m.d.sync += event.eq(Mux(final, 0, event + 1))
            self._count(m, events=1, additions=cfg.neurons)

        def begin() -> None:
            """Describe the start of a step that waits; one without events is only updated."""
            with m.If(lists.full):
                m.next = "ADD"
                with m.If(lists.count == 0):
                    m.d.comb += lists.release.eq(1)
                    m.next = "UPDATE"

        with m.FSM(init="CLEAR"):
            with m.State("CLEAR"):
                m.d.comb += clearing.eq(1)
                with m.If(advance & ends):
                    m.next = "WAIT"
            with m.State("WAIT"), m.If(advance):
                begin()
            with m.State("ADD"):
                m.d.comb += adding.eq(1)
                with m.If(advance & ends & final):
                    m.d.comb += lists.release.eq(1)
                    m.next = "UPDATE"
            with m.State("UPDATE"):
                m.d.comb += updating.eq(1)
                with m.If(advance & ends):
                    m.next = "DRAIN"
            with m.State("DRAIN"), m.If(advance):
                m.next = "LAST"
            # The next step begins as the last group of the one before leaves the pipeline.
            with m.State("LAST"), m.If(advance):
                m.next = "WAIT"
                begin()
        return adding, updating, group, clearing

    def _update(
        self, m: Module, advance: Value, updates: Value, kept: data.View, at: Value
    ) -> tuple[Value, Value]:
        """Describe the pipeline of the update; return what is written back, and where."""
        cfg = self.cfg
        count, inhibition = Signal(range(max(2, self.steps))), Signal(signed(cfg.sum_bits))
        gathered = Signal.like(inhibition)
        final, last, lanes = Signal(), Signal(), Signal(cfg.parallel)
        m.d.comb += [
            last.eq(at == cfg.groups - 1),
            final.eq(count == self.steps - 1 if self.steps else 0),
            lanes.eq(neuron.used(cfg, at)),
        ]
        finished, thresholds = [], []
        for lane in range(cfg.parallel):
            threshold = neuron.threshold(cfg, m, lane, at)
            finished.append(neuron.finish(cfg, m, str(lane), kept[lane], threshold, inhibition))
            thresholds.append(threshold)
        out = Cat(*(one.out for one in finished)) & lanes
        limited = Cat(*(one.limited for one in finished)) & lanes

        # The register of the second stage is what leaves.
        theta: list[Signal]
        to, over, theta = Signal.like(at), Signal(cfg.parallel), []
        o = self.o.payload
        saturated = Signal(cfg.parallel)
        with m.If(advance):
            m.d.sync += [
                self.o.valid.eq(updates),
                to.eq(at),
                o.spikes.eq(out),
                o.last.eq(last),
                o.final.eq(final),
                over.eq(Cat(*(one.over for one in finished))),
                saturated.eq(limited),
                *(o.v[lane].eq(one.v) for lane, one in enumerate(finished)),
            ]
            with m.If(updates & last):
                m.d.sync += count.eq(Mux(final, 0, count + 1) if self.steps else 0)
        for lane, now in enumerate(thresholds):
            theta.append(Signal.like(now, name=f"theta_later{lane}"))
            with m.If(advance):
                m.d.sync += theta[lane].eq(now)

        leaves = Signal()
        m.d.comb += leaves.eq(advance & self.o.valid)
        with m.If(leaves):
            spikes, limits = popcount(m, list(o.spikes)), popcount(m, list(saturated))
            self._count(m, spikes=spikes, saturations=limits)
        if cfg.inhibit:
            each = cfg.inhibit << cfg.fraction
            more = reduce(add, (Mux(bit, each, 0) for bit in o.spikes))
            with m.If(leaves):
                m.d.sync += gathered.eq(Mux(o.last, 0, gathered + more))
                with m.If(o.last):
                    m.d.sync += inhibition.eq(Mux(o.final, 0, gathered + more))

        written = Signal(data.ArrayLayout(neuron.state_layout(cfg), cfg.parallel))
        for lane in range(cfg.parallel):
            value = neuron.restart(cfg, o.v[lane], over[lane], theta[lane])
            with m.If(~o.final):
                m.d.comb += written[lane].sum.eq(value)
                if cfg.reset in neuron.REMEMBER:
                    m.d.comb += written[lane].over.eq(over[lane])
                if cfg.inhibit:
                    m.d.comb += written[lane].spiked.eq(o.spikes[lane])
        return written, to


def _word(index: Value, groups: int) -> Value:
    """Return ``index * groups`` as a sum of shifts."""
    terms = [index << k for k in range(groups.bit_length()) if groups >> k & 1]
    return reduce(add, terms)
