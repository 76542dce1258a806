"""Sweeps: the grid, the store, and what survives a killed worker and Ctrl-C.

One file, since it tests one promise from all sides: a sweep's results survive whatever stops it.
"""

import csv
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from nomul import cli, registry, sweep
from nomul.golden import lutnet
from nomul.sweep import cluster as sweep_cluster
from nomul.sweep import grid as sweep_grid
from nomul.sweep import point as sweep_point
from nomul.sweep import table
from nomul.sweep.point import Job, Options
from nomul.synth.yosys import ToolError

LFSR = registry.get("lfsr")
ESSOP = registry.get("essop")


def in_this_process(monkeypatch, done=None):
    """Let sweeps do their jobs here, one after the other; ``done`` collects the jobs."""

    def distribute(jobs, *_):
        for key, job in jobs.items():
            if done is not None:
                done.append(job)
            yield key, sweep_point.run(job)

    monkeypatch.setattr(sweep_cluster, "distribute", distribute)


def test_grid_is_the_product_of_its_values_without_what_is_not_legal():
    grid = sweep_grid.expand(ESSOP, "serial16", ["rows=8,12", "source=all", "stream_bits=8,12"])
    assert grid.axes == ("rows", "source", "stream_bits")
    assert len(grid.configs) == 12
    assert {cfg.cols for cfg in grid.configs} == {16}
    assert len(grid.skipped) == 12
    first = grid.skipped[0]
    assert first.values == {"rows": 8, "source": "lfsr", "stream_bits": 12}
    assert first.reason == "essop.stream_bits must be a power of two in 1..256, not 12"


def test_all_stands_for_every_alternative():
    grid = sweep_grid.expand(ESSOP, None, ["cell=all", "share=all"])
    both = [(cfg.cell, cfg.share) for cfg in grid.configs]
    cells, shares = ("counter", "popcount", "snapshot", "prefix"), ("pair", "rotate", "lane")
    legal = [p for p in itertools.product(cells, shares) if p[0][0] in "cp" or p[1] == "pair"]
    assert both == [p for p in legal if p[0] != "prefix" or p[1] == "pair"]
    assert registry.get("plane").config().alternatives("product")
    assert registry.get("spimc").config().alternatives("strict") == (False, True)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("8,16", ["8", "16"]),
        ("[1,2],[3,4]", ["[1,2]", "[3,4]"]),
        ("(1, 2) , none", ["(1, 2)", "none"]),
        ("", [""]),
    ],
)
def test_brackets_hold_a_list_together(text, parts):
    assert sweep_grid.split(text) == parts


def test_equal_configurations_are_one_point():
    grid = sweep_grid.expand(ESSOP, None, ["width=8", "leap=none,8,4"])
    assert [cfg.leap for cfg in grid.configs] == [8, 4]


REFUSED = {
    ("rows",): (ValueError, r"--set wants name=value,value,\.\.\., not 'rows'; there are rows, "),
    ("rows=8,",): (ValueError, "--set wants name=value"),
    ("row=8",): (TypeError, "essop has no parameter 'row'; it has rows, "),
    ("rows=x",): (TypeError, "essop.rows must be"),
    ("rows=all",): (ValueError, "essop.rows is not an enumerated parameter: name values"),
    ("rows=4", "rows=8"): (ValueError, "rows is set twice: give all its values at once"),
    ("rows=0,-1",): (ValueError, "no combination of these values is legal: essop.rows must be in"),
}


@pytest.mark.parametrize("settings", REFUSED, ids=" ".join)
def test_a_wrong_grid_is_refused(settings):
    kind, message = REFUSED[settings]
    with pytest.raises(kind, match=message):
        sweep_grid.expand(ESSOP, None, settings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": ("fly",)}, "there is no step 'fly'; there are model, emit, sim, synth, energy"),
        ({"steps": ()}, "name at least one step of model, emit"),
        ({"preset": "huge"}, "lfsr has no preset 'huge'; it has small"),
        ({"options": Options(target="tsmc3")}, "tsmc3"),
        ({"options": Options(target="ice40"), "steps": ("energy",)}, "energy needs standard cells"),
        ({"options": Options(period_ps=0)}, "period_ps must be positive, not 0"),
        ({"workers": 0}, "workers must be at least 1, not 0"),
    ],
)
def test_what_no_point_could_do_is_refused_first(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        sweep.run(LFSR, store=tmp_path, **options)


def test_a_scheduler_that_is_not_there_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep_cluster, "PATIENCE", 1)
    with pytest.raises(OSError, match=r"tcp://127\.0\.0\.1:9"):
        sweep.run(LFSR, store=tmp_path, steps=["model"], scheduler="tcp://127.0.0.1:9")


def test_second_run_computes_nothing(tmp_path, monkeypatch):
    """Not even a worker starts. Another target does the synthesis again, and nothing else."""
    done: list[Job] = []
    in_this_process(monkeypatch, done)
    settings, steps = ["width=4,8", "leap=1,4"], ["model", "emit", "synth"]
    options = Options(target="generic")
    first = sweep.run(LFSR, None, settings, steps=steps, options=options, store=tmp_path)
    assert (len(first.points), first.computed, first.failed) == (4, 4, [])
    assert len(done) == 4
    again = sweep.run(LFSR, None, settings, steps=steps, options=options, store=tmp_path)
    assert (again.computed, len(done)) == (0, 4)
    assert [p.row() for p in again.points] == [p.row() for p in first.points]
    wider = sweep.run(LFSR, None, ["width=4,5", "leap=1"], steps=["emit"], store=tmp_path)
    assert (wider.computed, len(done)) == (1, 5)
    ice40 = Options(target="ice40")
    sweep.run(LFSR, None, ["width=4"], steps=steps, options=ice40, store=tmp_path)
    assert done[5].steps == ("synth",)


def test_a_result_is_named_by_everything_it_depends_on(monkeypatch, tmp_path):
    config = LFSR.config().preset("small")

    def stamps(step, **changes):
        return sweep_point.depends_on(config, step, Options(**changes))

    assert stamps("synth") != stamps("synth", period_ps=500)
    assert stamps("sim") == stamps("sim", period_ps=500)
    assert stamps("sim") != stamps("sim", seed=2)
    assert stamps("emit") != sweep_point.depends_on(config.replace(seed=9), "emit", Options())
    library = tmp_path / "cells.lib"
    names = []
    for text in ("library (a) {}", "library (b) {}"):
        library.write_text(text)
        names.append(stamps("synth", liberty=(str(library),)))
    assert names[0] != names[1]
    assert stamps("energy", defines=("A",)) != stamps("energy", defines=("B",))
    assert stamps("synth", defines=("A",)) == stamps("synth")
    library.write_text("library (a) { include_file (more.inc); }")
    more = tmp_path / "more.inc"
    for text in ("x", "y"):
        more.write_text(text)
        names.append(stamps("synth", liberty=(str(library), str(library.with_name("more.inc")))))
        names.append(stamps("synth", liberty=(str(library),)))
    assert len({json.dumps(name, sort_keys=True) for name in names}) == 6
    before = stamps("emit"), stamps("model")
    monkeypatch.setattr(sweep_point, "_version", lambda tool: "9" if tool == "pyosys" else "1")
    assert stamps("emit") != before[0]
    monkeypatch.setattr(sweep_point, "source_hash", lambda: "other sources")
    assert stamps("model") != before[1]


def test_a_file_counts_by_its_content(tmp_path):
    options = Options()
    stamps = []
    for name, example in (("a.json", "direct"), ("b.json", "direct"), ("c.json", "unrolled")):
        lutnet.Config(network=example).load().save(tmp_path / name)
        cfg = lutnet.Config(network=str(tmp_path / name))
        stamps.append(sweep_point.depends_on(cfg, "emit", options))
    assert stamps[0] == stamps[1]
    assert stamps[0] != stamps[2]


def test_a_file_named_like_a_value_is_not_taken_for_it(tmp_path, monkeypatch):
    """Only a parameter that is a file names one, and an example's name comes before a file's."""
    monkeypatch.chdir(tmp_path)
    for name in ("carry", "direct"):
        (tmp_path / name).write_text("what somebody left here")
    in_this_process(monkeypatch)
    settings = ["network=direct", "adder=carry"]
    result = sweep.run(registry.get("lutnet"), None, settings, steps=["model"], workers=1)
    assert [point.error for point in result.points] == [""]


@pytest.mark.parametrize("after", ["another", "absent"])
def test_a_result_is_not_kept_if_its_file_changed_meanwhile(tmp_path, monkeypatch, after):
    file = tmp_path / "net.json"
    lutnet.Config(network="direct").load().save(file)

    def distribute(jobs, *_):
        file.unlink()
        if after == "another":
            lutnet.Config(network="unrolled").load().save(file)
        for key in jobs:
            yield key, sweep_point.Done({"model": {"latency": 1}})

    monkeypatch.setattr("nomul.sweep.cluster.distribute", distribute)
    options = {"steps": ["model"], "store": tmp_path / "store"}
    result = sweep.run(registry.get("lutnet"), None, [f"network={file}"], **options)
    assert [point.error for point in result.points] == [
        "a file was written to while the sweep read it"
    ]
    assert not (tmp_path / "store").exists()


def test_a_name_with_dollars_is_no_mathematics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = r"a$\frac$.json"
    lutnet.Config(network="direct").load().save(name)
    in_this_process(monkeypatch)
    settings, options = [f"network={name},tiled"], {"steps": ["model", "emit"], "workers": 1}
    result = sweep.run(registry.get("lutnet"), None, settings, **options)
    files = table.write(result, tmp_path / "out")
    assert "a$/frac$.json" in next(f for f in files if f.suffix == ".svg").read_text()


def test_workers_that_die_while_they_start_are_started_again(monkeypatch, tmp_path):
    class Cluster:
        tries = 0

        def __init__(self, **_):
            Cluster.tries += 1
            if Cluster.tries < 3:
                raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr("distributed.LocalCluster", Cluster)
    assert isinstance(sweep_cluster._started(tmp_path, 1), Cluster)
    Cluster.tries = -10
    with pytest.raises(ToolError, match=r"workers died while they started, 3 times; .*Nanny"):
        sweep_cluster._started(tmp_path, 1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:20],
        lambda text: text.replace('"lfsr"', '"skid"'),
        lambda text: text.replace('"width": 4', '"width": 5'),
        lambda text: text.replace('"model"', '"emit"'),
        lambda text: text.replace('"interval": 1', '"interval": 2'),
        lambda text: text.replace('"stamp": "', '"stamp": "0'),
    ],
    ids=["cut", "block", "config", "step", "column", "hash"],
)
def test_a_damaged_result_is_done_again(tmp_path, monkeypatch, damage):
    in_this_process(monkeypatch)
    first = sweep.run(LFSR, None, ["width=4"], steps=["model"], store=tmp_path)
    (kept,) = tmp_path.iterdir()
    damaged = damage(kept.read_text())
    assert damaged != kept.read_text()
    kept.write_text(damaged)
    again = sweep.run(LFSR, None, ["width=4"], steps=["model"], store=tmp_path)
    assert again.computed == 1
    assert again.points[0].row()["interval"] == first.points[0].row()["interval"]
    assert sweep.run(LFSR, None, ["width=4"], steps=["model"], store=tmp_path).computed == 0


def test_the_result_of_another_point_under_this_name_is_not_taken(tmp_path, monkeypatch):
    in_this_process(monkeypatch)
    sweep.run(LFSR, None, ["width=4"], steps=["model"], store=tmp_path)
    (right,) = tmp_path.iterdir()
    sweep.run(LFSR, None, ["width=5"], steps=["model"], store=tmp_path)
    (other,) = set(tmp_path.iterdir()) - {right}
    other.replace(right)
    again = sweep.run(LFSR, None, ["width=4"], steps=["model"], store=tmp_path)
    assert again.computed == 1
    assert json.loads(right.read_text())["config"]["width"] == 4


def test_a_failing_point_keeps_what_it_finished_and_is_tried_again(tmp_path, monkeypatch):
    in_this_process(monkeypatch)
    options = Options(simulator="verilog-by-hand")
    result = sweep.run(LFSR, steps=["model", "sim"], options=options, store=tmp_path)
    (point,) = result.failed
    assert point.error.startswith("sim: simulator must be one of icarus, verilator, not")
    assert point.columns["model"]["interval"] == 1
    assert result.computed == 0
    assert sweep.run(LFSR, steps=["model"], store=tmp_path).failed == []
    paths = table.write(result, tmp_path / "out")
    assert [path.name for path in paths] == ["table.csv"]
    assert "verilog-by-hand" in paths[0].read_text()


def test_a_worker_with_other_tools_is_refused():
    cfg = LFSR.config().preset("small")
    seen = {**sweep_point.provenance("lfsr", ("emit",), Options()), "pyosys": "0.1"}
    job = Job(
        block="lfsr", config=cfg.to_json(), steps=("emit",), options=Options(), provenance=seen
    )
    with pytest.raises(sweep_point.ForeignWorkerError, match=r"has pyosys .*the sweep has 0\.1"):
        sweep_point.run(job)


def test_metrics_of_a_block_become_columns(tmp_path, monkeypatch):
    in_this_process(monkeypatch)
    monkeypatch.setattr(LFSR.golden(), "metrics", lambda cfg: {"period": 2**cfg.width - 1}, False)
    result = sweep.run(LFSR, None, ["width=4,5"], steps=["model"], store=tmp_path)
    assert [point.row()["period"] for point in result.points] == [15, 31]


@pytest.mark.parametrize(("bits", "source", "error"), [(16, "vdc_xor", 0.286), (32, "lfsr", 0.388)])
def test_essop_sweeps_show_the_error_of_its_page(bits, source, error):
    cfg = ESSOP.config()(rows=32, cols=32, stream_bits=bits, source=source)
    found = ESSOP.metrics(cfg)
    assert found["error"] == pytest.approx(error, rel=0.05)
    assert found["products_per_cycle"] == 32
    small = ESSOP.config()(rows=1, cols=1, stream_bits=1)
    assert ESSOP.metrics(small)["error"] > found["error"]


def test_front_holds_what_no_other_point_beats():
    rng = random.Random(7)
    rows = [{"x": rng.randrange(12), "y": rng.randrange(12)} for _ in range(60)]
    for senses in itertools.product((1, -1), repeat=2):
        axes = ("x", senses[0]), ("y", senses[1])

        def beats(a, b, senses=senses):
            pairs = [(s * a[n], s * b[n]) for n, s in zip("xy", senses, strict=True)]
            return all(p <= q for p, q in pairs) and any(p < q for p, q in pairs)

        expected = [row for row in rows if not any(beats(other, row) for other in rows)]
        found = table.front(rows, axes)
        assert sorted(map(id, found)) == sorted(map(id, expected))
        assert [row["x"] for row in found] == sorted(row["x"] for row in found)


def test_table_and_plot_are_written(tmp_path, monkeypatch):
    in_this_process(monkeypatch)
    result = sweep.run(LFSR, None, ["width=4,8,40"], steps=["model", "emit"], store=tmp_path)
    paths = table.write(result, tmp_path / "out")
    assert [p.name for p in paths] == ["table.csv", "skipped.csv", "pareto.svg", "pareto.png"]
    with paths[0].open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["width"] for row in rows] == ["4", "8"]
    assert [row["front"] for row in rows] == ["True", "False"]
    assert "lfsr.width must be in 3..32, not 40" in paths[1].read_text()
    assert "<title>lfsr: interval against verilog_lines</title>" in paths[2].read_text()
    table.write(result, tmp_path / "out", "width,verilog_lines:max", "width")
    for wrong, message in [
        ("width", "--pareto wants two columns"),
        ("width,area", "there is no column of numbers 'area'; there are width, "),
        ("width,verilog_sha256", "there is no column of numbers"),
        ("width,verilog_lines:most", "--pareto wants two columns"),
    ]:
        with pytest.raises(ValueError, match=message):
            table.write(result, tmp_path / "out", wrong)
    with pytest.raises(ValueError, match="there is no column 'hue'"):
        table.write(result, tmp_path / "out", None, "hue")


def test_command_line_prints_what_was_found(monkeypatch, tmp_path, capsys):
    in_this_process(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NOMUL_DEBUG", raising=False)

    def nomul(line):
        monkeypatch.setattr(sys, "argv", ["nomul", *line.split()])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code or 0, *capsys.readouterr()

    line = "sweep lfsr --set width=4,40 --set seed=1,3 --steps model,emit"
    code, out, _ = nomul(line)
    assert code == 0
    assert "skipped: width=40 seed=1: lfsr.width must be in 3..32, not 40" in out
    assert "2 points: 2 computed, 0 known before, 0 not done; 2 combinations skipped" in out
    assert (tmp_path / "build/sweep/lfsr/table.csv").is_file()
    code, out, _ = nomul(f"{line} --json --out here")
    found = json.loads(out)
    assert (code, found["computed"], found["failed"], found["stopped"]) == (0, 0, 0, False)
    assert [point["seed"] for point in found["points"]] == [1, 3]
    assert len(found["skipped"]) == 2
    assert found["files"][0] == "here/table.csv"
    code, out, _ = nomul("sweep lfsr --steps sim --simulator vcs")
    assert code == 1
    assert "failed: the preset: sim: simulator must be one of icarus, verilator, not 'vcs'" in out
    code, _, errors = nomul("sweep lfsr --set width=all")
    assert code == 2
    assert errors == "nomul: lfsr.width is not an enumerated parameter: name values\n"


@contextmanager
def processes():
    """Give a function that starts `python -m ...`; end all of them at the end."""
    running = []

    def start(*arguments, cwd):
        command = [sys.executable, "-m", *map(str, arguments)]
        log = (cwd / f"log-{len(running)}.txt").open("w")
        running.append(subprocess.Popen(command, cwd=cwd, stdout=log, stderr=log))
        return running[-1]

    try:
        yield start
    finally:
        for process in running:
            process.kill()
            process.wait()


def wait_for(condition, what, seconds=60):
    """Wait until something is there."""
    for _ in range(seconds * 20):
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"no {what} after {seconds} s")


def test_no_point_is_lost_with_a_killed_worker(tmp_path):
    """A scheduler and two workers, each a process; a worker is killed while it has work."""
    from distributed import Client

    contact = tmp_path / "scheduler.json"
    with processes() as start:
        options = ["--port", 0, "--no-dashboard", "--scheduler-file", contact]
        start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", *options, cwd=tmp_path)
        wait_for(contact.exists, "scheduler")
        address = json.loads(contact.read_text())["address"]
        workers = {
            name: start(
                *["distributed.cli.dask_worker", address, "--name", name, "--nthreads", 1],
                *["--no-nanny", "--no-dashboard", "--local-directory", tmp_path],
                cwd=tmp_path,
            )
            for name in ("a", "b")
        }
        with Client(address) as watcher:
            watcher.wait_for_workers(2, timeout=60)
            names = {a: w["name"] for a, w in watcher.scheduler_info()["workers"].items()}
            killed = []

            def kill_a_busy_one():
                busy = [names[address] for address, work in watcher.processing().items() if work]
                if not killed:
                    os.kill(workers[busy[0]].pid, signal.SIGKILL)
                    killed.append(busy[0])

            @contextmanager
            def progress(total):
                yield kill_a_busy_one

            settings = ["width=4,5,6,7,8,9,10,11"]
            store = tmp_path / "points"
            found = sweep.run(
                LFSR,
                None,
                settings,
                steps=["model", "emit", "synth"],
                options=Options(target="generic"),
                store=store,
                scheduler=address,
                progress=progress,
            )
            left = watcher.scheduler_info()["workers"]
    assert len(killed) == 1
    assert workers[killed[0]].returncode == -signal.SIGKILL
    assert len(left) == 1
    assert found.failed == []
    assert found.computed == 8
    assert [point.row()["ffs"] for point in found.points] == list(range(4, 12))
    assert len(list(store.iterdir())) == 8 * 3


def test_a_sweep_stopped_by_hand_goes_on(tmp_path, monkeypatch):
    """Ctrl-C reaches every process of a terminal's group; the rest is done by the next run."""
    widths = "width=4,5,6,7,8,9"
    arguments = ["--set", widths, "--steps", "sim", "--workers", "1"]
    command = [sys.executable, "-m", "nomul", "sweep", "lfsr", *arguments]
    store = tmp_path / "build" / "sweep" / "points"

    def finished():
        return len(list(store.glob("*.json"))) if store.exists() else 0

    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        start_new_session=True,
        # A shell's background jobs ignore interrupts, and so would their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        wait_for(lambda: finished(), "finished point")
        os.killpg(process.pid, signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, out + errors
    assert "stopped; the same command goes on from here" in out
    assert "Traceback" not in errors
    kept = finished()
    assert 1 <= kept < 6
    done: list[Job] = []
    in_this_process(monkeypatch, done)
    result = sweep.run(LFSR, None, [widths], steps=["sim"], store=store)
    assert result.failed == []
    assert len(done) == result.computed == 6 - kept
    assert all(point.row()["sim_compared"] > 600 for point in result.points)


def test_a_slurm_job_starts_workers_of_the_same_python():
    """The example of docs/sweep.md, as far as it goes without a cluster."""
    from dask_jobqueue import SLURMCluster

    with SLURMCluster(
        cores=8, processes=8, memory="16GB", walltime="02:00:00", interface="lo"
    ) as cluster:
        script = cluster.job_script()
    assert "#SBATCH --cpus-per-task=8" in script
    assert f"{sys.executable} -m distributed.cli.dask_worker tcp://127.0.0.1:" in script
    assert "--nthreads 1" in script
