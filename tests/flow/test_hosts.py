"""The host program in C of any block, against a simulated board at a pseudo terminal."""

import os
import shutil
import subprocess
import threading

import numpy as np
import pytest

from nomul import flow, registry
from nomul.flow import lines
from nomul.golden import fp16mul
from nomul.hosts import words_host

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None, reason="needs a C compiler: apt-get install gcc"
)
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2")


def compiled(folder, line):
    (folder / "host.c").write_text(words_host("a test", line))
    subprocess.run(["cc", *STRICT, "-o", "host", "host.c"], cwd=folder, check=True)
    return folder / "host"


def relay(ours, read, write, ends):
    """Carry bytes between a pseudo terminal and a board until it is over."""

    def there():
        while not ends.is_set():
            try:
                data = os.read(ours, 64)
            except OSError:  # nobody has the other side open any more
                return
            write(data)

    def back():
        while not ends.is_set():
            if data := read():
                os.write(ours, data)

    threads = [threading.Thread(target=way, daemon=True) for way in (there, back)]
    for thread in threads:
        thread.start()
    return threads


def run(program, read, write, text, *arguments):
    ours, theirs = os.openpty()
    ends = threading.Event()
    threads = relay(ours, read, write, ends)
    done = subprocess.run(
        [program, os.ttyname(theirs), *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    ends.set()
    os.close(theirs)
    for thread in threads:
        thread.join(2)
    os.close(ours)
    return done


@pytest.mark.needs("icarus")
def test_a_c_program_feeds_a_simulated_board(tmp_path):
    serial = pytest.importorskip("serial", reason="needs pip install 'nomul[board]'")
    block = registry.get("fp16mul")
    cfg = flow.configure(block)
    about, address, simulation = lines.simulation(block, cfg, tmp_path / "board")
    program = compiled(tmp_path, about["serial"])
    rng = np.random.default_rng(1)
    a, b = (side[:12].astype(int) for side in fp16mul.stimuli(cfg, rng, 12).values())
    text = "".join(f"ab {word:x}\n" for word in (a | b << 16).tolist())
    with serial.serial_for_url(address, timeout=0.02) as port:
        done = run(program, lambda: port.read(1), port.write, text, "12")
    simulation.result()
    assert done.returncode == 0, done.stderr
    products = np.asarray(fp16mul.model(cfg, a, b)).astype(int).tolist()
    assert done.stdout.splitlines() == [f"y {product:04x}" for product in products]


LINE = {"baud": 115200, "inputs": {"i": 12, "j": 70}, "outputs": {"o": 9}}


class Answers:
    """A board that answers as it is told, whatever comes."""

    def __init__(self, data):
        self.data, self.heard, self.came = bytearray(data), bytearray(), threading.Event()

    def read(self):
        if not self.came.wait(0.05) or not self.data:
            return b""
        return bytes([self.data.pop(0)])

    def write(self, data):
        self.heard += data
        self.came.set()


def test_wide_words_are_bytes_lowest_first(tmp_path):
    board = Answers([0x81, 0, 0xFE, 0x01])
    done = run(compiled(tmp_path, LINE), board.read, board.write, "j 3f0000000000000001\n", "1")
    assert (done.returncode, done.stdout) == (0, "o 1fe\n"), done.stderr
    assert bytes(board.heard) == bytes([1, 1, 0, 0, 0, 0, 0, 0, 0, 0x3F])


@pytest.mark.parametrize(
    ("text", "answers", "message"),
    [
        ("k 1\n", [], "there is no such input"),
        ("i 1000\n", [], "a word has more bits than its stream"),
        ("i 1G\n", [], "a word is no number in small hexadecimal digits"),
        ("i 1\n", [0x81], "the board took a word that was not sent"),
        ("i 1\n", [0x05], "the board sends a stream that it does not have"),
        ("i 1\n", [0x80, 0, 1], "the board is silent within a word"),
        ("i 1\n", [], "the board is silent"),
    ],
)
def test_a_program_says_what_is_wrong(tmp_path, text, answers, message):
    board = Answers(answers)
    done = run(compiled(tmp_path, LINE), board.read, board.write, text, "1")
    assert (done.returncode, done.stderr) == (1, f"{message}\n")


def test_a_port_that_is_none_is_refused(tmp_path):
    program = compiled(tmp_path, LINE)
    done = subprocess.run([program, "/dev/null"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "the port does not open\n")
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert "usage: host PORT" in done.stderr
