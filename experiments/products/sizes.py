"""At which size a structure begins to pay: areas of tiles that grow, at one rate of products."""

from typing import Any

from nomul import ledger
from nomul.experiments.captions import caption
from nomul.experiments.compare.hardware import CELLS, module
from nomul.experiments.products.arrays import KEPT, PERIOD_PS, TABLES, Row, verilog
from nomul.experiments.tables import Rows
from nomul.golden import epitome, products
from nomul.synth import yosys
from nomul.synth.emit import emit
from nomul.synth.map.synthesize import synthesize

# Inputs and outputs of a tile: weights that are held double from one to the next.
SIZES = ((8, 8), (16, 8), (32, 8))

# Eight products of a dense layer per cycle, whatever the size.
ARRAYS = (
    Row("dense, INT8", "dense", {"products": 8}),
    Row("dense, INT4 weights", "dense", {"products": 8, "weight_bits": 4}),
    Row("permdiag, p = 2", "permdiag", {"p": 2, "pes": 1, "muls": 4, "lanes": 4}),
    Row("permdiag, p = 4", "permdiag", {"p": 4, "pes": 1, "muls": 2, "lanes": 4}),
    Row("circulant, k = 4", "circulant", {"k": 4, "units": 2}),
    Row("pow2basis, factor", "pow2basis", {"units": 4}),
    Row("pq, 8 prototypes of 8", "pq", {"prototypes": 8, **TABLES}),
    Row("epitome, a quarter of the cells", "epitome", {}),
)
RIVALS = ("dense, INT8", "dense, INT4 weights")


@caption("Area of arrays of eight products per cycle as tiles grow; FreePDK45.")
def growth() -> Rows:
    """Return areas of arrays of eight products per cycle as tiles grow; FreePDK45.

    What a weight adds is the slope between the two largest tiles. Where an array is larger than a
    rival in the largest tile, the size from which it is smaller is extrapolated along both slopes.
    """
    areas = {row.name: [_area(row, *size) for size in SIZES] for row in ARRAYS}
    return [_row(name, areas) for name in areas]


def _row(name: str, areas: dict[str, list[float]]) -> dict[str, Any]:
    shown: dict[str, Any] = {"array": name}
    for (inputs, outputs), area in zip(SIZES, areas[name], strict=True):
        shown[f"{inputs} x {outputs}, um2"] = round(area)
    shown["um2 per weight more"] = round(slope(areas[name]), 1)
    for rival in RIVALS:
        shown[f"smaller than {rival}, from weights"] = (
            None if name == rival else begins(areas[name], areas[rival])
        )
    return shown


def slope(areas: list[float]) -> float:
    """Return what a weight adds, between the two largest tiles."""
    counts = [inputs * outputs for inputs, outputs in SIZES]
    return (areas[-1] - areas[-2]) / (counts[-1] - counts[-2])


def begins(areas: list[float], rival: list[float]) -> str:
    """Return from how many weights on an array is smaller than its rival, as text.

    ``measured`` sizes, or one beyond that is ``extrapolated``, or ``never``, if it grows as fast.
    """
    counts = [inputs * outputs for inputs, outputs in SIZES]
    smaller = [a < b for a, b in zip(areas, rival, strict=True)]
    if smaller[-1]:
        first = next(i for i in range(len(counts)) if all(smaller[i:]))
        return f"{counts[first]}, measured"
    if slope(areas) >= slope(rival):
        return "never"
    more = (areas[-1] - rival[-1]) / (slope(rival) - slope(areas))
    return f"{round(counts[-1] + more)}, extrapolated"


def _area(row: Row, inputs: int, outputs: int) -> float:
    """Return the area of an array that holds so many weights, in um2; kept once it is known."""
    from nomul.train.networks.projection import patches

    names: dict[str, Any] = {"inputs": inputs, "outputs": outputs, "act_bits": 8}
    if row.member == "epitome":
        names |= {"rows": inputs, "cols": outputs // 4}
        cfg: Any = patches(epitome.Config(**names))[0]
    else:
        cfg = products.configure(row.member, **names, **row.settings)
    about = {"array": row.name, "config": cfg.to_json(), "tool": yosys.version()}
    about |= {"period": PERIOD_PS, "verilog": verilog(row.member, cfg), "of": "area alone"}

    def work() -> dict[str, Any]:
        top = module(row.member, "hw").Top(cfg)
        found = synthesize(emit(top, row.member), CELLS, hierarchical=True, period_ps=PERIOD_PS)
        assert found.area_um2 is not None
        return {"um2": found.area_um2}

    return float(ledger.kept(ledger.Folder(KEPT), about, work)["um2"])
