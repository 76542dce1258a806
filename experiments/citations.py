"""How to cite what a block is made after, and nomul itself, as BibTeX."""

import re
import tomllib
from importlib.resources import files
from typing import Any

from nomul import registry
from nomul.version import __version__

FILE = "references.toml"

OWN = f"""\
@software{{nomul,
  author = {{{{The nomul authors}}}},
  title = {{nomul}},
  version = {{{__version__}}},
}}
"""


def bibtex(block: str) -> str:
    """Return the entries of a block's papers, and nomul's own after them.

    A source whose authors nobody has noted is an entry of its number alone.

    Raises
    ------
    ValueError
        There is no such block.
    """
    owner = registry.get(block)
    noted = tomllib.loads((files("nomul.experiments") / FILE).read_text())
    entries = [_entry(values) for values in noted.get(block, [])]
    told = "".join(entries)
    numbers = re.findall(r"\d{4}\.\d{5}", owner.paper) if "arXiv" in owner.paper else []
    others = {v.get("eprint"): v for values in noted.values() for v in values}
    for number in numbers:
        if number not in told:  # a paper of another block, or one that is known by its number
            shared = others.get(number)
            entries.append(_entry(shared) if shared else _bare(block, number))
    if not entries and owner.paper:
        entries = [f"@misc{{{block},\n  howpublished = {{{owner.paper}}},\n}}\n"]
    return "\n".join([*entries, OWN])


def _entry(values: dict[str, Any]) -> str:
    fields = {n: v for n, v in values.items() if n not in ("key", "type")}
    fields["author"] = " and ".join(fields["author"])
    if "eprint" in fields:
        fields["archiveprefix"] = "arXiv"
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{values['type']}{{{values['key']},", *lines, "}"]) + "\n"


def _bare(block: str, number: str) -> str:
    """Return the entry of an arXiv number alone."""
    lines = [f"  eprint = {{{number}}},", "  archiveprefix = {arXiv},"]
    return "\n".join([f"@misc{{{block}:{number},", *lines, "}"]) + "\n"
