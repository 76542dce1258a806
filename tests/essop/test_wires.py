"""What a product costs with wires: the committed rows, what is modelled, and a small plane."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nomul.experiments import tables
from nomul.experiments.essop import candidates, wires
from nomul.golden import plane


def test_operand_bits_that_change_are_counted_one_by_one():
    total = 0
    for side in candidates.operands():
        _, exponent = np.frexp(np.abs(side).max(axis=1, keepdims=True))
        words = np.ldexp(side, -exponent).astype(np.float16).view(np.uint16)
        for before, after in pairwise(words):
            total += sum(int(a ^ b).bit_count() for a, b in zip(before, after, strict=True))
    pairs, lanes = candidates.operands()[0].shape
    assert wires.operand_toggles() == pytest.approx(total / (pairs - 1) / lanes)


def test_committed_rows_hold_what_belongs_together():
    """Wires cost time and energy, in the order of their weight, and cells are those of T1."""
    rows = json.loads((tables.BASELINE / "table-essop-T1-wires.json").read_text())["rows"]
    assert rows[0]["unit"] == "FP16 IEEE"
    for row in rows:
        for kind in ("ps", "fJ"):
            costs = [row[f"{kind}, {name}"] for name in wires.CASES.values()]
            assert costs == sorted(costs)
            assert costs[0] < costs[-1]
        assert row["die um2"] > row["um2"] / 0.81


def test_the_page_says_what_the_rows_say():
    rows = tables.load("essop", "T1-wires").rows
    fp16, ours, int3 = (next(row for row in rows if row["unit"] == unit) for unit in _COMPARED)
    page = (Path(tables.__file__).parents[1] / "docs" / "essop.md").read_text()
    text = " ".join(page.partition("### With wires")[2].partition("### ")[0].split())
    die, cells = (round(100 * (int3[n] / ours[n] - 1)) for n in ("die um2", "um2"))
    energy = {round(100 * (int3[f"fJ, {c}"] / ours[f"fJ, {c}"] - 1)) for c in ("LEF", "Liberty")}
    assert len(energy) == 1
    assert f"INT3 takes {die} % more die than ESSOP and {energy.pop()} % more energy" in text
    assert f"where it takes {cells} % more cells and" in text
    saved = [round(100 * (1 - ours[n] / fp16[n]), 1) for n in _SAVED]
    assert f"{saved[0]} % less die, and {saved[1]} % less energy at LEF's" in text
    assert f"{saved[2]} % at Liberty's, {saved[3]} % without" in text
    more = tables.load("essop", "T1-wires-more").rows
    for unit, bl in (("INT4", 16), ("INT5", 32)):
        longer = next(row for row in more if row["BL"] == bl)
        integer = next(row for row in (*rows, *more) if row["unit"] == unit)
        less = [round(100 * (1 - longer[n] / integer[n])) for n in _SAVED]
        assert f"{less[0]} % less die than {unit}, and {less[1]} % less energy at LEF's" in text
        assert f"capacitance, {less[2]} % at Liberty's, {less[3]} % without wires." in text
    assert f"its {more[-1]['cells']:,} cells are placed whole like the others" in text
    assert ours["ps, LEF"] < 1000 < int3["ps, LEF"]
    assert [row["unit"] for row in rows if row["ps, Liberty"] < 1000] == ["FP16 IEEE"]


_COMPARED = ("FP16 IEEE", "ESSOP prefix", "INT3")
_SAVED = ("die um2", "fJ, LEF", "fJ, Liberty", "fJ, without")


@pytest.mark.long
@pytest.mark.needs("icarus", "opensta")
def test_a_small_plane_is_laid_out_whole(monkeypatch, tmp_path):
    pytest.importorskip("coloquinte", reason="install the extra: pip install nomul[layout]")
    monkeypatch.setattr(wires, "KEPT", tmp_path)
    row = wires._plane("ESSOP prefix", plane.Config(rows=4, cols=4, row_levels=4))
    assert row["BL"] == 8
    assert row["die um2"] > row["um2"]
    assert row["fJ, without"] < row["fJ, LEF"] < row["fJ, Liberty"]
    assert row == wires._plane("ESSOP prefix", plane.Config(rows=4, cols=4, row_levels=4))
