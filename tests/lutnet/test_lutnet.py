"""LUTNet hardware: RTL against the model, cells of single tables, parts, mutation."""

import numpy as np
import pytest
from amaranth.back.rtlil import convert

from nomul.golden import lutnet
from nomul.golden.lutnet import examples
from nomul.hw.lutnet import Top
from nomul.hw.lutnet.operators import Operators
from nomul.hw.lutnet.tiled import Requests
from nomul.hw.once import Library, Once
from nomul.sim.harness import BenchError
from nomul.synth import yosys
from nomul.synth.emit import emit
from nomul.synth.map.synthesize import synthesize

# Presets pass under all stalls; what differs from them in one way passes with both sides stalled.
STALLED = "equal_the_model.*random.*random"


def configured(tmp_path, network, **options):
    """Return a configuration of a network's file."""
    path = tmp_path / "net.npz"
    network.save(path)
    return lutnet.Config(network=str(path), **options)


@pytest.mark.parametrize("preset", lutnet.Config.presets)
def test_rtl_equals_model(simulate, preset):
    cfg = lutnet.Config.preset(preset)
    assert simulate("lutnet", cfg).compared > (200 if cfg.load().streamed else 1000)


def every_k(tmp_path):
    rng = np.random.default_rng(7)
    layers = []
    for k in range(1, 8):
        layers.append(
            lutnet.DirectLut(k=k, idx=rng.integers(0, 40, (40, k)), tt=examples.tables(rng, 40, k))
        )
    return configured(tmp_path, lutnet.Network(layers, 40), registers="end")


def out_of_reach(tmp_path):
    """Return sums never below 0, thresholds below, at both ends and above, inverted or not."""
    theta = np.array([[-5], [0], [1], [3], [4], [99]] * 2)
    layer = lutnet.LutLayer(
        k=2,
        idx=[[i % 5, (i + 1) % 5] for i in range(36)],
        tt=[6, 8, 14] * 12,
        out=np.repeat(np.arange(12), 3),
        n_out=12,
        theta=theta,
        flip=[0] * 6 + [1] * 6,
    )
    return configured(tmp_path, lutnet.Network([layer], 5))


VARIANTS = {
    "carry chains": lambda _: lutnet.Config.preset("small", adder="carry", registers="end"),
    "registers between layers": lambda _: lutnet.Config.preset(
        "small", adder="plus", registers="layers"
    ),
    "a layer of every k": every_k,
    "thresholds out of reach": out_of_reach,
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_equal_the_model(simulate, tmp_path, variant):
    assert simulate("lutnet", VARIANTS[variant](tmp_path), tests=STALLED).tests == 1


@pytest.mark.long
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_equal_the_model_under_all_stalls(simulate, tmp_path, variant):
    assert simulate("lutnet", VARIANTS[variant](tmp_path), tests="equal_the_model").tests == 4


def test_tiled_sums_with_two_levels_and_biases(simulate, tmp_path):
    rng = np.random.default_rng(9)
    level = np.tile([0, 0, 1, 1], 3)
    layer = lutnet.LutNetTiled(
        k=3,
        p=1,
        n_in=8,
        n_out=6,
        tile_m=2,
        tile_n=2,
        idx=rng.integers(0, 4, (12, 2)) + 4 * level[:, None],
        tt=examples.tables(rng, 12, 3),
        out=np.repeat(np.arange(3), 4),
        weight=rng.integers(0, 2, (4, 12)),
        alpha=(3, 1),
        level=level,
        bias=rng.integers(-9, 9, 6),
    )
    cfg = configured(tmp_path, lutnet.Network([layer], 16))
    assert (cfg.latency, cfg.interval) == (5, 4)
    assert simulate("lutnet", cfg).tests


def test_weights_are_read_and_written_between_vectors(simulate):
    cfg = lutnet.Config.preset("reload")
    report = simulate("lutnet", cfg, bench="nomul.sim.lutnet.weights")
    assert report.compared > 4 * 130


def test_bench_notices_a_weight_written_beside_its_place(simulate, monkeypatch):
    """Mutation: the hardware writes into the next tile."""

    class Beside(Requests):
        def elaborate(self, platform):
            m = super().elaborate(platform)
            m.d.comb += self.ask.tile.eq(self.weight.payload.tile + self.weight.payload.write)
            return m

    cfg = lutnet.Config.preset("reload")
    monkeypatch.setattr("nomul.hw.lutnet.top.Requests", Beside)
    with pytest.raises(BenchError, match=r"y\[|stored\["):
        simulate("lutnet", cfg, bench="nomul.sim.lutnet.weights", tests="never.*never")


def test_weights_that_can_only_be_read_have_no_write(tmp_path):
    top = Top(lutnet.Config.preset("tiled", weights="read"))
    assert list(top.layout.members) == ["layer", "tile", "op"]
    ports = {port["name"] for port in emit(top, "lutnet").manifest["ports"]}
    assert {"weight__payload", "weight__valid", "stored__payload"} <= ports
    with pytest.raises(ValueError, match=r"lutnet\.weights must be rom: no layer is tiled"):
        lutnet.Config(weights="read")


def reversed_addresses(network):
    """Return the network with the address bits of its first tables reversed."""
    layers = list(network.layers)
    at = next(i for i, layer in enumerate(layers) if hasattr(layer, "tt"))
    values = {n: v for n, v in layers[at].to_dict().items() if n != "kind"}
    values["tt"] = [lutnet.reverse_address(t, layers[at].k) for t in layers[at].tt]
    layers[at] = type(layers[at])(**values)
    return lutnet.Network(layers, network.inputs, network.input_bits)


@pytest.mark.parametrize("preset", ["small", "tiled", "direct"])
def test_bench_notices_reversed_address_bits(simulate, tmp_path, preset):
    """Mutation: the hardware reads its tables the wrong way round."""
    cfg = lutnet.Config.preset(preset)
    wrong = configured(tmp_path, reversed_addresses(cfg.load()), registers=cfg.registers)
    with pytest.raises(BenchError, match=r"y\["):
        simulate("lutnet", cfg, top=Top(wrong), tests="never.*never")


# Look-up tables that one table of K inputs takes, at most.
CELLS = {
    "xc7": {1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 2},
    "ecp5": {1: 1, 2: 1, 3: 1, 4: 1, 5: 2, 6: 4, 7: 8},
    "ice40": {1: 1, 2: 1, 3: 1, 4: 1},
}


@pytest.mark.parametrize("target", CELLS)
def test_cells_of_a_single_table(target, capsys):
    """Random tables over all their inputs; a table of an iCE40 beyond K = 4 is not one cell."""
    from amaranth.hdl import Module
    from amaranth.lib import wiring
    from amaranth.lib.wiring import In, Out

    rng, each = np.random.default_rng(3), 3
    parts = {}
    for k in CELLS[target]:
        tt = []
        while len(tt) < each:
            tt += [t for t in examples.tables(rng, 1, k) if len(lutnet.support(t, k)) == k]
        parts[k] = Once(f"k{k}", Operators, k, (tuple(range(k)),) * each, tuple(tt), keep=True)

    class Tables(wiring.Component):
        def __init__(self):
            super().__init__({f"y{k}": Out(each) for k in parts} | {"x": In(7)})

        def elaborate(self, platform):
            m = Module()
            for k, part in parts.items():
                m.submodules[f"k{k}"] = part
                m.d.comb += [part.x.eq(self.x), getattr(self, f"y{k}").eq(part.y)]
            return m

    result = synthesize(emit(Tables(), "tables"), target, hierarchical=True)
    counts = {}
    for k in parts:
        cells = result.parts[f"tables_k{k}"].cells
        # K = 1 may be a wire or share its inverter.
        counts[k] = sum(n for cell, n in cells.items() if "LUT" in cell or cell == "INV") / each
    with capsys.disabled():
        print(f"\nYosys {yosys.version()}, {target}: look-up tables per table of K inputs {counts}")
    for k, most in CELLS[target].items():
        assert counts[k] <= most
        if k in (4, 5, 6):
            assert counts[k] == most


def test_written_rtlil_puts_address_bit_0_lowest():
    """What the benches run; here one table's address, spelled out."""
    part = Once("t", Operators, 3, ((2, 0),), (0b0100,))
    text = Library("x").define("part", part._cls, part._args).rtlil
    part._MustUse__used = True
    assert "parameter \\LUT 4'0100" in text
    assert "connect \\A { \\x [0] \\x [2] }" in text


# What the cells of each target compute that logic is mapped to.
MODELS = {
    "xc7": "".join(
        f"""
module LUT{n}({", ".join(f"input I{i}" for i in range(n))}, output O);
  parameter [{(1 << n) - 1}:0] INIT = 0;
  assign O = INIT >> {{{", ".join(f"I{i}" for i in reversed(range(n)))}}};
endmodule"""
        for n in range(1, 7)
    )
    + """
module INV(input I, output O); assign O = ~I; endmodule
module MUXF7(input I0, I1, S, output O); assign O = S ? I1 : I0; endmodule
module MUXF8(input I0, I1, S, output O); assign O = S ? I1 : I0; endmodule
""",
    "ecp5": """
module LUT4(input A, B, C, D, output Z);
  parameter [15:0] INIT = 0;
  assign Z = INIT >> {D, C, B, A};
endmodule
module PFUMX(input ALUT, BLUT, C0, output Z); assign Z = C0 ? ALUT : BLUT; endmodule
module L6MUX21(input D0, D1, SD, output Z); assign Z = SD ? D1 : D0; endmodule
""",
    "ice40": """
module SB_LUT4(input I0, I1, I2, I3, output O);
  parameter [15:0] LUT_INIT = 0;
  assign O = LUT_INIT >> {I3, I2, I1, I0};
endmodule
""",
    "generic": "",
}


@pytest.mark.parametrize("target", MODELS)
def test_mapped_tables_are_proved_equal_to_shifted_constants(target, tmp_path):
    """Every table mapped from the RTLIL that we write, against what Amaranth makes of it.

    Among them a constant, one that ignores inputs, two that are equal and one that reads a wire
    twice, all of which the mapper may simplify.
    """
    rng = np.random.default_rng(5)
    idx = [tuple(rng.permutation(9)[:k].tolist()) for k in (1, 2, 3, 4, 5, 6, 6, 7)]
    tt = [t for row in idx for t in examples.tables(rng, 1, len(row))]
    idx += [(1, 2, 3), (4, 5, 6), idx[5], (7, 7, 8, 0)]
    tt += [0, 0b11001100, tt[5], 0b1011001110001111]
    shape = (9, tuple(idx), tuple(tt))
    result = synthesize(emit(Operators(*shape), "gate"), target, folder=tmp_path)
    gold = convert(Operators(*shape), name="gold", emit_src=False)
    (tmp_path / "gold.il").write_text(gold)
    (tmp_path / "models.v").write_text(MODELS[target])
    yosys.run(
        [
            f"read_verilog -icells models.v {result.netlist.name}",
            "hierarchy -check -top gate",
            "proc",
            "flatten",
            "read_rtlil gold.il",
            "miter -equiv -flatten gold gate both",
            "sat -verify -prove trigger 0 both",
        ],
        tmp_path,
    )


def test_the_proof_of_tables_can_fail(tmp_path):
    """Mutation: one bit of a table."""
    tt = 0x8F3A_55C1_0D2B_9E67
    emitted = emit(Operators(6, (tuple(range(6)),), (tt ^ 1 << 40,)), "gate")
    (tmp_path / "gate.il").write_text(emitted.rtlil)
    gold = convert(Operators(6, (tuple(range(6)),), (tt,)), name="gold", emit_src=False)
    (tmp_path / "gold.il").write_text(gold)
    with pytest.raises(yosys.YosysError, match="proof did fail"):
        yosys.run(
            [
                "read_rtlil gold.il",
                "read_rtlil gate.il",
                "proc",
                "miter -equiv -flatten gold gate both",
                "sat -verify -prove trigger 0 both",
            ],
            tmp_path,
        )
