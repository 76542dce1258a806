"""``python -m nomul``: the command line, where its script is not on PATH."""

from nomul.cli import main

main()
