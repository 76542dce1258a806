"""How large a design is before it is mapped, and so about how long its mapping takes."""

import re
from dataclasses import dataclass

# Seconds of one core that mapping to standard cells takes for a thousand bits of what a design
# computes, all recipes and the clock: in one piece, or of distinct modules. Any design takes
# something. From FreePDK45: 27 s for the 9,145 distinct bits of plane/paper, 16 s for the 2,504 of
# essop/serial16; true to about a factor of two.
FLAT_PER_KBIT, KEPT_PER_KBIT, ALWAYS = 7.0, 3.5, 4.0

# Above this estimate a design with modules that repeat is mapped module by module.
FLAT_SECONDS = 120.0

# Bits that a process decides in one assignment, where its text does not say.
_ASSIGNED = 4


@dataclass(frozen=True)
class Size:
    """Bits that cells and processes of a design compute.

    Attributes
    ----------
    flat
        With every instance of every module.
    distinct
        With every module once.
    modules
        Number of different modules.
    """

    flat: int
    distinct: int
    modules: int

    @property
    def repeats(self) -> bool:
        """Whether most of the design is modules that stand there again and again."""
        return self.distinct * 2 <= self.flat

    @property
    def worth_keeping(self) -> bool:
        """Whether it is worth mapping module by module."""
        return self.repeats and self.seconds() > FLAT_SECONDS

    def seconds(self, *, hierarchical: bool = False) -> float:
        """Return about how many seconds of a core mapping to standard cells takes."""
        if hierarchical:
            return ALWAYS + KEPT_PER_KBIT * self.distinct / 1000
        return ALWAYS + FLAT_PER_KBIT * self.flat / 1000


def of(rtlil: str, top: str) -> Size:
    """Return the size of a design from its RTLIL."""
    own: dict[str, int] = {}
    inside: dict[str, list[str]] = {}
    for name, body in re.findall(r"^module \\(\S+)$(.*?)^end$", rtlil, re.MULTILINE | re.DOTALL):
        kinds = re.findall(r"^ +cell (\S+) .*?$(.*?)^ +end$", body, re.MULTILINE | re.DOTALL)
        own[name] = sum(_bits(kind, about) for kind, about in kinds if kind.startswith("$"))
        own[name] += _ASSIGNED * len(re.findall(r"^ {4,}assign ", body, re.MULTILINE))
        inside[name] = [kind[1:] for kind, _ in kinds if kind.startswith("\\")]
    whole: dict[str, int] = {}

    def total(name: str) -> int:
        if name not in whole:
            whole[name] = own.get(name, 0) + sum(map(total, inside.get(name, [])))
        return whole[name]

    return Size(total(top), sum(own.values()), len(own))


def _bits(kind: str, about: str) -> int:
    widths = {n: int(w) for n, w in re.findall(r"parameter \\(\w+) (\d+)$", about, re.MULTILINE)}
    bits = widths.get("Y_WIDTH", widths.get("WIDTH", 1))
    if kind == "$mul":
        return widths.get("A_WIDTH", 1) * widths.get("B_WIDTH", 1)
    return bits * max(1, widths.get("S_WIDTH", 1))
