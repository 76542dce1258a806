"""SONIC's accelerator: the FC and the CONV engine, their codebook, and the scheduler of tasks.

One file, since the scheduler is one state machine over both engines.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.sonic import Config
from nomul.hw.codebook import Registers, entry_layout, lookup
from nomul.hw.sonic.engine import COUNTER_BITS, Engine, task_layout
from nomul.hw.sonic.unit import codebook_config
from nomul.hw.sonic.walk import Offsets, Walk, Windows

LOAD, FC, CONV = 0, 1, 2


class SonicFC(Engine):
    """Fully connected layers: zeros of the activations dropped, those of the weights gated.

    K units of m lanes work on K rows at a time. See :class:`Engine` for members and timing;
    ``vector`` carries activations, ``fetch`` asks for the codes of K rows at m places, ``operands``
    brings them, ``norm`` one scale and bias per unit.
    """

    kind = "fc"

    @property
    def norms(self) -> int:
        """Scales and biases per beat of ``norm``."""
        return self.cfg.fc_units

    @property
    def value_bits(self) -> int:
        """Bits of what is compacted: an activation."""
        return self.cfg.act_bits

    def vector_layout(self) -> data.StructLayout:
        """Return P activations, which of them there are, and the end of the vector."""
        width = self.cfg.compactor_width
        activations = data.ArrayLayout(signed(self.cfg.act_bits), width)
        return data.StructLayout({"a": activations, "mask": unsigned(width), "last": 1})

    def fetch_layout(self) -> data.StructLayout:
        """Return the first row, which units are on, and the places of a chunk."""
        return data.StructLayout(
            {
                "row": unsigned(self.cfg.address_bits),
                "on": unsigned(self.cfg.fc_units),
                "index": data.ArrayLayout(self.tag, self.lanes),
                "keep": unsigned(self.lanes),
            }
        )

    def operand_layout(self) -> data.ArrayLayout:
        """Return the codes of K rows at m places."""
        return data.ArrayLayout(
            data.ArrayLayout(unsigned(self.cfg.code_bits), self.lanes), self.cfg.fc_units
        )

    def parts(self, chunk: data.View, lane: int) -> tuple[Value, Value]:
        """Return value and tag of a lane: the activation and its place."""
        return chunk.values[lane].as_signed(), chunk.index[lane]

    def _front(self, m: Module, packed: data.View, accepted: Signal, within: Signal) -> None:
        payload = self.vector.payload
        for k, a in enumerate(payload.a):
            m.d.comb += [
                packed.values[k].eq(a),
                packed.mask[k].eq(payload.mask[k] & within[k] & (a != 0)),
            ]

    def _set_up(self, m: Module, task: data.View, fetching: Walk) -> Value:
        return Value.cast(1)

    def _ask(self, m: Module, request: data.View, walk: Walk, tags: data.View) -> None:
        m.d.comb += [
            request.row.eq(walk.base),
            request.on.eq(walk.on),
            request.index.eq(tags.tag),
            request.keep.eq(tags.keep),
        ]

    def _norm_ends(self, step: data.View) -> Value:
        return step.closes


class SonicConv(Engine):
    """Convolutions: zeros of the kernels dropped, those of the patches gated.

    N units of n lanes work on N windows at a time, kernel by kernel. See :class:`Engine` for
    members and timing; ``vector`` carries the codes of an unrolled kernel, ``fetch`` asks for the
    pixels of N patches at n places by their address (im2col), ``operands`` brings them, ``norm``
    one scale and bias per kernel.
    """

    kind = "conv"

    @property
    def value_bits(self) -> int:
        """Bits of what is compacted: a level, and where its pixel lies in a patch."""
        return self.cfg.level_bits + self.cfg.address_bits

    @property
    def tag(self) -> object:
        """Shape of what tells an element's place: an offset in the image."""
        return unsigned(self.cfg.address_bits)

    def vector_layout(self) -> data.StructLayout:
        """Return P codes, which of them there are, and the end of the kernel."""
        width = self.cfg.compactor_width
        codes = data.ArrayLayout(unsigned(self.cfg.code_bits), width)
        return data.StructLayout({"codes": codes, "mask": unsigned(width), "last": 1})

    def fetch_layout(self) -> data.StructLayout:
        """Return N times n addresses, which units are on, and which lanes are kept."""
        row = data.ArrayLayout(unsigned(self.cfg.address_bits), self.lanes)
        return data.StructLayout(
            {
                "address": data.ArrayLayout(row, self.cfg.conv_units),
                "on": unsigned(self.cfg.conv_units),
                "keep": unsigned(self.lanes),
            }
        )

    def operand_layout(self) -> data.ArrayLayout:
        """Return N times n pixels."""
        return data.ArrayLayout(
            data.ArrayLayout(signed(self.cfg.act_bits), self.lanes), self.cfg.conv_units
        )

    def parts(self, chunk: data.View, lane: int) -> tuple[Value, Value]:
        """Return value and tag of a lane: the level and its pixel's offset."""
        bits = self.cfg.level_bits
        return chunk.values[lane][:bits].as_signed(), chunk.values[lane][bits:]

    def _front(self, m: Module, packed: data.View, accepted: Signal, within: Signal) -> None:
        payload = self.vector.payload
        offsets = self._offsets
        m.d.comb += [
            offsets.advance.eq(accepted),
            offsets.restart.eq(accepted & payload.last),
        ]
        missing = Signal(self.cfg.compactor_width)
        for k, code in enumerate(payload.codes):
            level = Signal(signed(self.cfg.level_bits), name=f"level{k}")
            there = payload.mask[k] & within[k]
            m.d.comb += [
                level.eq(lookup(self.table, code)),
                packed.values[k].eq(Cat(level, offsets.offset[k])),
                packed.mask[k].eq(there & (level != 0)),
                missing[k].eq(there & ~self.table.loaded.bit_select(code, 1)),
            ]
        with m.If(accepted & missing.any()):
            m.d.sync += self.unloaded.eq(1)

    def elaborate(self, platform: object) -> Module:
        self._offsets, self._windows = Offsets(self.cfg), Windows(self.cfg)
        m = super().elaborate(platform)
        m.submodules.offsets = self._offsets
        m.submodules.windows = self._windows
        return m

    def _set_up(self, m: Module, task: data.View, fetching: Walk) -> Value:
        """Describe the walk over the first N windows, and how windows follow the rounds."""
        windows, done = self._windows, Signal()
        count = Signal(range(self.cfg.conv_units + 1))
        self._task = task
        m.d.comb += [
            windows.setup.eq(1),
            done.eq(count == self.cfg.conv_units - 1),
        ]
        m.d.sync += count.eq(Mux(done, 0, count + 1))
        return done

    def _ask(self, m: Module, request: data.View, walk: Walk, tags: data.View) -> None:
        bits, windows, task = self.cfg.address_bits, self._windows, self._task
        m.d.comb += [
            self._offsets.geometry.eq(task.geometry),
            windows.geometry.eq(task.geometry),
            windows.pool.eq(task.pool),
            windows.clear.eq(self.task.valid & self.task.ready),
            windows.restart.eq(walk.start),
            windows.advance.eq(walk.advance & walk.chunk_last & walk.phase_last),
            request.on.eq(walk.on),
            request.keep.eq(tags.keep),
        ]
        corner = Signal(bits)
        m.d.comb += corner.eq(Mux(walk.phase[1], task.geometry.width, 0) + walk.phase[0])
        for k in range(self.lanes):
            offset = Signal(bits, name=f"offset{k}")
            m.d.comb += offset.eq(tags.tag[k] + corner)
            for u in range(self.cfg.conv_units):
                m.d.comb += request.address[u][k].eq(windows.base[u] + offset)

    def _norm_ends(self, step: data.View) -> Value:
        return step.closes & step.finishes


def command_layout(cfg: Config) -> data.StructLayout:
    """Return one command: ``op`` 0 loads an entry of the codebook, 1 is an FC, 2 a CONV task."""
    fields = {"op": unsigned(2), "entry": entry_layout(codebook_config(cfg))}
    return data.StructLayout(fields | {"task": task_layout(cfg)})


class Top(wiring.Component):
    """The accelerator with (n, m, N, K) lanes and units.

    Commands are taken in order: an entry of the codebook when both engines are idle, a task when
    its engine is. FC and CONV tasks then run side by side. One round per cycle and engine;
    ``cfg.cycles`` counts a vector from its first beat to its last result.

    Parameters
    ----------
    cfg : :class:`nomul.golden.sonic.Config`
        Sizes, already validated.
    outside : bool
        Bring the ports of the four chunk memories out, for memory macros.
    conv : bool
        Have a CONV engine. Without one, its members are not there and its tasks are refused.

    Members
    -------
    command : ``In(stream.Signature(command_layout(cfg)))``
        Levels and tasks.
    fc_vector, fc_fetch, fc_operands, fc_norm, fc_y
        Streams of :class:`SonicFC`.
    conv_vector, conv_fetch, conv_operands, conv_norm, conv_y
        Streams of :class:`SonicConv`.
    fc_tags, fc_values, conv_tags, conv_values
        Ports of the chunk memories; only ``outside``.
    fc_passes, fc_rounds, conv_passes, conv_rounds : ``Out(32)``
        Counts since reset, as those of ``nomul.golden.sonic.Result``.
    fc_active, fc_gated, fc_pad, conv_active, conv_gated, conv_pad : ``Out(32)``
        Lanes whose sparse side was not 0, was 0, and that held nothing, since reset.
    fc_saturations, conv_saturations : ``Out(32)``
        Sums that were clipped, since reset.
    dac_activation, dac_weight, adc : ``Out(32)``
        Conversions: of activations (FC: kept lanes, CONV: active lanes), of weights (the other way
        round), of partial sums (passes).
    fc_unloaded, conv_unloaded : ``Out(1)``
        Sticky: a code was not loaded, and counted as 0.
    fc_overlong, conv_overlong : ``Out(1)``
        Sticky: a vector had elements beyond ``max_length``, which were dropped.
    refused : ``Out(1)``
        Sticky: a command was none, or a task had no rows, windows, kernels or sizes, and was
        dropped. Or a level other than 0 was meant for code 0.
    idle : ``Out(1)``
        No task is at work.

    Limits
    ------
    Weights and images stay outside: the fetch streams ask for them. Stride 1, no padding. What is
    photonic in the paper (multiplication, summation) is digital here, and a model of the devices
    turns the counters into time and energy.
    """

    def __init__(self, cfg: Config, *, outside: bool = False, conv: bool = True):
        self.cfg = cfg
        kinds: dict[str, type[Engine]] = {"fc": SonicFC}
        if conv:
            kinds["conv"] = SonicConv
        self._engines = {kind: engine(cfg, outside=outside) for kind, engine in kinds.items()}
        members = {
            "command": In(stream.Signature(command_layout(cfg))),
            "refused": Out(1),
            "idle": Out(1),
        }
        members |= {n: Out(COUNTER_BITS) for n in ("dac_activation", "dac_weight", "adc")}
        for kind, engine in self._engines.items():
            for name, member in engine.signature.members.items():
                if name not in ("task", "table", "idle"):
                    members[f"{kind}_{name}"] = member
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m, fc, conv = Module(), self._engines["fc"], self._engines.get("conv")
        m.submodules.fc = fc
        if conv is not None:
            m.submodules.conv = conv
        m.submodules.registers = registers = Registers(codebook_config(self.cfg))
        for kind, engine in self._engines.items():
            m.d.comb += engine.table.eq(registers.table)
            for name, member in engine.signature.members.items():
                if name in ("task", "table", "idle"):
                    continue
                outer, inner = getattr(self, f"{kind}_{name}"), getattr(engine, name)
                if member.is_signature:
                    outward = name in ("fetch", "y", "tags", "values")
                    outer = wiring.flipped(outer)
                    wiring.connect(m, *((inner, outer) if outward else (outer, inner)))
                else:
                    m.d.comb += outer.eq(inner)
        self._schedule(m, fc, conv, registers)
        m.d.comb += [
            self.idle.eq(fc.idle & (conv.idle if conv is not None else 1)),
            self.dac_activation.eq(fc.active + fc.gated + (0 if conv is None else conv.active)),
            self.dac_weight.eq((0 if conv is None else conv.active + conv.gated) + fc.active),
            self.adc.eq(fc.passes + (0 if conv is None else conv.passes)),
        ]
        return m

    def _schedule(self, m: Module, fc: Engine, conv: Engine | None, registers: Registers) -> None:
        """Hand each command to whom it concerns; drop what nobody could finish."""
        command = self.command.payload
        geometry, good = command.task.geometry, Signal()
        sizes = [geometry[name].any() for name, _ in geometry.shape()]
        any_count = command.task.count.any()
        m.d.comb += [
            fc.task.payload.eq(command.task),
            fc.task.payload.kernels.eq(1),
            fc.task.payload.pool.eq(0),
            *([conv.task.payload.eq(command.task)] if conv is not None else []),
            registers.entry.eq(command.entry),
        ]
        wrong, levels_refused = Signal(), registers.refused
        with m.Switch(command.op):
            with m.Case(LOAD):
                m.d.comb += [
                    good.eq(1),
                    self.command.ready.eq(self.idle),
                    registers.write.eq(self.command.valid & self.command.ready),
                ]
            with m.Case(FC):
                m.d.comb += [
                    good.eq(any_count),
                    fc.task.valid.eq(self.command.valid & good),
                    self.command.ready.eq(fc.task.ready | ~good),
                ]
            if conv is not None:
                with m.Case(CONV):
                    m.d.comb += [
                        good.eq(any_count & command.task.kernels.any() & Cat(sizes).all()),
                        conv.task.valid.eq(self.command.valid & good),
                        self.command.ready.eq(conv.task.ready | ~good),
                    ]
            with m.Default():
                m.d.comb += self.command.ready.eq(1)
        with m.If(self.command.valid & ~good):
            m.d.sync += wrong.eq(1)
        m.d.comb += self.refused.eq(wrong | levels_refused)
