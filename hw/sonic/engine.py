"""Engine: compaction of one side, storage of its chunks, and rounds through an array of units.

One file, since it is one engine, whose walks, memories and units keep step with each other.
"""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import compactor
from nomul.golden.sonic import Config
from nomul.hw.codebook import table_layout
from nomul.hw.compactor import Top as ZeroCompactor
from nomul.hw.once import Once
from nomul.hw.popcount import popcount
from nomul.hw.skid import Stage
from nomul.hw.sonic.chunks import Chunks, port_signature
from nomul.hw.sonic.unit import Unit, codebook_config, norm_layout, post_layout
from nomul.hw.sonic.vdu import operand_bits, total_of
from nomul.hw.sonic.walk import Walk, chunk_depth, geometry_layout

COUNTERS = ("passes", "rounds", "active", "gated", "pad", "saturations")
COUNTER_BITS = 32


def task_layout(cfg: Config) -> data.StructLayout:
    """Return what an engine has to do.

    ``count``: rows, or windows; ``kernels``: vectors to come, 1 for a fully connected layer;
    ``pool``: windows have four positions; ``geometry`` of a convolution; ``post``: what
    follows the sums.
    """
    return data.StructLayout(
        {
            "count": unsigned(cfg.address_bits),
            "kernels": unsigned(cfg.address_bits),
            "pool": unsigned(1),
            "geometry": geometry_layout(cfg),
            "post": post_layout(),
        }
    )


def result_layout(cfg: Config, kind: str) -> data.StructLayout:
    """Return one group of results: those of units that are ``on``, from row or window ``base``."""
    units = cfg.units(kind)
    return data.StructLayout(
        {
            "z": data.ArrayLayout(signed(cfg.sum_bits), units),
            "on": unsigned(units),
            "base": unsigned(cfg.address_bits),
            "last": unsigned(1),
        }
    )


class Engine(wiring.Component):
    """Takes vectors, drops their zeros, and works through all rows or windows chunk by chunk.

    A vector is compacted into chunks of L and stored; then, for every group of units and every
    position of a window, each chunk is fetched against, multiplied and added. One round per cycle;
    ``cfg.cycles`` counts from a vector's first beat to its last result.

    Parameters
    ----------
    cfg : :class:`nomul.golden.sonic.Config`
        Sizes, already validated.
    outside : bool
        Bring the ports of the chunk memories out, for memory macros.

    Members
    -------
    task : ``In(stream.Signature(task_layout(cfg)))``
        What to do; taken when everything before has left.
    table : ``In(table_layout)``
        The codebook.
    vector : ``In(stream.Signature(self.vector_layout()))``
        P elements of the side that is compacted, ``mask``: which of them there are, ``last``. A
        vector that ends early is as if the rest were zeros.
    fetch : ``Out(stream.Signature(self.fetch_layout()))``
        What the units need next on their other side, round by round.
    operands : ``In(stream.Signature(self.operand_layout()))``
        That, in the same order, after any delay. Where not kept or not on: anything.
    norm : ``In(stream.Signature(ArrayLayout(norm_layout(cfg), self.norms)))``
        Scales and biases; taken only by tasks that normalise.
    y : ``Out(stream.Signature(result_layout(cfg, kind)))``
        Results of a group of units.
    tags, values : ``Out(port_signature(...))``
        Ports of the memories, see :class:`nomul.hw.sonic.chunks.Chunks`; only ``outside``.
    idle : ``Out(1)``
        No task is at work.
    passes, rounds, active, gated, pad, saturations : ``Out(32)``
        Counts since reset, modulo 2**32, as those of ``nomul.golden.sonic.Result``.
    unloaded, overlong : ``Out(1)``
        Sticky: a code was not loaded and counted as 0; a vector had elements beyond
        ``max_length``, which were dropped.
    """

    kind = ""
    norms = 1

    def __init__(self, cfg: Config, *, outside: bool = False):
        self.cfg, self.outside = cfg, outside
        members = {
            "task": In(stream.Signature(task_layout(cfg))),
            "table": In(table_layout(codebook_config(cfg))),
            "vector": In(stream.Signature(self.vector_layout())),
            "fetch": Out(stream.Signature(self.fetch_layout())),
            "operands": In(stream.Signature(self.operand_layout())),
            "norm": In(stream.Signature(data.ArrayLayout(norm_layout(cfg), self.norms))),
            "y": Out(stream.Signature(result_layout(cfg, self.kind))),
            "idle": Out(1),
            "unloaded": Out(1),
            "overlong": Out(1),
        }
        if outside:
            members |= {name: Out(port_signature(*size)) for name, size in self.memories.items()}
        super().__init__(members | dict.fromkeys(COUNTERS, Out(COUNTER_BITS)))

    @property
    def lanes(self) -> int:
        """L, elements of a chunk."""
        return self.cfg.lanes(self.kind)

    @property
    def compaction(self) -> compactor.Config:
        """The configuration of the compactor."""
        return compactor.Config(
            width=self.cfg.compactor_width,
            lanes=self.lanes,
            value_bits=self.value_bits,
            max_length=self.cfg.max_length,
        )

    @property
    def tag(self) -> object:
        """Shape of what tells an element's place."""
        return unsigned(self.compaction.index_bits)

    @property
    def _stored(self) -> dict[str, data.StructLayout]:
        """Words of the chunk memories: for who asks, and for the units."""
        dense, _ = operand_bits(self.cfg, self.kind)
        tag = data.ArrayLayout(self.tag, self.lanes)
        value = data.ArrayLayout(signed(dense), self.lanes)
        return {
            "tags": data.StructLayout({"tag": tag, "keep": unsigned(self.lanes)}),
            "values": data.StructLayout({"dense": value, "keep": unsigned(self.lanes)}),
        }

    @property
    def memories(self) -> dict[str, tuple[int, int]]:
        """Bits of a word, and words, of the chunk memories."""
        depth = chunk_depth(self.cfg, self.kind)
        return {name: (word.size, depth) for name, word in self._stored.items()}

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        task: Any = Signal(task_layout(cfg))
        kernels = Signal(cfg.address_bits)
        fetching, working = Walk(cfg, self.kind), Walk(cfg, self.kind)
        m.submodules.fetching, m.submodules.working = fetching, working
        # One walk fetches operands ahead of the units, the other one follows what they work on.
        empty, taking, start = Signal(), Signal(), Signal()
        last_chunk = Signal.like(fetching.last_chunk)
        for walk in (fetching, working):
            m.d.comb += [
                walk.start.eq(start),
                walk.count.eq(task.count),
                walk.pool.eq(task.pool),
                walk.last_chunk.eq(last_chunk),
            ]
        tags, values, stored = self._store(m, fetching, working, taking, last_chunk)
        final = Signal()
        # A task: set up, then take a vector and run the units on it, once for each kernel.
        with m.FSM(name="state"):
            with m.State("IDLE"):
                m.d.comb += self.task.ready.eq(empty)
                with m.If(self.task.valid & empty):
                    m.d.sync += [task.eq(self.task.payload), kernels.eq(self.task.payload.kernels)]
                    m.next = "SETUP"
                m.d.comb += self.idle.eq(empty)
            with m.State("SETUP"):
                with m.If(self._set_up(m, task, fetching)):
                    m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += taking.eq(1)
                with m.If(stored):
                    m.next = "START"
            with m.State("START"):
                m.d.comb += start.eq(1)
                m.d.sync += kernels.eq(kernels - 1)
                m.next = "RUN"
            with m.State("RUN"):
                m.d.comb += final.eq(kernels == 0)
                with m.If(working.done & working.advance):
                    m.next = "TAKE"
                    with m.If(final):
                        m.next = "IDLE"
        # Requests for operands leave through a register.
        m.submodules.ask = ask = Stage(self.fetch_layout())
        m.d.comb += [
            ask.i.valid.eq(fetching.busy),
            fetching.advance.eq(fetching.busy & ask.i.ready),
        ]
        self._ask(m, ask.i.payload, fetching, tags)
        wiring.connect(m, ask.o, wiring.flipped(self.fetch))
        self._work(m, task, working, values, final, empty)
        return m

    def _store(
        self, m: Module, fetching: Walk, working: Walk, taking: Signal, last_chunk: Signal
    ) -> tuple[data.View, data.View, Signal]:
        """Describe intake, compaction and the memories of chunks; return their read data."""
        cfg = self.cfg
        m.submodules.compactor = packer = ZeroCompactor(self.compaction)
        complete, position = Signal(), Signal(range(cfg.max_length + cfg.compactor_width + 1))
        accepted = Signal()
        # Intake, until the vector is complete; elements beyond the longest vector are flagged.
        vector, packed = self.vector, packer.i
        within = Signal(cfg.compactor_width)
        m.d.comb += [
            packed.valid.eq(vector.valid & taking & ~complete),
            vector.ready.eq(packed.ready & taking & ~complete),
            accepted.eq(vector.valid & vector.ready),
            packed.payload.last.eq(vector.payload.last),
        ]
        for k in range(cfg.compactor_width):
            m.d.comb += within[k].eq(position + k < cfg.max_length)
        self._front(m, packed.payload, accepted, within)
        with m.If(accepted):
            m.d.sync += complete.eq(vector.payload.last)
            with m.If(vector.payload.last):
                m.d.sync += position.eq(0)
            with m.Elif(position < cfg.max_length):
                m.d.sync += position.eq(position + cfg.compactor_width)
            with m.If((vector.payload.mask & ~within).any()):
                m.d.sync += self.overlong.eq(1)
        # The memories of chunks, inside or behind ports; their read data have the words' shapes.
        ports, words, found = {}, {}, {}
        for name, shape in self._stored.items():
            if self.outside:
                ports[name] = port = getattr(self, name)
            else:
                memory = Once(f"{self.kind}_chunks", Chunks, *self.memories[name])
                m.submodules[name] = memory
                ports[name] = port = memory.port
            words[name], found[name] = Signal(shape, name=f"new_{name}"), shape(port.found)
            m.d.comb += port.word.eq(words[name])
        # Each packed chunk is written to the next address, values and tags side by side.
        pointer, stored = Signal.like(last_chunk), Signal()
        chunk, arrives = packer.o.payload, Signal()
        m.d.comb += [
            packer.o.ready.eq(taking),
            arrives.eq(packer.o.valid & taking),
            stored.eq(arrives & chunk.last),
            ports["tags"].read.eq(fetching.read),
            ports["values"].read.eq(working.read),
        ]
        for name, port in ports.items():
            m.d.comb += [
                port.into.eq(pointer),
                port.write.eq(arrives),
                words[name].keep.eq(chunk.keep),
            ]
        for i in range(self.lanes):
            value, tag = self.parts(chunk, i)
            m.d.comb += [words["values"].dense[i].eq(value), words["tags"].tag[i].eq(tag)]
        with m.If(arrives):
            m.d.sync += pointer.eq(Mux(chunk.last, 0, pointer + 1))
        with m.If(stored):
            m.d.sync += [last_chunk.eq(pointer), complete.eq(0)]
        return found["tags"], found["values"], stored

    def _work(
        self,
        m: Module,
        task: data.View,
        walk: Walk,
        chunk: data.View,
        final: Signal,
        empty: Signal,
    ) -> None:
        """Describe the units and the pipeline of control beside them."""
        cfg, units = self.cfg, self.cfg.units(self.kind)
        step = data.StructLayout(
            {
                "valid": 1,
                "kept": 1,
                "first": 1,
                "ends": 1,
                "opens": 1,
                "closes": 1,
                "finishes": 1,
                "last": 1,
                "on": units,
                "base": cfg.address_bits,
            }
        )
        # What the walk says of the step that is issued now travels beside the data.
        go, fire = Signal(), Signal()
        issued = Signal(step)
        # a: operands, b: products, c: sum of the lanes, d: accumulated, e: scaled, f: pooled.
        stages: dict[str, Any] = {name: Signal(step, name=f"stage_{name}") for name in "abcdef"}
        m.d.comb += [
            fire.eq(walk.busy & self.operands.valid & go),
            walk.advance.eq(fire),
            self.operands.ready.eq(walk.busy & go),
            issued.valid.eq(fire),
            issued.kept.eq(fire & chunk.keep.any()),
            issued.first.eq(fire & walk.chunk_first),
            issued.ends.eq(fire & walk.chunk_last),
            issued.opens.eq(walk.phase == 0),
            issued.closes.eq(fire & walk.chunk_last & walk.phase_last),
            issued.finishes.eq(walk.group_last),
            issued.last.eq(walk.group_last & final),
            issued.on.eq(walk.on),
            issued.base.eq(walk.base),
        ]
        with m.If(go):
            m.d.sync += [
                later.eq(earlier)
                for later, earlier in zip(
                    stages.values(), [issued, *list(stages.values())[:-1]], strict=True
                )
            ]
        b, c, d, e, f = (stages[name] for name in "bcdef")
        # The pipeline stands still where a result waits, or a normalisation is not there yet.
        wants = Signal()
        m.d.comb += [
            wants.eq(d.ends & task.post.normalise),
            go.eq((~f.closes | self.y.ready) & (~wants | self.norm.valid)),
            self.norm.ready.eq(wants & go & self._norm_ends(d)),
            self.y.valid.eq(f.closes),
            self.y.payload.on.eq(f.on),
            self.y.payload.base.eq(f.base),
            self.y.payload.last.eq(f.last),
            empty.eq(~Value.cast(data_any(stages))),
        ]
        with m.If(~go & self.y.ready):
            m.d.sync += [f.closes.eq(0), f.valid.eq(0)]
        # The units share control and the dense side, and have a sparse side each.
        array = []
        for u in range(units):
            m.submodules[f"unit{u}"] = unit = Once(f"{self.kind}_unit", Unit, cfg, self.kind)
            array.append(unit)
            m.d.comb += [
                unit.go.eq(go),
                unit.keep.eq(chunk.keep & (fire & walk.on[u]).replicate(self.lanes)),
                unit.dense.eq(chunk.dense),
                unit.sparse.eq(self.operands.payload[u]),
                unit.first.eq(c.first),
                unit.norm.eq(self.norm.payload[u % self.norms]),
                unit.how.eq(task.post),
                unit.take.eq(e.ends),
                unit.first_of_window.eq(e.opens),
                self.y.payload.z[u].eq(unit.z),
            ]
            if self.kind == "fc":
                m.d.comb += unit.table.eq(self.table)
        if self.kind == "fc":
            with m.If(Value.cast(popcount(m, [unit.unloaded for unit in array])).any()):
                m.d.sync += self.unloaded.eq(1)
        self._count(m, go, b, array)

    def _count(self, m: Module, go: Signal, b: data.View, array: list[Once]) -> None:
        """Describe the activity counters; bubbles count nothing, since nothing is kept in them."""
        units, lanes = len(array), self.lanes
        together = {
            name: Signal(range(units * lanes + 1), name=f"now_{name}")
            for name in ("passes", "active", "gated")
        }
        busy, rounds = Signal(range(units + 1)), Signal()
        clips = Signal(range(units + 1))
        m.d.comb += [
            busy.eq(popcount(m, list(b.on))),
            clips.eq(popcount(m, [unit.saturated for unit in array])),
        ]
        passes, active, gated = together.values()
        with m.If(go):
            m.d.sync += [
                passes.eq(Mux(b.kept, busy, 0)),
                rounds.eq(b.kept),
                active.eq(total_of(m, [unit.active for unit in array], "active")),
                gated.eq(total_of(m, [unit.gated for unit in array], "gated")),
                self.passes.eq(self.passes + passes),
                self.rounds.eq(self.rounds + rounds),
                self.active.eq(self.active + active),
                self.gated.eq(self.gated + gated),
                self.pad.eq(self.pad + (passes * lanes - active - gated).as_unsigned()),
                self.saturations.eq(self.saturations + clips),
            ]


def data_any(stages: dict[str, data.View]) -> Value:
    """Return whether any stage holds something."""
    result: Value = Value.cast(0)
    for stage in stages.values():
        result = result | stage.valid
    return result
