"""Microcode of IEEE floating-point multiplication.

One file, since it is one program, whose two endings belong to the choices made at its start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from nomul.golden.sotfp.booth import booth, rows
from nomul.golden.sotfp.microcode import (
    A_AND_NOT_B,
    A_OR_NOT_B,
    AND,
    NAND,
    NOR,
    NOT_A,
    OR,
    XNOR,
    XOR,
    ZERO,
    A,
    Builder,
)
from nomul.golden.sotfp.round import Limit, room_of, round_up, subtract_stages
from nomul.golden.sotfp.shift import Bit, Shifter, Word, gather, load, shift_left, stages


@dataclass(frozen=True)
class Choice:
    """What the generator may choose without changing a result: the shortest program wins.

    Parameters
    ----------
    pad
        Zero places above the product, at least Nm. Underflow then is a shift to the left that has
        no room, and the constant in the exponent is ``pad`` - bias. With Nm places a product that
        rounds up to the smallest subnormal is found apart: its exponent is -1, its top bit one.
    carry_in
        Whether one enters the sum of the exponents as its carry, and leaves the constant.
    booth
        Whether the significands are multiplied by Booth's digits, or row by row.
    """

    pad: int
    carry_in: bool
    booth: bool


# How a product of significands is written; the generator's own search leaves it out.
Multiply = Callable[[Builder, list[Bit], list[Bit]], list[int]]
LEAST_BOOTH = 6  # mantissa bits


def choices(exponent_bits: int, mantissa_bits: int, mode: str) -> list[Choice]:
    """Return the choices worth trying."""
    ways = (False, True) if mantissa_bits >= LEAST_BOOTH else (False,)
    if mode == "ftz":
        return [Choice(0, True, booth) for booth in ways]
    bias, least = (1 << (exponent_bits - 1)) - 1, mantissa_bits
    pads = range(least, max(least + 1, min(bias + 2, 2 * least + 8)))
    return [Choice(*values) for values in product(pads, (False, True), ways)]


def exponent_sum(b: Builder, x: list[int], y: list[int], *, carry_in: bool) -> list[int]:
    """Return x + y, or x + y + 1, with its carry as top bit; both words are used up."""
    # The lowest place is a half adder, whose carry in is a constant; the others are full ones.
    carry = b.op(OR if carry_in else AND, x[0], y[0])
    b.set(x[0], XNOR if carry_in else XOR, x[0], y[0])
    for left, right in zip(x[1:], y[1:], strict=True):
        b.full_add(left, right, carry)
    return [*x, carry]


def add_constant(b: Builder, x: list[int], constant: int) -> tuple[list[int], Bit]:
    """Return x + constant, and a column that is one where it is not negative; x is used up.

    None: it never is negative. Places below the lowest one of the constant cost nothing.
    """
    result: list[int] = []
    carry: Bit = None  # of a subtraction: zero where it borrows
    for i, bit in enumerate(x):
        one = abs(constant) >> i & 1
        if carry is None:
            result.append(b.op(NOT_A, bit) if one else bit)
            carry = bit if one else None
        else:
            flip = bool(one) == (constant < 0)
            result.append(b.op(XOR if flip else XNOR, bit, carry))
            b.set(carry, AND if flip else OR, bit, carry)
    if constant > 0:
        assert carry is not None
        return [*result, carry], None
    return result, carry


def mul(b: Builder, x: Word, y: Word, mode: str) -> list[int]:
    """Write the steps of x * y; return the columns of the product. The operands are used up."""
    # The search writes dozens of programs, so a process does it once per format.
    key = (len(x.e), len(x.m), mode, type(b).__name__, b.searching)
    if key not in _CHOSEN:
        _CHOSEN[key] = _shortest(b, len(x.e), len(x.m), mode)
    return _mul(b, x, y, mode, _CHOSEN[key])


_CHOSEN: dict[tuple[int, int, str, str, bool], Choice] = {}


def _shortest(like: Builder, ne: int, nm: int, mode: str) -> Choice:
    """Return the choice with the fewest steps; those of a product are counted once each way."""

    def given(b: Builder, x: list[Bit], y: list[Bit]) -> list[int]:
        return b.word(2 * nm + 2)

    def steps(choice: Choice, multiply: Multiply | None = None) -> int:
        b = type(like)(like.searching)
        return b.steps(_mul(b, load(b, ne, nm), load(b, ne, nm), mode, choice, multiply))

    # All choices with a product of no steps, then the best of each way with its product.
    every = choices(ne, nm, mode)
    ways = [[c for c in every if c.booth == booth] for booth in (False, True)]
    return min((min(way, key=lambda c: steps(c, given)) for way in ways if way), key=steps)


def _mul(
    b: Builder, x: Word, y: Word, mode: str, choice: Choice, multiply: Multiply | None = None
) -> list[int]:
    multiply = multiply or (booth if choice.booth else rows)
    ftz = mode == "ftz"
    ne = len(x.e)
    bias = (1 << (ne - 1)) - 1
    # What the operands are: normal (their hidden bits), infinite or NaN (exponents of ones).
    left, right = b.match(x.e, 0, invert=True), b.match(y.e, 0, invert=True)
    wide_x, wide_y = b.match(x.e, 1), b.match(y.e, 1)
    special = b.op(OR, wide_x, wide_y)
    # The product may use up its multiplier; columns that are written once only live longer.
    some_x = None if b.predicated else b.any_of(x.m)
    some_y = b.any_of(y.m) if choice.booth or ftz or not b.predicated else None
    # The product of the significands; with flushing to zero both hidden bits are one.
    hidden_x, hidden_y = (None, None) if ftz else (left, right)
    p = multiply(b, [*x.m, hidden_x], [*y.m, hidden_y])
    # NaN: from an operand, and later from infinity times zero.
    nan = b.any_of(x.m, spend=True) if some_x is None else some_x
    alive = b.op(OR, nan, left) if choice.booth and not ftz else None
    b.set(nan, AND, nan, wide_x)
    if some_y is None:
        some_y = b.any_of(y.m, spend=True)
    b.set(nan, AND, some_y, wide_y, unless=nan)
    if ftz:
        zero = b.op(NAND, left, right)
        b.set(nan, AND, special, zero, unless=nan)
    else:
        b.set(x.e[0], A_OR_NOT_B, x.e[0], left)
        b.set(y.e[0], A_OR_NOT_B, y.e[0], right)
    # The sum of the exponents, less the bias; how much room it leaves for shifts to the left.
    e = exponent_sum(b, x.e, y.e, carry_in=choice.carry_in)
    if ftz:
        return _finish_ftz(b, p, e, zero, special, nan, (x.s, y.s))
    constant = choice.pad - bias - choice.carry_in
    while constant >> len(e) > 0:
        e.append(b.op(ZERO))
    room, fits = add_constant(b, e, constant)
    if 2 + choice.pad - bias >= 0:
        fits = None  # even two subnormals have room
    # Exactly 2, a tie, is no product of two numbers from 1 to below 2.
    tiny: Bit = None
    if fits is not None and choice.pad == len(x.m):
        masks = [] if alive is None else [alive]
        tiny = b.all_of([*room, p[-1], *masks])
    return _finish_ieee(b, p, room, fits, alive, tiny, choice.pad, special, nan, (x.s, y.s), ne)


def _finish_ieee(
    b: Builder,
    p: list[int],
    e: list[int],
    fits: Bit,
    alive: Bit,
    tiny: Bit,
    pad: int,
    special: int,
    nan: int,
    signs: tuple[int, int],
    ne: int,
) -> list[int]:
    """Normalise as far as the exponent allows, round and pack.

    ``fits`` is zero where the product is too small for any room, ``alive`` where ``p`` says
    nothing since the product is zero, ``tiny`` one where the smallest subnormal replaces zero;
    None: nowhere.
    """
    # Shift to the left as far as the exponent allows, by all stages but the last.
    nm = len(p) // 2 - 1
    count = stages(pad + nm + 1)
    limit = room_of(b, e, count)
    held: list[Bit] = [None] * count
    if nm > 1 << (ne - 1):
        # Else infinity times the smallest subnormal would run out of room and look like zero.
        limit.beyond = b.any_of([special], into=limit.beyond)
    x, sticky = _normalise(b, [*p, *([None] * pad)], nm, limit, held)
    top = len(x) - 1
    one = b.op(OR, x[top - 1], x[top])
    # Infinity times zero leaves nothing on top.
    if alive is not None:
        b.set(one, AND, one, alive)
        fits = b.all_of([bit for bit in (alive, fits) if bit is not None])
    b.set(nan, A_AND_NOT_B, special, one, unless=nan)
    if fits is not None:
        b.set(one, AND, one, fits)
        b.set(x[top], AND, x[top], fits)
    # Where the exponent's highest bit is one both operands are normal, and shift about ``pad``.
    subtract_stages(b, e, held, narrow=len(e) == ne + 1 and pad < 1 << (ne - 1))
    # The exponent is what the shifts have left of it; too large a one erases the mantissa.
    move = limit.left(e)
    field, high = e[:ne], e[ne:]
    erase = _overflow(b, field, high, x[top], one)
    b.set(erase, OR, erase, special)
    # An exponent of all ones, less the one that the top bit adds; or zero.
    b.set(one, A_AND_NOT_B, one, erase)
    b.set(field[0], AND, field[0], one)
    b.set(x[top], OR, x[top], erase)
    # Outside of ``one`` the other bits are those of ``erase``, which two columns hold already.
    into = [x[top], erase] if b.predicated else []
    for bit in field[1 : ne - len(into)]:
        b.set(bit, A, erase, unless=one)
    # The last stage moves the mantissa by one place, or erases it.
    gone = erase if fits is None else b.op(A_OR_NOT_B, erase, fits)
    if alive is None and nm != 1 << (ne - 1):
        b.set(move, A_AND_NOT_B, move, x[top], unless=gone)  # there is room where gone
    else:
        b.set(move, A_AND_NOT_B, move, x[top])
        b.set(move, OR, move, gone)
    sticky = gather(b, sticky, [x[0]], move, where=False)
    assert sticky is not None
    for i in reversed(range(1, top)):
        b.set(x[i], A_AND_NOT_B, x[i - 1], gone, where=move)
    # Round to nearest even, then what no rounding gives: the smallest subnormal, and NaN.
    m = x[2:top]
    field = round_up(b, m, x[1], sticky, field, x[top], where=one, into=into)
    if tiny is not None:
        b.set(m[0], OR, m[0], tiny)
    b.set(m[-1], OR, m[-1], nan)
    sign = b.gated(one, XOR, *signs, unless=nan)
    return [*m, *field, sign]


def _overflow(b: Builder, field: list[int], high: list[int], top: int, one: int) -> int:
    """Return where the exponent, with ``top`` added, is too large, if the product is not zero."""
    # All ones in the field, and its lowest bit or the top bit; or a bit above the field.
    *pairs, rest = field[1:] if len(field) % 2 == 0 else [*field[1:], one]
    erase = b.all_of(pairs)
    b.set(erase, OR, field[0], top, where=erase)
    if rest == one:
        b.set(erase, AND, erase, one)
    else:
        b.set(erase, AND, rest, one, where=erase)
    for bit in high:
        b.set(erase, AND, bit, one, unless=erase)
    return erase


def _normalise(
    b: Builder, x: list[Bit], nm: int, limit: Limit, held: list[Bit]
) -> tuple[list[int], Bit]:
    """Run all stages but the last; return what is left for it, and the OR of what is lost.

    Places that stay below the guard bit whatever is still to come are lost at once.
    """
    sticky: Bit = None
    for k in reversed(range(1, len(held))):
        # The stages to come shift by less than this one, which bounds the places that matter.
        shift = 1 << k
        keep = nm + 2 + shift - 1
        cut = max(0, len(x) - keep - shift)
        if cut:
            gone = [bit for bit in x[:cut] if bit is not None]
            sticky = b.any_of(gone, into=sticky, spend=True)
            x = x[cut:]
        floor = max(0, len(x) - keep)
        # Shift where there is room and nothing set above; what cannot come back is sticky.
        lost = [bit for bit in x[:floor] if bit is not None]
        busy = [bit for bit in x[-shift:] if bit is not None]
        column = held[k] = limit.held(k, busy) if busy else limit.lacking(k)
        if column is None:
            sticky = b.any_of(lost, into=sticky, spend=True) if lost else sticky
        else:
            if k > 1 and busy:
                limit.spend(k, column)
            shifter = Shifter(b, x, 0)
            shift_left(shifter, shift, column, floor=floor)
            shifter.settle()
            sticky = gather(b, sticky, lost, column, where=True, spend=True)
        x = x[floor:]
    return [b.op(ZERO) if bit is None else bit for bit in x], sticky


def _finish_ftz(
    b: Builder,
    p: list[int],
    e: list[int],
    zero: int,
    special: int,
    nan: int,
    signs: tuple[int, int],
) -> list[int]:
    """Normalise by one place, round and pack; what is below the smallest normal becomes zero.

    ``e`` is the sum of both exponents and one, 2**(Ne - 1) above the product's: of its two highest
    bits one is set, and the other is not, where the product neither over- nor underflows.
    """
    # Normalise: the product of two numbers from 1 to below 2 moves by one place or not at all.
    nm, top = len(p) // 2 - 1, len(p) - 1
    low = top - nm - 2
    sticky = b.any_of(p[:low], spend=True)
    b.set(sticky, AND, p[low], p[top], unless=sticky)
    for i in reversed(range(low + 1, top)):
        b.set(p[i], A, p[i - 1], unless=p[top])
    # Round to nearest even; the carry goes on into the exponent.
    m = p[low + 2 : top]
    e = round_up(b, m, p[low + 1], sticky, e, p[top])
    # Overflow and underflow, by the two highest bits of the exponent and all the others.
    *rest, second, highest = e
    plain, over = b.any_of(rest), b.all_of(rest)
    b.set(plain, A, second, where=plain)
    b.set(plain, OR, plain, highest)
    b.set(over, OR, over, second)
    erase = special
    b.set(erase, AND, over, highest, unless=erase)
    # A finite product, or else an exponent of ones or of zeros over an empty mantissa.
    b.set(plain, NOR, erase, zero, where=plain)
    field = [*rest, highest]
    for bit in field:
        b.set(bit, A, erase, unless=plain)
    for bit in m:
        b.set(bit, AND, bit, plain)
    b.set(m[-1], OR, m[-1], nan)
    sign = b.gated(plain, XOR, *signs, unless=nan)
    return [*m, *field, sign]
