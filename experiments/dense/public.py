"""A public rival: the column of products as PyRTL's library of multipliers describes it.

PyRTL is a hardware language with a library of arithmetic (Clow et al., "A Pythonic approach for
rapid hardware prototyping and instrumentation", FPL 2017; BSD licence). Its fused multiply-adders
put all partial products and the accumulator into one tree of carry-save adders, as `dense` does,
from ANDs of all bits. They take unsigned operands only, which need fewer gates than signed ones:
what that is worth is the rival's.
"""

import io
from functools import partial
from pathlib import Path
from typing import Any

from nomul import ledger
from nomul.experiments import foreign
from nomul.experiments.captions import caption
from nomul.experiments.tables import Rows
from nomul.golden.dense import Config
from nomul.synth import yosys
from nomul.synth.emit import Emitted
from nomul.synth.map.stdcells import FreePdk45
from nomul.synth.map.synthesize import synthesize

KEPT = Path("build/dense")
PERIOD_PS = 1000

# Reducer of the library's tree, and the adder at its end: the library's own, or Yosys'.
WAYS = {
    "PyRTL, Wallace tree, Kogge-Stone": ("wallace_reducer", "kogge_stone"),
    "PyRTL, Dadda tree, adder by Yosys": ("dada_reducer", None),
}


def column(bits: int, lanes: int, width: int, way: str) -> Emitted:
    """Return a column of unsigned products with its accumulator, of ``width`` bits."""
    try:
        import pyrtl
        from pyrtl.rtllib import adders, multipliers
    except ImportError:
        raise ImportError("the public rival needs PyRTL; try: pip install pyrtl") from None
    pyrtl.reset_working_block()
    reducer, adder = WAYS[way]
    pairs = [
        (pyrtl.Input(bits, f"x{lane}"), pyrtl.Input(bits, f"w{lane}")) for lane in range(lanes)
    ]
    first, enable = pyrtl.Input(1, "first"), pyrtl.Input(1, "enable")
    acc, total = pyrtl.Register(width, "acc"), pyrtl.Output(width, "total")
    start = pyrtl.select(first, pyrtl.Const(0, width), acc)
    fused = multipliers.generalized_fma(
        pairs,
        [start],
        signed=False,
        reducer=getattr(adders, reducer),
        adder_func=getattr(adders, adder) if adder else lambda a, b: a + b,
    )
    now = fused[:width]
    total <<= now
    acc.next <<= pyrtl.select(enable, now, acc)
    text = io.StringIO()
    pyrtl.output_to_verilog(text, add_reset=False)
    return foreign.design("column", text.getvalue().replace("module toplevel", "module column"))


@caption("A column by PyRTL's multipliers beside dense's: area per product at 1 ns.")
def rivals() -> Rows:
    """Return a column by PyRTL's multipliers beside dense's: area per product at 1 ns.

    The smallest of all recipes that meet the period, or the quickest. The column beside is that of
    table T1.
    """
    from importlib.metadata import version

    from nomul.experiments import tables

    own = {
        (row["bits"], row["products per cycle"]): row["um2 per product"]
        for row in sorted(tables.load("dense", "T1").rows, key=lambda r: -r["um2 per product"])
    }
    rows = []
    for bits in (8, 4):
        for lanes in (1, 4):
            for way in WAYS:
                about = {"table": "public", "way": way, "bits": bits, "lanes": lanes}
                about |= {"tool": yosys.version(), "pyrtl": version("pyrtl")}
                work = partial(_rival, way, bits, lanes)
                row = ledger.kept(ledger.Folder(KEPT), about, work)
                beside = own[bits, lanes]
                share = round(beside / row["um2 per product"], 2)
                rows.append({**row, "dense, um2": beside, "dense / rival": share})
    return rows


def _rival(way: str, bits: int, lanes: int) -> dict[str, Any]:
    cfg = Config(inputs=64, outputs=1, products=lanes, weight_bits=bits, act_bits=bits)
    result = synthesize(column(bits, lanes, cfg.y_bits, way), FreePdk45(), period_ps=PERIOD_PS)
    assert result.area_um2 is not None
    assert result.timing is not None
    return {
        "way": way,
        "bits": bits,
        "products per cycle": lanes,
        "um2 per product": round(result.area_um2 / lanes, 1),
        "period, ps": round(result.timing.period_ps),
        "recipe": result.recipe,
    }
