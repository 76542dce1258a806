"""Verilog, manifest and FuseSoC core of a component; byte-identical from run to run."""

from nomul.synth.emit.verilog import SYNC_HIGH, TO_VERILOG, Emitted, describe_ports, emit

__all__ = [
    "SYNC_HIGH",
    "TO_VERILOG",
    "Emitted",
    "describe_ports",
    "emit",
]
