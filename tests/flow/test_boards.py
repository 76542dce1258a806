"""Boards by files of pins, and the host's side of SPI."""

import re
import socket
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from nomul import flow, registry, spi
from nomul.board import Board, BoardError
from nomul.flow import lines
from nomul.golden.spi import IDLE, RESET
from nomul.synth.place import board as boardfile

OWN = """
title = "Mine"
target = "ice40"
device = "hx8k"
clock_hz = 12_000_000
[pins]
clk = "J3"
[spi]
sck = "C16"
csn = "D16"
mosi = "E16"
miso = "F16"
[high]
led = "B5"
"""


def test_the_boards_that_come_along_have_lines():
    assert boardfile.shipped() == [
        *("hx8k", "icebreaker", "tangnano20k", "tangnano9k", "ulx3s", "ulx3s25f")
    ]
    for name in boardfile.shipped():
        board = boardfile.get(name)
        assert f"{board.clock}" in board.constraints()
        assert set(board.line("uart")) == {"rx", "tx"}
    for name in ("ulx3s", "icebreaker", "hx8k"):
        assert set(boardfile.get(name).line("spi")) == {"sck", "csn", "mosi", "miso"}
    with pytest.raises(ValueError, match=r"board tangnano9k has no pins for spi: its file needs"):
        boardfile.get("tangnano9k").line("spi")
    with pytest.raises(ValueError, match="a link is uart or spi, not 'usb'"):
        boardfile.get("ulx3s").line("usb")


def test_a_board_is_a_file_of_pins(tmp_path):
    (tmp_path / "mine.toml").write_text(OWN)
    board = boardfile.get(str(tmp_path / "mine.toml"))
    assert (board.name, board.title, board.clock_hz) == ("mine", "Mine", 12_000_000)
    assert board.constraints("spi") == (
        "set_io clk J3\nset_io sck C16\nset_io csn D16\nset_io mosi E16\nset_io miso F16\n"
        "set_io led B5\n"
    )


def test_the_file_that_the_page_shows_is_a_board():
    page = (Path(__file__).parents[2] / "docs" / "flow.md").read_text()
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert boardfile.read("mine", text, "mine.toml").links.keys() == {"uart", "spi"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title", "tilte", "x.toml: there is no field 'tilte'; there are title, target, device"),
        ('title = "Mine"', "", "x.toml: field 'title' is missing"),
        ("12_000_000", '"fast"', "x.toml: clock_hz must be an integer, not 'fast'"),
        ("12_000_000", "0", "x.toml: clock_hz must be positive, not 0"),
        ("12_000_000", "true", "x.toml: clock_hz must be an integer, not True"),
        ("ice40", "ice80", "x.toml: .*ice80"),
        ("hx8k", "hx9k", "x.toml: ice40 has no device 'hx9k'; it has"),
        ("sck =", "clk =", "x.toml: field 'spi.sck' is missing"),
        ("mosi", "data", "x.toml: field 'spi.mosi' is missing"),
        ("[high]", 'io3 = "A1"\n[high]', "x.toml: spi has no port 'io3'; it has sck, csn, mosi"),
        ('"B5"', "5", "x.toml: high.led must be a pin as text, not 5"),
        ('"B5"', '"J3"', "x.toml: pin J3 is used twice"),
        ('"B5"', '"B 5;"', "x.toml: high.led must be a pin as text, not 'B 5;'"),
        ("[pins]", "[[pins]]", "x.toml: pins must be a table"),
        ("title", "title title", "x.toml: .*line 2"),
    ],
)
def test_a_file_that_is_no_board_is_refused(old, new, message):
    assert old in OWN
    with pytest.raises(ValueError, match=message):
        boardfile.read("x", OWN.replace(old, new), "x.toml")


def test_a_board_without_a_line_or_a_name_is_refused(tmp_path):
    cut = OWN[: OWN.index("[spi]")]
    with pytest.raises(ValueError, match=r"x.toml: a table \[uart\] or \[spi\] is missing"):
        boardfile.read("x", cut, "x.toml")
    (tmp_path / "my board.toml").write_text(OWN)
    with pytest.raises(ValueError, match="a board is named by letters, digits and _, not 'my bo"):
        boardfile.get(str(tmp_path / "my board.toml"))
    with pytest.raises(ValueError, match=r"there is no board 'de0'; there are .*, or a file NAME"):
        boardfile.get("de0")


def test_a_bitstream_for_a_board_of_ones_own_over_spi(tmp_path):
    (tmp_path / "mine.toml").write_text(OWN)
    block = registry.get("lfsr")
    own = str(tmp_path / "mine.toml")
    about = flow.bitstream(block, flow.configure(block), tmp_path / "out", own, link="spi")
    assert about["serial"] == {"link": "spi", "hz": 1_500_000, "inputs": {}, "outputs": {"o": 8}}
    assert (tmp_path / "out" / "lfsr_mine.bin").stat().st_size > 1000
    with pytest.raises(ValueError, match=r"no pins for uart: .*take spi as the link"):
        flow.bitstream(block, flow.configure(block), tmp_path / "out", own)


class Chip:
    """What spidev offers, with the board's side given."""

    def __init__(self):
        self.sent, self.answers = [], [IDLE] * 3 + [0x80, 0, 7]

    def open(self, bus, device):
        self.place = (bus, device)

    def xfer2(self, data):
        self.sent += data
        came = self.answers[: len(data)]
        del self.answers[: len(data)]
        return came + [IDLE] * (len(data) - len(came))

    def close(self):
        pass


ABOUT = {"name": "x", "serial": {"link": "spi", "hz": 8, "inputs": {"i": 8}, "outputs": {"o": 8}}}


def test_the_client_uses_a_bus_of_this_computer(tmp_path, monkeypatch):
    module, chip = ModuleType("spidev"), Chip()
    module.SpiDev = lambda: chip
    monkeypatch.setitem(sys.modules, "spidev", module)
    board = Board._at(ABOUT, "spi:1.2")
    assert (chip.place, chip.max_speed_hz, chip.mode) == ((1, 2), 8, 0)
    assert board.run({"i": [5]}, {"o": 1}) == {"o": [7]}
    assert chip.sent[:3] == [RESET, 0, 5]
    with pytest.raises(BoardError, match="x has been silent for 0 s"):
        board.run({"i": [6]}, {"o": 1}, timeout_s=0)
    with pytest.raises(ValueError, match=r"a bus is named spi:BUS.DEVICE, such as spi:0.0, not"):
        Board._at(ABOUT, "spi:1")
    monkeypatch.setitem(sys.modules, "spidev", None)
    with pytest.raises(ImportError, match="boards behind SPI need spidev; try: pip install spidev"):
        Board._at(ABOUT, "spi:0.0")


def test_a_simulation_that_has_ended_is_noticed():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up():
            client, _ = server.accept()
            client.recv(64)
            client.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        port = spi.simulated(f"socket://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(ConnectionError):
            port.send_break()
        thread.join()
        port.close()


def test_a_simulation_has_one_of_two_lines(tmp_path):
    block = registry.get("skid")
    with pytest.raises(ValueError, match="a link is uart or spi, not 'usb'"):
        lines.simulation(block, block.config()(), tmp_path, link="usb")
