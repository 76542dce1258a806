"""What is installed here, at which version, and what each command still needs."""

import sys
from collections.abc import Iterable

from nomul import tools
from nomul.tools import MISSING, TOOLS

__all__ = ["MISSING", "NEEDS", "TOOLS", "lacking", "versions"]

_ICARUS, _VERILATOR = tools.SIMULATORS["icarus"], tools.SIMULATORS["verilator"]
_EMIT = ("numpy", *tools.EMIT)
_SYNTH = (*_EMIT, *tools.CELLS)
_PLACE = ((tools.PLACER, tools.MASKS), (tools.SECOND_PLACER, tools.MASKS))
_ECP5, _ICE40, _GOWIN = ((tools.ROUTERS[family],) for family in ("ecp5", "ice40", "gowin"))

# Per command, what it needs: each entry is a list of ways, and one complete way is enough. Every
# command of the command line is here, by its words at the beginning of an entry or after a comma.
NEEDS: dict[str, tuple[tuple[tuple[str, ...], ...], ...]] = {
    "list, show, new, pack, cite, report, verify, doctor": ((("numpy",),),),
    "emit": ((_EMIT,),),
    "sim": ((_EMIT,), (tools.BENCH,), (_ICARUS, _VERILATOR)),
    "sim --simulator verilator": ((_EMIT,), (tools.BENCH,), (_VERILATOR,)),
    "synth --target freepdk45": ((_SYNTH,),),
    "synth --energy": ((_SYNTH,), (tools.BENCH,), (_ICARUS,)),
    "layout": ((_SYNTH,), (tools.BENCH,), (_ICARUS,), _PLACE),
    "layout --route": (
        (_SYNTH,),
        (tools.BENCH,),
        (_ICARUS,),
        _PLACE,
        ((tools.CELL_ROUTER,),),
    ),
    "pnr, synth --target ecp5": ((_EMIT,), (_ECP5,)),
    "pnr, synth --target ice40": ((_EMIT,), (_ICE40,)),
    "pnr, synth --target gowin": ((_EMIT,), (_GOWIN,)),
    "pnr --board tangnano20k": ((_EMIT,), (_GOWIN,), (("apycula",),)),
    "emit: the core in FuseSoC": ((_EMIT,), (("fusesoc",),)),
    "claim": ((_SYNTH,), (tools.BENCH,), (_ICARUS,)),
    "soc": ((_EMIT,), (tools.BENCH,), (_ICARUS, _VERILATOR)),
    "compare": (
        (_SYNTH,),
        (tools.BENCH,),
        (_ICARUS, _VERILATOR),
        (_ECP5,),
        (("torch", "scikit-learn"),),
    ),
    "build": ((_EMIT,), (tools.BENCH,), (_ICARUS, _VERILATOR)),
    "import": ((("numpy",),),),
    "import: ONNX, QONNX": ((("onnx",),),),
    "import: NIR": ((("nir",),),),
    "import: skops": ((("skops",),),),
    "import: snnTorch": ((("snntorch",),),),
    "train sgd": ((_EMIT,), (tools.BENCH,), (_ICARUS, _VERILATOR), (("scikit-learn",),)),
    "train lutnet, train lif, train essop": ((("torch",),), (("scikit-learn",),)),
    "sweep": ((_SYNTH,), (tools.BENCH,), (_ICARUS, _VERILATOR), (("distributed",),)),
    "report --html": ((_EMIT,), (tools.BENCH,), (_ICARUS, _VERILATOR), (("dot",),)),
    "demo": (
        (_SYNTH,),
        (tools.BENCH,),
        (_ICARUS, _VERILATOR),
        (("scikit-learn",),),
    ),
    "a board from Python": ((("pyserial",),),),
    "notebooks": ((("nbclient",),), (("scikit-learn",),)),
    "make site": ((("sphinx",),),),
    "make test: rules of layouts": ((("magic",),), (("netgen-lvs",),)),
    "make test: pages in a browser": ((("chromium",),), (("chromedriver",),)),
}


def versions() -> dict[str, str]:
    """Return the version of every tool by name, :data:`MISSING` for those that are not here."""
    return {"python": sys.version.split()[0]} | {name: t.found() for name, t in TOOLS.items()}


def lacking(versions: dict[str, str]) -> dict[str, list[str]]:
    """Return, per command, the tools to install: none where the command can run."""
    return {command: _lacking(needs, versions) for command, needs in NEEDS.items()}


def _lacking(needs: Iterable[Iterable[Iterable[str]]], versions: dict[str, str]) -> list[str]:
    names: list[str] = []
    for ways in needs:
        options = [[name for name in way if versions[name] == MISSING] for way in ways]
        # Where several ways are open, the first one is advised: it is the simplest to install.
        names += [] if [] in options else options[0]
    return list(dict.fromkeys(names))
