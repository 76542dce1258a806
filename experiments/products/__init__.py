"""Numbers of the page about the matrix-vector products."""

from pathlib import Path

# Where finished parts stay, under the current folder.
KEPT = Path("build/products")
