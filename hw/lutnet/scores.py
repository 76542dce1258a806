"""Class scores that are added and compared in tables of six inputs, and the largest of them."""

from collections.abc import Callable, Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from nomul.golden.lutnet import Argmax, GroupSum, LutLayer
from nomul.golden.lutnet import scores as plans
from nomul.golden.lutnet.layers import Lanes, Layer
from nomul.golden.lutnet.scores import Heights
from nomul.hw.lutnet.operators import cells, look_up, settle, summed

# Address bit 0 and 1 the alternatives, 2 which of them.
_MUX = 0b11001010


def compress(m: Module, columns: Sequence[Sequence[Value]], form: Heights) -> list[Value]:
    """Return the bits of a score in a form, lowest column first, of columns of bits to add."""
    heights = tuple(len(column) for column in columns)
    steps = plans.plan(heights, form)
    assert steps is not None, f"columns {heights} do not fit the form {form}"
    left = [list(column) for column in columns]
    left += [[] for _ in range(len(form) - len(left))]
    for step in steps:
        taken = [left[step.column + i].pop(0) for i, n in enumerate(step.taken) for _ in range(n)]
        for i, digit in enumerate(cells(m, taken, step.tables)):
            left[step.column + i].append(digit)
    return [
        bit
        for column, n in zip(left, form, strict=False)
        for bit in [*column, *[Const(0, 1)] * (n - len(column))]
    ]


def above(
    m: Module, a: list[Value], b: list[Value], form: Heights, signed_top: bool = False
) -> Value:
    """Return whether ``b`` is above ``a``, both in a form; its highest bit may count negatively."""
    answer: list[Value] = []
    groups = plans.chunks(form)
    for number, chunk in enumerate(groups):
        places = [place for place, _ in chunk]
        inputs = [side[place] for side in (a, b) for place in places] + answer
        negative = signed_top and number == len(groups) - 1
        answer = cells(m, inputs, [plans.larger(chunk, number == 0, negative)])
    return answer[0]


def tournament(
    m: Module,
    scores: Sequence[Value],
    width: int,
    larger: Callable[[Value, Value], Value],
    kept: bool,
) -> Value:
    """Return the index, of ``width`` bits, of the largest score; ties go to the lower one.

    Parameters
    ----------
    m
        Module that takes the logic.
    scores
        Bits of each score, equally many.
    width
        Bits of the index.
    larger
        Returns whether the second of two scores is larger.
    kept
        Whether the mapper keeps the multiplexers of scores as a table per bit: it makes more tables
        of them where it may mix them with comparators.
    """
    best: list[tuple[Value, Value]] = [(s, Const(i)) for i, s in enumerate(scores)]
    while len(best) > 1:
        winners = []
        for (a, i), (b, j) in zip(best[0::2], best[1::2], strict=False):
            second = settle(m, larger(a, b), 1)
            if kept:
                pairs = zip(a, b, strict=True)
                score: Value = Cat(*(cells(m, (u, v, second), [_MUX])[0] for u, v in pairs))
            else:
                score = settle(m, Mux(second, b, a), len(a))
            winners.append((score, settle(m, Mux(second, j, i), width)))
        best = winners + best[len(best) & ~1 :]
    return best[0][1]


class Ballot(wiring.Component):
    """Class scores and their argmax in one: scores are compared before they are binary numbers.

    Combinational.

    Parameters
    ----------
    layers : tuple of :class:`nomul.golden.lutnet.layers.Layer`
        A group sum or a summing layer that :func:`fits`, and the argmax.
    before : :class:`nomul.golden.lutnet.layers.Lanes`
        What the first of them takes.

    Members
    -------
    x : ``In(before.bits)``
        Lanes, lane 0 lowest.
    y : ``Out(after.bits)``
        The index.
    """

    def __init__(self, layers: tuple[Layer, Layer], before: Lanes):
        self.layers, self.before = layers, before
        self.after = layers[1].lanes(layers[0].lanes(before))
        super().__init__({"x": In(before.bits), "y": Out(self.after.bits)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        first = self.layers[0]
        if isinstance(first, GroupSum):
            size = len(self.x) // first.groups
            columns = [[list(self.x[i : i + size])] for i in range(0, len(self.x), size)]
        else:
            assert isinstance(first, LutLayer)
            idx, tt, places = summed(first, "lut6")
            columns = [[] for _ in range(first.n_out)]
            bits = list(look_up(m, self.x, idx, tt))
            for bit, (neuron, level, weight) in zip(bits, places, strict=True):
                column = weight + int(first.alpha[level]).bit_length() - 1
                own = columns[neuron]
                own += [[] for _ in range(column + 1 - len(own))]
                own[column].append(bit)
        form = plans.chosen([tuple(map(len, own)) for own in columns])
        scores = [Cat(*compress(m, own, form)) for own in columns]

        def larger(a: Value, b: Value) -> Value:
            return above(m, list(a), list(b), form)

        m.d.comb += self.y.eq(tournament(m, scores, self.after.width, larger, kept=True))
        return m


def fits(first: Layer, second: Layer, adder: str) -> bool:
    """Return whether two layers are scores and argmax that a :class:`Ballot` computes as one."""
    if adder != "lut6" or not isinstance(second, Argmax):
        return False
    if isinstance(first, GroupSum):
        return True
    return (
        isinstance(first, LutLayer)
        and not first.levels_out
        and not first.bias.any()
        and all(int(scale).bit_count() == 1 for scale in first.alpha)
    )
