"""Rounding and saturation, combinational."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from nomul.golden.sgd import Config

WORD_BITS = 16


def rounded(m: Module, cfg: Config, value: Value, shift: int, word: Value) -> Value:
    """Return value / 2^shift, rounded as ``cfg.rounding`` says; ``word`` is random."""
    if shift == 0:
        return value
    if len(value) <= shift:
        value = Cat(value, value[-1].replicate(shift + 1 - len(value))).as_signed()
    added: Value = Const(0, 1)
    if cfg.rounding == "rne":
        # One half less the least, and the least too where the bit that stays lowest is one.
        odd = value[shift]
        added = Cat((~odd).replicate(shift - 1), odd)
    elif cfg.rounding == "zero":
        added = value[-1].replicate(shift)
    elif cfg.rounding == "stochastic":
        below = max(0, shift - WORD_BITS)
        added = Cat(Const(0, below), word[WORD_BITS - (shift - below) :])
    total = Signal(signed(len(value) + 1), name="rounding")
    m.d.comb += total.eq(value + added.as_unsigned())
    return total[shift:].as_signed()


def saturated(value: Value, bits: int) -> Value:
    """Return a signed value within ``bits`` bits."""
    if len(value) <= bits:
        return value
    inside = value[bits - 1 :].all() | ~value[bits - 1 :].any()
    rail = Cat((~value[-1]).replicate(bits - 1), value[-1])
    return Mux(inside, value[:bits], rail).as_signed()
