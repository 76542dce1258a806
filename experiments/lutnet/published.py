"""Published results of networks of look-up tables: quoted, with data set, tool and encoder."""

from typing import NamedTuple


class Quoted(NamedTuple):
    """One published result.

    Attributes
    ----------
    method
        Name and size, as its authors call it.
    accuracy
        Per cent.
    luts
        Six-input look-up tables.
    encoder
        Whether the count has the input encoder in it: ``in``, ``out``, ``none`` where the method
        has no encoder apart from its first layer, ``unstated``.
    tool
        Synthesis, and the device where the source names it.
    source
        Where the figure is from.
    """

    method: str
    accuracy: float
    luts: int
    encoder: str
    tool: str
    source: str


_VU9P = "Vivado, xcvu9p-2"

# Jet substructure classification has two data sets of the same sixteen features: OpenML 42468 with
# some 830,000 jets, and CERNBox with 986,806. Networks reach about one point more on the first
# (arXiv 2504.00592, section 5), so a ranking of both together says nothing.
JSC_OPENML = (
    Quoted("DWN sm-10", 71.2, 20, "out", _VU9P, "arXiv 2512.15251"),
    Quoted("DWN sm-10, encoder", 71.2, 64, "in", _VU9P, "arXiv 2512.15251"),
    Quoted("DWN sm-50, encoder", 74.0, 311, "in", _VU9P, "arXiv 2512.15251"),
    Quoted("TreeLUT II", 75.0, 796, "none", _VU9P, "arXiv 2501.01511"),
    Quoted("DWN md-360, encoder", 75.6, 1697, "in", _VU9P, "arXiv 2512.15251"),
    Quoted("NeuraLUT-Assemble", 76.0, 1780, "none", _VU9P, "arXiv 2504.00592"),
    Quoted("TreeLUT I", 76.0, 2234, "none", _VU9P, "arXiv 2501.01511"),
    Quoted("DWN lg-2400", 76.3, 4972, "out", _VU9P, "arXiv 2410.11112"),
    Quoted("DWN lg-2400, encoder", 76.3, 7011, "in", _VU9P, "arXiv 2512.15251"),
    Quoted("hls4ml", 76.2, 63251, "none", _VU9P, "arXiv 2512.15251"),
)

JSC_CERNBOX = (
    Quoted("AmigoLUT-NeuraLUT-XS, 4", 71.1, 320, "none", _VU9P, "AmigoLUT, FPGA 2025"),
    Quoted("PolyLUT-Add", 72.0, 895, "none", _VU9P, "arXiv 2406.04910"),
    Quoted("NeuraLUT JSC-2L", 72.0, 4684, "none", _VU9P, "arXiv 2403.00849"),
    Quoted("PolyLUT JSC-M Lite", 72.0, 12436, "none", _VU9P, "arXiv 2309.02334"),
    Quoted("LogicNets", 73.1, 36415, "none", _VU9P, "arXiv 2004.03021"),
    Quoted("NeuraLUT-Assemble", 75.0, 8539, "none", _VU9P, "arXiv 2504.00592"),
    Quoted("PolyLUT-Add", 75.0, 36484, "none", _VU9P, "arXiv 2406.04910"),
    Quoted("NeuraLUT JSC-5L", 75.0, 92357, "none", _VU9P, "arXiv 2403.00849"),
    Quoted("PolyLUT JSC-XL", 75.0, 236541, "none", _VU9P, "arXiv 2309.02334"),
)

MNIST = (
    Quoted("DWN sm", 97.1, 692, "out", _VU9P, "arXiv 2410.11112"),
    Quoted("DWN lg", 98.3, 4082, "out", _VU9P, "arXiv 2410.11112"),
    Quoted("TreeLUT I", 97.0, 4478, "none", "Vivado", "arXiv 2501.01511"),
    Quoted("PolyLUT-Add", 96.0, 14810, "none", _VU9P, "arXiv 2406.04910"),
    Quoted("NeuraLUT HDR-5L", 96.0, 54798, "none", _VU9P, "arXiv 2403.00849"),
    Quoted("LUTNet", 98.01, 58192, "none", "Vivado HLS", "arXiv 1910.12625"),
    Quoted("PolyLUT HDR", 96.0, 70673, "none", _VU9P, "arXiv 2309.02334"),
)

CIFAR_10 = (
    Quoted("LUTNet, tiled", 84.80, 106776, "none", "Vivado HLS", "arXiv 1910.12625"),
    Quoted("LUTNet, unrolled", 84.21, 246044, "none", "Vivado HLS", "arXiv 1910.12625"),
)
