"""Verilog of other people's programs, as a design that the flow takes like our own."""

import tempfile
from pathlib import Path

from nomul.synth import yosys
from nomul.synth.emit import Emitted


def design(name: str, verilog: str, *ours: Emitted) -> Emitted:
    """Return a design whose top module is ``name``.

    Parameters
    ----------
    name
        Of the top module.
    verilog
        Text with the top module and all others but those of ``ours``.
    ours
        Designs of our own that it has in it, each of a top module with its own name.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "design.v").write_text(verilog)
        for number, part in enumerate(ours):
            (folder / f"part{number}.il").write_text(part.rtlil)
        yosys.run(
            [
                "read_verilog design.v",
                *(f"read_rtlil part{number}.il" for number in range(len(ours))),
                f"hierarchy -top {name}",
                "proc",
                "opt_clean -purge",
                "write_rtlil design.il",
            ],
            folder,
        )
        text = "\n".join([verilog, *(part.verilog for part in ours)])
        return Emitted(name, (folder / "design.il").read_text(), text, {})
