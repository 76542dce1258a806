"""Verilog as tokens, in one pass: comments, attributes and what a directive leaves out are gone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nomul.golden.foreign.numbers import shown

# One pattern, each alternative of which ends where it has to without going back far; the first
# takes a whole line of a case table, of which there may be millions.
_TOKEN = re.compile(
    r"""(?P<entry>(?P<width>\d+)'b(?P<address>[01]+)\s*+:\s*+(?P<target>[A-Za-z_]\w*+)\s*+<?=\s*+
          (?P<bits>\d+)'b(?P<value>[01]+)\s*+;)
      | (?P<space>\s++|//[^\n]*+)
      | (?P<comment>/\*)
      | (?P<all>\(\*\s*+\))
      | (?P<attribute>\(\*)
      | (?P<directive>`\w++)
      | (?P<literal>\d+\s*+'[sS]?[bdhoBDHO]\s*+[0-9a-fA-F_xXzZ?]++)
      | (?P<word>[A-Za-z_$][\w$]*+|\\\S++|\d++)
      | (?P<text>"(?:[^"\\\n]|\\.)*+")
      | (?P<sign><=|[^\s\w])
    """,
    re.VERBOSE,
)

# Directives that say nothing about what a module computes, with all that follows on their line.
_PASSED = (
    "`timescale",
    "`default_nettype",
    "`resetall",
    "`celldefine",
    "`endcelldefine",
    "`line",
)
_LINE = re.compile(r"[^\n]*+")
_NAME = re.compile(r"[ \t]*+([A-Za-z_]\w*+)")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, sign or literal, or a whole entry of a case table; and its line."""

    text: str
    line: int
    entry: tuple[str, str, str] | None = None


@dataclass
class _Conditions:
    """The open ``ifdef``s: whether each is taken, and whether one of its branches was."""

    names: set[str] = field(default_factory=set)
    taken: list[bool] = field(default_factory=list)
    done: list[bool] = field(default_factory=list)
    ended: list[bool] = field(default_factory=list)

    @property
    def here(self) -> bool:
        return all(self.taken)

    def enter(self, on: bool) -> None:
        self.taken.append(on)
        self.done.append(on)
        self.ended.append(False)

    def branch(self, on: bool, last: bool) -> None:
        if not self.taken or self.ended[-1]:
            raise ValueError("a branch without `ifdef")
        self.taken[-1] = on and not self.done[-1]
        self.done[-1] |= on
        self.ended[-1] = last

    def leave(self) -> None:
        if not self.taken:
            raise ValueError("`endif without `ifdef")
        for stack in (self.taken, self.done, self.ended):
            stack.pop()


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a file.

    `` `ifdef`` is decided by the names that the file itself defines. What would bring text from
    elsewhere, a macro or an include, is refused.

    Raises
    ------
    ValueError
        A comment, an attribute or a condition does not end, or a directive is not understood; the
        message names the line.
    """
    conditions, place, line = _Conditions(), 0, 1
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"line {line}: {shown(text[place])} is not understood")
        kind, start = match.lastgroup, line
        place = match.end()
        if kind == "comment":
            place = _end(text, place, "*/", line, "comment")
        elif kind == "attribute":
            place = _end(text, place, "*)", line, "attribute")
        elif kind == "directive":
            try:
                place = _direct(conditions, match[0], text, place)
            except ValueError as error:
                raise ValueError(f"line {line}: {error}") from None
        elif kind != "space" and conditions.here:
            entry = (match["address"], match["target"], match["value"]) if match["entry"] else None
            if entry and (len(entry[0]), len(entry[2])) != (
                _width(match["width"]),
                _width(match["bits"]),
            ):
                raise ValueError(f"line {line}: entry {shown(match[0])} is of another width")
            yield Token(match[0], start, entry)
        line += text.count("\n", match.start(), place)
    if conditions.taken:
        raise ValueError("an `ifdef does not end")


def _width(text: str) -> int:
    return int(text) if len(text) < 9 else -1


def _end(text: str, place: int, mark: str, line: int, what: str) -> int:
    end = text.find(mark, place)
    if end < 0:
        raise ValueError(f"line {line}: a {what} does not end")
    return end + len(mark)


def _direct(conditions: _Conditions, word: str, text: str, place: int) -> int:
    """Take a directive into account; return where the text goes on."""
    if word in ("`ifdef", "`ifndef", "`elsif", "`define", "`undef"):
        name = _NAME.match(text, place)
        if not name:
            raise ValueError(f"{word} names nothing")
        place = name.end()
        known = name[1] in conditions.names
        if word in ("`ifdef", "`ifndef"):
            conditions.enter(known == (word == "`ifdef"))
        elif word == "`elsif":
            conditions.branch(known, last=False)
        elif conditions.here:
            (conditions.names.add if word == "`define" else conditions.names.discard)(name[1])
        if word == "`define":
            rest = _LINE.match(text, place)
            assert rest
            if rest[0].rstrip().endswith("\\"):
                raise ValueError("a macro of several lines is not read")
            place = rest.end()
    elif word == "`else":
        conditions.branch(True, last=True)
    elif word == "`endif":
        conditions.leave()
    elif word in _PASSED:
        rest = _LINE.match(text, place)
        assert rest
        place = rest.end()
    elif conditions.here:
        raise ValueError(f"{shown(word)} is not read: it brings text from elsewhere")
    return place
