"""Energy: small netlists computed by hand from the library's tables, and against OpenSTA."""

import re
import subprocess

import numpy as np
import pytest

from nomul import flow, registry
from nomul.golden import lfsr, skid
from nomul.sim.harness import BenchError
from nomul.synth.energy import gatesim, netlist, power
from nomul.synth.energy.activity import Counts, Measured, Uniform
from nomul.synth.map import cells, liberty, liberty_text, targets

TARGET = targets.get("freepdk45")
HALF_V2 = 1.1**2 / 2  # fJ per fF and transition

# Values of the library's file, as they stand there.
SLEW_AXIS = 0.0171859  # ns, the third point; rows below are of the second and third
INV_A, NAND_A1, NAND_A2, DFF_CK, DFF_D = 1.700230, 1.599032, 1.664199, 0.949653, 1.140290  # fF


@pytest.fixture(scope="module")
def library():
    return liberty.read(TARGET.library())


@pytest.fixture
def design(library, tmp_path):
    """Return a function that reads a netlist from text."""

    def read(verilog):
        (tmp_path / "netlist.v").write_text(verilog)
        return netlist.read(tmp_path / "netlist.v", "top", library, tmp_path)

    return read


def waves(design, **values):
    """Return an activity from the values of nets by name, one character per cycle."""
    cycles = max(map(len, values.values()))
    matrix = np.zeros((cycles, len(design.names)), dtype=bool)
    matrix[:, netlist.ONE] = True
    for name, bits in values.items():
        matrix[:, design.names.index(name)] = [bit == "1" for bit in bits]
    return Measured(matrix)


def blend(table, slew, slews, load, loads):
    """Interpolate between four values by hand: the formula written out."""
    (a, b), (c, d) = table
    x, y = (slew - slews[0]) / (slews[1] - slews[0]), (load - loads[0]) / (loads[1] - loads[0])
    return a * (1 - x) * (1 - y) + b * (1 - x) * y + c * x * (1 - y) + d * x * y


CHAIN = """
module top(clk, a, y); input clk, a; output y; wire m;
  INV_X1 first (.A(a), .ZN(m));
  INV_X1 second (.A(m), .ZN(y));
endmodule
"""


def test_inverter_chain_by_hand(design):
    """Input slew on a point of the table; the second inverter sees the first one's slew."""
    chain = design(CHAIN)
    got = power.estimate(chain, waves(chain, a="0110", m="1001", y="0110"), input_slew=SLEW_AXIS)
    loads = (0.365616, 1.897810)
    share = (INV_A - loads[0]) / (loads[1] - loads[0])
    rise, fall, slew_rise, slew_fall = (
        left + share * (right - left)
        for left, right in (
            (1.890252, 1.925712),
            (-0.000255, -0.000278),
            (0.00646300, 0.00917631),
            (0.00453885, 0.00619474),
        )
    )
    # The second one has no load, which is left of the table; its output rises as its input falls.
    axis = (0.00472397, SLEW_AXIS)
    assert axis[0] < slew_fall < slew_rise < axis[1]
    rises = (1.785019, 1.828143), (1.890252, 1.925712)
    falls = (-0.000086, -0.000101), (-0.000255, -0.000278)
    rise_2 = blend(rises, slew_fall, axis, 0.0, loads)
    fall_2 = blend(falls, slew_rise, axis, 0.0, loads)
    assert got.split.internal == pytest.approx(rise + fall + rise_2 + fall_2, rel=1e-6)
    # a and m toggle twice each, and each has one inverter to charge; y has none.
    assert got.split.switching == pytest.approx(4 * HALF_V2 * INV_A, rel=1e-6)
    assert got.split.clock == 0
    # Over the three cycles the inputs are 110 and 001: 18.604146 nW at one, 10.102224 at zero.
    leakage = (2 * 18.604146 + 10.102224 + 18.604146 + 2 * 10.102224) / 3
    assert got.split.leakage_nw == pytest.approx(leakage, rel=1e-6)


NAND = """
module top(clk, a, b, y); input clk, a, b; output y;
  NAND2_X1 gate (.A1(a), .A2(b), .ZN(y));
endmodule
"""


def test_nand_by_hand(design, library):
    """The pin that moved pays; both share where both moved; a masked input costs its pin only."""
    gate = design(NAND)
    arcs = {arc.related: arc for arc in library.cell("NAND2_X1").internal}
    by_pin = {
        name: (float(arc.rise.at(0.02, 0)), float(arc.fall.at(0.02, 0)))
        for name, arc in arcs.items()
    }

    def internal(a, b, y):
        return power.estimate(gate, waves(gate, a=a, b=b, y=y)).split.internal

    assert internal("01", "11", "10") == pytest.approx(by_pin["A1"][1])
    assert internal("11", "10", "01") == pytest.approx(by_pin["A2"][0])
    assert internal("00", "01", "11") == 0
    both = internal("00110", "00110", "11001")
    assert both == pytest.approx(sum(sum(pair) for pair in by_pin.values()) / 2)
    masked = power.estimate(gate, waves(gate, a="00", b="01", y="11"))
    assert masked.split.switching == pytest.approx(HALF_V2 * NAND_A2, rel=1e-5)
    assert masked.split.leakage_nw == pytest.approx(24.799456, rel=1e-2)


FLOP = """
module top(clk, d, q); input clk, d; output q; wire qn;
  DFF_X1 flop (.CK(clk), .D(d), .Q(q), .QN(qn));
endmodule
"""

# fJ at a slew of SLEW_AXIS: the clock pin's rise and fall by D and Q.
CK_RISE = {"00": 2.419478, "01": 0.0, "10": 0.0, "11": 2.608469}
CK_FALL = {"00": 4.474442, "01": 7.553889, "10": 7.510408, "11": 4.243058}


def test_flip_flop_by_hand(design, library):
    """Every clock cycle costs; a rise meets D and Q as they were, a fall as they have become."""
    flop = design(FLOP)
    d, q = "01100", "00110"
    nq = q.translate(str.maketrans("01", "10"))
    got = power.estimate(flop, waves(flop, d=d, q=q, qn=nq), input_slew=SLEW_AXIS)
    states = [a + b for a, b in zip(d, q, strict=True)]
    clock = sum(CK_RISE[s] for s in states[:-1]) + sum(CK_FALL[s] for s in states[1:])
    clock += 4 * 2 * HALF_V2 * DFF_CK
    assert got.split.clock == pytest.approx(clock, rel=1e-6)
    # Q and QN both move twice; D moves twice while the clock is high.
    cell = library.cell("DFF_X1")
    outputs = [arc for arc in cell.internal if arc.related]
    assert len(outputs) == 2
    internal = sum(
        float(arc.rise.at(SLEW_AXIS, 0.0) + arc.fall.at(SLEW_AXIS, 0.0)) for arc in outputs
    )
    hidden = {
        (arc.when.pins, arc.when.table.index(True)): arc for arc in cell.internal if arc.pin == "D"
    }
    pins = ("CK", "Q", "QN")
    rise, fall = hidden[pins, 0b101].rise, hidden[pins, 0b011].fall  # CK & !Q & QN, CK & Q & !QN
    internal += float(rise.at(SLEW_AXIS, 0) + fall.at(SLEW_AXIS, 0))
    assert got.split.internal == pytest.approx(internal, rel=1e-6)
    assert got.split.switching == pytest.approx(2 * HALF_V2 * DFF_D, rel=1e-6)


def test_an_open_output_is_known_from_the_other(design):
    """QN moves inside the cell whether or not a wire hangs on it."""
    wired, open_ = design(FLOP), design(FLOP.replace(", .QN(qn)", ""))
    d, q, nq = "01100", "00110", "11001"
    a = power.estimate(wired, waves(wired, d=d, q=q, qn=nq))
    b = power.estimate(open_, waves(open_, d=d, q=q))
    assert a.split == b.split


COUNTER = """
module top(clk, q); input clk; output [1:0] q; wire [1:0] qn; wire d1;
  DFF_X1 low (.CK(clk), .D(qn[0]), .Q(q[0]), .QN(qn[0]));
  DFF_X1 high (.CK(clk), .D(d1), .Q(q[1]), .QN(qn[1]));
  XOR2_X1 next (.A(q[0]), .B(q[1]), .Z(d1));
endmodule
"""


def counter(design):
    """Return a two-bit counter and two rounds of it."""
    count = design(COUNTER)
    low, high = "010101010", "001100110"
    flip = str.maketrans("01", "10")
    d1 = "".join(str(int(a) ^ int(b)) for a, b in zip(low, high, strict=True))
    names = {"q[0]": low, "q[1]": high, "qn[0]": low.translate(flip), "d1": d1}
    return count, waves(count, **names, **{"qn[1]": high.translate(flip)})


def test_two_bit_counter_by_hand(design, library):
    """Eight cycles: the low bit toggles eight times, the high one and the XOR's output four."""
    count, done = counter(design)
    got = power.estimate(count, done)
    xor = library.cell("XOR2_X1")
    loads = {"q0": xor.pin("A").capacitance, "q1": xor.pin("B").capacitance, "data": DFF_D}
    charge = 8 * (loads["q0"] + DFF_D) + 4 * loads["q1"] + 4 * DFF_D
    assert got.split.switching == pytest.approx(HALF_V2 * charge, rel=1e-6)
    pins = 2 * 8 * 2 * HALF_V2 * DFF_CK
    # The low bit's D is always !Q: before the edge D != Q, and after it again.
    cell = library.cell("DFF_X1")
    hidden = {arc.when.table.index(True): arc for arc in cell.internal if arc.pin == "CK"}
    fall = {key: float(arc.fall.at(0.02, 0)) for key, arc in hidden.items()}
    rise = {key: float(arc.rise.at(0.02, 0)) for key, arc in hidden.items()}
    low = 4 * (fall[0b101] + fall[0b010])  # D, Q, QN are bits 0, 1, 2
    # The high bit: Q goes 0 0 1 1, D = Q XOR low goes 0 1 1 0.
    high = 2 * (rise[0b100] + rise[0b101] + rise[0b011] + rise[0b010])
    high += 2 * (fall[0b100] + fall[0b101] + fall[0b011] + fall[0b010])
    assert got.split.clock == pytest.approx(pins + low + high, rel=1e-6)
    assert got.per_cycle_fj == pytest.approx(got.total_fj / 8)


def test_what_never_toggles_costs_leakage_only(design):
    gate = design(NAND)
    still = power.estimate(gate, waves(gate, a="1111", b="1111", y="0000"))
    assert still.split.dynamic == 0
    assert still.total_fj == still.leakage_fj > 0
    # 37.213 nW over three cycles of 2 ns.
    slow = still.at(2000)
    assert slow.leakage_fj == pytest.approx(still.split.leakage_nw * 3 * 2000 * 1e-6)


def test_energy_scales_with_the_clock(design):
    """Transitions cost the same at any clock; leakage grows with the period, power falls."""
    _, done = counter(design)
    count = design(COUNTER)
    fast, slow = (power.estimate(count, done, period_ps=p) for p in (500, 2000))
    assert fast.split == slow.split
    assert slow.leakage_fj == pytest.approx(4 * fast.leakage_fj)
    assert fast.at(2000) == slow
    seconds = 8 * 500e-12
    assert fast.power_uw == pytest.approx(fast.total_fj * 1e-15 / seconds * 1e6)


HIERARCHY = """
module pair(a, y); input a; output y; wire m;
  INV_X1 first (.A(a), .ZN(m));
  INV_X1 second (.A(m), .ZN(y));
endmodule
module top(clk, a, y); input clk, a; output y; wire m, d;
  pair \\u[0] (.a(a), .y(m));
  pair \\table (.a(m), .y(d));
  DFF_X1 flop (.CK(clk), .D(d), .Q(y));
endmodule
"""


def test_parts_add_up_to_the_whole(design):
    """The same cells with and without hierarchy; parts are by module, over all instances."""
    deep = design(HIERARCHY)
    # One instance has a name with brackets, the other a keyword's.
    assert [name for name in deep.names if name.endswith(".m")] == ["\\table .m", "\\u[0] .m"]
    e = power.estimate(deep, Uniform(0.2, cycles=10))
    assert set(e.parts) == {"top", "pair"}
    for kind in ("internal", "switching", "clock", "leakage_nw"):
        whole = sum(getattr(part, kind) for part in e.parts.values())
        assert getattr(e.split, kind) == pytest.approx(whole)
    assert e.parts["pair"].clock == 0
    assert e.parts["top"].clock == e.split.clock > 0


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


def test_liberty_units_and_axes():
    """Whatever units and order of axes the file has: ns, fF, fJ, nW, slew before load."""
    buf = liberty_text.parse(SMALL_LIBRARY).cell("BUF")
    assert buf.pin("A").capacitance == pytest.approx(3.0)
    assert buf.leakage_power == pytest.approx(500.0)
    assert buf.slews[0].rise.at(0.02, 2.0) == pytest.approx(0.005)
    assert buf.internal[0].fall.at(0.015, 1.0) == pytest.approx(1.5)
    with pytest.raises(ValueError, match="library small has no cell INV"):
        liberty_text.parse(SMALL_LIBRARY).cell("INV")


def test_extract_is_kept_by_content(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "small.lib").write_text(SMALL_LIBRARY)
    first = liberty.read(tmp_path / "small.lib")
    assert len(list((tmp_path / "cache" / "nomul").iterdir())) == 1
    liberty.read.cache_clear()
    assert liberty.read(tmp_path / "small.lib") == first


@pytest.fixture(scope="module")
def shift_register(tmp_path_factory):
    """Return a measured LFSR: its energy, its activity and its netlist, through the whole flow."""
    folder = tmp_path_factory.mktemp("lfsr")
    block, cfg = registry.get("lfsr"), lfsr.Config.preset("leap", width=8, seed=1)
    flow.measure(block, cfg, folder, target="freepdk45")
    return block, cfg, folder


def simulated(shift_register, library, name, **options):
    """Return the netlist of the LFSR and what its nets do under the LFSR's own bench."""
    block, cfg, folder = shift_register
    design = netlist.read(folder / "mapped.v", "lfsr", library, folder / name)
    files = folder / "mapped.v", TARGET.models(), block.bench, folder / name
    options = {"config": cfg.to_json(), "tests": power.UNSTALLED} | options
    return design, gatesim.simulate(design, *files, **options)


def test_toggles_in_simulation_are_those_of_the_model(shift_register, library):
    """The netlist passes its bench, and its outputs toggle as often as the model's states do."""
    design, done = simulated(shift_register, library, "power")
    states = lfsr.model(shift_register[1], done.transfers)
    assert done.transfers == done.cycles > 10
    toggled = done.toggles(design)[design.outputs["o__payload"]].sum()
    changes = sum(int(a ^ b).bit_count() for a, b in zip(states[1:], states[:-1], strict=True))
    assert changes <= toggled <= changes + 8  # what led to the first state is in the window too
    assert done.unknown == 0


def test_delays_let_gates_glitch_and_registers_not(shift_register, library):
    """With a delay per cell registers move as before, gates as often or more often."""
    design, settled = simulated(shift_register, library, "settled", cycles=40)
    delays = gatesim.UnitDelay(cycles=40)
    _, moving = simulated(shift_register, library, "moving", delays=delays)
    assert settled.cycles == moving.cycles == settled.transfers == 40
    assert settled.share == moving.share < 1
    assert np.array_equal(settled.values, moving.values)
    before, after = settled.toggles(design), moving.toggles(design)
    stored = design.outputs["o__payload"]
    assert np.array_equal(before[stored], after[stored])
    assert (after >= before).all()
    assert after.sum() > before.sum()
    # A glitch goes there and back.
    assert ((after - before) % 2 == 0).all()
    calm, busy = power.estimate(design, settled).split, power.estimate(design, moving).split
    assert busy.clock == calm.clock
    assert busy.leakage_nw == pytest.approx(calm.leakage_nw)
    assert busy.internal > calm.internal
    assert busy.switching > calm.switching


def test_a_block_is_measured_with_its_own_bench(shift_register):
    block, cfg, folder = shift_register
    got = power.measure(block, cfg, folder / "mapped.v", TARGET, folder=folder / "e", period_ps=800)
    assert got.operations > 0
    assert min(got.split.clock, got.split.internal, got.split.switching) > 0
    assert got.to_dict()["per_operation_fj"] == pytest.approx(got.total_fj / got.operations)


def test_glitches_are_counted_or_left_out_of_one_simulation(shift_register):
    block, cfg, folder = shift_register
    arguments = (block, cfg, folder / "mapped.v", TARGET)
    window = {"cycles": 40}
    calm = power.measure(*arguments, folder=folder / "calm", **window)
    delays = gatesim.UnitDelay(cycles=40)
    both = power.simulate(*arguments, folder=folder / "both", delays=delays, **window)
    assert both.energy(glitches=False) == calm
    assert both.energy().total_fj > calm.total_fj


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


def test_tests_of_the_bench_are_chosen_one_at_a_time(shift_register):
    block, cfg, folder = shift_register
    arguments = (block, cfg, folder / "mapped.v", TARGET)
    with pytest.raises(ValueError, match="lfsr must be reset exactly once; choose one test"):
        power.measure(*arguments, folder=folder / "all", tests=".*")
    with pytest.raises(BenchError):
        power.measure(*arguments, folder=folder / "none", tests="no_such_test")


def test_a_wrong_netlist_is_no_measurement(shift_register):
    """Mutation: one gate of another kind, and the bench refuses the netlist."""
    block, cfg, folder = shift_register
    text = (folder / "mapped.v").read_text()
    swapped = re.sub(r"\bOAI", "AOI", text, count=1)  # pins of these have the same names
    assert swapped != text
    (folder / "wrong.v").write_text(swapped)
    with pytest.raises(BenchError, match="tests failed"):
        power.measure(block, cfg, folder / "wrong.v", TARGET, folder=folder / "wrong")


@pytest.mark.parametrize(
    ("verilog", "message"),
    [
        (NAND.replace("NAND2_X1", "NAND9_X1"), "has no cell NAND9_X1"),
        (NAND.replace(".A2", ".B"), "cell NAND2_X1 has no pin B; it has A1, A2, ZN"),
        (CHAIN.replace(".A(a)", ".A(y)"), "top has a loop of combinational cells"),
        (FLOP.replace(".CK(clk)", ".CK(d)"), "DFF_X1 has a clock that is not the port clk"),
    ],
)
def test_netlists_that_cannot_be_measured_are_refused(design, verilog, message):
    def measure():
        wrong = design(verilog)
        return power.estimate(wrong, waves(wrong, clk="00"))

    with pytest.raises(ValueError, match=message):
        measure()


class AsOpenSta(Uniform):
    """The weights of OpenSTA 2.0: an output's arcs each cost a rise and a fall per transition.

    Each is weighted by the probability of its condition; without one, by one half, or by one if it
    is of a clock or of the only input. They are not made to add up to one, and a transition counts
    as a rise and a fall.
    """

    def counts(self, netlist, group):
        cell = netlist.library.cell(group.cell)
        plain = super().counts(netlist, group)
        pairs = list(zip(cell.internal, plain.rises, strict=True))
        each = [
            np.full_like(rises, self.density * self.weight(cell, arc)) if arc.related else rises
            for arc, rises in pairs
        ]
        return Counts(each, each, plain.leakage)

    @staticmethod
    def weight(cell, arc):
        if arc.when.pins:
            return sum(arc.when.table) / len(arc.when.table)
        alone = cell.pin(arc.pin).function.pins == (arc.related,)
        return 1.0 if alone or arc.related in cell.clocks else 0.5


def opensta(verilog, inputs, folder, density):
    """Return internal, switching and leakage power in uW by `report_power` at 1 GHz.

    The library without its default wire load, since the estimate has no wires.
    """
    text = TARGET.library().read_text()
    (folder / "cells.lib").write_text(re.sub(r"\n\s*default_wire_load\b.*", "", text))
    (folder / "power.tcl").write_text(f"""\
read_liberty cells.lib
read_verilog {{{verilog}}}
link_design lfsr
create_clock -name clk -period 1 [get_ports clk]
set_clock_transition {power.INPUT_SLEW} [all_clocks]
set_input_transition {power.INPUT_SLEW} [all_inputs]
set_input_delay 0 -clock clk [get_ports {{{" ".join(inputs)}}}]
set_power_activity -global -activity {density} -duty 0.5
report_power -digits 6
""")
    run = subprocess.run(
        ["sta", "-no_splash", "-exit", "power.tcl"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    total = re.search(r"^Total +(\S+) +(\S+) +(\S+)", run.stdout, re.MULTILINE)
    assert total, run.stdout + run.stderr
    return [float(value) * 1e6 for value in total.groups()]


@pytest.mark.needs("opensta")
def test_agrees_with_opensta_at_uniform_activity(shift_register, library, tmp_path):
    """Same netlist, same activity: 0.2 transitions per net and cycle.

    Leakage and switching mean the same in both (OpenSTA leaves out nets that inputs drive), and
    are equal. Internal energy agrees within 1 % with OpenSTA's weights; with ours the outputs cost
    less, because OpenSTA 2.0 counts each of their transitions as a rise and a fall.
    """
    _, _, folder = shift_register
    design = netlist.read(folder / "mapped.v", "lfsr", library, tmp_path)
    internal, switching, leakage = opensta(folder / "mapped.v", ["rst", "o__ready"], tmp_path, 0.2)
    theirs = power.estimate(design, AsOpenSta(0.2), period_ps=1000)
    ours = power.estimate(design, Uniform(0.2), period_ps=1000)
    loads = design.loads()
    inputs = [net for nets in design.inputs.values() for net in nets]
    clocks = loads[design.inputs["clk"]].sum() * 2 * HALF_V2
    assert ours.split.leakage_nw * 1e-3 == pytest.approx(leakage, rel=1e-4)
    data = [net for net in inputs if net not in design.inputs["clk"]]
    charged = ours.split.switching - 0.2 * HALF_V2 * loads[data].sum()
    assert charged == pytest.approx(switching, rel=1e-3)
    # Energy in fJ per cycle of 1 ns is power in uW.
    pins = theirs.split.clock - clocks
    assert theirs.split.internal + pins == pytest.approx(internal, rel=0.01)
    assert ours.split.internal < theirs.split.internal


GATED = """
module top(clk, d, e, q); input clk, d, e; output q; wire g;
  CLKGATE_X1 gate (.CK(clk), .E(e), .GCK(g));
  DFF_X1 flop (.CK(g), .D(d), .Q(q));
endmodule
"""


def test_a_gated_clock_moves_where_it_is_enabled(design, library):
    """Two of four edges pass: the register's clock pin is paid twice, the gate's own four times."""
    gated = design(GATED)
    gate, flop = library.cell("CLKGATE_X1"), library.cell("DFF_X1")
    (net,) = gated.gates()
    done = waves(gated, e="10101", d="00000", q="00000")
    toggles = done.toggles(gated)
    assert toggles[net] == 2 * 2
    assert toggles[gated.inputs["clk"][0]] == 2 * 4
    busy = power.estimate(gated, done)
    still = power.estimate(gated, waves(gated, e="00000", d="00000", q="00000"))
    assert gated.gates() == {net: gated.inputs["e"]}
    load = flop.pin("CK").capacitance
    pins = HALF_V2 * 8 * gate.pin("CK").capacitance
    arcs = {arc.when.table: arc for arc in gate.internal if arc.pin == "CK"}
    hidden = arcs[True, False, False, False]  # neither enabled nor passing
    slew = power.INPUT_SLEW
    each = float(hidden.rise.at(slew, 0)) + float(hidden.fall.at(slew, 0))
    assert still.split.clock == pytest.approx(pins + 4 * each)
    assert still.split.switching == 0
    assert busy.split.clock > pins + 2 * each + HALF_V2 * 4 * load
    # The gate's output is a clock too: its load is counted once, by the gate.
    assert busy.split.switching == pytest.approx(HALF_V2 * 4 * gate.pin("E").capacitance)


def test_a_gate_behind_a_gate_is_refused(design):
    chained = GATED.replace(".CK(clk)", ".CK(h)").replace("wire g;", "wire g, h;")
    chained = chained.replace("DFF_X1", "CLKGATE_X1 first (.CK(clk), .E(e), .GCK(h));\n  DFF_X1")
    with pytest.raises(ValueError, match="CLKGATE_X1 has a clock that is not the port clk"):
        design(chained).gates()


def test_a_netlist_with_gated_clocks_passes_its_bench(tmp_path):
    """Through the flow: smaller than with multiplexers, and equal to the model in simulation."""
    block, cfg = registry.get("skid"), skid.Config.preset("register")
    areas = []
    for gating in (0, 3):
        folder = tmp_path / str(gating)
        row = flow.measure(block, cfg, folder, target="freepdk45", clock_gating=gating)
        areas.append(row.area_um2)
        for delays in (None, gatesim.UnitDelay(cycles=20)):
            options = {"folder": folder / "e", "cycles": 20, "delays": delays}
            energy = power.measure(block, cfg, folder / "mapped.v", TARGET, **options)
            assert energy.split.clock > 0
        assert ("CLKGATE_X1" in row.cells) == bool(gating)
    assert areas[1] < areas[0]
    with pytest.raises(ValueError, match="target ecp5 has no standard cells to gate clocks with"):
        flow.measure(block, cfg, tmp_path, target="ecp5", clock_gating=3)


def test_registers_can_hold_a_value_from_the_beginning():
    """The models of the cells start there, and say of each path once what its delay is."""
    models = TARGET.models().read_text()
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
