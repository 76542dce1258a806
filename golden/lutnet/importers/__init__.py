"""Networks of look-up tables from other tools, as one data model; what does not fit is refused."""

from nomul.golden.lutnet.importers.files import load

__all__ = ["load"]
