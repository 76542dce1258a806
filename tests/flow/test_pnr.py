"""Place and route: clock and sites of small designs on three families, and what is refused."""

import json
import subprocess

import pytest

from nomul.experiments import rows
from nomul.synth import yosys
from nomul.synth.emit import Emitted
from nomul.synth.place import families, pnr

PORTS = 16 + 3  # of the register: state, valid, ready, reset


def test_ecp5_has_a_register_at_each_port(register, tmp_path):
    placed = pnr.place_and_route(register, "ecp5", [1], folder=tmp_path)
    assert placed.utilisation["TRELLIS_FF"] == 16 + PORTS
    assert placed.available["TRELLIS_FF"] == 24288
    assert placed.device == "LFE5U-25F"
    assert 100 < placed.fmax_mhz < 1000
    assert placed.tools.keys() == {"nextpnr-ecp5"}
    assert pnr.place_and_route(register, "ecp5", [1], folder=tmp_path) == placed


def test_ice40_has_a_chain_before_and_one_behind(register, tmp_path):
    placed = pnr.place_and_route(register, "ice40", [1], folder=tmp_path)
    inputs, outputs = 2, 17
    assert placed.utilisation["SB_IO"] == 4  # clock, both ends of the chains, load
    # A cell per state bit (its logic fits in beside it), per input, and two per output.
    assert 16 + inputs + 2 * outputs <= placed.utilisation["ICESTORM_LC"] <= 16 * 2 + PORTS * 2
    assert (placed.device, placed.tool) == ("iCE40HX1K", "nextpnr-ice40")
    assert 100 < placed.fmax_mhz < 700
    assert pnr.place_and_route(register, "ice40", [1], folder=tmp_path) == placed


@pytest.mark.parametrize("target", families.FAMILIES)
def test_the_harness_does_not_change_the_design(register, target, tmp_path):
    """The design's cells are all there, and nothing is left of it without a driver."""
    from nomul.synth.map.synthesize import synthesize

    mapped = synthesize(register, target, folder=tmp_path)
    pnr.surround("lfsr", mapped.netlist_json, families.get(target), tmp_path)
    cells = json.loads((tmp_path / "pnr.json").read_text())["modules"]["outer"]["cells"]
    kinds = [cell["type"] for name, cell in cells.items() if name.startswith("core.")]
    assert {kind: kinds.count(kind) for kind in kinds} == mapped.cells


@pytest.mark.needs("gowin")
@pytest.mark.parametrize(("device", "title"), [("9k", "GW1NR-9C"), ("20k", "GW2AR-18C")])
def test_gowin_has_the_same_chains_on_four_pins(register, tmp_path, device, title):
    placed = pnr.place_and_route(register, "gowin", [1], device=device, folder=tmp_path)
    inputs, outputs = 2, 17
    assert placed.utilisation["IOB"] == 4
    assert placed.utilisation["DFF"] == 16 + inputs + 2 * outputs
    # A flip-flop that takes its data from another one takes it through a table of its own.
    assert 16 + outputs <= placed.utilisation["LUT4"] <= 16 + placed.utilisation["DFF"]
    assert (placed.device, placed.tool) == (title, "nextpnr-himbaechel-gowin")
    assert 100 < placed.fmax_mhz < 1000


@pytest.mark.needs("icarus")
@pytest.mark.parametrize("target", ["ice40", "gowin"])
def test_the_harness_shifts_in_and_out(tmp_path, target):
    """What goes in through one pin arrives at the inputs; what comes out leaves through another."""
    verilog = families.get(target).harness(
        "plus",
        {
            "clk": {"direction": "input", "bits": [2]},
            "a": {"direction": "input", "bits": [3, 4, 5]},
            "y": {"direction": "output", "bits": [6, 7, 8]},
            "z": {"direction": "output", "bits": [9]},
        },
    )
    (tmp_path / "outer.v").write_text(verilog)
    (tmp_path / "bench.v").write_text(_HARNESS_BENCH)
    command = ["iverilog", "-g2012", "-o", "bench", "bench.v", "outer.v"]
    subprocess.run(command, cwd=tmp_path, check=True)
    done = subprocess.run(["vvp", "bench"], cwd=tmp_path, check=True, capture_output=True)
    # a = 5 went in, most significant bit first; z is the parity and leaves first, then y = a + 1.
    assert done.stdout.decode().split() == ["0", "1", "1", "0"]


_HARNESS_BENCH = """
module SB_DFF(input C, D, output reg Q); always @(posedge C) Q <= D; endmodule
module SB_LUT4 #(parameter LUT_INIT = 0) (input I0, I1, I2, I3, output O);
  wire [15:0] table_ = LUT_INIT; assign O = table_[{I3, I2, I1, I0}];
endmodule
module DFF(input CLK, D, output reg Q); always @(posedge CLK) Q <= D; endmodule
module LUT3 #(parameter INIT = 0) (input I0, I1, I2, output F);
  wire [7:0] table_ = INIT; assign F = table_[{I2, I1, I0}];
endmodule
module IBUF(input I, output O); assign O = I; endmodule
module OBUF(input I, output O); assign O = I; endmodule
module plus(input clk, input [2:0] a, output [2:0] y, output z);
  assign y = a + 1; assign z = ^a;
endmodule
module bench;
  reg clk = 0, si = 0, load = 0; wire so; integer k; reg [2:0] word = 5;
  outer dut(.clk(clk), .si(si), .load(load), .so(so));
  task tick; begin #1 clk = 1; #1 clk = 0; end endtask
  initial begin
    repeat (8) tick;  // what is unknown leaves both chains
    for (k = 2; k >= 0; k = k - 1) begin si = word[k]; tick; end
    tick; load = 1;
    tick; load = 0;
    for (k = 0; k < 4; k = k + 1) begin $display("%b", so); tick; end
  end
endmodule
"""


def test_the_median_is_one_of_the_seeds(register, monkeypatch, tmp_path):
    periods = {1: 3000.0, 2: 1000.0, 3: 2000.0}

    def fake(family, device, seed, folder, name) -> pnr.Placed:
        return pnr.Placed(periods[seed], {}, "LFE5U-25F", seed, {})

    monkeypatch.setattr(pnr, "surround", lambda *_: None)
    monkeypatch.setattr(pnr, "run", lambda *_: True)
    monkeypatch.setattr(pnr, "read", fake)
    netlist = tmp_path / "mapped.json"
    assert pnr.place_and_route(register, "ecp5", netlist_json=netlist, folder=tmp_path).seed == 3
    with pytest.raises(ValueError, match="seeds must be odd in number, not"):
        pnr.place_and_route(register, "ecp5", (1, 2), netlist_json=netlist)


@pytest.mark.parametrize(
    ("target", "sizes"), [("ecp5", ["25k", "45k", "85k"]), ("ice40", ["hx1k", "hx8k"])]
)
def test_a_design_that_fits_no_device_is_refused(register, monkeypatch, tmp_path, target, sizes):
    tried = []
    monkeypatch.setattr(pnr, "run", lambda family, device, *_: bool(tried.append(device)))
    with pytest.raises(pnr.DoesNotFitError, match=f"lfsr fits no {target} .*; see "):
        pnr.place_and_route(register, target, folder=tmp_path)
    assert tried == sizes


def test_a_device_that_is_too_small_is_found_to_be(tmp_path):
    """An LFSR with two thousand outputs has no room in 1280 cells, and has in 7680."""
    wide = "module top(input clk, output reg [999:0] y); always @(posedge clk) y <= ~y; endmodule"
    (tmp_path / "design.v").write_text(wide)
    yosys.run(["read_verilog design.v", "write_rtlil design.il"], tmp_path)
    emitted = Emitted("top", (tmp_path / "design.il").read_text(), wide, {})
    with pytest.raises(pnr.DoesNotFitError, match=r"top fits no ice40 \(hx1k\)"):
        pnr.place_and_route(emitted, "ice40", [1], device="hx1k", folder=tmp_path)


def test_an_unknown_target_or_device_is_answered_with_those_there_are(register):
    with pytest.raises(ValueError, match="no place and route for 'ecp6'; there is ecp5, ice40"):
        pnr.place_and_route(register, "ecp6")
    with pytest.raises(ValueError, match="ice40 has no device '85k'; it has hx1k, hx8k, up5k"):
        pnr.place_and_route(register, "ice40", device="85k")


@pytest.mark.parametrize("target", families.FAMILIES)
def test_the_clock_counts_paths_from_and_to_the_ports(design, tmp_path, target):
    """Without registers of its own, a long sum between ports is still slow."""
    inputs = ", ".join(f"x{i}" for i in range(8))
    total = " + ".join(f"x{i}" for i in range(8))
    verilog = f"module top(input [15:0] {inputs}, output [15:0] y); assign y = {total}; endmodule"
    placed = pnr.place_and_route(design(verilog), target, [1], folder=tmp_path / "sum")
    assert 20 < placed.fmax_mhz < 150


def test_a_design_without_paths_has_no_clock(design, tmp_path):
    one = "module top(output y); assign y = 1; endmodule"
    with pytest.raises(pnr.PnrError, match="no path between registers"):
        pnr.place_and_route(design(one), "ecp5", [1], folder=tmp_path / "one")


def test_rows_of_both_families_have_a_clock(monkeypatch, tmp_path):
    def place(*_, **options) -> pnr.Placed:
        return pnr.Placed(4000.0, {"ICESTORM_LC": 7}, "iCE40HX1K", 2, {"nextpnr-ice40": "1"}, "x")

    monkeypatch.setattr(pnr, "place_and_route", place)
    row = rows.measure_preset("lfsr", "small", "ice40")
    assert (row.timing.tool, row.timing.fmax_mhz, row.device) == ("x", 250.0, "iCE40HX1K")
    assert row.seeds == (1, 2, 3)
    assert row.resources["ICESTORM_LC"] == 7
    assert "nextpnr-ice40" in row.tools
    assert rows.measure_preset("lfsr", "small", "ice40", seeds=()).timing is None


def test_a_row_of_what_fits_no_device_has_no_clock(monkeypatch):
    def place(*_, **options) -> pnr.Placed:
        raise pnr.DoesNotFitError("too big")

    monkeypatch.setattr(pnr, "place_and_route", place)
    row = rows.measure_preset("lfsr", "small", "ice40")
    assert (row.timing, row.device, row.seeds) == (None, "", ())
    assert row.resources["luts"] > 0
