"""The files of a package that brings one working block, written from templates."""

import keyword
import re
from importlib.resources import files as resources
from pathlib import Path
from string import Template

import nomul
from nomul import registry

PREFIX = "nomul_"

# Where each template goes; in what is written and where, $name and $package are filled in.
PLACES = {
    "pyproject": "pyproject.toml",
    "declaration": "$package/__init__.py",
    "golden": "$package/golden.py",
    "hw": "$package/hw.py",
    "sim": "$package/sim.py",
    "page": "$package/docs/$name.md",
    "test": "tests/test_$name.py",
}


def check_name(name: str) -> None:
    """Raise ValueError unless a new block may have this name."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ValueError(
            f"a block's name is a word of small letters, digits and _, not {name!r}; try relu8"
        )
    if name in registry.blocks():
        raise ValueError(f"there is a block {name!r} already; give yours another name")


def files(name: str) -> dict[Path, str]:
    """Return the files of a package with a block, by their path in it.

    The block scales words down and rectifies them, as between two layers of a network of integers.
    It is there to be replaced.

    Raises
    ------
    ValueError
        No block may be called so, or there is one.
    """
    check_name(name)
    values = {"name": name, "package": f"{PREFIX}{name}", "version": nomul.__version__}
    folder = resources("nomul.starter") / "templates"
    return {
        Path(Template(place).substitute(values)): Template(
            (folder / f"{template}.template").read_text()
        ).substitute(values)
        for template, place in PLACES.items()
    }


def write(name: str, folder: Path) -> list[Path]:
    """Write the files of a package with a block into a folder, and return their paths.

    Raises
    ------
    ValueError
        No block may be called so, there is one, or the folder holds something already.
    """
    texts = files(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there already, and not an empty folder; name another --out")
    for path, text in texts.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return [folder / path for path in texts]
