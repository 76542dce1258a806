"""Verilog, manifest and FuseSoC core of a component; byte-identical from run to run."""

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import data, wiring

import nomul
from nomul.hw.once import Library
from nomul.synth import yosys

# `opt_dff` turns hold and reset multiplexers back into enables and resets; `rename` gives the
# private nets names that need no escaping.
_TO_VERILOG = (
    "read_rtlil design.il",
    "proc -norom",
    "opt_expr",
    "opt_clean",
    "opt_dff",
    "opt_clean -purge",
    "memory_collect",
    "attrmap -remove generator -remove top",
    "rename -enumerate -pattern n%",
    "write_verilog -norename -noattr design.v",
)


@dataclass(frozen=True)
class Emitted:
    """A design as text.

    ``rtlil`` is what synthesis reads, ``verilog`` what people read and simulate, ``manifest`` the
    ports, configuration, source and hash.
    """

    name: str
    rtlil: str
    verilog: str
    manifest: dict[str, Any]

    def core(self) -> str:
        """Return the FuseSoC core file (CAPI2) of the Verilog."""
        version = nomul.__version__
        return "\n".join(
            [
                "CAPI=2:",
                f"name: nomul:blocks:{self.name}:{version}",
                f"description: {json.dumps(self.manifest['summary'])}",
                "filesets:",
                "  rtl:",
                f"    files: [{self.name}.v]",
                "    file_type: verilogSource",
                "targets:",
                "  default: &default",
                "    filesets: [rtl]",
                f"    toplevel: {self.name}",
                "  lint:",
                "    <<: *default",
                "    default_tool: verilator",
                "    tools: {verilator: {mode: lint-only}}",
                "",
            ]
        )

    def write(self, folder: Path) -> list[Path]:
        """Write ``<name>.v``, ``<name>.json`` and ``<name>.core``; return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        manifest = json.dumps(self.manifest, indent=2) + "\n"
        texts = {".v": self.verilog, ".json": manifest, ".core": self.core()}
        paths = [folder / f"{self.name}{suffix}" for suffix in texts]
        for path, text in zip(paths, texts.values(), strict=True):
            path.write_text(text)
        return paths


def emit(top: wiring.Component, name: str, *, paper: str = "") -> Emitted:
    """Emit a component and everything below it, each distinct module once.

    Parameters
    ----------
    top
        The component; a ``cfg`` attribute, if any, goes into the manifest.
    name
        Module name of the top level, and prefix of all modules below it.
    paper
        Source, for the manifest.

    Raises
    ------
    ValueError
        The name is not a Verilog identifier, or a port has no bits.
    YosysError
        Yosys warned or stopped.
    """
    if not name.isidentifier():
        raise ValueError(f"name must be a Verilog identifier, not {name!r}")
    ports = describe_ports(top)
    library = Library(name)
    definition = library.convert(name, top)
    rtlil = "\n".join(filter(None, [definition.rtlil, library.rtlil()]))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "design.il").write_text(rtlil)
        yosys.run(_TO_VERILOG, folder)
        body = (folder / "design.v").read_text().split("\n", 1)[1].lstrip("\n")
    cfg = getattr(top, "cfg", None)
    values = cfg.to_dict() if cfg is not None else {}
    header = _header(name, values)
    summary = (type(top).__doc__ or name).strip().splitlines()[0]
    manifest = {
        "name": name,
        "summary": summary,
        "paper": paper,
        "nomul": nomul.__version__,
        "config": values,
        "clock": "clk",
        "reset": {"name": "rst", "active": "high", "kind": "synchronous"},
        "ports": ports,
        "sha256": hashlib.sha256((header + body).encode()).hexdigest(),
    }
    return Emitted(name, rtlil, header + body, manifest)


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
    fields = []
    for key, field in layout:
        shape, count = field.shape, 1
        if isinstance(shape, data.ArrayLayout):
            shape, count = shape.elem_shape, shape.length
        plain = Shape.cast(shape)
        fields.append(
            {
                "name": str(key),
                "offset": field.offset,
                "width": plain.width,
                "signed": plain.signed,
                "count": count,
            }
        )
    return fields


def _header(name: str, values: dict[str, Any]) -> str:
    return (
        f"// {name}: emitted by nomul {nomul.__version__}.\n"
        f"// Parameters: {json.dumps(values)}\n"
        "// This file belongs to whoever emitted it; nomul's licence makes no claim on it.\n\n"
    )
