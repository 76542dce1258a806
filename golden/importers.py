"""Networks of look-up tables from other tools; see :mod:`nomul.golden.lutnet.importers`."""

from nomul.golden.lutnet.importers import load

__all__ = ["load"]
