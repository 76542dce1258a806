"""SP-IMC: a digital in-memory-compute macro that multiplies by compressed weights.

After Sridharan, Zhang, Seo and Fan, "SP-IMC: A Sparsity Aware In-Memory-Computing Macro in 28nm
CMOS with Configurable Sparse Representation for Highly Sparse DNN Workloads", CICC 2024, which
stores and processes coordinate, run-length and N:M weights along the columns, with tunable
precision. Geometry, widths, checks, broadcast lanes, and the dense and bitmap formats are our
reconstruction.
"""

from nomul.golden.spimc.config import (
    FIELDS,
    FLAGS,
    FORMATS,
    STORES,
    Config,
    Format,
    Store,
    Tile,
    bits_for,
)
from nomul.golden.spimc.product import (
    act_range,
    activations,
    ideal,
    model,
    model_by_planes,
    operands,
)
from nomul.golden.spimc.stimuli import stimuli
from nomul.golden.spimc.tiles import (
    NotLoaded,
    check,
    effective,
    faults,
    header_fault,
    positions,
    scatter,
)

__all__ = [
    "FIELDS",
    "FLAGS",
    "FORMATS",
    "STORES",
    "Config",
    "Format",
    "NotLoaded",
    "Store",
    "Tile",
    "act_range",
    "activations",
    "bits_for",
    "check",
    "effective",
    "faults",
    "header_fault",
    "ideal",
    "model",
    "model_by_planes",
    "operands",
    "positions",
    "scatter",
    "stimuli",
]
