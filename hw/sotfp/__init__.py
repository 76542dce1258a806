"""SOT-MRAM PIM emulator: a memory array that adds and multiplies floating-point words in place."""

from nomul.hw.sotfp.top import Loader, Storer, Top, batch_layout, first_layout, plain_layout

__all__ = [
    "Loader",
    "Storer",
    "Top",
    "batch_layout",
    "first_layout",
    "plain_layout",
]
