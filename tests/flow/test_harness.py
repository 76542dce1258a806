"""The harness: whatever a bench does short of checking something and passing is a failure."""

import itertools
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nomul import flow, registry
from nomul.golden import essop, lfsr
from nomul.sim import harness, stream, verilate
from nomul.sim.harness import BenchError

# One word per cycle, counting, taken when ready; the violations are put into the marked place.
COUNTER = """
module dut(input clk, input rst, input o__ready, output o__valid, output [7:0] o__payload);
  reg [7:0] count, extra;
  always @(posedge clk) begin
    extra <= rst ? 8'd0 : extra + 8'd1;
    if (rst) count <= 8'd0; else if (o__ready && o__valid) count <= count + 8'd1;
  end
  assign o__valid = VALID;
  assign o__payload = PAYLOAD;
endmodule
"""

HEAD = """
import cocotb
from nomul.sim import harness
from nomul.sim.stream import Bench, assert_equal

async def words(dut, stalls="never"):
    bench = Bench(dut)
    o = bench.sink("o", stalls)
    await bench.reset()
    await bench.until(lambda: len(o.received) >= 20, limit=200)
    return o.received[:20]
"""

GOOD = """
@cocotb.test()
async def counts(dut):
    assert_equal(await words(dut, "random"), list(range(20)), "count")
"""

_names = (f"bench_{number}" for number in itertools.count())


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs a bench, given as text, on the counter."""
    monkeypatch.syspath_prepend(tmp_path)

    def run(bench, valid="1'b1", payload="count", name=None, **options):
        name = name or next(_names)
        if bench is not None:
            (tmp_path / f"{name}.py").write_text(HEAD + bench)
        verilog = tmp_path / "dut.v"
        verilog.write_text(COUNTER.replace("VALID", valid).replace("PAYLOAD", payload))
        options = {"simulator": flow.installed_simulator(), **options}
        return harness.run(name, top="dut", verilog=[verilog], build_dir=tmp_path, **options)

    return run


def test_a_bench_that_checks_something_passes(run):
    report = run(GOOD + "\n    harness.record(seen=3)\n")
    assert (report.tests, report.compared, report.records) == (1, 20, {"seen": 3})


def test_what_several_tests_compare_adds_up(run):
    twice = GOOD + GOOD.replace("def counts", "def counts_again")
    report = run(twice)
    assert (report.tests, report.compared) == (2, 40)
    assert run(twice, tests="counts_again$").compared == 20


FAILURES = {
    "wrong value": (
        GOOD.replace("range(20)", "range(1, 21)"),
        {},
        r"count\[0\] is 0x0, expected 0x1",
    ),
    "exception": (
        GOOD.replace("    assert", "    raise KeyError('x')\n    assert"),
        {},
        "1 of 1 tests",
    ),
    "empty filter": (GOOD, {"tests": "no_such_test"}, "no test|no results"),
    "no tests": ("", {}, "no test|no results"),
    "missing": (None, {}, "no test|no results"),
    "unimportable": ("raise ImportError('gone')" + GOOD, {}, "no test|no results"),
    "compares nothing": (GOOD.replace("assert_equal", "print"), {}, "compared nothing"),
    "compares no words": (
        GOOD.replace("range(20)", "[]").replace("await", "[] and await"),
        {},
        "nothing to",
    ),
    "all skipped": (GOOD.replace("test()", "test(skip=True)"), {}, "skipped 1 of 1"),
    "one skipped": (
        GOOD + GOOD.replace("test()", "test(skip=True)").replace("counts", "later"),
        {},
        "skipped 1 of 2",
    ),
    "X in payload": (GOOD, {"payload": "8'bx"}, "o__payload is"),
    "Z in one bit": (GOOD, {"payload": "{count[7:1], 1'bz}"}, "o__payload is"),
    "X in valid": (GOOD, {"valid": "1'bx"}, "o__valid is"),
    "hang": (GOOD, {"valid": "1'b0"}, "nothing happened for 200 cycles"),
    "valid falls": (GOOD, {"valid": "!extra[0]"}, "valid fell before ready"),
    "payload moves": (GOOD, {"payload": "extra"}, "payload changed before ready"),
    "does not build": (GOOD, {"payload": "no_such_net"}, "dut does not build"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_everything_else_fails(run, case):
    bench, options, message = FAILURES[case]
    with pytest.raises(BenchError, match=message):
        run(bench, **options)


def test_results_of_an_earlier_run_do_not_count(run):
    run(GOOD)
    with pytest.raises(BenchError, match=r"no test|no results"):
        run(None)


def test_seed_decides_the_stalls(run):
    took = "\n    harness.record(seed=harness.seed())\n"
    assert run(GOOD + took, seed=7).records == {"seed": 7}


def test_a_simulator_that_is_not_there_is_named(run, monkeypatch):
    with pytest.raises(ValueError, match="one of icarus, verilator, not 'questa'"):
        run(GOOD, simulator="questa")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BenchError, match="apt-get install iverilog"):
        run(GOOD, simulator="icarus")
    monkeypatch.setattr(harness, "verilator_root", lambda: Path("/nowhere"))
    with pytest.raises(
        BenchError, match=r"Verilator needs perl, make, g\+\+; try: apt-get install"
    ):
        run(GOOD, simulator="verilator")


def needs_compiler():
    if shutil.which("g++") is None:
        pytest.skip("Verilator needs g++: apt-get install g++")


@pytest.mark.parametrize("simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.long)])
def test_lfsr_in_every_simulator(simulator, tmp_path):
    """The same bench, emitted Verilog and comparison; an array runs in Verilator every time."""
    if simulator == "verilator":
        needs_compiler()
    cfg = lfsr.Config.preset("leap")
    report = flow.simulate(registry.get("lfsr"), cfg, tmp_path, simulator=simulator)
    assert report.compared > 0


def array(leaf: int, rows: int, cols: int) -> str:
    """Return the Verilog of rows, two halves of them in a module each, of cells of some length."""
    cells = "".join(f"  cell c{i} (\n    .a(a)\n  );\n" for i in range(cols))
    lines = "".join(f"  row r{i} (\n    .a(a)\n  );\n" for i in range(rows // 2))
    halves = "".join(f"  half h{i} (\n    .a(a)\n  );\n" for i in range(2))
    filler = f"// {'-' * leaf}\n"
    modules = {"top": halves, "half": lines, "row": cells, "cell": filler}
    return "".join(f"module {name}(a);\n{body}endmodule\n" for name, body in modules.items())


def test_verilator_builds_once_what_is_large_and_repeats():
    """The smallest modules that are large enough, and none that holds another."""
    small, large = array(100, 4, 4), array(1000, 32, 32)
    assert verilate.repeated(small, "top") == []
    assert verilate.repeated(large, "top") == ["row"]
    assert verilate.repeated(large, "row") == []  # one row, and its cells are small
    assert verilate.repeated(array(20_000, 8, 8), "top") == ["cell"]
    assert verilate.repeated(array(20_000, 2, 1), "top") == []  # twice saves too little
    assert verilate.repeated(large, "elsewhere") == []


def test_an_array_in_verilator_equals_the_model(tmp_path):
    """Each row calls the one that was built, in simulation too."""
    needs_compiler()
    cfg = essop.Config.preset("small", rows=16, cols=16)
    block = registry.get("essop")
    unstalled = flow.workload(block, cfg).tests
    report = flow.simulate(block, cfg, tmp_path, simulator="verilator", tests=unstalled)
    assert report.records["products"] == report.records["pairs"] * 16 * 16
    assert 'hier_block -module "essop_row"' in (tmp_path / "sim" / "once.vlt").read_text()


def test_a_waveform_shows_the_inside_of_every_row(tmp_path):
    """What is built once has no signals to show, so a waveform does without it."""
    design = tmp_path / "design.v"
    design.write_text(array(1000, 32, 32))
    once = verilate.arguments([design], "top", tmp_path, waves=False)
    assert {"--hierarchical", "--public-depth"} < set(once)
    plain = verilate.arguments([design], "top", tmp_path, waves=True)
    assert not {"--hierarchical", "--public-depth"} & set(plain)


def test_a_large_design_shows_its_top_level_only(tmp_path):
    design = tmp_path / "design.v"
    for length, public in ((1000, False), (verilate.SAVING, True)):
        design.write_text(f"module top(a);\n// {'-' * length}\nendmodule\n")
        found = verilate.arguments([design], "top", tmp_path, waves=False)
        assert ("--public-depth" in found, "--hierarchical" in found) == (public, False)


def test_waveform_is_recorded(tmp_path):
    cfg = lfsr.Config.preset("small")
    flow.simulate(registry.get("lfsr"), cfg, tmp_path, simulator="icarus", waves=True)
    assert list((tmp_path / "sim").glob("*.fst"))


FIELDS = st.lists(st.tuples(st.integers(1, 20), st.integers(1, 5)), min_size=1, max_size=4)


@given(FIELDS, st.integers(1, 6), st.randoms(use_true_random=False))
def test_layout_packs_least_significant_first(shapes, n, rng):
    layout = stream.Layout(tuple((f"f{i}", w, c) for i, (w, c) in enumerate(shapes)))
    values = {
        name: np.array([[rng.getrandbits(width) for _ in range(count)] for _ in range(n)])
        for name, width, count in layout.fields
    }
    words, expected = layout.pack(**values), [0] * n
    offset = 0
    for name, width, count in layout.fields:
        for row, column in itertools.product(range(n), range(count)):
            expected[row] |= int(values[name][row, column]) << (offset + column * width)
        offset += width * count
    assert words == expected
    for name, array in layout.unpack(words).items():
        assert np.array_equal(array.reshape(n, -1), values[name])


def test_layout_reads_twos_complement():
    layout = stream.Layout((("flag", 1, 1), ("y", 4, 2)))
    assert layout.width == 9
    got = layout.unpack([0b1111_0111_1], signed=["y"])
    assert (got["flag"].tolist(), got["y"].tolist()) == ([1], [[7, -1]])


def test_unknown_stall_pattern_is_refused():
    with pytest.raises(ValueError, match="one of never, random, mostly, not 'often'"):
        stream.pauses("often", random.Random(1))


def test_comparison_names_the_first_difference(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("NOMUL_RECORDS", str(tmp_path / "records.jsonl"))
    stream.assert_equal([[1, 2], [3, 4]], [[1, 2], [3, 4]])
    with pytest.raises(AssertionError, match=r"y\[1, 0\] is 0x13, expected 0x3; 2 of 4 differ"):
        stream.assert_equal([[1, 2], [0x13, 5]], [[1, 2], [3, 4]], "y")
    with pytest.raises(AssertionError, match=r"shape \(1,\), expected \(2,\)"):
        stream.assert_equal([1], [1, 2])
    with pytest.raises(AssertionError, match="nothing to compare"):
        stream.assert_equal([], [])
