"""Programs end with who started them; runs have folders of their own, with plain paths."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from flow.processes import gone

from nomul.registry import get
from nomul.runs import folders, programs
from nomul.sim.harness import BenchError
from nomul.synth import yosys
from nomul.synth.map.synthesize import synthesize

NASTY = ("größe of my cells", "it's a\"b$HOME", "semi;colon\nnew{line[exec]")


def test_a_program_says_what_it_says_and_ends_with_its_code(tmp_path):
    done = programs.run(["sh", "-c", "pwd; echo no >&2; cat; exit 3"], tmp_path, text="in")
    assert (done.returncode, done.stdout, done.stderr) == (3, f"{tmp_path}\nin", "no\n")
    assert programs.run(["sh", "-c", "kill -9 $$"]).returncode == 128 + 9
    with pytest.raises(FileNotFoundError, match="there is no program no-such-tool"):
        programs.run(["no-such-tool"])


def test_a_program_that_takes_too_long_ends_with_its_children(tmp_path):
    with pytest.raises(subprocess.TimeoutExpired):
        programs.run(["sh", "-c", "sleep 60 & echo $! > child; wait"], tmp_path, timeout=1)
    assert gone(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_programs_end_when_their_owner_is_killed(tmp_path, how):
    text = (
        "from nomul.runs import programs\n"
        "programs.run(['sh', '-c', 'sleep 60 & echo $! > part; mv part child; wait'])\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", text], cwd=tmp_path)
    child = tmp_path / "child"
    while not child.exists():
        assert owner.poll() is None
        time.sleep(0.02)
    owner.send_signal(how)
    owner.wait()
    assert gone(int(child.read_text()))


def test_temporary_files_of_programs_have_plain_paths(tmp_path, monkeypatch):
    folder = tmp_path / "my files"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert folders.is_plain(folders.plain_root())
    said = programs.run(["sh", "-c", "echo $TMPDIR"]).stdout.strip()
    assert Path(said).parent == folders.plain_root() != folder
    assert folders.is_plain(Path(said))


def test_what_a_program_leaves_in_its_temporary_folder_goes_with_it(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    said = programs.run(["sh", "-c", 'touch "$TMPDIR/left"; echo "$TMPDIR"'])
    assert Path(said.stdout.strip()).parent == tmp_path
    assert not list(tmp_path.iterdir())


def test_a_private_folder_comes_whole_and_keeps_what_is_not_ours(tmp_path):
    final = tmp_path / "out"
    with folders.private(final) as work:
        assert not final.exists()
        (work / "old.txt").write_text("old")
    (final / "notes.txt").write_text("mine")
    with folders.private(final) as work:
        (work / "new.txt").write_text("new")
        assert (final / "old.txt").read_text() == "old"
    assert sorted(p.name for p in final.iterdir()) == [".nomul", "new.txt", "notes.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_nomul_has_not_made_keeps_its_files(tmp_path):
    (tmp_path / "theirs.txt").write_text("theirs")
    (tmp_path / "a.txt").write_text("theirs")
    with folders.private(tmp_path) as work:
        (work / "a.txt").write_text("ours")
    assert (tmp_path / "theirs.txt").read_text() == "theirs"
    assert (tmp_path / "a.txt").read_text() == "ours"


def test_two_runs_into_one_folder_leave_one_of_the_two(tmp_path):
    final = tmp_path / "out"
    text = (
        "import sys, time\nfrom pathlib import Path\nfrom nomul.runs import folders\n"
        "for k in range(40):\n"
        "    with folders.private(Path('out')) as work:\n"
        "        for name in 'ab': (work / name).write_text(f'{sys.argv[1]} {k}')\n"
    )
    command = [sys.executable, "-c", text]
    runs = [subprocess.Popen([*command, name], cwd=tmp_path) for name in ("one", "two")]
    assert [run.wait() for run in runs] == [0, 0]
    assert (final / "a").read_text() == (final / "b").read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def leave(folder, name, text, error):
    """Leave a file in a folder, and fail."""
    with folder as work:
        (work / name).write_text(text)
        raise error(work) if callable(error) else error


def test_an_interrupted_run_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        leave(folders.private(tmp_path / "out"), "half", "", KeyboardInterrupt())
    assert not list(tmp_path.iterdir())


def test_an_error_names_the_log_where_it_will_be(tmp_path):
    private = folders.private(tmp_path / "out")
    with pytest.raises(ValueError, match=f"^see {tmp_path}/out/log$"):
        leave(private, "log", "what happened", lambda work: ValueError(f"see {work}/log"))
    assert (tmp_path / "out/log").read_text() == "what happened"


def test_an_error_in_a_temporary_folder_brings_the_end_of_its_log():
    lines = "".join(f"line {k}\n" for k in range(100))

    def fail(work):
        return BenchError(f"the bench wrote no results; see {work / 'sim.log'}")

    with pytest.raises(BenchError, match="the bench wrote no results") as error:
        leave(folders.scratch(), "sim.log", lines, fail)
    assert str(error.value) == "the bench wrote no results"
    assert error.value.__notes__[0].splitlines()[::12] == ["sim.log ends:", "line 99"]


@pytest.mark.parametrize("name", NASTY)
def test_any_folder_holds_a_run(tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    block = get("lfsr")
    from nomul import flow

    emitted = flow.emit(block, block.config()(width=4, seed=1))
    made = synthesize(emitted, "generic", folder=Path(name))
    assert made.netlist.is_file()
    assert made.resources["ffs"] > 3


@pytest.mark.parametrize("simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.long)])
def test_a_bench_runs_in_a_folder_with_any_name(tmp_path, monkeypatch, simulator):
    folder = tmp_path / 'my $HOME "größe" it\'s\n'
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    from nomul import flow

    block = get("lfsr")
    cfg = block.config()(width=4, seed=1)
    report = flow.simulate(block, cfg, folder / "out", simulator=simulator)
    assert report.compared > 0
    assert report.log == folder / "out" / "sim" / "sim.log"
    assert report.log.is_file()
    assert not [path for path in os.listdir(folder) if path != "out"]


def test_yosys_says_where_its_log_is(tmp_path):
    with (
        pytest.raises(yosys.YosysError, match="No such command: nonsense") as error,
        folders.private(tmp_path / "out") as work,
    ):
        yosys.run(["nonsense"], work)
    assert f"stopped in {tmp_path}/out:" in str(error.value)
    assert "nonsense" in (tmp_path / "out" / "yosys.log").read_text()
    assert json.loads((tmp_path / "out" / folders.MARK).read_text()) == ["yosys.log", "yosys.ys"]


def test_what_cannot_be_written_to_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    for final in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NotADirectoryError, match=f"'{final}'"), folders.private(final):
            raise AssertionError("work was begun")
