"""A C program that knows the macro from its page and its header alone, against the model."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nomul import flow
from nomul.capabilities import spimc as pack
from nomul.flow import host
from nomul.golden.spimc import Config
from nomul.golden.spimc import layer as spimc_layer
from nomul.sim.harness import BenchError

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.needs("icarus"),
    pytest.mark.skipif(
        shutil.which("cc") is None, reason="needs a C compiler: apt-get install gcc"
    ),
]


@pytest.fixture(scope="module")
def macro():
    return flow.emit_soc(flow.members(["spimc:small"]))


def prepare(folder, form, rng):
    """Write a layer of more rows and columns than the macro has, and the program beside it."""
    w = rng.integers(-128, 128, (36, 6)) * (rng.random((36, 6)) < 0.3)
    np.save(folder / "w.npy", w)
    packed = folder / "w.packed.npz"
    pack.run(folder / "w.npy", Config.preset("small"), form=form, export="c", out=packed)
    shutil.copy(ROOT / "docs" / "spimc_host.c", folder)
    return spimc_layer.load(packed)


@pytest.mark.parametrize(
    "form",
    ["bitmap", *(pytest.param(f, marks=pytest.mark.long) for f in ("dense", "coo", "rl", "4:8"))],
)
def test_a_c_program_runs_a_packed_layer(tmp_path, macro, form):
    """In all formats; a dense tile comes in two passes, the second during the product."""
    rng = np.random.default_rng(3)
    layer = prepare(tmp_path, "auto" if ":" in form else form, rng)
    x = rng.integers(0, 256, (2, layer.rows))
    np.savetxt(tmp_path / "x.txt", x, fmt="%d")
    with open(tmp_path / "x.txt") as given, open(tmp_path / "y.txt", "w") as sums:
        program = tmp_path / "spimc_host.c"
        report = flow.run_program(macro, program, tmp_path / "run", stdin=given, stdout=sums)
    assert np.array_equal(np.loadtxt(tmp_path / "y.txt", dtype=np.int64), layer.model(x))
    assert report.compared > layer.beats


def test_the_program_that_pack_writes_runs_its_own_layer(tmp_path, capfd):
    """By the command at its head, on a macro that no preset is."""
    np.save(tmp_path / "2-fc.npy", np.array([[3, 0], [0, -7], [5, 0]]))
    cfg = Config(window=8, columns=2, slots=4, lanes=2, tree_regs=0, formats=("coo", "dense"))
    packed = tmp_path / "2-fc.packed.npz"
    pack.run(tmp_path / "2-fc.npy", cfg, form="coo", export="c", out=packed)
    text = (tmp_path / "2-fc_host.c").read_text()
    (command,) = re.findall(r" \*   nomul (soc .*) < vectors.txt", text)
    line = [sys.executable, "-m", "nomul", *shlex.split(command)]
    done = subprocess.run(
        line, cwd=tmp_path, input="1 2 3\n", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "18 -14\n"), done.stderr


def test_a_word_changed_on_its_way_is_noticed(tmp_path, macro, capfd):
    """A column gets more entries than slots: the macro says so, and the program prints it."""
    prepare(tmp_path, "coo", np.random.default_rng(3))
    header = (tmp_path / "w.h").read_text()
    start = header.index("_entries[] = {")
    spoilt = header[start:].replace("0x1", "0x0")  # every `last` that is the highest digit
    (tmp_path / "w.h").write_text(header[:start] + spoilt)
    with (
        open(os.devnull) as _,
        subprocess.Popen(["printf", "1 %.0s", *map(str, range(36))], stdout=subprocess.PIPE) as x,
        pytest.raises(ChildProcessError, match=r"spimc_host.c ended with 1"),
    ):
        flow.run_program(macro, tmp_path / "spimc_host.c", tmp_path / "run", stdin=x.stdout)
    assert "loading: errors 0x" in capfd.readouterr().err


def program(folder, body):
    path = folder / "main.c"
    path.write_text(f'#include "nomul_bus.h"\n#include "soc.h"\nint main(void) {{ {body} }}\n')
    return path


def test_a_program_that_the_bus_refuses_ends_with_an_error(tmp_path, macro, capfd):
    with pytest.raises(ChildProcessError, match=r"main.c ended with 1"):
        flow.run_program(macro, program(tmp_path, "nomul_write(0, 1); return 0;"), tmp_path / "run")
    assert "the bus refuses to write 0x0" in capfd.readouterr().err


def test_a_program_that_never_uses_the_bus_is_a_failure(tmp_path, macro):
    with pytest.raises(BenchError, match="compared nothing"):
        flow.run_program(macro, program(tmp_path, "return 0;"), tmp_path / "run")


def test_a_program_that_is_ended_by_a_signal_says_by_which(tmp_path, macro):
    source = tmp_path / "main.c"
    source.write_text("#include <stdlib.h>\nint main(void) { abort(); }\n")
    with pytest.raises(ChildProcessError, match=r"main.c was ended by SIGABRT"):
        host.run_program(macro, source, tmp_path / "run")


def test_a_program_that_does_not_compile_is_refused(tmp_path, macro, monkeypatch):
    with pytest.raises(ChildProcessError, match=r"main.c does not compile: .*nothing"):
        flow.run_program(macro, program(tmp_path, "return nothing;"), tmp_path / "run")
    monkeypatch.setattr(host, "COMPILER", "no-such-compiler")
    with pytest.raises(ChildProcessError, match=r"main.c needs a C compiler: apt-get install gcc"):
        flow.run_program(macro, program(tmp_path, "return 0;"), tmp_path / "run")


def test_the_header_of_the_bus_wants_an_address_on_a_processor(tmp_path, macro):
    macro.write(tmp_path)
    source = program(tmp_path, "return (int)nomul_read(SOC_IDENTITY_ADDRESS);")
    plain = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]
    done = subprocess.run([*plain, source], capture_output=True, text=True, check=False)
    assert "define NOMUL_BASE, the address of the design" in done.stderr
    subprocess.run([*plain, "-DNOMUL_BASE=0x43c00000", source], check=True)


def test_the_command_prints_what_the_program_prints(tmp_path):
    source = program(tmp_path, 'printf("%x\\n", (unsigned)nomul_read(0)); return 0;')
    line = [sys.executable, "-m", "nomul", "soc", "spimc:small", "--program", str(source)]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "6e6f6d75\n"), done.stderr
    assert "main.c: 1 transfers on the bus" in done.stderr
