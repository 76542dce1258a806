"""Energy of registers, counters and gated clocks, computed by hand from the library's tables."""

import pytest

from nomul.synth.energy import power

HALF_V2 = 1.1**2 / 2  # fJ per fF and transition

# Values of the library's file, as they stand there.
SLEW_AXIS = 0.0171859  # ns, the third point
DFF_CK, DFF_D = 0.949653, 1.140290  # fF


FLOP = """
module top(clk, d, q); input clk, d; output q; wire qn;
  DFF_X1 flop (.CK(clk), .D(d), .Q(q), .QN(qn));
endmodule
"""


# fJ at a slew of SLEW_AXIS: the clock pin's rise and fall by D and Q.
CK_RISE = {"00": 2.419478, "01": 0.0, "10": 0.0, "11": 2.608469}
CK_FALL = {"00": 4.474442, "01": 7.553889, "10": 7.510408, "11": 4.243058}


def test_flip_flop_by_hand(design, library, waves):
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


def test_an_open_output_is_known_from_the_other(design, waves):
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


@pytest.fixture
def counter(design, waves):
    """Return a two-bit counter and two rounds of it."""
    count = design(COUNTER)
    low, high = "010101010", "001100110"
    flip = str.maketrans("01", "10")
    d1 = "".join(str(int(a) ^ int(b)) for a, b in zip(low, high, strict=True))
    names = {"q[0]": low, "q[1]": high, "qn[0]": low.translate(flip), "d1": d1}
    return count, waves(count, **names, **{"qn[1]": high.translate(flip)})


def test_two_bit_counter_by_hand(counter, library):
    """Eight cycles: the low bit toggles eight times, the high one and the XOR's output four."""
    count, done = counter
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


def test_energy_scales_with_the_clock(counter):
    """Transitions cost the same at any clock; leakage grows with the period, power falls."""
    count, done = counter
    fast, slow = (power.estimate(count, done, period_ps=p) for p in (500, 2000))
    assert fast.split == slow.split
    assert slow.leakage_fj == pytest.approx(4 * fast.leakage_fj)
    assert fast.at(2000) == slow
    seconds = 8 * 500e-12
    assert fast.power_uw == pytest.approx(fast.total_fj * 1e-15 / seconds * 1e6)


GATED = """
module top(clk, d, e, q); input clk, d, e; output q; wire g;
  CLKGATE_X1 gate (.CK(clk), .E(e), .GCK(g));
  DFF_X1 flop (.CK(g), .D(d), .Q(q));
endmodule
"""


def test_a_gated_clock_moves_where_it_is_enabled(design, library, waves):
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


def test_another_clock_than_the_port_is_refused(design, waves):
    wrong = design(FLOP.replace(".CK(clk)", ".CK(d)"))
    with pytest.raises(ValueError, match="DFF_X1 has a clock that is not the port clk"):
        power.estimate(wrong, waves(wrong, clk="00"))


def test_a_gate_behind_a_gate_is_refused(design):
    chained = GATED.replace(".CK(clk)", ".CK(h)").replace("wire g;", "wire g, h;")
    chained = chained.replace("DFF_X1", "CLKGATE_X1 first (.CK(clk), .E(e), .GCK(h));\n  DFF_X1")
    with pytest.raises(ValueError, match="CLKGATE_X1 has a clock that is not the port clk"):
        design(chained).gates()
