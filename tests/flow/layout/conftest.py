"""What tests of layouts share: an LFSR mapped to each library, once."""

import pytest

from nomul import flow, registry
from nomul.golden import lfsr
from nomul.synth.energy import netlist
from nomul.synth.layout import lef, pieces
from nomul.synth.map import targets


class Placeable:
    """A mapped register, its library and its pieces."""

    def __init__(self, target, folder):
        self.block, self.cfg = registry.get("lfsr"), lfsr.Config.preset("leap", width=8, seed=1)
        self.target, self.folder = targets.get(target), folder
        self.row = flow.measure(self.block, self.cfg, folder, target=target)
        self.mapped = folder / "mapped.v"
        wires = netlist.split(self.mapped, "lfsr", folder / "split")
        library = self.target.cells()
        self.design = netlist.read(wires, "lfsr", library, folder / "split")
        self.technology = lef.read(self.target.lef())
        self.pieces = pieces.take(self.design, self.technology)


@pytest.fixture(scope="session", params=["freepdk45", "osu018"])
def register(request, tmp_path_factory):
    """Return the register on one of the libraries."""
    if request.param == "osu018" and not targets.Osu018().installed():
        pytest.skip("OSU's cells are not installed: apt-get install qflow-tech-osu018")
    return Placeable(request.param, tmp_path_factory.mktemp(request.param))
