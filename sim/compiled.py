"""A block as a program: Verilog, built by Verilator, that takes and gives words by pipes.

A bench in Python sees every cycle, and takes as long as thousands of them for each. Whoever only
wants to send words and to have the answers, a million times, does not need one. Nothing stalls.
"""

import contextlib
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from nomul.golden.arrays import Ints
from nomul.runs import folders, programs
from nomul.sim.harness import BenchError, toolchain

MOST_BITS = 64
SILENT = 10_000_000  # cycles in which neither stream moves, after which the design has hung

_MAIN = r"""#include <cstdint>
#include <cstdio>
#include <vector>
#include "Vdesign.h"
#include "verilated.h"

// Words come as their number, the number of answers, and 64 bits each; answers go back the same
// way, and after them the cycles that all of it took. The other end closes the pipe to stop.
// Verilator writes the second of two underscores in a name as ___05F.
int main() {
    Vdesign top;
    auto tick = [&] {
        top.clk = 1;
        top.eval();
        top.clk = 0;
        top.eval();
    };
    top.clk = 0;
    top.i___05Fvalid = 0;
    top.i___05Fpayload = 0;
    top.o___05Fready = 1;
    top.rst = 1;
    top.eval();
    for (int cycle = 0; cycle < 3; cycle++) tick();
    top.rst = 0;
    uint32_t sizes[2];
    while (fread(sizes, 4, 2, stdin) == 2) {
        std::vector<uint64_t> words(sizes[0]), answers;
        if (fread(words.data(), 8, sizes[0], stdin) != sizes[0]) return 1;
        answers.reserve(sizes[1] + 1);
        uint64_t cycles = 0, moved = 0, sent = 0;
        while (sent < sizes[0] || answers.size() < sizes[1]) {
            top.i___05Fvalid = sent < sizes[0];
            if (top.i___05Fvalid) top.i___05Fpayload = words[sent];
            top.eval();
            const bool takes = top.i___05Fvalid && top.i___05Fready, gives = top.o___05Fvalid;
            if (gives) answers.push_back(top.o___05Fpayload);
            sent += takes;
            tick();
            cycles++;
            if (takes || gives) moved = cycles;
            if (cycles - moved > SILENT) return 2;
        }
        if (answers.size() != sizes[1]) return 3;
        answers.push_back(cycles);
        fwrite(answers.data(), 8, answers.size(), stdout);
        fflush(stdout);
    }
    return 0;
}
"""

_ENDED = {
    2: f"nothing moved for {SILENT:,} cycles",
    3: "more answers came than were expected",
}


def build(verilog: str, top: str, widths: tuple[int, int], folder: Path) -> Path:
    """Build the program of a design with one stream in, ``i``, and one out, ``o``; return its path.

    Parameters
    ----------
    verilog, top
        The design, and its top level.
    widths
        Bits of the payloads, at most 64.
    folder
        Where the program and its log go.

    Raises
    ------
    BenchError
        Verilator is not installed, or does not build the design.
    ValueError
        A payload has more bits.
    """
    if max(widths) > MOST_BITS:
        raise ValueError(f"payloads must have at most {MOST_BITS} bits, not {max(widths)}")
    with folders.private(folder) as work:
        (work / "design.v").write_text(verilog)
        (work / "main.cpp").write_text(_MAIN.replace("SILENT", str(SILENT)))
        command = ["verilator", "--cc", "--exe", "--build", "--prefix", "Vdesign", "-Wno-fatal"]
        command += ["--no-timing", "-O3", "-CFLAGS", "-O1", "--top-module", top, "--Mdir", "made"]
        with toolchain("verilator"), (work / "build.log").open("w") as log:
            done = programs.run([*command, "-o", "program", "design.v", "main.cpp"], work, log=log)
        if done.returncode:
            raise BenchError(f"{top} does not build; see {work / 'build.log'}")
        (work / "made" / "program").rename(work / "program")
    return folder / "program"


class Program:
    """A running design. It ends with whoever holds its pipes.

    Parameters
    ----------
    path
        From :func:`build`.
    """

    def __init__(self, path: Path):
        self._process = subprocess.Popen(
            [path.resolve()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
        )

    def exchange(self, words: Sequence[int], count: int) -> tuple[Ints, int]:
        """Send words, and return ``count`` answers and the cycles that it took.

        Raises
        ------
        BenchError
            The design hangs, or gives more answers.
        """
        process, raw = self._process, b""
        assert process.stdin is not None
        assert process.stdout is not None
        sizes, payloads = np.array([len(words), count], "<u4"), np.array(words, "<u8")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(sizes.tobytes() + payloads.tobytes())
            process.stdin.flush()
            raw = process.stdout.read(8 * (count + 1))
        if len(raw) < 8 * (count + 1):
            code = process.wait()
            raise BenchError(f"the simulation ended: {_ENDED.get(code, f'code {code}')}")
        values = np.frombuffer(raw, dtype="<u8").astype(np.int64)
        return values[:-1], int(values[-1])

    def close(self) -> None:
        """End the simulation."""
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
