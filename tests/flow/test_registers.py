"""Register maps: what is refused, the bank in hardware, and the texts before foreign judges.

One file, since one map is hardware, SystemRDL, C and Python, and all have to say the same.
"""

import importlib.util
import re
import shutil
import subprocess

import pytest
from amaranth.hdl import Module, Shape, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from nomul import registry
from nomul.hw.axi import notes, ports
from nomul.hw.axi.bank import Bank
from nomul.hw.axi.lite import OKAY, SLVERR
from nomul.hw.axi.registers import IDENTITY, Field, Map, Register, Word, fields_of, identity, stack
from nomul.hw.axi.soc import address_map
from nomul.hw.skid import Skid
from nomul.synth.emit import emit
from nomul.synth.emit.registers import files

BITS = (
    Field("start", 0, 1, about="Begin."),
    Field("level", 4, 6, signed=True, about="How full.", reset=5),
)
WIDE = (Field("low", 0, 30, about="Lower part."), Field("high", 31, 40, about="Upper part."))
TANK = Map(
    "tank",
    "A tank, with a loop of wide words.",
    (
        identity(),
        Register("control", 0x04, BITS, "control", "What to do."),
        Register("state", 0x08, (Field("level", 0, 6, signed=True),), about='"As is" */ now.'),
        Register("parts", 0x0C, (Field("part", 2, 3, count=4, about="Parts."),)),
        Register("feed", 0x10, WIDE, "push", "Words in."),
        Register("drain", 0x20, WIDE, "pop", "And out."),
    ),
    (Word("beside", (Field("value", 0, 9, signed=True),), outward=True, last=True),),
)


class Tank(wiring.Component):
    """A control that is also a status, and a stream that leads back."""

    def __init__(self):
        self.map, self.bank = TANK, Bank(TANK)
        super().__init__(self.bank.bus_members() | {"pulses": Out(8), "parts": In(14)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.bank = bank = self.bank
        m.submodules.skid = skid = Skid(unsigned(71))
        bank.connect_bus(m, self)
        wiring.connect(m, bank.feed, skid.i)
        wiring.connect(m, skid.o, bank.drain)
        m.d.comb += [bank.state.level.eq(bank.control.level), bank.parts.as_value().eq(self.parts)]
        with m.If(bank.control_written & bank.control.start):
            m.d.sync += self.pulses.eq(self.pulses + 1)
        return m


class Host:
    """AXI4-Lite in Amaranth's simulator: addresses and data in any order, answers taken late."""

    def __init__(self, ctx, top):
        self.ctx, self.top = ctx, top

    def of(self, name):
        return getattr(self.top, f"s_axil_{name}")

    async def write(self, address, word, strobe=15, data_first=False):
        order = ["w", "aw"] if data_first else ["aw", "w"]
        for channel in order:
            self.ctx.set(self.of("awaddr"), address)
            self.ctx.set(self.of("wdata"), word)
            self.ctx.set(self.of("wstrb"), strobe)
            self.ctx.set(self.of(f"{channel}valid"), 1)
            await self.ctx.tick().until(self.of(f"{channel}ready"))
            self.ctx.set(self.of(f"{channel}valid"), 0)
        return await self.answer("b", "bresp")

    async def read(self, address):
        self.ctx.set(self.of("araddr"), address)
        self.ctx.set(self.of("arvalid"), 1)
        await self.ctx.tick().until(self.of("arready"))
        self.ctx.set(self.of("arvalid"), 0)
        return await self.answer("r", "rdata", "rresp")

    async def answer(self, channel, *names):
        """Return what stands while valid; it must not change until it is taken."""
        for _ in range(50):
            if self.ctx.get(self.of(f"{channel}valid")):
                break
            await self.ctx.tick()
        else:
            return None
        seen = [self.ctx.get(self.of(name)) for name in names]
        await self.ctx.tick()
        assert [self.ctx.get(self.of(name)) for name in names] == seen
        self.ctx.set(self.of(f"{channel}ready"), 1)
        await self.ctx.tick()
        self.ctx.set(self.of(f"{channel}ready"), 0)
        return seen if len(seen) > 1 else seen[0]


def play(program):
    """Run a program of a host on the tank."""
    top = Tank()

    async def bench(ctx):
        await program(Host(ctx, top), ctx, top)

    simulator = Simulator(top)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()


def test_a_bank_answers_as_its_map_says():
    async def program(host, ctx, top):
        assert await host.read(0) == [IDENTITY, OKAY]
        assert await host.read(4) == [5 << 4, OKAY]  # the reset
        assert await host.read(8) == [5, OKAY]
        assert await host.write(4, 0x3F1, data_first=True) == OKAY
        assert await host.read(4) == [0x3F1, OKAY]
        assert await host.read(8) == [0xFFFF_FFFF, OKAY]  # -1, extended to the word
        assert ctx.get(top.pulses) == 1
        await host.write(4, 0)
        assert ctx.get(top.pulses) == 1
        ctx.set(top.parts, 0b10_01_11_00_00_00_00)
        assert await host.read(12) == [0b10_01_11_00_00_00_00, OKAY]

    play(program)


def test_a_bank_refuses_what_its_map_does_not_have():
    async def program(host, ctx, top):
        for address in (0x1C, 0x30, 0x10, 0x14):
            assert await host.read(address) == [0, SLVERR], hex(address)
        refused = [(0, 1), (8, 1), (12, 1), (0x20, 1), (0x1C, 1), (4, 2), (4, 1 << 10)]
        for address, word in (*refused, (0x10, 1 << 30), (0x18, 1 << 7)):
            assert await host.write(address, word) == SLVERR, hex(address)
        assert await host.write(4, 1, strobe=7) == SLVERR
        assert await host.read(4) == [5 << 4, OKAY]
        assert ctx.get(top.pulses) == 0

    play(program)


def test_wide_words_go_in_and_come_out_and_both_sides_wait():
    async def program(host, ctx, top):
        words = [0x155, 0x23_4567_89AB_CDEF_0123 & ~(1 << 30), (1 << 71) - 1 & ~(1 << 30)]
        # A buffer of two words, one more waits.
        for word in words[:2]:
            for k in range(3):
                assert await host.write(0x10 + 4 * k, word >> 32 * k & 0xFFFF_FFFF) == OKAY
        for k in range(2):
            assert await host.write(0x10 + 4 * k, words[2] >> 32 * k & 0xFFFF_FFFF) == OKAY
        waits = await host.write(0x18, words[2] >> 64)
        assert waits is None
        for number, word in enumerate(words):
            got = 0
            for k in range(3):
                part, response = await host.read(0x20 + 4 * k)
                assert response == OKAY
                got |= part << 32 * k
            assert got == word
            if number == 0:
                assert await host.answer("b", "bresp") == OKAY  # there is room now
        assert await host.read(0x20) is None  # nothing is left, and a read waits for more
        assert await host.write(4, 1) == OKAY

    play(program)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Field("a-b", 0, 1), "field must be named by an identifier, not 'a-b'"),
        (lambda: Field("a", 0, 0), "field a must have bits: offset 0, width 0, count 1"),
        (lambda: Field("a", 0, 2, reset=4), "field a has 2 bits, so no reset 4"),
        (lambda: Register("r", 0, ()), "register r has no fields"),
        (lambda: Register("r", 2, BITS), "register r of 4 bytes cannot lie at 0x2"),
        (lambda: Register("r", 0, BITS, "rw"), "r: kind must be constant, .*, pop, not 'rw'"),
        (lambda: Register("r", 0, (Field("f", 0, 33),)), "port r has 33 bits, and a register has"),
        (lambda: Register("r", 4, (Field("f", 0, 33),), "pop"), "of 8 bytes cannot lie at 0x4"),
        (lambda: Register("r", 0, (*BITS, Field("x", 9, 1))), "field x at bit 9 lies within level"),
        (lambda: Word("w", (BITS[0], BITS[0]), True), "w has the field start twice"),
        (lambda: Map("m", "", (identity(), Register("r", 0, BITS))), "r at 0x0 lies within ident"),
        (lambda: Map("m", "", (identity(), Register("identity", 4, BITS))), "has identity twice"),
    ],
)
def test_maps_that_cannot_be_are_refused(made, message):
    with pytest.raises(ValueError, match=message):
        made()


def test_registers_are_stacked_at_multiples_of_their_size():
    wide = (Field("w", 0, 70),)
    found = stack(
        {"a": (BITS, "status", ""), "b": (wide, "push", ""), "c": (BITS, "status", "")}, 4
    )
    assert [(r.name, r.address, r.size) for r in found] == [
        ("a", 4, 4),
        ("b", 16, 16),
        ("c", 32, 4),
    ]


def test_structures_within_structures_are_fields_with_both_names():
    inner = data.StructLayout({"a": 3, "b": data.ArrayLayout(data.ArrayLayout(2, 3), 4)})
    outer = data.StructLayout({"first": 5, "in": inner})
    found = [(f.name, f.offset, f.width, f.count) for f in fields_of(outer, "x")]
    assert found == [("first", 0, 5, 1), ("in_a", 5, 3, 1), ("in_b", 8, 2, 12)]
    assert [f.name for f in fields_of(unsigned(3), "x")] == ["x"]


class Documented(wiring.Component):
    """Something.

    Members
    -------
    a, b : ``Out(1)``
        Both, see :class:`nomul.X` or ``c``.
    d0, d1, ... : ``Out(2)``
        One of many.
    """


def test_notes_are_those_of_the_members():
    said = notes.members(Documented)
    assert notes.about("b", said) == "Both, see nomul.X or c."
    assert notes.about("d17", said) == "One of many."
    assert notes.about("e", said) == ""


def top_of(name, preset=None):
    """Return a component that is looked at, and never built."""
    block = registry.get(name)
    top = block.top(block.config().preset(preset or block.first_preset))
    top._MustUse__silence = True
    return top


def placed():
    """Return the blocks that have a place on AXI: those without an input that is no stream."""
    tops = {name: top_of(name).signature.members for name in registry.BLOCKS}
    return [
        name
        for name, members in tops.items()
        if not any(member.is_port and member.flow == In for member in members.values())
    ]


@pytest.mark.parametrize("name", placed())
def test_every_register_and_every_flag_of_a_block_is_described(name):
    for preset in registry.get(name).config().presets:
        top = top_of(name, preset)
        for register in ports.status(top)[1:]:
            assert register.about, f"{name}: register {register.name} is not described"
            lone = len(register.fields) == 1
            missing = [f.name for f in register.fields if not lone and not f.about]
            assert not missing, f"{name}: fields of {register.name} without a word: {missing}"
        for word in ports.words(top):
            assert word.about, f"{name}: stream {word.name} is not described"


def maps():
    """Yield the map above, and that of every block behind AXI that has registers."""
    yield "tank"
    yield "soc"
    yield from (name for name in placed() if ports.status(top_of(name)))


def map_of(name):
    if name == "tank":
        return TANK
    if name == "soc":
        return address_map("soc", "Two.", {n: top_of(n) for n in ("spimc", "compactor")})
    top = top_of(name)
    return Map(f"{name}_axi", registry.get(name).title, ports.status(top), ports.words(top))


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: apt-get install gcc")
@pytest.mark.parametrize("name", maps())
def test_foreign_tools_find_every_field_where_we_say(name, tmp_path):
    """systemrdl-compiler reads the text, and peakrdl-cheader's header agrees with ours in C."""
    systemrdl = pytest.importorskip("systemrdl", reason="needs pip install systemrdl-compiler")
    exporter = pytest.importorskip(
        "peakrdl_cheader.exporter", reason="needs pip install peakrdl-cheader"
    )
    about = map_of(name)
    for file, text in files(about).items():
        (tmp_path / file).write_text(text)
    compiler = systemrdl.RDLCompiler()
    compiler.compile_file(str(tmp_path / f"{about.name}.rdl"))
    root = compiler.elaborate()
    found, claims = {}, []
    for register in root.top.registers():
        for field in register.fields():
            found[register.inst_name, field.inst_name] = (
                register.absolute_address,
                field.low,
                field.width,
                field.is_sw_readable,
                field.is_sw_writable,
            )
            # A register is described in every field, a stream's word at least as a whole.
            assert field.get_property("desc") or (
                register.external and register.get_property("desc")
            )
    expected = {
        (r.name, f.name): (
            r.address,
            f.offset,
            f.width * f.count,
            r.kind != "push",
            r.kind in ("control", "push"),
        )
        for r in about.registers
        for f in r.fields
    }
    assert found == expected
    exporter.CHeaderExporter().export(root, str(tmp_path / "foreign.h"))
    for r in about.registers:
        ours = f"{about.name.upper()}_{r.name.upper()}"
        claims.append(f"offsetof({about.name}_t, {r.name}) == {ours}_ADDRESS")
        for f in r.fields:
            theirs = f"{about.name.upper()}__{r.name.upper()}__{f.name.upper()}"
            claims.append(f"{theirs}_bp == {ours}_{f.name.upper()}_LSB")
            count = f" * {ours}_{f.name.upper()}_COUNT" if f.count > 1 else ""
            claims.append(f"{theirs}_bw == {ours}_{f.name.upper()}_BITS{count}")
            if r.words == 1 and f.count == 1:
                claims.append(f"{theirs}_bm == {ours}_{f.name.upper()}_MASK")
    lines = [f'_Static_assert({claim}, "{claim}");' for claim in claims]
    program = ["#include <stddef.h>", '#include "foreign.h"', f'#include "{about.name}.h"', *lines]
    (tmp_path / "judge.c").write_text("\n".join([*program, ""]))
    strict = ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "judge.c"]
    subprocess.run(strict, cwd=tmp_path, check=True)
    # The judges can object: one offset of ours is moved.
    header = tmp_path / f"{about.name}.h"
    moved, count = re.subn(r"(_LSB) 0u", r"\1 1u", header.read_text(), count=1)
    assert count == 1
    header.write_text(moved)
    assert subprocess.run(strict, cwd=tmp_path, capture_output=True, check=False).returncode


def test_ip_xact_comes_of_the_text(tmp_path):
    systemrdl = pytest.importorskip("systemrdl", reason="needs pip install systemrdl-compiler")
    ipxact = pytest.importorskip("peakrdl_ipxact", reason="needs pip install peakrdl-ipxact")
    (tmp_path / "tank.rdl").write_text(files(TANK)["tank.rdl"])
    compiler = systemrdl.RDLCompiler()
    compiler.compile_file(str(tmp_path / "tank.rdl"))
    ipxact.IPXACTExporter().export(compiler.elaborate(), str(tmp_path / "tank.xml"))
    text = (tmp_path / "tank.xml").read_text()
    names = re.findall(r"<ipxact:register>\s*<ipxact:name>(\w+)", text)
    assert names == [register.name for register in TANK.registers]


FIELDS = """
#include <stdio.h>
#include "tank.h"
int main(void) {
  uint32_t word[TANK_FEED_WORDS] = {0, 0xffffffffu, 0}, narrow = 0x3e0u;
  nomul_put(word, TANK_FEED_HIGH_LSB, TANK_FEED_HIGH_BITS, UINT64_C(0xabcdef1234));
  nomul_put(word, TANK_FEED_LOW_LSB, TANK_FEED_LOW_BITS, 0x7fffffffu);
  printf("%x %x %x\\n", word[2], word[1], word[0]);
  printf("%llx\\n", (unsigned long long)nomul_get(word, TANK_FEED_HIGH_LSB, TANK_FEED_HIGH_BITS));
  printf("%lld\\n", (long long)nomul_get_signed(&narrow, TANK_CONTROL_LEVEL_LSB, 6));
  return 0;
}
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: apt-get install gcc")
def test_c_takes_fields_apart_and_puts_them_together(tmp_path):
    (tmp_path / "tank.h").write_text(files(TANK)["tank.h"])
    (tmp_path / "main.c").write_text(FIELDS)
    strict = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "main.c", "-o", "main"]
    subprocess.run(strict, cwd=tmp_path, check=True)
    said = subprocess.run(["./main"], cwd=tmp_path, capture_output=True, text=True, check=True)
    word = 0xABCDEF1234 << 31 | 0x3FFFFFFF | 0
    parts = " ".join(f"{word >> 32 * k & 0xFFFFFFFF:x}" for k in (2, 1, 0))
    assert said.stdout.splitlines() == [parts, "abcdef1234", "-2"]


def driver(tmp_path, about=TANK):
    path = tmp_path / f"{about.name}.py"
    path.write_text(files(about)[path.name])
    spec = importlib.util.spec_from_file_location(about.name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_driver_reads_and_writes_fields(tmp_path):
    module, store = driver(tmp_path), {0x100: IDENTITY, 0x108: 0xFFFF_FFFE, 0x10C: 0b1_010_011_00}
    tank = module.Driver(store.__getitem__, store.__setitem__, base=0x100)
    tank.check()
    assert tank.read("state") == -2
    assert tank.read("parts") == [3, 2, 1, 0]
    tank.write("control", start=1, level=-3)
    assert store[0x104] == 0x3D1
    assert tank.read("control") == {"start": 1, "level": -3}
    tank.write("feed", low=1, high=1 << 39)
    assert [store[0x110 + 4 * k] for k in range(3)] == [1, 0, 1 << 70 - 64]
    assert module.pack("beside", -2) == 0x1FE
    assert module.unpack("beside", 0x1FE) == -2
    store[0x100] = 0
    with pytest.raises(ValueError, match="tank is not at 0x100: identity 0x0"):
        tank.check()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.read("feed"), "feed is for writing only"),
        (lambda t: t.write("state", 1), "state is for reading only"),
        (lambda t: t.read("x"), "tank has no 'x'; it has identity, control, state"),
        (lambda t: t.write("control", 1), "control has the fields start, level: name them"),
        (
            lambda t: t.write("control", begin=1),
            "control has no field 'begin'; it has start, level",
        ),
        (lambda t: t.write("control", level=32), "control.level of 6 bits cannot hold 32"),
        (lambda t: t.write("control", start=-1), "control.start of 1 bits cannot hold -1"),
    ],
)
def test_the_driver_refuses_what_does_not_fit(tmp_path, call, message):
    with pytest.raises(ValueError, match=message):
        call(driver(tmp_path).Driver({}.__getitem__, {}.__setitem__))


def test_emission_writes_the_map_of_a_top_level(tmp_path):
    emitted = emit(Tank(), "tank")
    assert {path.name for path in emitted.write(tmp_path)} >= {"tank.rdl", "tank.h", "tank.py"}
    assert "tank.h" not in emitted.core()


@pytest.mark.parametrize("name", registry.BLOCKS)
def test_every_bit_of_an_error_register_is_described(name):
    """A register of several flags says what each bit means, in the order of the bits."""
    block = registry.get(name)
    top = block.top(block.config()())
    for port, member in top.signature.members.items():
        if port.endswith("errors"):
            said = type(top).notes[port]
            assert len(said) == Shape.cast(member.shape).width, port
            assert all(flag.startswith("E_") and text.endswith(".") for flag, text in said.items())
