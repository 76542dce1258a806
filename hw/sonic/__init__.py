"""SONIC's accelerator: the FC and the CONV engine, their codebook, and the scheduler of tasks."""

from nomul.hw.sonic.top import SonicConv, SonicFC, Top, command_layout

__all__ = [
    "SonicConv",
    "SonicFC",
    "Top",
    "command_layout",
]
