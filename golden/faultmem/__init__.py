"""A memory that forgets writes: a bit that is to change may keep its old value.

After "STT-MRAM-based scratchpad" memories that trade write energy for errors, arXiv 2308.02024,
of which only the abstract was readable: the generator, the banks and the counters are ours.
"""

from nomul.golden.faultmem import secded
from nomul.golden.faultmem.config import Config
from nomul.golden.faultmem.model import (
    History,
    Memory,
    Register,
    cycles,
    history,
    ideal,
    model,
    stimuli,
)

__all__ = [
    "Config",
    "History",
    "Memory",
    "Register",
    "cycles",
    "history",
    "ideal",
    "model",
    "secded",
    "stimuli",
]
