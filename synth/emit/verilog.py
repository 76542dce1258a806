"""Verilog, manifest and FuseSoC core of a component; byte-identical from run to run."""

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import data, wiring

from nomul.hw.axi import shell
from nomul.hw.once import Library
from nomul.hw.reset import ActiveLow, Clocking, Reset
from nomul.runs import folders
from nomul.synth import yosys
from nomul.synth.emit import constraints, widths
from nomul.synth.emit.registers import files as register_files
from nomul.version import __version__

SYNC_HIGH = Reset()

# Verilator takes 40,000 tokens of a line, which lists of bits can exceed. Lines of more characters
# than the first are written as lines of about as many as the second.
LONGEST, FOLDED = 20_000, 1_000

# `opt_dff` turns hold and reset multiplexers back into enables and resets; `rename` gives the
# private nets names that need no escaping.
TO_VERILOG = (
    "read_rtlil design.il",
    "proc -norom",
    "opt_expr",
    "opt_clean",
    "opt_dff",
    "opt_clean -purge",
    "memory_collect",
    "attrmap -remove generator -remove top",
    "wreduce -keepdc t:$add t:$sub t:$mul t:$neg",
    "techmap -map widths.v",
    "opt_clean -purge",
    "wreduce -keepdc w:*",
    "opt_clean -purge",
    "rename -enumerate -pattern n%",
    "write_verilog -norename -noattr design.v",
)


@dataclass(frozen=True)
class Emitted:
    """A design as text.

    ``rtlil`` is what synthesis reads, ``verilog`` what people read and simulate, ``manifest`` the
    ports, configuration, source and hash. ``files`` are models of black boxes, if it has any, a
    testbench with its vectors, if asked for, and what software sees, if the top level has a map.
    """

    name: str
    rtlil: str
    verilog: str
    manifest: dict[str, Any]

    files: dict[str, str] = dataclasses.field(default_factory=dict)

    def core(self) -> str:
        """Return the FuseSoC core file (CAPI2) of the Verilog, and of the testbench if any."""
        return constraints.core(self.manifest, list(self.files))

    def write(self, folder: Path, period_ps: int = 10_000) -> list[Path]:
        """Write Verilog, manifest, FuseSoC core, constraints and testbench; return their paths.

        ``period_ps`` is the clock period of the constraints.
        """
        texts = {
            f"{self.name}.v": self.verilog,
            f"{self.name}.json": json.dumps(self.manifest, indent=2) + "\n",
            f"{self.name}.core": self.core(),
            f"{self.name}.sdc": constraints.sdc(self.manifest, period_ps),
            f"{self.name}.xdc": constraints.xdc(self.manifest, period_ps),
            **self.files,
        }
        with folders.private(folder, beside=True) as work:
            for name, text in texts.items():
                (work / name).write_text(text)
        return [folder / name for name in texts]


def emit(
    top: wiring.Component,
    name: str,
    *,
    summary: str = "",
    paper: str = "",
    reset: Reset = SYNC_HIGH,
) -> Emitted:
    """Emit a component and everything below it, each distinct module once.

    Parameters
    ----------
    top
        The component; a ``cfg`` attribute, if any, goes into the manifest, and of a ``map``, a
        :class:`nomul.hw.axi.registers.Map`, come SystemRDL, C header and Python driver.
    name
        Module name of the top level, and prefix of all modules below it.
    summary, paper
        What it is in a line, and its source, for manifest and core file; its name if nothing is
        given.
    reset
        Kind and active level. A component that brings its own clock port keeps the level it has.

    Raises
    ------
    ValueError
        The name is not a Verilog identifier, or a port has no bits.
    YosysError
        Yosys warned or stopped.
    """
    if not name.isidentifier():
        raise ValueError(f"name must be a Verilog identifier, not {name!r}")
    if reset.active == "low" and not hasattr(top, "clocking"):
        top = ActiveLow(top)
    clocking = getattr(top, "clocking", Clocking())
    own = (clocking.clock, clocking.reset)
    ports = [port for port in describe_ports(top) if port["name"] not in own]
    library = Library(name, async_reset=reset.kind == "async")
    definition = library.convert(name, top)
    rtlil = without_contents("\n".join(filter(None, [definition.rtlil, library.rtlil()])))
    with folders.scratch() as folder:
        (folder / "design.il").write_text(rtlil)
        (folder / "widths.v").write_text(widths.RULES)
        yosys.run(TO_VERILOG, folder)
        body = _tidy((folder / "design.v").read_text().split("\n", 1)[1].lstrip("\n"))
    cfg = getattr(top, "cfg", None)
    values = cfg.to_dict() if cfg is not None else {}
    header = _header(name, values)
    manifest = {
        "name": name,
        "summary": summary or name,
        "paper": paper,
        "nomul": __version__,
        "config": values,
        "clock": clocking.clock,
        "reset": {
            "name": clocking.reset,
            "active": clocking.active,
            "kind": {"sync": "synchronous", "async": "asynchronous"}[reset.kind],
        },
        "ports": ports,
        **_software(top),
        "sha256": hashlib.sha256((header + body).encode()).hexdigest(),
    }
    about = getattr(top, "map", None)
    return Emitted(name, rtlil, header + body, manifest, register_files(about) if about else {})


def _software(top: wiring.Component) -> dict[str, Any]:
    """Return what the manifest says of streams and registers on AXI."""
    if isinstance(top, shell.Axis):
        return {"axi": shell.describe(top)}
    about = getattr(top, "map", None)
    return {"registers": about.to_list()} if about else {}


_HUGE = re.compile(r'attribute \\ram_style "huge"\n\s*memory [^\n]*\\(\S+)\n')
_FILLED = r'  cell \$meminit_v2 [^\n]*\n    parameter \\MEMID "\\\\{name}"\n.*?\n  end\n'


def without_contents(rtlil: str) -> str:
    """Return a design whose memories with ``ram_style`` ``huge`` hold nothing at first.

    Amaranth fills every memory, with zeros if nothing is said, and the large memories of a device,
    such as the SPRAM of iCE40, cannot be filled.
    """
    modules = rtlil.split("\nend\n")
    for number, module in enumerate(modules):
        for name in _HUGE.findall(module):
            filled = _FILLED.format(name=re.escape(name))
            modules[number] = re.sub(filled, "", modules[number], flags=re.DOTALL)
    return "\nend\n".join(modules)


# Verilator would have a file per module, and wants every bit of a payload or a sum read.
_LINT = ("DECLFILENAME", "UNUSEDSIGNAL")


def _tidy(verilog: str) -> str:
    """Return Yosys' text as linters like it: initial values apart from what they initialise."""
    verilog = re.sub(
        r"^  (reg (?:signed )?(?:\[[^]]+\] )?(\S+)) *= (.*);$",
        lambda m: f"  {m[1]}{' ' * m[2].startswith(chr(92))};\n  initial {m[2]} = {m[3]};",
        verilog,
        flags=re.MULTILINE,
    )
    off = "".join(f"// verilator lint_off {name}\n" for name in _LINT)
    verilog = "\n".join(map(_folded, widths.arms(verilog).split("\n")))
    return f"// verilator lint_save\n{off}\n{verilog}\n// verilator lint_restore\n"


def _folded(line: str) -> str:
    """Return a line of more than LONGEST characters as several, cut behind commas of its list."""
    if len(line) <= LONGEST:
        return line
    parts: list[str] = []
    for part in line.split(", "):
        if parts and len(parts[-1]) + len(part) < FOLDED:
            parts[-1] += f", {part}"
        else:
            parts.append(part)
    return ",\n    ".join(parts)


def describe_ports(top: wiring.Component) -> list[dict[str, Any]]:
    """Return name, direction, width, signedness and, for structures, the fields of every port."""
    ports = []
    for path, member, _ in top.signature.flatten(top):
        name = "__".join(map(str, path))
        shape = Shape.cast(member.shape)
        if shape.width == 0:
            raise ValueError(f"port {name} has no bits")
        port: dict[str, Any] = {
            "name": name,
            "direction": "input" if member.flow == wiring.In else "output",
            "width": shape.width,
            "signed": shape.signed,
        }
        if isinstance(member.shape, data.Layout):
            port["fields"] = _describe_fields(member.shape)
        ports.append(port)
    return ports


def _describe_fields(layout: data.Layout) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = []
    for key, field in layout:
        shape, count = field.shape, 1
        if isinstance(shape, data.ArrayLayout):
            shape, count = shape.elem_shape, shape.length
        plain = Shape.cast(shape)
        described = {
            "name": str(key),
            "offset": field.offset,
            "width": plain.width,
            "signed": plain.signed,
            "count": count,
        }
        # A structure in a structure: offsets of its own fields begin at its lowest bit.
        if isinstance(shape, data.Layout):
            described["fields"] = _describe_fields(shape)
        fields.append(described)
    return fields


def _header(name: str, values: dict[str, Any]) -> str:
    return (
        f"// {name}: emitted by nomul {__version__}.\n"
        f"// Parameters: {json.dumps(values)}\n"
        "// This file belongs to whoever emitted it; nomul's licence makes no claim on it.\n\n"
    )
