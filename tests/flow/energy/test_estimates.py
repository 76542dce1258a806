"""Energy of small netlists, computed by hand from the library's tables."""

import pytest

from nomul.synth.energy import power
from nomul.synth.energy.activity import Uniform

HALF_V2 = 1.1**2 / 2  # fJ per fF and transition

# Values of the library's file, as they stand there.
SLEW_AXIS = 0.0171859  # ns, the third point; rows below are of the second and third
INV_A, NAND_A2 = 1.700230, 1.664199  # fF


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


def test_inverter_chain_by_hand(design, waves):
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


def test_nand_by_hand(design, library, waves):
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


def test_what_never_toggles_costs_leakage_only(design, waves):
    gate = design(NAND)
    still = power.estimate(gate, waves(gate, a="1111", b="1111", y="0000"))
    assert still.split.dynamic == 0
    assert still.total_fj == still.leakage_fj > 0
    # 37.213 nW over three cycles of 2 ns.
    slow = still.at(2000)
    assert slow.leakage_fj == pytest.approx(still.split.leakage_nw * 3 * 2000 * 1e-6)


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


@pytest.mark.parametrize(
    ("verilog", "message"),
    [
        (NAND.replace("NAND2_X1", "NAND9_X1"), "has no cell NAND9_X1"),
        (NAND.replace(".A2", ".B"), "cell NAND2_X1 has no pin B; it has A1, A2, ZN"),
        (CHAIN.replace(".A(a)", ".A(y)"), "top has a loop of combinational cells"),
    ],
)
def test_netlists_that_cannot_be_measured_are_refused(design, verilog, message, waves):
    def measure():
        wrong = design(verilog)
        return power.estimate(wrong, waves(wrong, clk="00"))

    with pytest.raises(ValueError, match=message):
        measure()
