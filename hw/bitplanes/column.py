"""One column of planes: a bit per lane and plane pair, a tree that counts, an accumulator."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from nomul.golden.bitplanes import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.products.sums import net, two_rows


def read_bits(cfg: Config) -> int:
    """Return the bits of what a column reads of one activation plane."""
    most = cfg.width * ((1 << cfg.slice_planes) - 1)
    return most.bit_length()


def places(cfg: Config) -> int:
    """Return the groups of activation planes; a step takes one of them."""
    return -(-cfg.act_planes // cfg.at_once)


def add_layout(cfg: Config) -> data.StructLayout:
    """Return what tells accumulators what to do with a step's reads.

    ``first`` starts a vector, ``double`` a slice of weight planes; ``negate``, for each activation
    plane of the group, subtracts its read; ``place`` is the group.
    """
    return data.StructLayout(
        {
            "first": unsigned(1),
            "double": unsigned(1),
            "negate": unsigned(cfg.at_once),
            "place": unsigned(max(1, (places(cfg) - 1).bit_length())),
        }
    )


def code_bits(cfg: Config) -> int:
    """Return the bits of a read behind the converter, if there is one that can clip."""
    return min(read_bits(cfg), read_bits(cfg) if cfg.adc_bits is None else cfg.adc_bits)


def adjust_bits(cfg: Config) -> int:
    """Return the bits of what the complements of a step's reads lack."""
    return code_bits(cfg) + cfg.at_once + 1


def adjustment(cfg: Config, negate: Value) -> Value:
    """Return what the complements of a step's reads lack: for each one, and less its upper bits.

    The same for all columns, so it is made once.
    """
    lacks = 1 - (1 << code_bits(cfg))
    return sum((Mux(bit, lacks << i, 0) for i, bit in enumerate(negate)), Const(0, 1))


def x_shape(cfg: Config) -> data.ArrayLayout:
    """Return the bits of a step: of each activation plane, one for every lane."""
    return data.ArrayLayout(unsigned(cfg.width), cfg.at_once)


class Column(Configured[Config]):
    """Counts lanes whose bits agree, for each plane pair, and adds the counts by their weights.

    One step per cycle. ``total`` follows combinationally, or ``cfg.tree_regs`` cycles later, and is
    kept where ``enable`` is high; ``add`` belongs to the counts, not to the operands.

    Members
    -------
    x, unlike : ``In(x_shape(cfg))``
        What a lane gives where its weight's bit is one, and where it is zero: the bit and nothing
        for ``and``, the bit and its complement for ``xnor``.
    w : ``In(ArrayLayout(width, slice_planes))``
        Bits of the weights.
    planes : ``In(slice_planes)``
        The planes of the slice that are read.
    go, enable : ``In(1)``
        The pipeline moves; the sum is kept.
    add : ``In(add_layout(cfg))``, adjust : ``In``
        What to do with the reads; what their complements lack, see :func:`adjustment`.
    total : ``Out(signed(cfg.y_bits))``
        The sum so far, this step's reads among it.
    clips : ``Out``
        How many of this step's reads the converter clipped.
    """

    def ports(self, cfg: Config) -> Ports:
        return {
            "x": In(x_shape(cfg)),
            "unlike": In(x_shape(cfg)),
            "w": In(data.ArrayLayout(unsigned(cfg.width), cfg.slice_planes)),
            "planes": In(cfg.slice_planes),
            "go": In(1),
            "enable": In(1),
            "add": In(add_layout(cfg)),
            "adjust": In(signed(adjust_bits(cfg))),
            "total": Out(signed(cfg.y_bits)),
            "clips": Out(range(cfg.at_once + 1)),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        reads = []
        for i in range(cfg.at_once):
            read = Signal(read_bits(cfg), name=f"read{i}", reset_less=True)
            domain = m.d.comb
            if cfg.tree_regs:
                domain = m.d.sync
            value = self._count(m, i)
            if cfg.tree_regs:
                with m.If(self.go):
                    domain += read.eq(value)
            else:
                domain += read.eq(value)
            reads.append(read)
        if cfg.adc_bits is not None and cfg.adc_bits < read_bits(cfg):
            reads = self._clipped(m, reads)
        self._accumulate(m, reads)
        return m

    def _count(self, m: Module, i: int) -> Value:
        """Return the read of one activation plane: the planes of the slice by their weights."""
        cfg = self.cfg
        columns: list[list[Value]] = []
        for j in range(cfg.slice_planes):
            agree = [self._agree(m, i, j, k) for k in range(cfg.width)]
            if cfg.slice_planes > 1:
                agree = [net(m, bit & self.planes[j]) for bit in agree]
            columns.append(agree)
        a, b = two_rows(m, columns, read_bits(cfg))
        return (a + b)[: read_bits(cfg)]

    def _agree(self, m: Module, i: int, j: int, k: int) -> Value:
        """Return what a lane gives for one plane pair."""
        x, w = self.x[i][k], self.w[j][k]
        return net(m, Mux(w, x, self.unlike[i][k]) if "xnor" in self.cfg.encodings else w & x)

    def _clipped(self, m: Module, reads: Sequence[Signal]) -> list[Signal]:
        """Return the reads as the converter gives them, and count those that it clips."""
        cfg, done, over = self.cfg, [], []
        assert cfg.adc_bits is not None
        for i, read in enumerate(reads):
            clipped, above = Signal(cfg.adc_bits, name=f"code{i}"), Signal(name=f"above{i}")
            m.d.comb += [
                above.eq(read[cfg.adc_bits :].any()),
                clipped.eq(read[: cfg.adc_bits] | above.replicate(cfg.adc_bits)),
            ]
            done.append(clipped)
            over.append(above)
        m.d.comb += self.clips.eq(sum(over, Const(0, 1)))
        return done

    def _accumulate(self, m: Module, reads: Sequence[Signal]) -> None:
        """Describe acc <- 2^c acc + reads, each with its sign and at its place."""
        cfg, add, width = self.cfg, self.add, self.cfg.y_bits
        acc, start = Signal(signed(width), reset_less=True), Signal(signed(width))
        doubled = (acc << cfg.slice_planes)[:width]
        m.d.comb += start.eq(Mux(add.first, 0, Mux(add.double, doubled, acc)))
        if len(reads) == 1:
            # The complement lacks one, which a bit below the lowest carries in; shifted up, the
            # complement has ones there.
            minus = add.negate[0]
            term = Signal(signed(len(reads[0]) + 1))
            m.d.comb += term.eq(Cat(reads[0] ^ minus.replicate(len(reads[0])), minus))
            placed = self._placed(m, Cat(term, minus.replicate(width)), minus, width)
            both = Signal(width + 1)
            m.d.comb += [
                both.eq(Cat(Const(1, 1), start) + Cat(minus, placed)),
                self.total.eq(both[1:]),
            ]
        else:
            self._merged(m, reads, start)
        with m.If(self.enable):
            m.d.sync += acc.eq(self.total)

    def _merged(self, m: Module, reads: Sequence[Signal], start: Value) -> None:
        """Add reads of several activation planes; what complements lack comes as ``adjust``."""
        cfg, width = self.cfg, self.cfg.y_bits
        columns: list[list[Value]] = [[] for _ in range(width)]
        for i, (read, minus) in enumerate(zip(reads, self.add.negate, strict=True)):
            for k, bit in enumerate(read):
                columns[i + k].append(net(m, bit ^ minus))
        if places(cfg) == 1:
            for k in range(width):
                columns[k] += [start[k], self.adjust[min(k, len(self.adjust) - 1)]]
            a, b = two_rows(m, columns, width)
            m.d.comb += self.total.eq(a + b)
            return
        size = min(width, len(self.adjust) + 1)
        for k in range(size):
            columns[k].append(self.adjust[min(k, len(self.adjust) - 1)])
        a, b = two_rows(m, columns, size)
        part = Signal(signed(size))
        m.d.comb += part.eq(a + b)
        placed = self._placed(m, Cat(part, part[-1].replicate(width)), Const(0, 1), width)
        m.d.comb += self.total.eq((start + placed.as_signed())[:width])

    def _placed(self, m: Module, value: Value, fill: Value, width: int) -> Signal:
        """Return a value shifted up to its group's place, ``fill`` below."""
        cfg, current = self.cfg, value[:width]
        for bit in range((places(cfg) - 1).bit_length()):
            step = cfg.at_once << bit
            shifted = Signal(width, name=f"shifted{bit}")
            moved = Cat(fill.replicate(step), current)[:width]
            m.d.comb += shifted.eq(Mux(self.add.place[bit], moved, current))
            current = shifted
        placed = Signal(width)
        m.d.comb += placed.eq(current)
        return placed
