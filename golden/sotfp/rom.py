"""The microcode of a configuration, and its words as the sequencer's memory holds them."""

from nomul.golden.sotfp.config import Config
from nomul.golden.sotfp.microcode import Program
from nomul.golden.sotfp.programs import OPS


def program(cfg: Config, op: str) -> Program:
    """Return the microcode of ``add``, ``mul``, ``mac`` or ``begin``.

    ``mac`` adds the product to a third operand, and also writes the sum over that operand in the
    bank whose program comes next; ``begin`` sets the operand to +0 before. Every step is executed
    whatever the operands are: there is no branch. All counts come from it.
    """
    return cfg.program(op)


def rom_fields(cfg: Config) -> dict[str, int]:
    """Return names and widths of the fields of a microcode word, least significant first.

    ``sets``: whether the predicate ``p`` must be ``pol``. Operation sets with search add which
    operand's exponent to look at, the key bit, and whether to invert the answer.
    """
    column = (cfg.depth - 1).bit_length()
    fields = {"dst": column, "a": column, "b": column, "p": column}
    fields |= {"f": 4, "pol": 1, "sets": 1, "end": 1}
    if cfg.opset.endswith("search"):
        fields |= {"search": 1, "operand": 1, "key": 1, "invert": 1}
    if cfg.mac:
        fields |= {"other": 1}
    return fields


def rom_entries(cfg: Config) -> list[int]:
    """Return the address of each program's first word; ``begin`` runs into ``mac``."""
    add, mul = (program(cfg, op).steps for op in OPS)
    return [0, add, add + mul, add + mul + cfg.width][: len(cfg.programs)]


def rom(cfg: Config) -> list[int]:
    """Return the microcode words of ``add``, then ``mul``, then ``begin``, whose end is ``mac``."""
    words = []
    for op in (*OPS, "begin") if cfg.mac else OPS:
        code = program(cfg, op)
        exponents = [word[cfg.mantissa_bits : -1] for word in code.inputs]
        for number, step in enumerate(code.code):
            values = {"dst": step.dst, "a": step.a, "b": step.b, "p": max(step.p, 0), "f": step.f}
            values |= {"pol": step.pol, "sets": int(step.p >= 0), "end": number + 1 == code.steps}
            if step.search is not None:
                values |= {"search": 1, "operand": exponents.index(step.search.columns)}
                values |= {"key": step.search.keys[0], "invert": int(step.search.invert)}
            values["other"] = int(step.other)
            word = offset = 0
            for name, width in rom_fields(cfg).items():
                word |= int(values.get(name, 0)) << offset
                offset += width
            words.append(word)
    return words
