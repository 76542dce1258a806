"""What is read of LEF files."""

import pytest

from nomul.synth.layout import lef

SMALL = """
VERSION 5.6 ;
UNITS
  DATABASE MICRONS 1000 ;
END UNITS
LAYER via
  TYPE CUT ;
END via
"""
LAYER = """
LAYER m{0}
  TYPE ROUTING ; DIRECTION {1} ; PITCH 0.2 ; OFFSET 0.1 0.3 ; WIDTH 0.1 ;
  SPACING 0.1 ; # of any wire
  RESISTANCE RPERSQ 0.5 ; CAPACITANCE CPERSQDIST 4e-05 ; EDGECAPACITANCE 3e-05 ;
END m{0}
"""
CELL = """
MACRO INV
  CLASS core ; SIZE 0.6 BY 1.4 ; SITE row ;
  PIN A
    DIRECTION INPUT ;
    PORT
      LAYER m1 ;
      RECT 0 0 0.1 0.1 ;
      POLYGON 0.2 0.2 0.4 0.2 0.4 0.8 0.2 0.8 ;
    END
  END A
  OBS
    LAYER m1 ;
    RECT 0 0 1 1 ;
  END
END INV
"""


def text(layers=3):
    ways = ("HORIZONTAL", "VERTICAL")
    return SMALL + "".join(LAYER.format(k + 1, ways[k % 2]) for k in range(layers)) + CELL


def test_layers_and_cells_are_read_in_um_and_ff(tmp_path):
    (tmp_path / "small.lef").write_text(text())
    technology = lef.read((tmp_path / "small.lef",))
    assert [layer.name for layer in technology.layers] == ["m1", "m2", "m3"]
    across, along = technology.signal
    assert (across.name, along.name) == ("m3", "m2")
    # Area 0.04 fF/um2 times 0.1 um, and two edges of 0.03 fF/um.
    assert across.ff_per_um == pytest.approx(0.064)
    assert across.ohm_per_um == pytest.approx(5.0)
    assert (across.offset, along.offset) == (0.3, 0.1)
    inverter = technology.macro("INV")
    assert inverter.obstructions == (lef.Shape("m1", 0, 0, 1, 1),)
    assert (inverter.width, inverter.height, inverter.site) == (0.6, 1.4, "row")
    assert inverter.pins["A"].centre() == pytest.approx((0.3, 0.5))
    assert (technology.site, technology.row_height) == (0.6, 1.4)


def test_what_lacks_layers_or_a_cell_says_so(tmp_path):
    (tmp_path / "small.lef").write_text(text(layers=2))
    with pytest.raises(ValueError, match=r"small\.lef have 2 routing layers and 1 cells"):
        lef.read((tmp_path / "small.lef",))
    (tmp_path / "whole.lef").write_text(text())
    with pytest.raises(ValueError, match="no cell NAND"):
        lef.read((tmp_path / "whole.lef",)).macro("NAND")
