"""A project for the Tiny Tapeout template: sources, info, documents and a test of its pins.

The template's own files, which differ from shuttle to shuttle (workflows, settings of the flow),
are not among them: the project is copied over a clone of the template.

One file, since every written file names the same pins, words and streams.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nomul.hw.tinytapeout import PINS, TinyTapeout
from nomul.runs import folders
from nomul.synth.emit.verilog import Emitted, describe_ports
from nomul.synth.map.stdcells import StandardCells

# Sizes that the template knows, and how many tiles each has. In one of them, of about 160 um by
# 100 um, fit about as many gates of the size of a NAND with two inputs.
TILES = {"1x1": 1, "1x2": 2, "2x2": 4, "3x2": 6, "4x2": 8, "6x2": 12, "8x2": 16}
GATES_PER_TILE = 1000

PERIOD_PS = 20_000  # that of the template
YAML_VERSION = 6


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project as files, and what its size was estimated from.

    Attributes
    ----------
    emitted
        The design, pins included.
    gates, tiles
        Its mapped area in NANDs of two inputs, and the smallest size that holds so many.
    library
        Whose cells those are.
    files
        Text by path.
    """

    emitted: Emitted
    gates: int
    tiles: str
    library: str
    files: Mapping[str, str]

    def write(self, folder: Path) -> list[Path]:
        """Write all files; return their paths."""
        with folders.private(folder, beside=True) as work:
            for name, text in self.files.items():
                (work / name).parent.mkdir(parents=True, exist_ok=True)
                (work / name).write_text(text)
        return [folder / name for name in self.files]


def module_name(author: str, block: str) -> str:
    """Return the name of the top module, which has to begin with ``tt_um_``."""
    owner = re.sub(r"\W+", "_", author.lower()).strip("_")
    return f"tt_um_{owner}_{block}"


def nand_area(target: StandardCells) -> float:
    """Return the area of a library's smallest NAND with two inputs, in um2.

    Raises
    ------
    ValueError
        It has none.
    """
    text, areas = target.text(), list[float]()
    for cell in target.cells().cells.values():
        outputs = [cell.pin(name) for name in cell.outputs]
        if len(cell.inputs) != 2 or len(outputs) != 1 or cell.state:
            continue
        function = outputs[0].function
        if function is not None and function.table == (True, True, True, False):
            group = re.search(rf'\bcell\s*\(\s*"?{re.escape(cell.name)}"?\s*\)', text)
            area = re.compile(r"\barea\s*:\s*\"?([\d.eE+-]+)")
            found = area.search(text, group.end()) if group else None
            areas += [float(found[1])] if found else []
    if not areas:
        raise ValueError(f"{target.name} has no NAND of two inputs to count in")
    return min(areas)


def size(gates: int) -> str:
    """Return the smallest size that holds so many gates.

    Raises
    ------
    ValueError
        The largest does not.
    """
    for name, tiles in TILES.items():
        if gates <= tiles * GATES_PER_TILE:
            return name
    most = max(TILES.values())
    raise ValueError(
        f"the design takes {gates} NANDs of two inputs, and the largest size of {most} tiles "
        f"holds about {most * GATES_PER_TILE}"
    )


def project(
    top: TinyTapeout,
    emitted: Emitted,
    *,
    gates: int,
    library: str,
    vectors: Mapping[str, Any],
    test: str,
    author: str,
    about: str,
    tested: str = "",
) -> Project:
    """Return a project.

    Parameters
    ----------
    top, emitted
        The block behind its pins, and the same emitted.
    gates, library
        Mapped area in NANDs of two inputs, and whose they are.
    vectors, test
        Words in and out, and the test that reads them.
    author
        Who submits it.
    about
        What it is, in a paragraph.
    tested
        What the words are of, and how many answers are right, in a sentence; the stimuli of a bench
        if empty.

    Raises
    ------
    ValueError
        It fits no size, or it has parts that are no plain Verilog.
    """
    if emitted.files:
        names = ", ".join(emitted.files)
        raise ValueError(f"Tiny Tapeout takes plain Verilog, and this needs models: {names}")
    tiles, source = size(gates), f"{emitted.name}.v"
    files = {
        "info.yaml": _info(emitted, tiles, source, author),
        "docs/info.md": _document(top, emitted, gates, tiles, library, about, tested),
        f"src/{source}": emitted.verilog,
        "test/Makefile": _MAKEFILE.replace("@source@", source),
        "test/requirements.txt": "cocotb~=2.0\npytest\n",
        "test/tb.v": _BENCH.replace("@top@", emitted.name),
        "test/test.py": test,
        "test/vectors.json": json.dumps(vectors, indent=1) + "\n",
    }
    return Project(emitted=emitted, gates=gates, tiles=tiles, library=library, files=files)


def _info(emitted: Emitted, tiles: str, source: str, author: str) -> str:
    """Return the template's form, filled in; JSON's strings are YAML's."""
    title = str(emitted.manifest["summary"])
    values: dict[str, Any] = {
        "title": title,
        "author": author,
        "discord": "",
        "description": f"{title}, emitted by nomul",
        "language": "Verilog",
        "clock_hz": 10**12 // PERIOD_PS,
        "tiles": tiles,
        "top_module": emitted.name,
    }
    lines = ["project:", *(f"  {key}: {json.dumps(value)}" for key, value in values.items())]
    lines += ["  source_files:", f"    - {json.dumps(source)}", "pinout:"]
    lines += [f"  {pin}: {json.dumps(use)}" for pin, use in PINS.items()]
    return "\n".join([*lines, f"yaml_version: {YAML_VERSION}", ""])


def _document(
    top: TinyTapeout,
    emitted: Emitted,
    gates: int,
    tiles: str,
    library: str,
    about: str,
    tested: str,
) -> str:
    """Return what the datasheet says of the project."""
    named = ["", ""]
    for side, ports in enumerate((top.inputs, top.outputs)):
        if len(ports) > 1:
            named[side] = " A word begins with a byte that is the number of its stream."
    return _DOCUMENT.format(
        about=about,
        tested=f"{tested}\n" if tested else "",
        parameters=json.dumps(emitted.manifest["config"]),
        library=library,
        gates=gates,
        tiles=tiles,
        per_tile=GATES_PER_TILE,
        named_in=named[0],
        named_out=named[1],
        streams="\n".join(_streams(top)),
        pins="\n".join(f"| `{pin}` | {use or 'not used'} |" for pin, use in PINS.items()),
    )


def _streams(top: TinyTapeout) -> Iterator[str]:
    """Yield a line of the table of streams for each."""
    payloads = {port["name"]: port for port in describe_ports(top.top)}
    for side, ports in (("in", top.inputs), ("out", top.outputs)):
        for number, port in enumerate(ports):
            name = "__".join(port.path)
            payload = payloads[f"{name}__payload"]
            fields = ", ".join(
                f"`{f['name']}` {f['count']} x {f['width']} bits" if f["count"] > 1
                else f"`{f['name']}` {f['width']} bits"
                for f in payload.get("fields", [])
            )  # fmt: skip
            yield f"| {side} | {number} | `{name}` | {payload['width']} | {fields or 'a number'} |"


_DOCUMENT = """\
## How it works

{about}

Parameters: `{parameters}`.

Mapped to {library} it takes the area of {gates} NANDs of two inputs. The size, {tiles}, is an
estimate: about {per_tile} of them fit a tile.

Words go in and out byte by byte, the least significant byte first, and neither side needs to know
the chip's clock.

- To send a byte, put it on `ui` and raise `request`. Once `taken` is high, lower `request`, and
  wait until `taken` is low.{named_in} While the block cannot take a word, `taken` stays low.
- To receive a byte, wait until `valid` is high, read `uo`, and raise `accept`. Once `valid` is low,
  lower `accept`.{named_out}
- Low `rst_n` resets everything; three cycles of the clock are enough.

| | number | stream | bits | fields, lowest first |
| --- | --- | --- | --- | --- |
{streams}

| pin | use |
| --- | --- |
{pins}

## How to test

`make -C test` sends the words of `test/vectors.json` and compares every answer. They were recorded
from the block's bench, which compares with its model.
{tested}
## External hardware

None: the microcontroller of the demo board can send and receive the bytes.
"""


_MAKEFILE = """\
# Sends recorded words through the pins. `make GATES=yes` does so on the hardened netlist, which
# the template's workflow puts here.
SIM ?= icarus
TOPLEVEL_LANG ?= verilog
SRC_DIR = $(CURDIR)/../src
PROJECT_SOURCES = @source@

ifneq ($(GATES),yes)
SIM_BUILD = sim_build/rtl
VERILOG_SOURCES += $(addprefix $(SRC_DIR)/,$(PROJECT_SOURCES))
else
SIM_BUILD = sim_build/gl
COMPILE_ARGS += -DGL_TEST -DFUNCTIONAL -DUSE_POWER_PINS -DSIM -DUNIT_DELAY=\\#1
CELLS = $(PDK_ROOT)/sky130A/libs.ref/sky130_fd_sc_hd/verilog
VERILOG_SOURCES += $(CELLS)/primitives.v $(CELLS)/sky130_fd_sc_hd.v $(CURDIR)/gate_level_netlist.v
endif

COMPILE_ARGS += -I$(SRC_DIR)
VERILOG_SOURCES += $(CURDIR)/tb.v
TOPLEVEL = tb
COCOTB_TEST_MODULES = test

include $(shell cocotb-config --makefiles)/Makefile.sim
"""

_BENCH = """\
`default_nettype none
`timescale 1ns / 1ps

// Pins for the test to move.
module tb;
  reg clk, rst_n, ena;
  reg [7:0] ui_in, uio_in;
  wire [7:0] uo_out, uio_out, uio_oe;
`ifdef GL_TEST
  wire VPWR = 1'b1;
  wire VGND = 1'b0;
`endif

  @top@ project (
`ifdef GL_TEST
      .VPWR(VPWR),
      .VGND(VGND),
`endif
      .ui_in(ui_in),
      .uo_out(uo_out),
      .uio_in(uio_in),
      .uio_out(uio_out),
      .uio_oe(uio_oe),
      .ena(ena),
      .clk(clk),
      .rst_n(rst_n)
  );
endmodule
"""
