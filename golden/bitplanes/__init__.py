"""Bit planes: precision chosen at run time, by counting ones of plane pairs.

After Sun et al., "Multi-Precision Quantized Neural Networks via Encoding Decomposition of -1 and
+1", AAAI 2019, arXiv 1905.13389, and arXiv 2106.09886; Lam et al., "Precision Batching",
arXiv 2003.00822; Fu et al., "FracTrain", arXiv 2012.13113; Ankit et al., "PUMA", arXiv 1901.10351.
None of them published RTL: the array is our reconstruction.
"""

from nomul.golden.bitplanes.config import ENCODINGS, FLAGS, Config
from nomul.golden.bitplanes.encoders import (
    batching,
    digits,
    encode,
    encode_by_sines,
    fixed,
    level_codes,
    requantise,
)
from nomul.golden.bitplanes.packed import Packed, compress, project
from nomul.golden.bitplanes.product import (
    act_codes,
    cycles,
    model,
    model_by_reads,
    stimuli,
)
from nomul.golden.products.contract import ideal

__all__ = [
    "ENCODINGS",
    "FLAGS",
    "Config",
    "Packed",
    "act_codes",
    "batching",
    "compress",
    "cycles",
    "digits",
    "encode",
    "encode_by_sines",
    "fixed",
    "ideal",
    "level_codes",
    "model",
    "model_by_reads",
    "project",
    "requantise",
    "stimuli",
]
