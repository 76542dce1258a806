"""Whether this nomul is a checkout, whose committed numbers may be written, or is installed."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def demand(what: str) -> None:
    """Refuse to write into an installed package.

    Parameters
    ----------
    what
        Option that would write, for the message.

    Raises
    ------
    ValueError
        This is no checkout of the repository: the files are those of an installed package.
    """
    if not (ROOT / "pyproject.toml").is_file():
        raise ValueError(
            f"{what} writes committed numbers, and {ROOT} is an installed package: "
            "clone the repository and work there"
        )
