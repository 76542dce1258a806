"""A package with a block of one's own, as files to begin with."""

from nomul.starter.package import PREFIX, check_name, files, write

__all__ = [
    "PREFIX",
    "check_name",
    "files",
    "write",
]
