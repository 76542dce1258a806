"""Memories that are modelled, not synthesised: weights of all tiles, and activations.

Constants with their sources. They are the same for every member, and stand in columns of their own.
"""

from dataclasses import dataclass

# Guthaus et al., "OpenRAM: an open-source memory compiler", ICCAD 2016, the table of densities:
# megabits per mm2 in FreePDK45, one port.
SRAM_MB_PER_MM2 = 0.826

# Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014, figure 1.1.9: a
# read of 64 bits from a cache of 8 KB in 45 nm takes 10 pJ.
READ_PJ_PER_64_BITS = 10.0

# Bits of a block of ECP5's embedded memory, DP16KD.
BLOCK_BITS = 18_432


@dataclass(frozen=True)
class Memory:
    """What stands beside the array.

    Attributes
    ----------
    bits
        Stored: weights in the member's form, and two values of the network, read and written.
    moved
        Bits that are read or written for one inference: weights that are loaded or fetched,
        activations that come in for each tile, and sums that leave it.
    """

    bits: int
    moved: float

    @property
    def um2(self) -> float:
        """Area, modelled."""
        return self.bits / SRAM_MB_PER_MM2

    @property
    def pj(self) -> float:
        """Energy per inference, modelled."""
        return self.moved * READ_PJ_PER_64_BITS / 64

    @property
    def blocks(self) -> int:
        """Blocks of ECP5's memory, modelled."""
        return -(-self.bits // BLOCK_BITS)
