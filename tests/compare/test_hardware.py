"""How arrays are mapped: what serves all columns has buffers between modules."""

import pytest

from nomul.experiments.compare import hardware, rows
from nomul.golden.dense import Config
from nomul.hw.dense import Top
from nomul.synth.emit import emit
from nomul.synth.map.synthesize import synthesize


@pytest.mark.long
def test_an_array_of_several_multipliers_keeps_its_clock(tmp_path):
    """Activations of four columns hang on one small gate otherwise, and 2 ns become 3.4."""
    cfg = Config(inputs=32, outputs=8, act_signed=False, products=4, load=2)
    mapped = synthesize(
        emit(Top(cfg), "dense"),
        hardware.CELLS,
        hierarchical=True,
        period_ps=rows.PERIOD_PS,
        folder=tmp_path,
    )
    assert mapped.timing.period_ps <= rows.PERIOD_PS
    assert "repeater" in (tmp_path / "mapped.v").read_text()
