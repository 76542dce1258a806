"""Liberty files as people write them, turned into one that every tool reads the same way.

Tools differ in what they take: quotes around functions and units, semicolons, line ends, comments,
two ways to write an inverter. What comes out has one statement a line, ASCII only, every semicolon,
and functions in ``!``, ``&``, ``^`` and ``|``. Numbers and tables stay as they stand in the file.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nomul.synth.map.functions import canonical

_LARGEST = 1 << 27  # bytes of a library, unpacked

_SPACE = re.compile(r"(?:\s|\\[ \t]*\r?\n|/\*.*?\*/|//[^\n]*)+", re.DOTALL)
_BLANK = re.compile(r"(?:[ \t\r\f\v]|\\[ \t]*\r?\n|/\*.*?\*/)+", re.DOTALL)
_STRING = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][\w.\-\[\]]*")
_RAW = re.compile(r"(?:[^;{}\n\"/\\]|/(?![/*])|\\(?![ \t]*\r?\n))+")
_WORD = re.compile(r"(?:[^\s(){};,\"/\\]|/(?![/*]))+")
_PLAIN = re.compile(r"[A-Za-z_]\w*|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")

# Attributes that hold Boolean functions of pins.
_FUNCTIONS = frozenset(
    "function three_state when clocked_on next_state clear preset enable data_in "
    "clocked_on_also enable_also state_function x_function".split()
)


@dataclass
class Statement:
    """``name : value``, ``name (values)``, or with ``body`` a group.

    ``values`` are written as they shall appear, quotes included; ``simple`` tells the first form.
    """

    name: str
    values: list[str]
    simple: bool = False
    body: "list[Statement] | None" = field(default=None)

    def argument(self) -> str:
        """Return the first value without its quotes; empty if there is none."""
        return self.values[0].strip('"') if self.values else ""

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of an attribute of a group, without its quotes."""
        return next((s.argument() for s in self.body or () if s.name == name), default)

    def groups(self, name: str) -> "list[Statement]":
        """Return the groups of one name within a group."""
        return [s for s in self.body or () if s.name == name and s.body is not None]

    def numbers(self, name: str) -> list[list[float]]:
        """Return the numbers of an attribute such as ``values``, a list for each text of them."""
        rows = next((s.values for s in self.body or () if s.name == name), [])
        return [[float(x) for x in row.strip('"').replace(",", " ").split()] for row in rows]

    def write(self, depth: int = 0) -> Iterator[str]:
        """Yield the lines of the statement."""
        space = "  " * depth
        if self.simple:
            yield f"{space}{self.name} : {self.values[0]};"
            return
        head = f"{space}{self.name} ({', '.join(self.values)})"
        if self.body is None:
            yield f"{head};"
            return
        yield f"{head} {{"
        for statement in self.body:
            yield from statement.write(depth + 1)
        yield f"{space}}}"


def load(path: Path) -> bytes:
    """Return the bytes of a file, unpacked if it is gzipped.

    Raises
    ------
    ValueError
        It is no whole gzip file, or larger than 128 MiB.
    """
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: not a whole gzip file: {error}") from None
    if len(data) > _LARGEST:
        raise ValueError(f"{path}: more than {_LARGEST:,} bytes")
    return data


def tree(paths: Sequence[Path]) -> Statement:
    """Return one library, from a file or from several that share it.

    Further files bring cells and templates of a library whose units are those of the first.

    Raises
    ------
    ValueError
        A file is no Liberty file, or does not belong to the others; the message names file and
        line.
    """
    first, *others = [_library(path) for path in paths]
    for path, other in zip(paths[1:], others, strict=True):
        _join(first, other, paths[0], path)
    if not any(statement.name == "cell" for statement in first.body or ()):
        raise ValueError(f"{paths[0]}: the library has no cells")
    return first


def tidy(paths: Sequence[Path]) -> str:
    """Return the text of :func:`tree`'s library."""
    return "\n".join([*tree(paths).write(), ""])


def _library(path: Path) -> Statement:
    """Return the library of a file, with the files that it includes."""
    text = load(path).decode("latin-1")
    try:
        groups = [s for s in _Reader(text, path).statements(top=True) if s.body is not None]
    except RecursionError:
        raise ValueError(f"{path}: groups within groups without end") from None
    libraries = [group for group in groups if group.name == "library"]
    if len(libraries) != 1:
        raise ValueError(f"{path}: {len(libraries)} libraries in a file that should hold one")
    return libraries[0]


def _join(first: Statement, other: Statement, one: Path, two: Path) -> None:
    """Add another library's cells and templates to the first."""
    assert first.body is not None
    known: dict[tuple[str, ...], Statement] = {}
    for statement in first.body:
        known[_key(statement)] = statement
    for statement in other.body or ():
        before = known.get(_key(statement))
        if before is None:
            first.body.append(statement)
        elif statement.name == "cell":
            raise ValueError(f"{two}: cell {statement.argument()} is in {one} too")
        elif statement.body is not None or _shared(statement.name):
            if list(before.write()) != list(statement.write()):
                said = " ".join([statement.name, *statement.values])
                raise ValueError(f"{two}: {said} is not what it is in {one}")


def _key(statement: Statement) -> tuple[str, ...]:
    """Return what a statement must not be said twice of."""
    named = () if statement.body is None else tuple(v.strip('"') for v in statement.values)
    return (statement.name, *named)


def _shared(name: str) -> bool:
    """Whether a library's numbers mean something else where this attribute differs."""
    return "unit" in name or "thresh" in name or "derate" in name or name.startswith("nom_")


class _Reader:
    """Reads statements from text, by what can follow what rather than by punctuation."""

    def __init__(self, text: str, path: Path, above: tuple[Path, ...] = ()):
        self.text, self.path, self.at = text, path, 0
        self.above = (*above, path.resolve())

    def fail(self, what: str) -> ValueError:
        line = self.text.count("\n", 0, self.at) + 1
        return ValueError(f"{self.path}, line {line}: not Liberty: {what}")

    def skip(self, pattern: re.Pattern[str] = _SPACE) -> str:
        """Pass white space and comments; return the next character, empty at the end."""
        if found := pattern.match(self.text, self.at):
            self.at = found.end()
        if self.text.startswith("/*", self.at):
            raise self.fail("a comment without end")
        return self.text[self.at : self.at + 1]

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """Return the text of a pattern that comes next."""
        if (found := pattern.match(self.text, self.at)) is None:
            return None
        self.at = found.end()
        return found[found.lastindex or 0]

    def statements(self, top: bool = False) -> list[Statement]:
        """Return the statements up to the end of the group, or of the file."""
        found: list[Statement] = []
        while (char := self.skip()) not in ("}", ""):
            if char == ";":
                self.at += 1
            else:
                found += self.statement()
        if (char == "") != top:
            raise self.fail("a closing brace too many" if top else "a group without end")
        return found

    def statement(self) -> list[Statement]:
        name = self.take(_STRING) if self.text[self.at] == '"' else self.take(_NAME)
        if name is None:
            raise self.fail(f"{self.text[self.at : self.at + 12]!r} where a name is due")
        char = self.skip()
        self.at += 1
        if char == ":":
            return [Statement(name, [_value(name, self.simple())], simple=True)]
        if char == "=":  # a variable, which nothing here refers to
            self.simple()
            return []
        if char != "(":
            raise self.fail(f"neither : nor ( after {name}")
        values = self.arguments()
        if self.skip() != "{":
            if name == "include_file" and values:
                return self.include(values[0].strip('"'))
            return [Statement(name, values)]
        self.at += 1
        body = self.statements()
        self.at += 1
        if name in ("pin", "pg_pin") and len(values) > 1:
            return [Statement(name, [value], body=body) for value in values]
        return [Statement(name, values, body=body)]

    def simple(self) -> tuple[str, bool]:
        """Return a value up to the end of its line or statement, and whether it was quoted."""
        self.skip()
        if (text := self.take(_STRING)) is not None:
            return text, True
        pieces = []
        while (piece := self.take(_RAW)) is not None:
            pieces.append(piece)
            self.skip(_BLANK)
            if self.text.startswith('"', self.at):
                pieces.append(self.take(_STRING) or "")
        return "".join(pieces), False

    def arguments(self) -> list[str]:
        """Return what stands between brackets, and between further brackets around that."""
        values: list[str] = []
        depth = 1
        while depth:
            char = self.skip()
            if char == '"':
                text = self.take(_STRING)
                if text is None:
                    raise self.fail("a text without end")
                values.append(_quoted(text))
            elif char in "()," and char:
                depth += (char == "(") - (char == ")")
                self.at += 1
            elif char and (word := self.take(_WORD)) is not None:
                values.append(_bare(word))
            else:
                raise self.fail("brackets without end")
        return values

    def include(self, name: str) -> list[Statement]:
        path = self.path.parent / name
        if path.resolve() in self.above:
            raise self.fail(f"{name} includes itself")
        if not path.is_file():
            raise self.fail(f"there is no {path} to include")
        return _Reader(load(path).decode("latin-1"), path, self.above).statements(top=True)


def _quoted(text: str) -> str:
    """Return text in quotes, on one line, of plain characters."""
    text = " ".join(re.sub(r"\\[ \t]*\r?\n", " ", text).replace('\\"', "'").split())
    return f'"{text.encode("ascii", "replace").decode().replace(chr(92), "/")}"'


def _bare(text: str) -> str:
    """Return text as it is if it is a number or a name, else in quotes."""
    return text if _PLAIN.fullmatch(text) else _quoted(text)


def _value(name: str, value: tuple[str, bool]) -> str:
    text, quoted = value[0].strip(), value[1]
    if name in _FUNCTIONS and text:
        return _quoted(canonical(" ".join(text.split())))
    return _quoted(text) if quoted or not text else _bare(text)
