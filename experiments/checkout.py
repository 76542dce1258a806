"""Whether a package is a checkout, whose committed numbers may be written, or is installed."""

from collections.abc import Iterable
from pathlib import Path

from nomul import registry

ROOT = Path(__file__).resolve().parents[1]
INSTALLED = ("site-packages", "dist-packages")


def demand(what: str, blocks: Iterable[str] | None = None) -> None:
    """Refuse to write into an installed package.

    Parameters
    ----------
    what
        Option that would write, for the message.
    blocks
        Names of the blocks whose numbers would be written; nomul's own if None.

    Raises
    ------
    ValueError
        There is no such block, or the package that it comes with is no checkout.
    """
    for name in registry.BLOCKS if blocks is None else blocks:
        block = registry.get(name)
        folder = ROOT if block.own else block.folder
        if not (is_root(ROOT) if block.own else is_checkout(folder)):
            raise ValueError(
                f"{what} writes committed numbers, and {folder} is an installed package: "
                "clone the repository and work there"
            )


def is_root(folder: Path) -> bool:
    """Whether a folder is the root of a project's source."""
    return (folder / "pyproject.toml").is_file()


def is_checkout(folder: Path) -> bool:
    """Whether a package's folder is in its project's source, as an editable install leaves it.

    An environment may be inside some project's folder, so what is above it does not count.
    """
    for above in folder.resolve().parents:
        if above.name in INSTALLED:
            return False
        if is_root(above):
            return True
    return False
