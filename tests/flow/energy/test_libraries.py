"""What energy needs of a library and a netlist: tables, units, models, a wire per net."""

import re

import pytest

from nomul.synth.energy import gatesim, netlist, power
from nomul.synth.energy.activity import Uniform
from nomul.synth.map import cells, liberty, targets


def test_tables_are_interpolated_and_continued():
    table = cells.Table((1.0, 2.0, 4.0), (0.0, 10.0), ((0.0, 10.0), (1.0, 21.0), (3.0, 43.0)))
    assert table.at(1.5, 5.0) == pytest.approx(8.0)
    assert table.at(3.0, 10.0) == pytest.approx(32.0)
    assert table.at([8.0, 0.0], [10.0, 0.0]) == pytest.approx([87.0, -1.0])
    by_slew = cells.Table((1.0, 2.0), (), ((1.0,), (3.0,)))
    assert by_slew.at(1.5, 99.0) == pytest.approx(2.0)
    assert cells.Table((), (), ((7.0,),)).at(0.1, 0.1) == 7.0


SMALL_LIBRARY = """
library (small) {
  time_unit : "1ps"; voltage_unit : "1V"; leakage_power_unit : "1uW"; nom_voltage : 0.8;
  capacitive_load_unit (1, pf);
  lu_table_template (swapped) {
    variable_1 : total_output_net_capacitance; variable_2 : input_net_transition;
    index_1 ("0.001, 0.002"); index_2 ("10, 20, 30");
  }
  power_lut_template (energy) {
    variable_1 : input_transition_time; index_1 ("10, 20");
  }
  cell (BUF) {
    cell_leakage_power : 0.5;
    pin (A) { direction : input; capacitance : 0.003; }
    pin (Z) {
      direction : output; function : "(A + 0) * !(A' ^ 1)";
      timing () {
        related_pin : "A"; timing_sense : positive_unate;
        rise_transition (swapped) {
          index_1 ("0.001, 0.002"); index_2 ("10, 20, 30"); values ("1, 2, 3", "4, 5, 6");
        }
      }
      internal_power () {
        related_pin : "A"; power (energy) { index_1 ("10, 20"); values ("0.001, 0.002"); }
      }
    }
  }
}
"""


def test_liberty_units_and_axes(tmp_path, monkeypatch):
    """Whatever units and order of axes the file has: ns, fF, fJ, nW, slew before load."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "small.lib").write_text(SMALL_LIBRARY)
    library = liberty.read(tmp_path / "small.lib")
    buf = library.cell("BUF")
    assert buf.pin("A").capacitance == pytest.approx(3.0)
    assert buf.leakage_power == pytest.approx(500.0)
    assert buf.slews[0].rise.at(0.02, 2.0) == pytest.approx(0.005)
    assert buf.internal[0].fall.at(0.015, 1.0) == pytest.approx(1.5)
    with pytest.raises(ValueError, match="library small has no cell INV"):
        library.cell("INV")


def test_extract_is_kept_by_content(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "small.lib").write_text(SMALL_LIBRARY)
    first = liberty.read(tmp_path / "small.lib")
    assert len(list((tmp_path / "cache" / "nomul").iterdir())) == 1
    liberty._read.cache_clear()
    assert liberty.read(tmp_path / "small.lib") == first


BUSES = """
module pair(a, y); input [1:0] a; output [1:0] y; wire [1:0] m;
  INV_X1 \\u[0] (.A(a[0]), .ZN(m[0]));
  INV_X1 \\u[1] (.A(a[1]), .ZN(m[1]));
  NAND2_X1 \\table (.A1(m[0]), .A2(m[1]), .ZN(y[0]));
  BUF_X1 last (.A(m[1]), .Z(y[1]));
endmodule
module top(clk, a, y); input clk; input [1:0] a; output [1:0] y; wire [3:0] m;
  pair one (.a(a), .y(m[2:1]));
  pair two (.a({m[1], m[2]}), .y({m[3], m[0]}));
  DFF_X1 low (.CK(clk), .D(m[0]), .Q(y[0]));
  DFF_X1 high (.CK(clk), .D(m[3]), .Q(y[1]));
endmodule
"""


def test_a_netlist_with_a_wire_per_net_is_the_same_netlist(library, tmp_path):
    """Same ports at the top, cells and energies; below it, only scalars."""
    path = tmp_path / "top.v"
    path.write_text(BUSES)
    split = netlist.split(path, "top", tmp_path)
    inner = split.read_text().partition("module pair")[2]
    assert "[1:0]" not in inner.partition("endmodule")[0]
    whole, wires = (netlist.read(file, "top", library, tmp_path) for file in (path, split))
    assert {k: len(v) for k, v in whole.inputs.items()} == {"clk": 1, "a": 2}
    assert whole.inputs.keys() == wires.inputs.keys()
    before, after = (power.estimate(d, Uniform(0.2)) for d in (whole, wires))
    assert after.split.internal == pytest.approx(before.split.internal)
    assert after.split.switching == pytest.approx(before.split.switching)
    assert after.parts.keys() == before.parts.keys()


def test_registers_can_hold_a_value_from_the_beginning():
    """The models of the cells start there, and say of each path once what its delay is."""
    models = targets.get("freepdk45").models().read_text()
    started = gatesim._prepared(models, 1)
    assert started.count("initial IQ = 1'b1;") == len(
        re.findall(r"^primitive .*seq_", models, re.M)
    )
    assert "initial" not in gatesim._prepared(models, None)
    adder = started.partition("module FA_X1 ")[2].partition("endmodule")[0]
    assert re.findall(r"\((\w+) => (\w+)\)", adder) == [
        (a, y) for y in ("CO", "S") for a in ("A", "B", "CI")
    ]
    assert "if(" not in adder
