"""A memory that forgets writes: a bit that is to change may keep its old value.

After "STT-MRAM-based scratchpad" memories that trade write energy for errors, arXiv 2308.02024,
of which only the abstract was readable: the generator, the banks and the counters are ours.
"""

from nomul.golden.faultmem import secded
from nomul.golden.faultmem.config import Config, gap_thresholds
from nomul.golden.faultmem.model import (
    Bank,
    History,
    Memory,
    Register,
    Store,
    cycles,
    history,
    ideal,
    model,
    stimuli,
)

__all__ = [
    "Bank",
    "Config",
    "History",
    "Memory",
    "Register",
    "Store",
    "cycles",
    "gap_thresholds",
    "history",
    "ideal",
    "model",
    "secded",
    "stimuli",
]
