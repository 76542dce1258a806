"""What one drops into a larger design: AXI shells, testbenches in plain Verilog, resets.

One file, since it tests one thing from all sides: an emitted block inside somebody else's design.
"""

import dataclasses
import json
import re
import subprocess
from pathlib import Path

import pytest
from amaranth.hdl import Module, Shape, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from nomul import flow, registry
from nomul.golden import lfsr, pow2
from nomul.hw.axi import ports
from nomul.hw.axi import shell as axis
from nomul.hw.reset import Reset
from nomul.sim import cells, harness, record
from nomul.sim.axis import DRIVER, VARIABLE
from nomul.sim.record import Recording, Transfer
from nomul.synth.emit import emit, flags, lanes, testbench, vectors
from nomul.synth.map.stdcells import FreePdk45
from nomul.synth.map.synthesize import synthesize
from nomul.synth.yosys import ToolError

# The blocks that run in CI; parts are run with `long`.
QUICK = ("essop", "spimc", "lutnet", "sonic", "sotfp", "pow2")

# Behind AXI, with stalls on both sides only: slow ones, and faultmem, which holds through a reset
# what a test has written, and would show it to the next one.
ONCE = ("spimc", "sotfp", "faultmem")


def run_icarus(folder: Path, name: str, *arguments: str) -> str:
    """Compile a testbench as Verilog 2005 and return the last line that it prints."""
    files = [path.name for path in folder.glob("*.v")]
    command = ["iverilog", "-g2005", "-s", f"{name}_tb", "-o", "tb", *files]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run(
        ["vvp", "-n", "tb", *arguments], cwd=folder, capture_output=True, text=True
    )
    return [line for line in done.stdout.splitlines() if line.startswith(("PASS", "FAIL"))][-1]


def spoil(folder: Path, emitted) -> None:
    """Turn one bit of the last answer."""
    manifest = emitted.manifest
    outs = {
        p["name"].removesuffix("__payload") for p in manifest["ports"] if p["direction"] == "output"
    }
    outs |= {s["stream"] for s in manifest.get("axi", {"streams": []})["streams"] if s["outward"]}
    file = next(f for f in emitted.files if re.sub(r".*_tb_(.*)\.hex", r"\1", f) in outs)
    text = (folder / file).read_text()
    (folder / file).write_text(text[:-2] + f"{int(text[-2], 16) ^ 1:x}\n")


@pytest.mark.needs("icarus")
@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.long)
        for name in registry.BLOCKS
    ],
)
def test_testbenches_and_axi_pass_and_can_fail(name, tmp_path):
    """The plain testbench, under both resets and behind AXI; then the agents of cocotbext-axi."""
    block = registry.get(name)
    cfg = flow.configure(block)
    plain = flow.emit(block, cfg)
    shell = flow.emit(block, cfg, axi=True)
    taken = flow.workload(block, cfg, recorded=True)
    recording = vectors.take(taken, plain, tmp_path / "record", count=600)
    designs = [plain, flow.emit(block, cfg, reset=Reset("async", "low"))]
    designs.append(shell)
    for index, emitted in enumerate(designs):
        folder = tmp_path / f"design{index}"
        streams = lanes.recorded(plain.manifest, recording, emitted.manifest.get("axi"))
        files = testbench.write(emitted, streams, recording.complete)
        emitted = dataclasses.replace(emitted, files=emitted.files | files)
        emitted.write(folder)
        cells.write(folder / f"{emitted.name}.v")
        assert run_icarus(folder, emitted.name).startswith("PASS: ")
        assert run_icarus(folder, emitted.name, "+stall").startswith("PASS: ")
        spoil(folder, emitted)
        assert run_icarus(folder, emitted.name).startswith("FAIL: 1 errors")
    about = tmp_path / "axi.json"
    about.write_text(lanes.as_json(streams, shell.manifest["axi"]))
    tests = "source=random/sink=random" if name in ONCE else None
    report = run_axi(shell, about, folder, tests=tests)
    assert report.compared > 0


def run_axi(shell, about: Path, folder: Path, tests: str | None = None) -> harness.Report:
    """Run the bench of :mod:`nomul.sim.axis`."""
    design = folder / f"{shell.name}.v"
    return harness.run(
        "nomul.sim.axis",
        top=shell.name,
        verilog=[design, *cells.write(design)],
        build_dir=folder / "axi",
        environment={VARIABLE: str(about), DRIVER: str(folder / f"{shell.name}.py")},
        tests=tests,
    )


@pytest.mark.needs("icarus")
@pytest.mark.parametrize("axi", [False, True])
def test_a_wrong_counter_fails_the_plain_testbench(tmp_path, axi):
    """What no stream carries is compared at the end, behind AXI too."""
    block = registry.get("intouter")
    cfg = flow.configure(block)
    emitted = flow.add_testbench(block, cfg, flow.emit(block, cfg, axi=axi), count=100)
    emitted.write(tmp_path)
    for stall in ((), ("+stall",)):
        assert " words and 3 flags of " in run_icarus(tmp_path, emitted.name, *stall)
    design = tmp_path / f"{emitted.name}.v"
    wrong, found = re.subn(r"(\bgated <= )(n\d+);", r"\1\2 | 32'd16;", emitted.verilog)
    assert found == 1
    design.write_text(wrong)
    assert run_icarus(tmp_path, emitted.name).startswith("FAIL: 1 errors")


@pytest.mark.needs("icarus")
def test_a_flag_that_pauses_change_is_not_compared():
    """Nor one that is unknown, nor one that the block's bench left at something else."""
    bench = """module x_tb; initial begin
        $display("flag same 1f");
        if ($test$plusargs("stall")) $display("flag paused 2"); else $display("flag paused 3");
        $display("flag unknown 0x");
        $display("flag other 5");
        $display("PASS: 1 words of x are right, in 1 cycles");
    end endmodule"""
    names = ("same", "paused", "unknown", "other")
    seen = [flags.Flag(name, name, 8) for name in names]
    end = {"same": 0x1F, "paused": 3, "unknown": 0, "other": 6}
    found = {f.name: f.value for f in flags.settled(seen, "x", {"x_tb.v": bench}, end)}
    assert found == {"same": 0x1F, "paused": None, "unknown": None, "other": None}
    cut = {f.name: f.value for f in flags.settled(seen, "x", {"x_tb.v": bench}, None)}
    assert cut == found | {"other": 5}
    with pytest.raises(ToolError, match="says of its own design: FAIL: 3"):
        flags.settled(seen, "x", {"x_tb.v": bench.replace("PASS: 1 words", "FAIL: 3 errors")}, end)


@pytest.mark.needs("icarus")
def test_a_wrong_axi_shell_is_found(tmp_path, monkeypatch):
    """Swap two fields on the way out: both the agents and the plain testbench see it."""
    block, cfg = registry.get("pow2"), pow2.Config()
    plain = flow.emit(block, cfg)
    taken = flow.workload(block, cfg, recorded=True)
    recording = vectors.take(taken, plain, tmp_path / "record", count=600)
    fields = ports._fields

    def swapped(shape):
        found = fields(shape)
        if found[0][0] != "magnitude":
            return found
        moved, at = [], 0
        for name, kind, offset, _ in (*found[1:], found[0]):
            moved.append((name, kind, offset, at))
            at += Shape.cast(kind).width
        return tuple(moved)

    monkeypatch.setattr(ports, "_fields", swapped)
    shell = flow.emit(block, cfg, tmp_path, axi=True)
    streams = lanes.recorded(plain.manifest, recording, shell.manifest["axi"])
    for name, text in testbench.write(shell, streams, recording.complete).items():
        (tmp_path / name).write_text(text)
    assert run_icarus(tmp_path, "pow2_axi").startswith("FAIL: ")
    (tmp_path / "axi.json").write_text(lanes.as_json(streams, shell.manifest["axi"]))
    with pytest.raises(harness.BenchError):
        run_axi(shell, tmp_path / "axi.json", tmp_path, tests="sink=never")


class Ports(wiring.Component):
    """Streams in the ways payloads can be, and status."""

    def __init__(self, **more):
        pair = data.StructLayout({"a": unsigned(3), "last": unsigned(1), "b": signed(6)})
        members = {"i": In(stream.Signature(pair)), "o": Out(stream.Signature(pair))}
        super().__init__({**members, "level": Out(signed(5)), **more})

    def elaborate(self, platform):
        m = Module()
        full = Signal()
        m.d.sync += full.eq(full)
        wiring.connect(m, wiring.flipped(self.i), wiring.flipped(self.o))
        return m


@pytest.mark.filterwarnings("ignore::amaranth.UnusedElaboratable")
def test_last_leaves_the_payload_and_padding_copies_the_sign():
    top = axis.Axis(Ports())
    i, o = ports.ports(top.top)
    assert (i.name, i.width, i.bytes, i.has_last) == ("s_axis_i", 9, 2, True)
    assert (o.name, o.signed) == ("m_axis_o", True)
    payload = {
        "direction": "output",
        "width": 10,
        "signed": False,
        "fields": [
            {"name": "a", "offset": 0, "width": 3, "signed": False, "count": 1},
            {"name": "last", "offset": 3, "width": 1, "signed": False, "count": 1},
            {"name": "b", "offset": 4, "width": 6, "signed": True, "count": 1},
        ],
    }
    minus_two = 0b111110
    word = 0b101 | 1 << 3 | minus_two << 4
    assert lanes.axi_word(payload, word, 16) == 1 << 16 | 0xFE00 | minus_two << 3 | 0b101
    inward = {**payload, "direction": "input"}
    assert lanes.axi_word(inward, word, 16) == 1 << 16 | minus_two << 3 | 0b101


@pytest.mark.filterwarnings("ignore::amaranth.UnusedElaboratable")
def test_what_has_no_place_on_axi_is_refused():
    with pytest.raises(ValueError, match="input go is no stream, so it has no place on AXI"):
        axis.Axis(Ports(go=In(1)))
    with pytest.raises(ValueError, match="port wide has 33 bits, and a register has 32"):
        axis.Axis(Ports(wide=Out(33)))


@pytest.mark.filterwarnings("ignore::amaranth.UnusedElaboratable")
def test_registers_follow_the_identity():
    found = axis.Axis(Ports(busy=Out(1))).map.registers
    assert [(r.name, r.address) for r in found] == [("identity", 0), ("level", 4), ("busy", 8)]


def test_manifest_tells_where_fields_and_registers_lie():
    shell = flow.emit(registry.get("essop"), flow.configure(registry.get("essop")), axi=True)
    manifest = shell.manifest
    assert (manifest["clock"], manifest["reset"]["name"]) == ("aclk", "aresetn")
    assert manifest["reset"]["active"] == "low"
    y = next(s for s in manifest["axi"]["streams"] if s["name"] == "m_axis_y")
    assert [field["name"] for field in y["fields"]] == ["row", "y", "exponent"]
    assert [r["name"] for r in manifest["axi"]["registers"]][:2] == ["identity", "saturated"]
    assert "aclk" not in {port["name"] for port in manifest["ports"]}


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("active", ["high", "low"])
@pytest.mark.needs("icarus")
def test_reset_acts_with_the_clock_or_without_it(tmp_path, kind, active):
    """Step the register twice, then reset it without a clock edge, then with one."""
    block = registry.get("lfsr")
    emitted = flow.emit(block, lfsr.Config(seed=5), tmp_path, reset=Reset(kind, active))
    port, on = ("rst", 1) if active == "high" else ("rst_n", 0)
    assert emitted.manifest["reset"] == {"name": port, "active": active, "kind": f"{kind}hronous"}
    (tmp_path / "lfsr_tb.v").write_text(
        f"""module lfsr_tb; reg clk = 0, r = {1 - on}; wire [7:0] state;
        lfsr dut(.clk(clk), .{port}(r), .o__ready(1'b1), .o__payload(state));
        initial begin
          repeat (2) begin #1 clk = 1; #1 clk = 0; end
          #1 r = {on}; #1 $write("PASS %0d", state);
          #1 clk = 1; #1 $display(" %0d", state);
        end endmodule"""
    )
    stepped = int(lfsr.model(lfsr.Config(seed=5), 3)[2])
    assert run_icarus(tmp_path, "lfsr") == f"PASS {5 if kind == 'async' else stepped} 5"


def test_a_reset_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="reset kind must be sync or async, not 'late'"):
        Reset("late")
    with pytest.raises(ValueError, match="reset level must be high or low, not 'up'"):
        Reset("sync", "up")


def test_payloads_wait_for_what_had_passed_when_they_could_come():
    sent = [Transfer(0, 0, "a", 1), Transfer(0, 2, "b", 2), Transfer(3, 3, "a", 3)]
    assert Recording(sent).before(["a", "b"]) == [(0, 0), (0, 0), (1, 1)]
    assert Recording(sent).words("a") == [1, 3]


def test_a_recording_of_nothing_or_of_two_tests_is_refused(tmp_path):
    file = tmp_path / "record.txt"
    with pytest.raises(ValueError, match="holds no transfers"):
        record.load(file)
    file.write_text("transfer 0 5 a ff\ntransfer 0 1 a 0\n")
    with pytest.raises(ValueError, match="holds more than one test"):
        record.load(file)
    file.write_text("transfer 0 5 a ff\nstatus 6 6 busy 1\ncut 7 7 - 0\n")
    assert record.load(file) == Recording([Transfer(0, 5, "a", 255)], {"busy": 1}, complete=False)


def test_a_wrong_design_gives_no_vectors(tmp_path):
    """The register starts one state late."""
    block, cfg = registry.get("lfsr"), lfsr.Config(seed=5)
    late = emit(block.top(cfg.replace(seed=int(lfsr.model(cfg, 2)[1]))), "lfsr")
    late.manifest["config"] = cfg.to_dict()
    with pytest.raises(harness.BenchError):
        vectors.take(flow.workload(block, cfg, recorded=True), late, tmp_path)


def test_constraints_name_clock_and_reset(tmp_path):
    emitted = flow.emit(registry.get("lfsr"), lfsr.Config(), reset=Reset("async", "low"))
    files = {path.name: path for path in emitted.write(tmp_path, 2500)}
    assert files.keys() == {"lfsr.v", "lfsr.json", "lfsr.core", "lfsr.sdc", "lfsr.xdc"}
    for kind in ("sdc", "xdc"):
        text = files[f"lfsr.{kind}"].read_text()
        assert "create_clock -name clk -period 2.5 [get_ports clk]" in text
        assert "set_false_path -from [get_ports rst_n]" in text
    assert "false_path" not in flow.emit(registry.get("lfsr"), lfsr.Config()).core()
    assert json.loads(files["lfsr.json"].read_text())["reset"]["kind"] == "asynchronous"


@pytest.mark.needs("opensta")
@pytest.mark.parametrize("reset", [Reset(), Reset("async", "low")])
def test_a_timing_analyser_takes_the_constraints(tmp_path, reset):
    """OpenSTA reads the file without a warning, and slack shrinks as the period does."""
    emitted = flow.emit(registry.get("lfsr"), lfsr.Config(), reset=reset)
    synthesize(emitted, "freepdk45", folder=tmp_path)
    slacks = []
    for period in (2500, 1250):
        emitted.write(tmp_path, period)
        script = f"read_liberty {{{FreePdk45().library()}}}\nread_verilog mapped.v\n"
        script += "link_design lfsr\nset_cmd_units -time ns\nread_sdc lfsr.sdc\n"
        (tmp_path / "sta.tcl").write_text(f"{script}report_worst_slack -digits 3\n")
        command = ["sta", "-no_splash", "-exit", "sta.tcl"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert not re.search("Warning|Error", done.stdout + done.stderr)
        slacks.append(float(done.stdout.split()[-1]))
    assert 0 < slacks[1] < slacks[0]
    assert slacks[0] - slacks[1] == pytest.approx(1.25)
