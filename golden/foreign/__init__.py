"""Files of other programs, read strictly: sizes before memory, integers exactly, keys once."""

from nomul.golden.foreign.archives import array_file, arrays, names
from nomul.golden.foreign.documents import document, text_document
from nomul.golden.foreign.numbers import integer, integers, reals
from nomul.golden.foreign.refusals import Refused, contents, reading
from nomul.golden.foreign.states import state
from nomul.golden.foreign.tensors import Tensors

__all__ = [
    "Refused",
    "Tensors",
    "array_file",
    "arrays",
    "contents",
    "document",
    "integer",
    "integers",
    "names",
    "reading",
    "reals",
    "state",
    "text_document",
]
