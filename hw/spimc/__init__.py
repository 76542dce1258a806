"""SP-IMC, the sparse in-memory-compute macro: commands, loader, activations and columns."""

from nomul.hw.spimc.top import Sequencer, Top

__all__ = [
    "Sequencer",
    "Top",
]
