"""The command line: a thin layer over :func:`nomul.design`, one function per command."""

from nomul.cli.app import COMMANDS, app, demo, doctor, main, options, training

__all__ = [
    "COMMANDS",
    "app",
    "demo",
    "doctor",
    "main",
    "options",
    "training",
]
