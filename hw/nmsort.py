"""N:M sorter: N registers that hold the largest magnitudes of a group while it streams past."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.nmsort import Config
from nomul.hw.configured import Configured, Ports
from nomul.hw.skid import Stage


def weight_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``i``: a weight, and whether its group ends with it."""
    return data.StructLayout({"w": signed(cfg.weight_bits), "last": unsigned(1)})


def survivors_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of ``o``: N weights and their places in the group, by place."""
    return data.StructLayout(
        {
            "value": data.ArrayLayout(signed(cfg.weight_bits), cfg.keep),
            "index": data.ArrayLayout(unsigned(cfg.index_bits), cfg.keep),
        }
    )


def least(m: Module, keys: list[Value]) -> tuple[Value, Value]:
    """Return the least of ``keys`` and its position, the last one of equals, by a tree."""
    width = max(1, (len(keys) - 1).bit_length())
    level: list[tuple[Value, Value]] = []
    for place, key in enumerate(keys):
        level.append((key, Const(place, width)))
    while len(level) > 1:
        above = []
        for (key, at), (later, later_at) in zip(level[::2], level[1::2], strict=False):
            less, chosen = Signal(len(key), name="less"), Signal(width, name="chosen")
            takes_later = Signal()
            m.d.comb += [
                takes_later.eq(later <= key),
                less.eq(Mux(takes_later, later, key)),
                chosen.eq(Mux(takes_later, later_at, at)),
            ]
            above.append((less, chosen))
        level = above + level[2 * len(above) :]
    return level[0]


class Top(Configured[Config]):
    """Keeps the N weights of largest magnitude out of each group of M.

    Latency is one cycle from the last weight of a group; one weight per cycle, so a group in M
    cycles (``cfg.interval``). The registers are in the order of arrival: a weight that is larger
    than the least held one drops that, those behind close up, and it enters at the end. So what
    leaves is sorted by index without being sorted.

    Members
    -------
    i : ``In(stream.Signature(weight_layout(cfg)))``
        Weights, ``last`` with the last one of a group.
    o : ``Out(stream.Signature(survivors_layout(cfg)))``
        What stays of each group, equal to ``nomul.golden.nmsort.model(cfg, w)``.
    misframed : ``Out(1)``
        Sticky: a group was longer or shorter than M, and nothing of it left. The next group begins
        behind ``last``.
    """

    i: stream.Interface
    o: stream.Interface
    misframed: Signal

    def ports(self, cfg: Config) -> Ports:
        return {
            "i": In(stream.Signature(weight_layout(cfg))),
            "o": Out(stream.Signature(survivors_layout(cfg))),
            "misframed": Out(1),
        }

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        m.submodules.stage = stage = Stage(survivors_layout(cfg))
        place, overlong = Signal(cfg.index_bits), Signal()
        taken, full, whole = Signal(), Signal(), Signal()
        last = self.i.payload.last
        # Frames: a group ends with `last` at place M - 1 and nowhere else.
        m.d.comb += [
            full.eq(place == cfg.group - 1),
            whole.eq(full & last & ~overlong),
            stage.i.valid.eq(self.i.valid & whole),
            self.i.ready.eq(~whole | stage.i.ready),
            taken.eq(self.i.valid & self.i.ready),
        ]
        with m.If(taken):
            m.d.sync += place.eq(Mux(last | full, 0, place + 1))
            m.d.sync += overlong.eq(~last & (full | overlong))
            with m.If((full != last) & ~overlong):
                m.d.sync += self.misframed.eq(1)
        following = self._registers(m, place, taken)
        # Output: sign and magnitude become two's complement again.
        for k, (index, magnitude, negative, _) in enumerate(following):
            m.d.comb += [
                stage.i.payload.index[k].eq(index),
                stage.i.payload.value[k].eq(Mux(negative, -magnitude, magnitude)),
            ]
        wiring.connect(m, stage.o, wiring.flipped(self.o))
        return m

    def _displaces(self, arriving: Value, held: Value) -> Value:
        """Return whether a weight takes the place of the least held one: not of its equal."""
        return arriving > held

    def _registers(self, m: Module, place: Signal, taken: Signal) -> list[list[Value]]:
        """Describe the registers; return (index, magnitude, negative, filled) after this weight.

        A magnitude has as many bits as a weight, since that of the least weight needs them all;
        with the sign that is one bit more than the weight.
        """
        cfg, w = self.cfg, self.i.payload.w
        widths = (cfg.index_bits, cfg.weight_bits, 1, 1)
        width = sum(widths)
        negative, magnitude = Signal(), Signal(cfg.weight_bits)
        arriving = Signal(width)
        m.d.comb += [
            negative.eq(w[-1]),
            magnitude.eq(Mux(negative, -w, w)),
            arriving.eq(Cat(place, magnitude, negative, 1)),
        ]
        held = [Signal(width, name=f"held{k}") for k in range(cfg.keep)]
        # Before a group every register is empty, which is less than any weight.
        before: list[Signal] = []
        keys: list[Value] = []
        for k, item in enumerate(held):
            present = Signal(width, name=f"before{k}")
            _, size, _, filled = parts(present, widths)
            m.d.comb += present.eq(Mux(place == 0, 0, item))
            before.append(present)
            keys.append(Cat(size, filled))
        key, dropped = least(m, keys)
        enters = Signal()
        m.d.comb += enters.eq(self._displaces(Cat(magnitude, 1), key))
        following = []
        for k, item in enumerate(held):
            moved = Signal(width, name=f"moved{k}")
            # Whichever is dropped, the last register takes the weight that arrives.
            behind: Value = arriving
            moves: Value = enters
            if k + 1 < cfg.keep:
                behind, moves = before[k + 1], enters & (dropped <= k)
            m.d.comb += moved.eq(Mux(moves, behind, before[k]))
            following.append(moved)
            with m.If(taken):
                m.d.sync += item.eq(moved)
        return [parts(moved, widths) for moved in following]


def parts(word: Value, widths: tuple[int, ...]) -> list[Value]:
    """Return the fields of a word, the lowest first."""
    cut, low = [], 0
    for width in widths:
        cut.append(word[low : low + width])
        low += width
    return cut
