"""Tables of the dense array: its column beside every other way to multiply and add."""

from functools import partial
from pathlib import Path
from typing import Any

from nomul import ledger
from nomul.experiments.captions import caption
from nomul.experiments.dense import public
from nomul.experiments.tables import Rows
from nomul.golden.dense import Config
from nomul.synth import yosys
from nomul.synth.emit import emit
from nomul.synth.map.stdcells import FreePdk45
from nomul.synth.map.synthesize import synthesize

KEPT = Path("build/dense")

PERIOD_PS = 1000


class NoBooth(FreePdk45):
    """The same cells, with Yosys' own way to map a multiplication instead of its pass ``booth``."""

    def commands(self, top: str, period_ps: int, hierarchical: bool, folder: Path) -> list[str]:
        """Map as ever, without the option."""
        lines = super().commands(top, period_ps, hierarchical, folder)
        return [line.replace(" -booth", "") for line in lines]


WAYS: tuple[tuple[str, str, type[FreePdk45]], ...] = (
    ("a * b + acc, Yosys plain", "operator", NoBooth),
    ("a * b + acc, Yosys booth", "operator", FreePdk45),
    ("ANDs of all bits, one tree", "crossed", FreePdk45),
    ("Booth's digits, one tree", "booth", FreePdk45),
)


@caption("Area per product of a column: every way to multiply, by bits and lanes, at 1 ns.")
def rivals() -> Rows:
    """Return area per product of a column: every way to multiply, by bits and lanes, at 1 ns.

    The smallest of all recipes that meet the period, or the quickest. A column of Booth's digits
    gets them from the lanes, which recode once for all columns; that is not in these figures.
    """
    rows = []
    for bits in (8, 4, 2):
        for lanes in (1, 4):
            for name, multiplier, cells in WAYS:
                values: dict[str, Any] = {"inputs": 64, "outputs": 1, "products": lanes}
                values |= {"weight_bits": bits, "act_bits": bits, "multiplier": multiplier}
                about = {"table": "rivals", "way": name, "config": values, "tool": yosys.version()}
                work = partial(_rival, name, values, cells())
                rows.append(ledger.kept(ledger.Folder(KEPT), about, work))
    return rows


def _rival(name: str, values: dict[str, Any], cells: FreePdk45) -> dict[str, Any]:
    from nomul.hw.dense import Column

    cfg = Config.from_dict(values)
    result = synthesize(emit(Column(cfg), "column"), cells, period_ps=PERIOD_PS)
    assert result.area_um2 is not None
    assert result.timing is not None
    return {
        "way": name,
        "bits": cfg.weight_bits,
        "products per cycle": cfg.lanes,
        "um2 per product": round(result.area_um2 / cfg.lanes, 1),
        "period, ps": round(result.timing.period_ps),
        "recipe": result.recipe,
    }


TABLES = {"T1": rivals, "T2": public.rivals}
