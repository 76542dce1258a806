"""Standard cells of a Liberty file: capacitances, slews, energies and leakage, in fixed units.

Everything comes out in volts, nanoseconds, femtofarads, femtojoules and nanowatts, whatever the
file's own units are.
"""

import dataclasses
import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from nomul.synth.map.cells import Cell, Condition, Internal, Leakage, Library, Pin, Slew, Table

# Goes into the names of cached extracts; a change of what is extracted changes it.
_FORMAT = 3


@cache
def read(path: Path) -> Library:
    """Return the cells of a Liberty file.

    Parsing takes seconds, so what was extracted is kept in the user's cache folder
    (``XDG_CACHE_HOME``), under the hash of the file.

    Raises
    ------
    ValueError
        A unit or a table is of a kind that is not understood; the message names it.
    """
    from nomul.synth.map.liberty_text import parse

    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()[:16]
    kept = _cache_folder() / f"liberty-{_FORMAT}-{digest}.json"
    if kept.is_file():
        return _from_json(json.loads(kept.read_text()))
    library = parse(data.decode())
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(dataclasses.asdict(library)))
        partial.replace(kept)
    except OSError:  # a read-only home costs time, nothing else
        pass
    return library


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
