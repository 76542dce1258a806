"""Emission: the same bytes each time, each module once, and a manifest that tells the ports."""

import hashlib
import json
import os
import re
import subprocess
import sys

import pytest
from amaranth.hdl import Cat, Module, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from nomul.golden import lfsr
from nomul.hw import counterarray
from nomul.hw.lfsr import Top
from nomul.sim.harness import toolchain
from nomul.synth import yosys
from nomul.synth.emit import emit

EMIT = """
from nomul.hw import counterarray, lfsr
from nomul.golden.lfsr import Config
from nomul.synth.emit import emit
for top in (counterarray.Top(3, 3), lfsr.Top(Config(leap=8))):
    emitted = emit(top, "probe")
    print(emitted.verilog, emitted.manifest, emitted.core(), emitted.rtlil)
"""


class Turned(wiring.Component):
    """Bits in another order."""

    def __init__(self, count):
        super().__init__({"a": In(count), "b": Out(count)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.b.eq(Cat(self.a[i * 3 % len(self.a)] for i in range(len(self.a))))
        return m


class Ports(wiring.Component):
    """A component with every kind of port."""

    def __init__(self, shape):
        pair = data.StructLayout({"flag": 1, "lanes": data.ArrayLayout(signed(4), 2)})
        super().__init__({"a": In(shape), "b": In(pair), "y": Out(unsigned(9))})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.y.eq(self.a + self.b.lanes[0] + self.b.lanes[1] + self.b.flag)
        return m


def test_text_is_the_same_whatever_the_hash_seed():
    texts = {
        subprocess.run(
            [sys.executable, "-c", EMIT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(texts) == 1
    assert len(texts.pop()) > 1000


def test_text_names_no_tool_version_and_no_place():
    """A banner or a path would change the bytes on another machine."""
    verilog = emit(Top(lfsr.Config()), "lfsr").verilog
    assert "Yosys" not in verilog
    assert "/" not in re.sub(r"^//.*$", "", verilog, flags=re.MULTILINE)


def test_each_distinct_module_is_emitted_once():
    emitted = emit(counterarray.Top(4, 5), "counters")
    modules = re.findall(r"^module (\w+)", emitted.verilog, re.MULTILINE)
    assert sorted(modules) == ["counters", "counters_cell", "counters_row"]
    assert len(re.findall(r"^  counters_row \w+", emitted.verilog, re.MULTILINE)) == 4
    assert len(re.findall(r"^  counters_cell \w+", emitted.verilog, re.MULTILINE)) == 5


def test_plain_submodules_are_emitted_each():
    """What placing once saves: here Amaranth prints all twenty cells."""
    emitted = emit(counterarray.Top(4, 5, place=counterarray.plain), "counters")
    assert len(re.findall(r"^module ", emitted.verilog, re.MULTILINE)) == 1 + 4 + 20


def test_an_array_placed_once_is_the_plain_array(tmp_path):
    """Yosys proves that registers of equal names have equal next states: one circuit."""
    for name, place in (("gold", counterarray.once), ("gate", counterarray.plain)):
        emitted = emit(counterarray.Top(3, 3, place=place), name)
        (tmp_path / f"{name}.v").write_text(emitted.verilog)
    prove = [
        *("read_verilog gold.v gate.v", "proc", "flatten", "opt_clean", "dffunmap"),
        # Names of other wires mean different things in the two; those of registers do not.
        "rename -hide w:* w:*.cell_?.count %d w:*_bits %d w:shifting %d i:* %d o:* %d",
        *("equiv_make gold gate both", "equiv_simple", "equiv_status -assert both"),
    ]
    assert "Equivalence successfully proven!" in yosys.run(prove, tmp_path)
    # The proof can fail: with a row's bit taken from its neighbour it does.
    text = (tmp_path / "gate.v").read_text()
    broken = re.sub(r"\.row\((\w+)\[1\]\)", r".row(\1[0])", text)
    assert broken != text
    (tmp_path / "gate.v").write_text(broken)
    with pytest.raises(yosys.YosysError, match="unproven"):
        yosys.run(prove, tmp_path)


@pytest.mark.parametrize("place", [counterarray.once, counterarray.plain])
def test_the_array_counts_its_outer_products(place):
    rows, cols, width = 3, 4, 3
    row_bits, col_bits = [0b101, 0b111, 0b001, 0b110] * 3, [0b1011, 0b0110, 0b1111, 0b0001] * 3
    dut = counterarray.Top(rows, cols, width, place)
    counts = [
        [
            sum((r >> i) & (c >> j) & 1 for r, c in zip(row_bits, col_bits, strict=True)) % 8
            for j in range(cols)
        ]
        for i in range(rows)
    ]
    columns = []

    async def drive(ctx):
        for row, col in zip(row_bits, col_bits, strict=True):
            ctx.set(dut.row, row)
            ctx.set(dut.col, col)
            await ctx.tick()
        ctx.set(dut.row, 0)
        ctx.set(dut.shift, 1)
        await ctx.tick()
        for _ in range(cols):
            columns.append([ctx.get(dut.count[i]) for i in range(rows)])
            await ctx.tick()

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(drive)
    sim.run()
    assert columns == [[counts[i][j] for i in range(rows)] for j in reversed(range(cols))]


def test_manifest_tells_direction_width_and_sign():
    emitted = emit(Ports(signed(3)), "ports", paper="none")
    lanes = {"name": "lanes", "offset": 1, "width": 4, "signed": True, "count": 2}
    flag = {"name": "flag", "offset": 0, "width": 1, "signed": False, "count": 1}
    assert emitted.manifest["ports"] == [
        {"name": "a", "direction": "input", "width": 3, "signed": True},
        {"name": "b", "direction": "input", "width": 9, "signed": False, "fields": [flag, lanes]},
        {"name": "y", "direction": "output", "width": 9, "signed": False},
    ]
    digest = hashlib.sha256(emitted.verilog.encode()).hexdigest()
    assert emitted.manifest["sha256"] == digest
    for port in emitted.manifest["ports"]:
        declared = rf"^  {port['direction']} (signed )?\[{port['width'] - 1}:0\] {port['name']};"
        assert re.search(declared, emitted.verilog, re.MULTILINE)


def test_manifest_holds_the_configuration():
    cfg = lfsr.Config(width=9, seed=5)
    manifest = emit(Top(cfg), "lfsr").manifest
    assert lfsr.Config.from_dict(manifest["config"]) == cfg
    assert [port["name"] for port in manifest["ports"]] == ["o__payload", "o__valid", "o__ready"]


def test_files_are_written_as_they_are_returned(tmp_path):
    emitted = emit(Ports(1), "ports")
    paths = emitted.write(tmp_path / "new")
    suffixes = ("v", "json", "core", "sdc", "xdc")
    assert [path.name for path in paths] == [f"ports.{suffix}" for suffix in suffixes]
    assert paths[0].read_text() == emitted.verilog
    assert json.loads(paths[1].read_text()) == emitted.manifest
    assert "toplevel: ports" in paths[2].read_text()


@pytest.mark.filterwarnings("ignore::amaranth.UnusedElaboratable")
@pytest.mark.parametrize("shape", [unsigned(0), range(1), data.StructLayout({})])
def test_a_port_without_bits_is_refused(shape):
    """Verilog would print it as [-1:0]."""
    with pytest.raises(ValueError, match="port a has no bits"):
        emit(Ports(shape), "ports")


@pytest.mark.filterwarnings("ignore::amaranth.UnusedElaboratable")
@pytest.mark.parametrize("name", ["", "2x", "a-b", "a b"])
def test_a_name_that_verilog_cannot_have_is_refused(name):
    with pytest.raises(ValueError, match="name must be a Verilog identifier, not"):
        emit(Ports(1), name)


def test_two_tops_can_live_in_one_design(tmp_path):
    """Modules carry the prefix of their top."""
    for name, width in (("one", 2), ("two", 3)):
        emitted = emit(counterarray.Top(2, 2, width), name)
        (tmp_path / f"{name}.v").write_text(emitted.verilog)
    log = yosys.run(["read_verilog one.v two.v", "hierarchy -check -top two", "proc"], tmp_path)
    assert "ERROR" not in log


def test_long_lists_are_several_lines(tmp_path):
    """Verilator takes no line of more than 40,000 tokens; the order of bits stays."""
    count = 7000
    emitted = emit(Turned(count), "turned")
    assert max(map(len, emitted.verilog.splitlines())) < 20_000
    (tmp_path / "turned.v").write_text(emitted.verilog)
    with toolchain("verilator"):
        command = ["verilator", "--lint-only", "-Wno-fatal", "turned.v"]
        subprocess.run(command, cwd=tmp_path, check=True)
    yosys.run(
        ["read_verilog turned.v", "hierarchy -top turned", "write_json turned.json"], tmp_path
    )
    ports = json.loads((tmp_path / "turned.json").read_text())["modules"]["turned"]["ports"]
    a, b = ports["a"]["bits"], ports["b"]["bits"]
    assert b == [a[i * 3 % count] for i in range(count)]
