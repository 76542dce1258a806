"""Arithmetic modulo 2^b + 1 on codes that are residues less one; see the golden model's words.

A code has b + 1 bits, of which the uppermost says zero; then the others are zero too.
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed


def encoded(m: Module, x: Value, is_signed: bool, b: int, name: str) -> Value:
    """Return the code of an integer of at most b - 1 bits and a sign."""
    wide = Signal(signed(b + 1), name=f"{name}_wide")
    code, zero = Signal(b + 1, name=f"{name}_code"), Signal(name=f"{name}_zero")
    m.d.comb += [
        wide.eq(x.as_signed() if is_signed else x),
        zero.eq(x == 0),
        # Of a negative number the modulus less one is added: b bits as they are.
        code.eq(Mux(zero, 1 << b, (wide - ~wide[b])[:b])),
    ]
    return code


def decoded(code: Value, b: int) -> Value:
    """Return the integer next to zero: the code and one, less the modulus in the upper half."""
    above = ~code[b] & code[b - 1]
    return Mux(code[b], 0, code[:b].as_signed() + Mux(above, 0, 1))


def rotated(code: Value, turn: int, b: int) -> Value:
    """Return the code times 2^turn: bits go around inverted, unless it is zero. Wires alone."""
    turn %= 2 * b
    bits = [~bit for bit in code[:b]] if turn >= b else list(code[:b])
    turn %= b
    moved = [~bit for bit in bits[b - turn :]] + bits[: b - turn]
    return Cat(Mux(code[b], 0, Cat(moved)), code[b])


def added(m: Module, x: Value, y: Value, b: int, name: str) -> Value:
    """Return the code of a sum: the inverted carry is added below, and may carry into zero."""
    whole, total = Signal(b + 1, name=f"{name}_whole"), Signal(b + 1, name=f"{name}_sum")
    m.d.comb += [
        whole.eq(x[:b] + y[:b]),
        total.eq(Mux(x[b], y, Mux(y[b], x, whole[:b] + ~whole[b]))),
    ]
    return total


def multiplied(m: Module, x: Value, y: Value, b: int, name: str) -> Value:
    """Return the code of a product, by a multiplier of b bits and the words of its result."""
    whole, less = Signal(2 * b, name=f"{name}_whole"), Signal(signed(b + 2), name=f"{name}_less")
    code = Signal(b + 1, name=f"{name}_code")
    m.d.comb += [
        # Residues less one: (x + 1)(y + 1) - 1, of which the upper half counts negative.
        whole.eq(x[:b] * y[:b] + x[:b] + y[:b]),
        less.eq(whole[:b].as_unsigned() - whole[b:].as_unsigned()),
        code.eq(Mux(x[b] | y[b], Const(1 << b, b + 1), Mux(less < 0, less + (1 << b) + 1, less))),
    ]
    return code
