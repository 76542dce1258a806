"""Arithmetic modulo p by one conditional addition or subtraction each: nothing divides."""

from amaranth.hdl import Module, Mux, Signal, Value, signed


def modular_sum(m: Module, a: Value, b: Value | int, p: int, name: str) -> tuple[Value, Value]:
    """Return (a + b) mod p and whether it wrapped, of a and b in 0..p-1."""
    whole = Signal(range(2 * p), name=f"{name}_whole")
    total, wraps = Signal(range(max(2, p)), name=name), Signal(name=f"{name}_wraps")
    m.d.comb += [
        whole.eq(a + b),
        wraps.eq(whole >= p),
        total.eq(Mux(wraps, whole - p, whole)),
    ]
    return total, wraps


def modular_difference(m: Module, a: Value, b: Value, p: int, name: str) -> Value:
    """Return (a - b) mod p of a and b in 0..p-1."""
    least = Signal(signed(p.bit_length() + 1), name=f"{name}_least")
    difference = Signal(range(max(2, p)), name=name)
    m.d.comb += [least.eq(a - b), difference.eq(Mux(least < 0, least + p, least))]
    return difference
