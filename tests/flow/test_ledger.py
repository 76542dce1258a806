"""The ledger of long runs: what is believed, what is not, and what survives kills and others."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nomul import ledger

ROOT = Path(__file__).parents[2]
ABOUT = {
    "block": "lfsr",
    "config": {"width": 4, "seed": 1},
    "step": "emit",
    "tools": {"yosys": "1"},
}
VALUES = {"columns": {"lines": 7, "share": 0.1, "name": "µ"}, "step": "emit"}

STORES = {
    "entry": lambda folder: ledger.Entry(folder / "one.json"),
    "folder": lambda folder: ledger.Folder(folder),
    "lines": lambda folder: ledger.Lines(folder / "all.jsonl"),
}


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    return STORES[request.param](tmp_path / "new")


def file_of(store) -> Path:
    """Return the only file that a store has written."""
    (path,) = store.path.iterdir() if isinstance(store, ledger.Folder) else [store.path]
    return path


def test_a_result_is_made_once_and_read_as_it_was_made(store):
    made = []

    def make():
        made.append(1)
        return {**VALUES, "pair": (1, 2), "by number": {3: None}}

    first = ledger.kept(store, ABOUT, make)
    assert first == {**VALUES, "pair": [1, 2], "by number": {"3": None}}
    assert ledger.kept(store, dict(reversed(ABOUT.items())), make) == first
    assert len(made) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"block": "skid"},
        {"config": {"width": 4, "seed": 2}},
        {"config": {"width": 4}},
        {"step": "sim"},
        {"tools": {"yosys": "2"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_result_of_something_else_is_not_taken(store, change):
    store.put(ABOUT, VALUES)
    assert store.get({**ABOUT, **change}) is None
    assert store.get(ABOUT) == VALUES


def test_a_file_that_got_the_name_of_another_is_not_taken(tmp_path):
    other = {**ABOUT, "step": "sim"}
    store = ledger.Folder(tmp_path)
    store.put(ABOUT, VALUES)
    file_of(store).rename(tmp_path / f"{ledger.stamp(other)}.json")
    assert store.get(other) is None
    assert ledger.kept(store, other, lambda: {"a": 1}) == {"a": 1}
    assert store.get(other) == {"a": 1}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"7", b"8"),
        (b"emit", b"sims"),
        (b"0.1", b"0.2"),
        (b'"lines": 7, ', b""),
        (b'"columns"', b'"column"'),
        (b'"stamp": "', b'"stamp": "0'),
        (b'"check": "', b'"check": "0'),
        (b'"check"', b'"Check"'),
        (b'"stamp"', b'"Stamp"'),
        (b"{", b"\xff"),
    ],
    ids=lambda part: part.decode(errors="replace"),
)
def test_a_changed_result_is_not_believed_and_made_again(store, old, new):
    store.put(ABOUT, VALUES)
    path = file_of(store)
    # The one store breaks lines where the other has blanks.
    text = b" ".join(path.read_bytes().split()) + b"\n"
    path.write_bytes(text)
    assert store.get(ABOUT) == VALUES
    assert old in text
    path.write_bytes(text.replace(old, new, 1))
    assert store.get(ABOUT) is None
    assert ledger.kept(store, ABOUT, lambda: {"again": True}) == {"again": True}
    assert store.get(ABOUT) == {"again": True}


def test_every_cut_is_found_out(store):
    store.put(ABOUT, VALUES)
    path = file_of(store)
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert store.get(ABOUT) is None, length
    path.write_bytes(whole)
    assert store.get(ABOUT) == VALUES


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "{}", '"text"'])
def test_other_json_is_no_result(store, text):
    store.put(ABOUT, VALUES)
    file_of(store).write_text(text + "\n")
    assert store.get(ABOUT) is None


def test_a_result_has_no_fields_of_the_ledger(store):
    for name in ledger.SEAL:
        with pytest.raises(ValueError, match=f"cannot have a field '{name}'"):
            store.put(ABOUT, {name: 1})


def test_lines_after_one_that_was_cut_off(tmp_path):
    store = ledger.Lines(tmp_path / "all.jsonl")
    for number in range(3):
        store.put({"n": number}, {"value": number})
    store.path.write_bytes(store.path.read_bytes()[:-20])
    assert [line["value"] for line in store.read()] == [0, 1]
    store.put({"n": 2}, {"value": 22})
    assert [line["value"] for line in store.read()] == [0, 1, 22]
    assert store.get({"n": 2}) == {"value": 22}


def test_lines_without_a_seal_are_read_and_not_taken_for_a_result(tmp_path):
    """Committed runs have none: a table shows them, and no run goes on from them."""
    store = ledger.Lines(tmp_path / "all.jsonl")
    assert store.read() == []
    store.path.write_text(json.dumps({"value": 1}) + "\n")
    store.put(ABOUT, {"value": 2})
    assert store.read() == [{"value": 1}, {"value": 2}]
    assert ledger.Lines(store.path).get({"value": 1}) is None


@pytest.mark.parametrize("path", sorted((ROOT / "train").rglob("*.jsonl")), ids=lambda p: p.stem)
def test_committed_lines_are_read_as_they_are(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    sealed = ("stamp", "check")
    bare = [{k: line[k] for k in line if k not in sealed} for line in lines]
    assert ledger.Lines(path).read() == bare
    assert len(lines) > 1


def test_a_committed_record_with_and_without_a_seal():
    assert ledger.opened(VALUES) == VALUES
    assert ledger.opened(ledger.sealed(ABOUT, VALUES)) == VALUES
    with pytest.raises(ledger.DamagedError, match="not that of its content"):
        ledger.opened({**ledger.sealed(ABOUT, VALUES), "step": "sim"})
    with pytest.raises(ledger.DamagedError, match="an object of JSON, not list"):
        ledger.opened([])


def _write_many(folder: str, writer: int, count: int) -> None:
    for name, make in STORES.items():
        store = make(Path(folder) / name)
        for number in range(count):
            text = "x" * (997 * (writer + number) % 9000)
            store.put({"n": number}, {"number": number, "text": text})
            store.put({"n": number, "writer": writer}, {"number": number, "text": text})


def test_several_processes_write_at_once(tmp_path):
    """Every result of every one is there and whole, or, of the single entry, that of the last."""
    context = multiprocessing.get_context("spawn")
    writers, count = 3, 20
    jobs = [
        context.Process(target=_write_many, args=(str(tmp_path), writer, count))
        for writer in range(writers)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
        assert job.exitcode == 0
    for name in ("folder", "lines"):
        store = STORES[name](tmp_path / name)
        for number in range(count):
            for about in ({"n": number}, *({"n": number, "writer": w} for w in range(writers))):
                assert store.get(about)["number"] == number
    lines = ledger.Lines(tmp_path / "lines" / "all.jsonl")
    assert len(lines.read()) == 2 * writers * count
    one = ledger.Entry(tmp_path / "entry" / "one.json")
    assert sum(one.get({"n": count - 1, "writer": w}) is not None for w in range(writers)) == 1
    assert not list(tmp_path.rglob("*.part"))


RUN = """
import sys, time
from pathlib import Path
from nomul import ledger

kind, path = sys.argv[1:]
store = {"folder": ledger.Folder, "lines": ledger.Lines}[kind](Path(path))
for number in range(200):
    def make():
        print(number, flush=True)
        time.sleep(0.005)
        return {"number": number, "text": "x" * 5000}
    ledger.kept(store, {"n": number}, make)
"""


@pytest.mark.parametrize("kind", ["folder", "lines"])
def test_a_killed_run_goes_on_where_it_was(kind, tmp_path):
    command = [sys.executable, "-c", RUN, kind, str(tmp_path / "results")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    begun = [first.stdout.readline() for _ in range(20)]
    time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    begun += first.stdout.readlines()
    first.wait()
    assert len(begun) < 200
    again = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    done = [int(line) for line in again.stdout.splitlines()]
    # At most that which was being made when the run was killed is made twice.
    assert done == list(range(done[0], 200))
    assert done[0] in (len(begun) - 1, len(begun))
    store = {"folder": ledger.Folder, "lines": ledger.Lines}[kind](tmp_path / "results")
    assert all(store.get({"n": n})["number"] == n for n in range(200))
