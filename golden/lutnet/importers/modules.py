"""Modules of Verilog from its tokens: ports, and statements of their bodies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nomul.golden.foreign.numbers import shown
from nomul.golden.lutnet.importers.tokens import Token

_KINDS = ("wire", "reg", "logic")


@dataclass(frozen=True)
class Module:
    """A module: its name, the tokens between its brackets, and those of its body."""

    name: str
    header: Sequence[Token]
    body: Sequence[Token]

    def widths(self) -> tuple[int, int]:
        """Return the widths of M0, an input, and M1, an output; there may be no other ports."""
        ports: dict[str, tuple[str, int]] = {}
        direction = ""
        for item in split(self.header, ","):
            rest = list(item)
            if rest and rest[0].text in ("input", "output"):
                direction = rest.pop(0).text
            if rest and rest[0].text in _KINDS:
                rest.pop(0)
            width, rest = ranged(rest)
            if len(rest) != 1 or not direction or rest[0].text in ports:
                words = " ".join(token.text for token in item)
                raise ValueError(f"module {self.name}: port {shown(words)} is not understood")
            ports[rest[0].text] = direction, width
        for port, wanted in (("M0", "input"), ("M1", "output")):
            if ports.get(port, ("", 0))[0] != wanted:
                raise ValueError(f"module {self.name} has no {wanted} {port}")
        if len(ports) != 2:
            raise ValueError(f"module {self.name} has other ports than M0 and M1")
        return ports["M0"][1], ports["M1"][1]


def modules(tokens: Sequence[Token]) -> Iterator[Module]:
    """Yield the modules of a file.

    Raises
    ------
    ValueError
        One does not end, or something stands between them.
    """
    place = 0
    while place < len(tokens):
        if tokens[place].text != "module":
            raise ValueError(f"line {tokens[place].line}: {shown(tokens[place].text)} in no module")
        name, start = _text(tokens, place + 1), place
        place += 2
        if _text(tokens, place) == "#":
            _, place = bracketed(tokens, place + 1)
        header: Sequence[Token] = ()
        if _text(tokens, place) == "(":
            header, place = bracketed(tokens, place)
        if _text(tokens, place) != ";":
            raise ValueError(f"line {tokens[start].line}: module {shown(name)} is not understood")
        end = place = place + 1
        while _text(tokens, end) != "endmodule":
            if _text(tokens, end) in ("", "module"):
                raise ValueError(f"line {tokens[start].line}: module {shown(name)} does not end")
            end += 1
        yield Module(name, header, tokens[place:end])
        place = end + 1


def _text(tokens: Sequence[Token], place: int) -> str:
    return tokens[place].text if place < len(tokens) else ""


def bracketed(tokens: Sequence[Token], place: int) -> tuple[Sequence[Token], int]:
    """Return the tokens between the bracket at a place and its match, and the place after it."""
    if _text(tokens, place) != "(":
        raise ValueError(f"a bracket is wanted, not {shown(_text(tokens, place))}")
    depth = 0
    for end in range(place, len(tokens)):
        depth += (tokens[end].text == "(") - (tokens[end].text == ")")
        if depth == 0:
            return tokens[place + 1 : end], end + 1
    raise ValueError(f"line {tokens[place].line}: a bracket is not closed")


def split(tokens: Sequence[Token], sign: str) -> list[Sequence[Token]]:
    """Return the tokens between signs outside of all brackets; nothing of nothing."""
    parts, start, depth = [], 0, 0
    for place, token in enumerate(tokens):
        depth += (token.text in ("(", "[", "{")) - (token.text in (")", "]", "}"))
        if token.text == sign and depth == 0:
            parts.append(tokens[start:place])
            start = place + 1
    return [*parts, tokens[start:]] if tokens else []


def statements(tokens: Sequence[Token]) -> list[Sequence[Token]]:
    """Return a body's statements, which end with semicolons."""
    parts = split(tokens, ";")
    if parts and parts[-1]:
        raise ValueError(f"line {parts[-1][0].line}: a statement does not end")
    return [part for part in parts[:-1] if part]


def ranged(tokens: Sequence[Token]) -> tuple[int, list[Token]]:
    """Return the width that a declaration begins with, 1 without any, and what follows."""
    rest = list(tokens)
    if not rest or rest[0].text != "[":
        return 1, rest
    words = [token.text for token in rest[:5]]
    whole = len(words) == 5 and words[1].isdecimal() and len(words[1]) < 9
    if not whole or words[2:] != [":", "0", "]"]:
        raise ValueError(f"range {shown(' '.join(words))} is not [n:0]")
    return int(words[1]) + 1, rest[5:]


def instance(statement: Sequence[Token]) -> tuple[str, dict[str, Sequence[Token]]]:
    """Return module and connections of an instance, ``name other (.port(...), ...)``."""
    words = [token.text for token in statement]
    if (
        len(words) < 4
        or words[2] != "("
        or not (words[0].isidentifier() and words[1].isidentifier())
    ):
        raise ValueError(f"{shown(' '.join(words))} is not understood")
    inside, end = bracketed(statement, 2)
    ports: dict[str, Sequence[Token]] = {}
    for item in split(inside, ","):
        name = _text(item, 1)
        if _text(item, 0) != "." or name in ports:
            raise ValueError(f"{words[0]}: a connection is not understood, or made twice")
        ports[name], after = bracketed(item, 2)
        if after != len(item):
            raise ValueError(f"{words[0]}: connection {shown(name)} is not understood")
    if end != len(statement):
        raise ValueError(f"{shown(' '.join(words))} is not understood")
    return words[0], ports
