"""A register map as text for others: SystemRDL, a C99 header, a Python driver."""

from nomul.synth.emit.registers.files import files

__all__ = ["files"]
