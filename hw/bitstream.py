"""Bitstream sources and the comparator: operands in, stochastic bits out."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul.golden import bitstream, lfsr
from nomul.golden.bitstream import Config, Side
from nomul.hw.configured import Configured, Ports
from nomul.hw.lfsr import transform


def comparator(word: Value, operand: Value) -> Value:
    """Return [word < operand]: one bit of a stream whose mean is operand / 2**W.

    The operand has W + 1 bits: 2**W, or anything above it, gives a stream of ones.
    """
    return operand[-1] | (word < operand[:-1])


def places(m: Module, word: Value, name: str) -> Signal:
    """Describe a weighted binary generator's search: the word's leading one alone."""
    found = Signal(len(word), name=name)
    above = [word[k + 1 :].any() if k + 1 < len(word) else Const(0, 1) for k in range(len(word))]
    m.d.comb += found.eq(Cat(word[k] & ~above[k] for k in range(len(word))))
    return found


def weighted(place: Value, operand: Value) -> Value:
    """Return the operand's bit at the place of a word's leading one; 2**W and above give ones."""
    return operand[-1] | (place & operand[:-1]).any()


def seed_layout(cfg: Config) -> data.StructLayout:
    """Return the payload that reloads the registers: ``a`` for the first, ``b`` for the second."""
    return data.StructLayout({"a": unsigned(cfg.lfsr_width), "b": unsigned(cfg.lfsr_width)})


class Source(wiring.Component):
    """Holds the words of both sides, and moves on to the next U of each when told.

    Words follow combinationally from registers; one step per cycle. Under ``lane`` sharing a reload
    seeds the first lane's register, and the others with the states that follow in W-step leaps.

    Parameters
    ----------
    cfg : :class:`nomul.golden.bitstream.Config`
        Source, widths and seeds, already validated.
    ordered : bool
        The words of a vector come in ascending order of the rows' words: the same pairs of words,
        see :func:`nomul.golden.bitstream.ordered_points`.

    Members
    -------
    advance : ``In(1)``
        Move on at the end of this cycle.
    finish : ``In(1)``
        Take these words for the last of the vector, whether they are or not.
    last : ``Out(1)``
        These are the last words of a vector.
    r, s : ``Out(ArrayLayout(unsigned(W), U * lanes))``
        Words of rows and columns; those of one lane are neighbours, in the order of their use.
    seed : ``In(seed_layout(cfg))``, load : ``In(1)``
        First states of the registers from the next cycle on. Zero is the caller's to refuse.
    """

    def __init__(self, cfg: Config, ordered: bool = False):
        self.cfg, self.ordered = cfg, ordered
        members = {
            "advance": In(1),
            "finish": In(1),
            "last": Out(1),
            "seed": In(seed_layout(cfg)),
            "load": In(1),
        }
        for side in Side:
            length = cfg.bits_per_cycle * cfg.lanes(side)
            members[side.words] = Out(data.ArrayLayout(unsigned(cfg.width), length))
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        cfg, m = self.cfg, Module()
        beat = Signal(range(max(cfg.beats, 2)))
        m.d.comb += self.last.eq(beat == cfg.beats - 1)
        if cfg.beats > 1:
            with m.If(self.advance):
                m.d.sync += beat.eq(Mux(self.finish, 0, beat + 1))
        states = self._registers(m)
        for side, port in ((Side.X, self.r), (Side.D, self.s)):
            words = self._words(m, beat, states[cfg.register(side)], side)
            m.d.comb += port.eq(Cat(Cat(lane) for lane in words))
        return m

    def _registers(self, m: Module) -> list[list[Signal]]:
        """Describe the LFSRs of both sides, and return their states."""
        cfg, sides = self.cfg, []
        ending = self.last | self.finish
        moving = (self.advance & ending) if cfg.scrambled else self.advance
        uses = 1 if cfg.scrambled else cfg.bits_per_cycle
        for which in list(Side)[: cfg.registers]:
            one = lfsr.step_matrix(cfg.lfsr_width, cfg.taps(which))
            step, walk = one ** (cfg.step * uses), one**cfg.width
            states = []
            loaded: Value = self.seed[which.bits]
            seeds = self._seeds(which)
            for lane, seed in enumerate(seeds):
                state = Signal(cfg.lfsr_width, init=seed, name=f"lfsr_{which.bits}{lane}")
                with m.If(self.load):
                    m.d.sync += state.eq(loaded)
                with m.Elif(moving):
                    m.d.sync += state.eq(transform(step, state))
                states.append(state)
                if lane + 1 < len(seeds):
                    following = Signal(cfg.lfsr_width, name=f"seed_{which.bits}{lane + 1}")
                    m.d.comb += following.eq(transform(walk, loaded))
                    loaded = following
            sides.append(states)
        return sides if cfg.registers else [[]]

    def _seeds(self, which: Side) -> list[int]:
        """Return the first states of a register, for the side that needs more lanes of it."""
        sides = [side for side in Side if self.cfg.register(side) == which]
        return max((self.cfg.lane_seeds(side) for side in sides), key=len)

    def _words(
        self, m: Module, beat: Signal, states: list[Signal], side: Side
    ) -> list[list[Value]]:
        """Return the U words of each lane."""
        cfg = self.cfg
        if self.ordered:
            return [[self._ordered_word(m, beat, states, side)]]
        drawn: list[list[Value]] = []
        for lane, state in enumerate(states or [None]):
            words = [Signal(cfg.width, name=f"{side.words}{lane}_{u}") for u in self._draws]
            m.d.comb += [word.eq(self._word(beat, state, side, u)) for u, word in enumerate(words)]
            drawn.append([*words])
        if cfg.share != "rotate":
            return drawn[: cfg.lanes(side)]
        return [
            [
                word.rotate_left(lane % cfg.width) ^ bitstream.lane_mask(cfg, lane)
                for word in drawn[0]
            ]
            for lane in range(cfg.lanes(side))
        ]

    @property
    def _draws(self) -> range:
        return range(self.cfg.bits_per_cycle)

    def _word(self, beat: Signal, state: Signal | None, side: Side, draw: int) -> Value:
        """Return word number ``draw`` of this beat, from one register."""
        cfg = self.cfg
        if not cfg.counted:
            assert state is not None
            one = lfsr.step_matrix(cfg.lfsr_width, cfg.taps(cfg.register(side)))
            return take(cfg, side, transform(one ** (cfg.step * draw), state))
        fixed = self._point(beat, side, draw)
        return fixed if state is None else fixed ^ take(cfg, side, state)

    def _ordered_word(self, m: Module, beat: Signal, states: list[Signal], side: Side) -> Signal:
        """Return word number ``beat`` in ascending order of the rows' words.

        The rows count through their top bits above the scramble's low ones; the columns follow.
        """
        cfg = self.cfg
        word = Signal(cfg.width, name=f"{side.words}_ordered")
        low, repeats = cfg.row_low, cfg.repeats_log2
        scrambles = [take(cfg, which, states[0]) for which in Side] if states else None
        if side is Side.X:
            below = scrambles[0][:low] if scrambles else Const(0, low)
            m.d.comb += word.eq(Cat(below, beat[repeats:]))
            return word
        sequence = [int(point) for point in bitstream.ordered_points(cfg)]
        index = Signal(max(cfg.stream_log2, 1))
        m.d.comb += index.eq(beat ^ (scrambles[0][low:] << repeats) if scrambles else beat)
        point: Value = Const(0, cfg.width)
        for bit in range(cfg.stream_log2):
            point = point ^ (index[bit].replicate(cfg.width) & sequence[1 << bit])
        m.d.comb += word.eq(point ^ scrambles[1] if scrambles else point)
        return word

    def _point(self, beat: Signal, side: Side, draw: int) -> Value:
        """Return point beat * U + draw of a fixed sequence.

        The sequences are linear over GF(2): a point is the XOR of the points at the powers of two
        in its index, so the golden model's own points are all there is to wire.
        """
        cfg, sequence = self.cfg, bitstream.points(self.cfg)[side]
        low = cfg.bits_per_cycle.bit_length() - 1
        point: Value = Const(int(sequence[draw]), cfg.width)
        for bit in range(low, cfg.stream_log2):
            point = point ^ (beat[bit - low].replicate(cfg.width) & int(sequence[1 << bit]))
        return point


def take(cfg: Config, side: Side, state: Value) -> Value:
    """Return the W bits of a register's state that a side reads.

    The golden function is asked where each bit comes from.
    """
    positions = [bitstream.take(cfg, side, 1 << j) for j in range(cfg.lfsr_width)]
    return Cat(
        next(state[j] for j, word in enumerate(positions) if word == 1 << i)
        for i in range(cfg.width)
    )


class Top(Configured[Config]):
    """Streams the words of both sides, U of each per beat.

    Latency is zero cycles from ready; one beat per cycle (``cfg.interval`` is 1).

    Members
    -------
    o : ``Out(stream.Signature(StructLayout({r, s, last})))``
        ``r``: U * lanes words of W bits, ``s`` likewise, ``last``: end of a vector; equal to
        ``nomul.golden.bitstream.model(cfg, n)``.
    """

    o: stream.Interface

    def ports(self, cfg: Config) -> Ports:
        sizes = [cfg.bits_per_cycle * cfg.lanes(side) for side in Side]
        layout = data.StructLayout(
            {
                "r": data.ArrayLayout(unsigned(cfg.width), sizes[0]),
                "s": data.ArrayLayout(unsigned(cfg.width), sizes[1]),
                "last": 1,
            }
        )
        return {"o": Out(stream.Signature(layout))}

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.source = source = Source(self.cfg)
        m.d.comb += [
            self.o.payload.r.eq(source.r),
            self.o.payload.s.eq(source.s),
            self.o.payload.last.eq(source.last),
            self.o.valid.eq(1),
            source.advance.eq(self.o.ready),
        ]
        return m
