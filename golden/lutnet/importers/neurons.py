"""The case table of one neuron, from its module: every statement has to be understood."""

import re
from collections.abc import Sequence

from nomul.golden.foreign.numbers import shown
from nomul.golden.lutnet.importers.modules import Module, ranged
from nomul.golden.lutnet.importers.tokens import Token

_LITERAL = re.compile(r"(\d{1,6})\s*'([bdhoBDHO])\s*([0-9a-fA-F_]{1,64})")
_BASE = {"b": 2, "o": 8, "d": 10, "h": 16}


def case_table(module: Module, width_in: int, width_out: int) -> list[int]:
    """Return the values of a neuron's case table by address.

    Raises
    ------
    ValueError
        The module has other ports, something else than one table, or an address without a value or
        with two.
    """
    name = module.name
    if module.widths() != (width_in, width_out):
        raise ValueError(f"module {name}: its ports do not fit {width_in} and {width_out} bits")
    reader = _Reader(module.body, name)
    driver, target = "", ""
    values: dict[int, int] = {}
    while reader.left:
        word = reader.next()
        if word in ("reg", "wire", "logic"):
            reader.declare(width_out)
        elif word == "assign":
            first, sign, driver_now = reader.next(), reader.next(), reader.next()
            if first != "M1" or sign != "=" or driver:
                raise ValueError(f"module {name}: assign {shown(first)} is not understood")
            driver = driver_now
            reader.take(";")
        elif word in ("always", "always_comb") and not target:
            target, values = reader.table(word, width_in, width_out)
        else:
            raise ValueError(f"line {reader.line}: module {name}: {shown(word)} is not understood")
    if not target or target != (driver or "M1") or (driver and driver not in reader.declared):
        raise ValueError(f"module {name}: M1 is not driven by its case table")
    if len(values) != 1 << width_in:
        raise ValueError(f"module {name}: {len(values)} of {1 << width_in} addresses are given")
    return [values[address] for address in range(1 << width_in)]


class _Reader:
    """Takes tokens one after another."""

    def __init__(self, tokens: Sequence[Token], name: str):
        self.tokens, self.name, self.place = tokens, name, 0
        self.declared: set[str] = set()

    @property
    def left(self) -> bool:
        return self.place < len(self.tokens)

    @property
    def line(self) -> int:
        return self.tokens[min(self.place, len(self.tokens)) - 1].line

    def peek(self) -> str:
        return self.tokens[self.place].text if self.left else ""

    def next(self) -> str:
        word = self.peek()
        if not word:
            raise ValueError(f"module {self.name}: its body ends too early")
        self.place += 1
        return word

    def take(self, *words: str) -> None:
        for wanted in words:
            word = self.next()
            if word != wanted:
                raise ValueError(
                    f"line {self.line}: module {self.name}: {wanted} is wanted, not {shown(word)}"
                )

    def declare(self, width_out: int) -> None:
        """Take what follows ``reg``: the table's result, as wide as M1."""
        end = self.place
        while end < len(self.tokens) and self.tokens[end].text != ";":
            end += 1
        width, rest = ranged(self.tokens[self.place : end])
        if len(rest) != 1 or width != width_out or end == len(self.tokens):
            raise ValueError(f"line {self.line}: module {self.name}: a register of another width")
        self.declared.add(rest[0].text)
        self.place = end + 1

    def table(self, word: str, width_in: int, width_out: int) -> tuple[str, dict[int, int]]:
        """Take ``@(M0) begin case (M0) ... endcase end``; return what it drives, and its values."""
        if word == "always":
            self.take("@")
            if self.peek() == "*" or self.peek().startswith("(*"):
                self.next()
            else:
                self.take("(", "M0", ")")
        block = self.peek() == "begin"
        if block:
            self.next()
        self.take("case", "(", "M0", ")")
        target, values = "", {}
        rest: int | None = None
        while self.peek() != "endcase":
            key, driven, value = self.entry(width_in, width_out)
            if target not in ("", driven):
                raise ValueError(f"module {self.name}: a table drives {target} and {driven}")
            target = driven
            if key is None and rest is None:
                rest = value
            elif key is None or key in values:
                text = "default" if key is None else f"{key:0{width_in}b}"
                raise ValueError(f"module {self.name}: address {text} appears twice")
            else:
                values[key] = value
        self.next()
        if block:
            self.take("end")
        if rest is not None:
            values = dict.fromkeys(range(1 << width_in), rest) | values
        return target, values

    def entry(self, width_in: int, width_out: int) -> tuple[int | None, str, int]:
        """Take an entry; return its address, None for all others, what it drives, and the value."""
        if self.left and (entry := self.tokens[self.place].entry):
            address, driven, value = entry
            if len(address) != width_in or len(value) != width_out:
                raise ValueError(
                    f"line {self.tokens[self.place].line}: module {self.name}: "
                    f"entry {shown(self.peek())} is of another width"
                )
            self.place += 1
            return int(address, 2), driven, int(value, 2)
        key = None
        if self.peek() == "default":
            self.next()
        else:
            key = self.literal(width_in)
        self.take(":")
        driven = self.next()
        if self.next() not in ("=", "<="):
            raise ValueError(f"line {self.line}: module {self.name}: an entry is not understood")
        value_of = self.literal(width_out)
        self.take(";")
        return key, driven, value_of

    def literal(self, width: int) -> int:
        """Take a number of a width."""
        word = self.next()
        match = _LITERAL.fullmatch(word)
        text = match[3].replace("_", "") if match else ""
        try:
            value = int(text, _BASE[match[2].lower()]) if match else -1
        except ValueError:
            value = -1
        if not match or int(match[1]) != width or not 0 <= value < 1 << width:
            raise ValueError(
                f"line {self.line}: module {self.name}: {shown(word)} is no number of {width} bits"
            )
        return value
