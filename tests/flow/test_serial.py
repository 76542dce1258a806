"""Blocks over a serial line: the protocol, the hardware, the client, and bitstreams for boards."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from nomul import flow, registry
from nomul.board import Board, BoardError
from nomul.golden import fp16mul, skid
from nomul.golden.serial import Link, line, read_line
from nomul.golden.spi import IDLE, LEAST_DIVISOR, levels, read_levels
from nomul.hw import spi
from nomul.hw.serial import Serial, SpiSerial
from nomul.hw.uart import Receiver
from nomul.sim import harness
from nomul.sim.serial import VARIABLE
from nomul.synth.emit import emit, vectors
from nomul.synth.place import boards, pnr


def test_a_line_carries_its_bytes():
    assert line([0b00000101]) == [0, 1, 0, 1, 0, 0, 0, 0, 0, 1]
    levels = [1, 1, *line([0x00, 0xFF, 0x5A]), 1, *line([7]), 1]
    assert read_line(levels) == [0x00, 0xFF, 0x5A, 7]
    with pytest.raises(ValueError, match="byte 0 has no stop bit"):
        read_line(line([3], broken=True))
    with pytest.raises(ValueError, match="byte 1 has no stop bit"):
        read_line(line([3, 4])[:-1])


def test_a_word_waits_until_the_one_before_it_was_taken():
    link = Link({"a": 12, "b": 3}, {"y": 9})
    link.put("a", [0x123, 0xFFF])
    link.put("b", [5])
    assert link.outgoing() == bytes([0, 0x23, 0x01, 1, 5])
    assert link.outgoing() == b""
    link.feed(bytes([0x80]))
    assert link.outgoing() == bytes([0, 0xFF, 0x0F])
    link.feed(bytes([0x81, 0, 0xFE]))
    assert not link.idle
    link.feed(bytes([0x01, 0x80]))
    assert link.idle
    assert link.received == {"y": [0x1FE]}


def test_what_makes_no_sense_on_a_link_is_refused():
    link = Link({"a": 4}, {"y": 8})
    with pytest.raises(ValueError, match="there is no input 'c'; there are a"):
        link.put("c", [1])
    with pytest.raises(ValueError, match="a has 4 bits, so no word 0x10"):
        link.put("a", [16])
    with pytest.raises(ValueError, match="the board took a word of stream 0, and none was sent"):
        link.feed(bytes([0x80]))
    link = Link({"a": 4}, {"y": 8})
    with pytest.raises(ValueError, match="the board sends stream 3, and there is none"):
        link.feed(bytes([3]))
    with pytest.raises(ValueError, match="divisor must be at least 4, not 3"):
        Receiver(3)


def run(
    name: str, folder, count: int = 60, divisor: int = 5, link: str = "uart", **change
) -> harness.Report:
    """Record a block's bench, and replay it through the serial line."""
    block = registry.get(name)
    cfg = flow.configure(block)
    recording = vectors.take(
        flow.workload(block, cfg, recorded=True),
        flow.emit(block, cfg),
        folder / "record",
        count=count,
    )

    def recorded(ins, outs):
        words = {stream: recording.words(stream) for stream in outs}
        for stream, spoil in change.items():
            words[stream] = spoil(words[stream])
        return {"words_in": {stream: recording.words(stream) for stream in ins}, "words_out": words}

    return simulate(name, folder, divisor, recorded, "answers_equal_the_recording", link)


def simulate(
    name: str, folder, divisor: int, more, tests: str, link: str = "uart"
) -> harness.Report:
    """Run a bench of :mod:`nomul.sim.serial` on a block behind its serial line."""
    block = registry.get(name)
    cfg = flow.configure(block)
    top = block.top(cfg)
    serial = SpiSerial(top) if link == "spi" else Serial(top, divisor)
    emitted = emit(serial, f"{name}_serial")
    design = folder / f"{name}_serial.v"
    design.write_text(emitted.verilog)
    ins, outs = serial.widths(serial.inputs), serial.widths(serial.outputs)
    about = {
        "link": link,
        "divisor": divisor,
        "inputs": ins,
        "outputs": outs,
        **more(ins, outs),
    }
    (folder / "serial.json").write_text(json.dumps(about))
    return harness.run(
        "nomul.sim.serial",
        top=f"{name}_serial",
        verilog=[design],
        build_dir=folder / "sim",
        environment={VARIABLE: str(folder / "serial.json")},
        tests=tests,
    )


@pytest.mark.needs("icarus")
@pytest.mark.parametrize("name", ["fp16mul", "essop", "lfsr"])
def test_a_block_answers_over_the_line_as_it_does_without_it(tmp_path, name):
    assert run(name, tmp_path).compared >= 10


@pytest.mark.needs("icarus")
@pytest.mark.parametrize("name", ["fp16mul", "essop", "lfsr"])
def test_a_block_answers_over_spi_as_it_does_without_it(tmp_path, name):
    """At the fastest clock that there may be; the block gives words while others come."""
    assert run(name, tmp_path, divisor=LEAST_DIVISOR, link="spi").compared >= 10


@pytest.mark.needs("icarus")
def test_a_wrong_byte_over_spi_is_noticed(tmp_path, monkeypatch):
    """Where the board has nothing to say it sends what would name a stream."""
    monkeypatch.setattr(spi, "IDLE", 0)
    with pytest.raises(harness.BenchError, match=r"the board took a word of stream"):
        run("skid", tmp_path, divisor=LEAST_DIVISOR, link="spi")


def test_spi_carries_its_bytes():
    assert levels([0b1000_0001])[:4] == [(0, 1), (1, 1), (0, 0), (1, 0)]
    pairs = levels([0x00, 0xFF, 0x5A])
    assert read_levels(pairs) == [0x00, 0xFF, 0x5A]
    assert read_levels(pairs[:-2]) == [0x00, 0xFF]


def test_what_says_nothing_is_left_out_between_words_only():
    link = Link({"a": 8}, {"y": 16}, filler=IDLE)
    link.put("a", [IDLE])
    assert link.outgoing() == bytes([0, IDLE])
    assert link.feed(bytes([IDLE, IDLE])) is False
    assert link.feed(bytes([IDLE, 0x80, IDLE, 0, IDLE])) is True
    assert link.feed(bytes([IDLE, IDLE])) is True
    assert link.received == {"y": [0xFFFF]}
    assert link.idle
    with pytest.raises(ValueError, match="more than 126 streams have no number"):
        Link({f"i{k}": 1 for k in range(127)}, {}, filler=IDLE)


@pytest.mark.needs("icarus")
def test_a_wrong_answer_over_the_line_is_found(tmp_path):
    with pytest.raises(harness.BenchError, match=r"o\[2"):
        run("skid", tmp_path, o=lambda words: [*words[:2], words[2] ^ 1, *words[3:]])


@pytest.mark.needs("icarus")
def test_the_client_feeds_the_simulated_board(tmp_path):
    """A socket of pyserial stands for the cable; the products are those of the golden model."""
    block = registry.get("fp16mul")
    cfg = flow.configure(block)
    number = tmp_path / "port"
    rng = np.random.default_rng(1)
    a, b = (side[:20].astype(int) for side in fp16mul.stimuli(cfg, rng, 20).values())
    with ThreadPoolExecutor(1) as pool:
        bench = pool.submit(
            simulate,
            *("fp16mul", tmp_path, 5, lambda *_: {"socket": str(number)}),
            tests="a_socket_leads_to_the_line",
        )
        while not (number.is_file() and number.read_text()) and not bench.done():
            time.sleep(0.05)
        about = json.loads((tmp_path / "serial.json").read_text())
        about = {"name": "fp16mul_test", "serial": {**about, "baud": 115200}}
        (tmp_path / "about.json").write_text(json.dumps(about))
        with Board.open(
            tmp_path / "about.json", f"socket://127.0.0.1:{number.read_text()}"
        ) as board:
            got = board.run({"ab": (a | b << 16).tolist()}, {"y": len(a)})
            with pytest.raises(ValueError, match="there is no output 'z'; there are y"):
                board.run({}, {"z": 1})
        bench.result()
    assert got["y"] == np.asarray(fp16mul.model(cfg, a, b)).astype(int).tolist()


class Wire:
    """A port whose answers are given."""

    def __init__(self, answers: bytes):
        self.answers, self.breaks = answers, 0

    def send_break(self):
        self.breaks += 1

    def write(self, data):
        self.written = data

    def read(self, size):
        data, self.answers = self.answers[:size], self.answers[size:]
        return data


def test_the_client_says_when_a_board_is_silent_or_another():
    about = {"name": "skid_test", "serial": {"inputs": {"i": 8}, "outputs": {"o": 8}}}
    wire = Wire(b"")
    with pytest.raises(BoardError, match="skid_test has been silent for 0 s"):
        Board(about, wire).run({"i": [7]}, {"o": 1}, timeout_s=0)
    assert (wire.breaks, wire.written) == (1, bytes([0, 7]))
    with pytest.raises(BoardError, match=r"sends stream 9.*; is this the board of skid_test"):
        Board(about, Wire(bytes([9]))).run({"i": [7]}, {"o": 1})
    board = Board(about, Wire(bytes([0x80, 0, 7])))
    assert board.run({"i": [7]}, {"o": 1}) == {"o": [7]}


@pytest.mark.parametrize(
    "name",
    [
        "icebreaker",
        "hx8k",
        pytest.param("ulx3s", marks=pytest.mark.long),
        pytest.param("tangnano20k", marks=pytest.mark.needs("gowin")),
        pytest.param("tangnano9k", marks=pytest.mark.needs("gowin")),
    ],
)
def test_bitstreams_are_written_for_boards(tmp_path, name):
    board, block = boards.get(name), registry.get("lfsr")
    about = flow.bitstream(block, flow.configure(block), tmp_path, name)
    file = Path(about["bitstream"])
    suffix, head = {
        "ice40": ("bin", b"\x7e\xaa\x99\x7e"),
        "ecp5": ("bit", b"\xff\xff\xbd\xb3"),
        "gowin": ("fs", b"1010010111000011"),  # as text, a digit per bit
    }[board.target]
    assert file.name == f"lfsr_{name}.{suffix}"
    assert '{"o", 8, 1}' in Path(about["host"]).read_text()
    assert head in file.read_bytes()[:1000]  # the preamble that the device looks for
    assert about["serial"] == {"baud": 115200, "inputs": {}, "outputs": {"o": 8}}
    assert json.loads((tmp_path / f"lfsr_{name}.json").read_text())["serial"] == about["serial"]


def test_a_block_that_does_not_fit_the_board_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(pnr, "run", lambda *_, **__: False)
    block = registry.get("lfsr")
    with pytest.raises(pnr.DoesNotFitError, match="lfsr and its loader do not fit the iCEB"):
        flow.bitstream(block, flow.configure(block), tmp_path, "icebreaker")
    with pytest.raises(ValueError, match="there is no board 'de0'; there are hx8k, icebreaker"):
        flow.bitstream(block, flow.configure(block), tmp_path, "de0")


def test_only_streams_go_over_the_line():
    assert Serial.widths(Serial(registry.get("skid").top(skid.Config()), 8).inputs) == {"i": 32}
