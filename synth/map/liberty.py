"""Standard cells of a Liberty file: capacitances, slews, energies and leakage, in fixed units.

Everything comes out in volts, nanoseconds, femtofarads, femtojoules and nanowatts, whatever the
file's own units are.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from nomul.synth.map.cells import Cell, Condition, Internal, Leakage, Library, Pin, Slew, Table

# Goes into the names of cached extracts; a change of what is extracted changes it.
_FORMAT = 4

# As the reader finds them, and some in comments too, which do no harm.
_INCLUDE = re.compile(r'include_file\s*\(\s*"?([^")]*)"?\s*\)')


def read(*paths: Path) -> Library:
    """Return the cells of a Liberty file, or of several that share a library.

    Parsing takes seconds, so what was extracted is kept in the user's cache folder
    (``XDG_CACHE_HOME``), under the hash of the files.

    Raises
    ------
    ValueError
        A file is no Liberty file, or a unit, a table or a function is of a kind that is not
        understood; the message names it.
    """
    return _read(tuple(path.resolve() for path in paths), digest(paths))


@cache
def _read(paths: tuple[Path, ...], digest: str) -> Library:
    from nomul.synth.map.liberty_text import extract
    from nomul.synth.map.liberty_tidy import tree

    cached = _cache_folder() / f"liberty-{_FORMAT}-{digest}.json"
    if (values := _kept(cached)) is not None:
        with contextlib.suppress(KeyError, TypeError, ValueError):  # a damaged file is made again
            return _from_json(json.loads(values))
    names = ", ".join(map(str, paths))
    try:
        library = extract(tree(paths))
    except (KeyError, IndexError, TypeError, AttributeError, AssertionError) as error:
        raise ValueError(f"{names}: what is needed of a library is not there: {error}") from error
    except ValueError as error:
        if str(error).startswith(tuple(map(str, paths))):  # the reader says where
            raise
        raise ValueError(f"{names}: {error}") from error
    _keep(cached, json.dumps(dataclasses.asdict(library)))
    return library


def text(*paths: Path) -> str:
    """Return the text of a library as every tool reads it; see :mod:`.liberty_tidy`.

    Raises
    ------
    ValueError
        A file is no Liberty file, or does not belong to the others.
    """
    return _text(tuple(path.resolve() for path in paths), digest(paths))


@cache
def _text(paths: tuple[Path, ...], digest: str) -> str:
    from nomul.synth.map.liberty_tidy import tidy

    cached = _cache_folder() / f"liberty-{_FORMAT}-{digest}.lib"
    if (text := _kept(cached)) is None:
        text = tidy(paths)
        _keep(cached, text)
    return text


def digest(paths: Sequence[Path]) -> str:
    """Return a hash of what files hold, and of what those hold that they include.

    Raises
    ------
    OSError
        A file is not there; one that is only included may be missing here.
    ValueError
        It is no whole gzip file, or too large.
    """
    from nomul.synth.map.liberty_tidy import load

    total = hashlib.sha256()
    for path in paths:
        seen, waiting = set[Path](), [path]
        while waiting:
            one = waiting.pop(0)
            if one.resolve() in seen or (one != path and not one.is_file()):
                continue
            seen.add(one.resolve())
            data = load(one)
            total.update(hashlib.sha256(data).digest())
            waiting += [one.parent / n.strip() for n in _INCLUDE.findall(data.decode("latin-1"))]
    return total.hexdigest()[:24]


def _kept(path: Path) -> str | None:
    """Return what is kept under a name and whole: its first line is the hash of the rest."""
    try:
        head, _, rest = path.read_text().partition("\n")
    except (OSError, ValueError):
        return None
    return rest if head == hashlib.sha256(rest.encode()).hexdigest() else None


def _keep(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
        partial.replace(path)
    except OSError:  # a read-only home costs time, nothing else
        pass


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nomul"


def _from_json(values: dict[str, Any]) -> Library:
    cells = {name: _cell_from(cell) for name, cell in values["cells"].items()}
    return Library(values["name"], values["voltage"], cells)


def _cell_from(v: dict[str, Any]) -> Cell:
    def when(c: Any) -> Condition:
        return Condition(tuple(c["pins"]), tuple(c["table"]))

    def table(t: Any) -> Table:
        return Table(tuple(t["slew"]), tuple(t["load"]), tuple(map(tuple, t["values"])))

    def tables(t: Any) -> dict[str, Table]:
        return {"rise": table(t["rise"]), "fall": table(t["fall"])}

    return Cell(
        name=v["name"],
        pins=tuple(
            Pin(**{**p, "function": when(p["function"]) if p["function"] else None})
            for p in v["pins"]
        ),
        state=tuple(v["state"]),
        leakage_power=v["leakage_power"],
        leakage=tuple(Leakage(when(x["when"]), x["power"]) for x in v["leakage"]),
        internal=tuple(
            Internal(x["pin"], x["related"], when(x["when"]), **tables(x)) for x in v["internal"]
        ),
        slews=tuple(Slew(x["pin"], x["related"], x["sense"], **tables(x)) for x in v["slews"]),
    )
