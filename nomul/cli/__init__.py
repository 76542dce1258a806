"""The command line: its commands are in ``cli_blocks``, ``cli_measure`` and ``cli_work``."""

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
