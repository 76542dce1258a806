"""How Verilator builds a design: each large module that repeats once, not once per instance.

Verilator copies every instance of a module into what the C++ compiler sees, so that building takes
as long as there are cells. A module of its own (hierarchical Verilation) is compiled once, and all
its instances call it.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

# Characters that a module has with all it holds, and that building it once saves, to be worth it:
# a call costs more than a small module, and a library of its own takes seconds to compile.
LEAST, SAVING = 12_000, 100_000


def repeated(verilog: str, top: str, *, least: int = LEAST, saving: int = SAVING) -> list[str]:
    """Return the modules that are worth building once.

    From the leaves up, the first that is large enough together with all below it. None of them
    holds another: every call of the outer one would call all of the inner ones.

    Parameters
    ----------
    verilog
        The design, one instance per line as it is emitted.
    top
        Its top-level module.
    least, saving
        Fewest characters of a module with all below it, and of all its further instances.
    """
    bodies = dict(re.findall(r"^module (\w+)(.*?)^endmodule", verilog, re.M | re.S))
    below = {name: Counter[str]() for name in bodies}
    above: dict[str, set[str]] = {name: set() for name in bodies}
    for name, body in bodies.items():
        for kind in re.findall(r"^  (\w+) \S+ +\($", body, re.M):
            if kind in bodies:
                below[name][kind] += 1
                above[kind].add(name)

    @cache
    def uses(name: str) -> int:
        if name == top:
            return 1
        return sum(uses(parent) * below[parent][name] for parent in above[name])

    @cache
    def size(name: str) -> int:
        return len(bodies[name]) + sum(n * size(child) for child, n in below[name].items())

    @cache
    def inside(name: str) -> frozenset[str]:
        """Return what is built once of a module and all below it."""
        inner = frozenset[str]().union(*(inside(child) for child in below[name]))
        worth = size(name) >= least and (uses(name) - 1) * size(name) >= saving
        return frozenset([name]) if worth and not inner and name != top else inner

    return sorted(inside(top)) if top in bodies else []


def arguments(sources: Sequence[Path], top: str, folder: Path, *, waves: bool) -> list[str]:
    """Return Verilator's arguments for a design; what they need is written into ``folder``.

    A large design shows a bench the signals of its top level only: that every signal can be seen
    and changed takes more text than what the design does. With ``waves`` all is as in a small one,
    since a waveform shows the inside of every instance.
    """
    plain = [
        "-Wno-fatal",
        "--no-timing",
        "-O3",
        "--output-split",
        "20000",
        "--output-split-cfuncs",
        "2000",
    ]
    text = "\n".join(path.read_text() for path in sources)
    modules = [] if waves else repeated(text, top)
    if waves or (not modules and len(text) < SAVING):
        return plain
    only_top = ["--no-public-flat-rw", "--public-depth", "1"]
    if not modules:
        # Its data flow optimiser joins a layer of tables to one function, and the compiler's time
        # grows faster than that function's length: without it, with the tables.
        return [*plain, *only_top, "-fno-dfg"]
    control = folder / "once.vlt"
    blocks = [f'hier_block -module "{module}"' for module in modules]
    control.write_text("\n".join(["`verilator_config", *blocks]) + "\n")
    # Verilator builds the modules itself, before cocotb's `make` comes.
    once = ["--hierarchical", str(control), "--build", "-j", str(os.cpu_count())]
    return [*plain, *only_top, *once]
