"""SOT-MRAM PIM: IEEE floating point executed inside a memory array, one micro-operation at a time.

After Wang et al., "A New MRAM-based Process In-Memory Accelerator for Efficient Neural Network
Training with Floating Point Precision", ISCAS 2020, arXiv 2003.01551. Its abstract names a
four-step full addition and a floating-point procedure; the programs here are our reconstruction.
"""

from nomul.golden.sotfp.arithmetic import (
    decode,
    dot,
    encode,
    ideal,
    model,
    reference,
    reference_dot,
)
from nomul.golden.sotfp.config import FAULT_BITS, FAULT_WIDTH, PORTS, Config
from nomul.golden.sotfp.faults import Array
from nomul.golden.sotfp.programs import CHAIN, OPS, OPSETS, builder
from nomul.golden.sotfp.rom import program, rom, rom_entries, rom_fields
from nomul.golden.sotfp.stimuli import stimuli

__all__ = [
    "CHAIN",
    "FAULT_BITS",
    "FAULT_WIDTH",
    "OPS",
    "OPSETS",
    "PORTS",
    "Array",
    "Config",
    "builder",
    "decode",
    "dot",
    "encode",
    "ideal",
    "model",
    "program",
    "reference",
    "reference_dot",
    "rom",
    "rom_entries",
    "rom_fields",
    "stimuli",
]
