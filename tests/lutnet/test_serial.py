"""The classifier fed code by code: its bench, and its way to the bitstream of a small FPGA."""

import pytest

from nomul.golden import lutnet
from nomul.hw.lutnet.serial import Serial
from nomul.synth.emit import emit
from nomul.synth.place.bitstream import build


@pytest.mark.parametrize("registers", ["layers", "end"])
def test_rtl_equals_model(simulate, registers):
    cfg = lutnet.Config.preset("small", registers=registers)
    report = simulate("lutnet", cfg, top=Serial(cfg), bench="nomul.sim.lutnet.serial")
    assert report.compared >= 4 * 80


def test_digits_go_to_the_bitstream_of_an_hx1k(tmp_path, capsys):
    """The committed network with its encoder, popcount and argmax; 1,280 cells are all there are.

    The file begins with the preamble of the iCE40 family after its comment.
    """
    top = Serial(lutnet.Config.preset("digits-hx1k", registers="layers"))
    made = build(emit(top, "lutnet"), "ice40", "hx1k", tmp_path)
    used = made.placed.utilisation["ICESTORM_LC"]
    with capsys.disabled():
        print(
            f"\niCE40 HX1K: {used} of 1280 cells, {made.mapped.resources['luts']} look-up tables, "
            f"{made.placed.fmax_mhz:.0f} MHz"
        )
    assert used <= 1280
    content = made.file.read_bytes()
    assert bytes.fromhex("7eaa997e") in content[:200]
    assert len(content) > 30_000


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_only_encoded_networks_are_fed_code_by_code():
    with pytest.raises(ValueError, match="must begin with an encoder and have no tiled layer"):
        Serial(lutnet.Config.preset("tiled"))
