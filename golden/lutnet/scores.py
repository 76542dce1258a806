"""How class scores are added and compared in look-up tables of six inputs; hardware follows it.

A score need not become a binary number to be compared. Its bits are added by generalised parallel
counters, tables over up to six bits of neighbouring weights that give a number of two or three
bits, until the highest column has at most two bits and every other one at most one. Each table
then takes away one bit, which is the most that a table can do, and the last addition, whose tables
would take away half a bit each, never happens.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

# Inputs of a table, and the largest number that a counter gives.
WIDTH = 6
MOST = 7

# Bits of a score up to which the best plan is searched; beyond, counters of six bits come first.
_SEARCHED = 14

Heights = tuple[int, ...]


@dataclass(frozen=True)
class Counter:
    """One generalised parallel counter.

    Attributes
    ----------
    column
        The column of its lowest bits.
    taken
        How many bits it takes from that column and those above.
    digits
        Tables: binary digits of the sum, which go to the columns from the lowest on.
    """

    column: int
    taken: Heights
    digits: int

    @property
    def weights(self) -> tuple[int, ...]:
        """Weight of each input, relative to the column."""
        return tuple(1 << i for i, n in enumerate(self.taken) for _ in range(n))

    @property
    def tables(self) -> tuple[int, ...]:
        """Tables of the digits; address bit k is the k-th input."""
        sums = [
            sum(w for k, w in enumerate(self.weights) if a >> k & 1)
            for a in range(1 << len(self.weights))
        ]
        return tuple(
            sum((s >> digit & 1) << a for a, s in enumerate(sums)) for digit in range(self.digits)
        )

    def after(self, heights: Heights) -> Heights:
        """Return the columns' heights after this counter."""
        size = max(len(heights), self.column + self.digits)
        result = [*heights, *[0] * (size - len(heights))]
        for i, n in enumerate(self.taken):
            result[self.column + i] -= n
        for i in range(self.digits):
            result[self.column + i] += 1
        while result and result[-1] == 0:
            result.pop()
        return tuple(result)


def forms(heights: Sequence[Heights]) -> list[Heights]:
    """Return the forms that scores with these columns can be compared in.

    A form is how many bits each column may have at most: one, and in the highest perhaps two.
    """
    most = max(sum(n << i for i, n in enumerate(own)) for own in heights)
    width = max(1, most.bit_length())
    result = [(1,) * width]
    if width > 1 and most < 3 << (width - 2):
        # Without its highest bit, but twice the one below.
        result.append((*(1,) * (width - 2), 2))
    return result


def plan(heights: Heights, form: Heights) -> tuple[Counter, ...] | None:
    """Return counters, in order, that bring columns into a form with few tables; None: none do."""
    steps: list[Counter] = []
    while sum(heights) > _SEARCHED:
        full = [column for column, n in enumerate(heights) if n >= WIDTH]
        column = full[0] if full else next(i for i, n in enumerate(heights) if n > 1)
        steps.append(max(_counters(heights, column, form), key=_gain))
        heights = steps[-1].after(heights)
    rest = _searched(heights, form)
    return None if rest is None else (*steps, *rest)


def _gain(counter: Counter) -> tuple[float, int, Heights]:
    """Return bits taken away per table, bits taken, and those of the lowest column."""
    taken = sum(counter.taken)
    return (taken - counter.digits) / counter.digits, taken, counter.taken


def _counters(heights: Heights, column: int, form: Heights) -> Iterator[Counter]:
    """Yield the counters whose lowest bits, two or more, are in a column.

    A column above a binary form is never reached by the score, so what would go there is 0; above
    the other form nothing may go.
    """
    padded = (*heights, 0, 0)
    for a in range(2, min(WIDTH, padded[column]) + 1):
        for b in range(min(WIDTH - a, padded[column + 1], (MOST - a) // 2) + 1):
            left = MOST - a - 2 * b
            for c in range(min(WIDTH - a - b, padded[column + 2], left // 4) + 1):
                digits = (a + 2 * b + 4 * c).bit_length()
                if column + digits > len(form):
                    if form[-1] > 1:
                        continue
                    digits = len(form) - column
                yield Counter(column, (a, b, c) if c else (a, b) if b else (a,), digits)


def _fits(heights: Heights, form: Heights) -> bool:
    return len(heights) <= len(form) and all(n <= f for n, f in zip(heights, form, strict=False))


@cache
def _searched(start: Heights, form: Heights) -> tuple[Counter, ...] | None:
    """Return the counters with the fewest tables, by Dijkstra's algorithm over columns."""
    queue: list[tuple[int, int, Heights, tuple[Counter, ...]]] = [(0, 0, start, ())]
    seen: set[Heights] = set()
    number = 0
    while queue:
        cost, _, heights, steps = heapq.heappop(queue)
        if _fits(heights, form):
            return steps
        if heights in seen:
            continue
        seen.add(heights)
        for column, n in enumerate(heights):
            for counter in _counters(heights, column, form) if n > 1 else ():
                after = counter.after(heights)
                if after not in seen:
                    number += 1
                    entry = (cost + counter.digits, number, after, (*steps, counter))
                    heapq.heappush(queue, entry)
    return None


def chosen(heights: Sequence[Heights]) -> Heights:
    """Return the form that all scores together take the fewest tables in.

    To the counters' tables come a multiplexer per bit of a score and its share of comparators.
    """

    def cost(form: Heights) -> float:
        plans = [plan(own, form) for own in heights]
        if None in plans:
            return float("inf")
        tables = sum(step.digits for steps in plans for step in steps or ())
        return tables + len(heights) * (sum(form) + len(chunks(form)))

    return min(forms(heights), key=cost)


def chunks(form: Heights) -> list[tuple[tuple[int, int], ...]]:
    """Return how two numbers of a form are compared: groups of bits, the lowest first.

    Each group is one table over its bits of both numbers and over the answer of the group before
    it: three bits of either number in the first one, two in the others. A bit is (number of the
    bit, weight within the group).
    """
    columns = [column for column, n in enumerate(form) for _ in range(n)]
    result: list[tuple[tuple[int, int], ...]] = []
    start = 0
    while start < len(columns):
        end = min(len(columns), start + (2 if start else 3))
        # A column of two bits is not cut: what is below a group must not reach its weight.
        while end < len(columns) and columns[end] == columns[end - 1]:
            end -= 1
        if end == start:
            raise ValueError(f"form {form} has a column that no group holds")
        low = columns[start]
        result.append(tuple((i, 1 << (columns[i] - low)) for i in range(start, end)))
        start = end
    return result


def larger(chunk: tuple[tuple[int, int], ...], first: bool, signed: bool = False) -> int:
    """Return the table that says whether b's bits of a group are above a's.

    Address bits are a's bits, b's bits, and, unless the group is the first, the answer of the one
    before it, which holds where both are equal. With ``signed`` the last bit counts negatively.
    """
    n = len(chunk)
    weights = [w for _, w in chunk]
    if signed:
        weights[-1] = -weights[-1]
    table = 0
    for address in range(1 << (2 * n + (not first))):
        a, b = (
            sum(w for k, w in enumerate(weights) if address >> (k + side * n) & 1)
            for side in (0, 1)
        )
        below = not first and address >> (2 * n) & 1
        table |= int(b > a or (b == a and below)) << address
    return table
