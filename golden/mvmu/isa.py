"""The instructions of a core, and an assembler for them."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from nomul.golden.mvmu.config import ADDRESS_BITS, Config

OPERATIONS = ("halt", "set", "load", "store", "alu", "mvm", "jump")
FUNCTIONS = ("add", "sub", "min", "max", "relu", "copy", "shift")
WHENS = ("always", "nonzero", "negative")
MODES = ("direct", "indexed")
# Fields of an instruction's word, lowest first, and their bits.
FIELDS = {"op": 3, "kind": 3, "count": 12, **dict.fromkeys(("dst", "a", "b"), ADDRESS_BITS)}
KINDS = {"load": MODES, "store": MODES, "alu": FUNCTIONS, "jump": WHENS}


class Instruction(NamedTuple):
    """One instruction, of vectors of ``count`` registers.

    =======  ==================  ====================================================
    op       kind                what it does, for k in 0..count-1
    =======  ==================  ====================================================
    set                          register dst + k becomes b
    load     direct, indexed     register dst + k becomes word a + k; with ``indexed``, of a + k
                                 plus register b
    store    direct, indexed     word dst + k, likewise, becomes register a + k
    alu      a function          register dst + k becomes f(register a + k, register b + k);
                                 ``shift`` goes right by b bits
    mvm                          a unit's outputs become the product of its inputs with matrix a
    jump     when                to instruction dst, always, or as register a is
    halt                         the program ends
    =======  ==================  ====================================================
    """

    op: int
    kind: int = 0
    count: int = 1  # type: ignore[assignment]  # of tuples, a method that nobody needs here
    dst: int = 0
    a: int = 0
    b: int = 0

    def word(self) -> int:
        """Return the instruction as a word of the program's memory."""
        word = at = 0
        for name, size in FIELDS.items():
            word |= (getattr(self, name) & ((1 << size) - 1)) << at
            at += size
        return word


def word_bits() -> int:
    """Return the bits of an instruction."""
    return sum(FIELDS.values())


def assemble(cfg: Config, text: str) -> list[Instruction]:
    """Return the instructions of a program, a line each; ``;`` begins a comment.

    Registers are ``in0``, ``out0``, ``r0`` and on, words ``[17]`` or ``[17 + r3]``; ``x8`` behind a
    name makes it a vector of 8. Labels end with a colon and stand before an instruction or alone::

        loop: load in0 x64, [0 + r0]
              mvm 0
              relu out0 x16, out0
              store [500], out0 x16
              add r0, r0, r1
              jump loop, nonzero r0
              halt

    Raises
    ------
    ValueError
        A line that cannot be read, a register or address that does not exist, an unknown label, or
        more instructions than the memory holds; the line's number is named.
    """
    lines: list[tuple[int, str]] = []
    labels: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        rest = line.split(";")[0].strip()
        while match := re.match(r"([A-Za-z_]\w*):\s*", rest):
            if match[1] in labels:
                raise ValueError(f"line {number}: label {match[1]!r} is there twice")
            labels[match[1]] = len(lines)
            rest = rest[match.end() :]
        if rest:
            lines.append((number, rest))
    if len(lines) > cfg.program_words:
        raise ValueError(
            f"the program has {len(lines)} instructions; the memory holds {cfg.program_words}"
        )
    program = []
    for number, line in lines:
        try:
            program.append(_Line(cfg, labels, line).instruction())
        except ValueError as error:
            raise ValueError(f"line {number}: {line}: {error}") from None
    return program


class _Line:
    """One line of a program as it is read."""

    def __init__(self, cfg: Config, labels: dict[str, int], line: str):
        self.cfg, self.labels = cfg, labels
        self.name, _, rest = line.partition(" ")
        self.parts = [part.strip() for part in rest.split(",")] if rest.strip() else []

    def instruction(self) -> Instruction:
        name = self.name
        if name in FUNCTIONS:
            return self._alu()
        if name not in OPERATIONS or name == "alu":
            known = ", ".join([*(op for op in OPERATIONS if op != "alu"), *FUNCTIONS])
            raise ValueError(f"operation must be one of {known}, not {name!r}")
        op = OPERATIONS.index(name)
        if name == "halt":
            self._operands(0)
            return Instruction(op)
        if name == "jump":
            return self._jump(op)
        if name == "mvm":
            self._operands(1)
            return Instruction(op, a=_number(self.parts[0], 0, self.cfg.units - 1, "unit"))
        self._operands(2)
        if name == "set":
            dst, count = self._register(self.parts[0])
            return Instruction(op, 0, count, dst, b=_number(self.parts[1], -32768, 32767, "value"))
        register, memory = self.parts if name == "load" else self.parts[::-1]
        place, count = self._register(register)
        mode, address, index = self._memory(memory, count)
        ends = {"dst": place, "a": address} if name == "load" else {"dst": address, "a": place}
        return Instruction(op, mode, count, **ends, b=index)

    def _alu(self) -> Instruction:
        kind = FUNCTIONS.index(self.name)
        single = self.name in ("relu", "copy")
        self._operands(2 if single else 3)
        dst, count = self._register(self.parts[0])
        a, _ = self._register(self.parts[1], count)
        b = 0
        if self.name == "shift":
            b = _number(self.parts[2], 0, 15, "bits")
        elif not single:
            b, _ = self._register(self.parts[2], count)
        for source in (a, *([] if single or self.name == "shift" else [b])):
            if source < dst < source + count:
                raise ValueError("an operand must not begin before the result and overlap it")
        return Instruction(OPERATIONS.index("alu"), kind, count, dst, a, b)

    def _jump(self, op: int) -> Instruction:
        if len(self.parts) not in (1, 2):
            raise ValueError("must be: jump LABEL, or: jump LABEL, nonzero REGISTER")
        if self.parts[0] not in self.labels:
            raise ValueError(f"there is no label {self.parts[0]!r}")
        target, when, register = self.labels[self.parts[0]], "always", 0
        if len(self.parts) == 2:
            when, _, name = self.parts[1].partition(" ")
            if when not in WHENS[1:]:
                raise ValueError(f"condition must be one of {', '.join(WHENS[1:])}, not {when!r}")
            register, _ = self._register(name.strip())
        return Instruction(op, WHENS.index(when), 1, target, register)

    def _operands(self, count: int) -> None:
        if len(self.parts) != count:
            raise ValueError(f"must have {count} operands, not {len(self.parts)}")

    def _register(self, text: str, count: int | None = None) -> tuple[int, int]:
        """Return number and length of a vector of registers; a length given holds for it too."""
        match = re.fullmatch(r"(in|out|r)(\d+)(?:\s+x(\d+))?", text)
        if not match:
            raise ValueError(f"register must be like in0, out3 or r7 x4, not {text!r}")
        cfg = self.cfg
        begin, size = {
            "in": (0, cfg.inputs),
            "out": (cfg.out, cfg.outputs),
            "r": (cfg.general, cfg.registers),
        }[match[1]]
        length = count or int(match[3] or 1)
        if int(match[2]) + length > size or not 1 <= length < 1 << FIELDS["count"]:
            raise ValueError(f"{text!r} x{length} is more than the {size} registers {match[1]}")
        return begin + int(match[2]), length

    def _memory(self, text: str, count: int) -> tuple[int, int, int]:
        """Return mode, address and index register of words of memory."""
        match = re.fullmatch(r"\[(\d+)(?:\s*\+\s*(r\d+))?\]", text)
        if not match:
            raise ValueError(f"memory must be like [17] or [17 + r3], not {text!r}")
        address = int(match[1])
        if address + count > self.cfg.words:
            raise ValueError(f"{text} x{count} is behind the {self.cfg.words} words of memory")
        if match[2] is None:
            return 0, address, 0
        return 1, address, self._register(match[2])[0]


def _number(text: str, low: int, high: int, name: str) -> int:
    if not re.fullmatch(r"-?\d+", text) or not low <= int(text) <= high:
        raise ValueError(f"{name} must be in {low}..{high}, not {text!r}")
    return int(text)


def words(program: Iterable[Instruction]) -> list[int]:
    """Return a program's words."""
    return [instruction.word() for instruction in program]
