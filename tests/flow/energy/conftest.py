"""What tests of energy share: library, netlists from text, an LFSR through the whole flow."""

import numpy as np
import pytest

from nomul import flow, registry
from nomul.golden import lfsr
from nomul.synth.energy import netlist
from nomul.synth.energy.activity import Measured
from nomul.synth.map import liberty, targets


@pytest.fixture(scope="session")
def library():
    return liberty.read(targets.get("freepdk45").library())


@pytest.fixture
def design(library, tmp_path):
    """Return a function that reads a netlist from text."""

    def read(verilog):
        (tmp_path / "netlist.v").write_text(verilog)
        return netlist.read(tmp_path / "netlist.v", "top", library, tmp_path)

    return read


@pytest.fixture
def waves():
    """Return a function: an activity from the values of nets by name, one character per cycle."""

    def activity(design, **values):
        cycles = max(map(len, values.values()))
        matrix = np.zeros((cycles, len(design.names)), dtype=bool)
        matrix[:, netlist.ONE] = True
        for name, bits in values.items():
            matrix[:, design.names.index(name)] = [bit == "1" for bit in bits]
        return Measured(matrix)

    return activity


@pytest.fixture(scope="session")
def shift_register(tmp_path_factory):
    """Return an LFSR, its configuration, and the folder of its mapped netlist."""
    folder = tmp_path_factory.mktemp("lfsr")
    block, cfg = registry.get("lfsr"), lfsr.Config.preset("leap", width=8, seed=1)
    flow.measure(block, cfg, folder, target="freepdk45")
    return block, cfg, folder
