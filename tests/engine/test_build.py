"""``nomul build``: files of a network, and hosts that classify on a simulated board."""

import importlib.util
import json
import os
import shutil
import subprocess
import threading

import numpy as np
import pytest

from nomul import flow, registry
from nomul.board import Board
from nomul.capabilities import engine as capability
from nomul.capabilities import engine_files
from nomul.flow import lines
from nomul.golden import engine, network
from nomul.golden.engine import choice, members
from nomul.hosts import serial_hosts

BLOCK = registry.get("engine")


def built(tmp_path, *settings, member="dense"):
    """Return the files of a build without tools, and its steps."""
    cfg = engine_files.made("mlp", member, settings, tmp_path)
    steps = engine_files.Steps(cfg, tmp_path)
    steps.sources()
    return cfg, steps


def test_a_test_set_is_of_a_file_too(tmp_path):
    net = network.Network([network.Dense([[1, 0], [0, 1]])], (2,), input_scale=0.5, input_high=15)
    network.save(net, tmp_path / "net.npz")
    (tmp_path / "x.csv").write_text("a,kind,b\n1,no,0.5\n0,yes,3\n2,yes,1\n")
    cfg = engine.Config(network=str(tmp_path / "net.npz"))
    trial = capability.test_set(cfg, str(tmp_path / "x.csv"), tmp_path, None, "kind")
    assert np.load(tmp_path / "stimuli.npz")["x"].tolist() == [[2, 1], [0, 6], [4, 2]]
    assert trial.judge() == {"samples": 3, "accuracy": 0.6667}
    for name, target, message in (
        ("x.csv", None, r"x\.csv: needs --target, the column that holds the classes"),
        ("digits", "kind", "--target is for files of samples, and digits is none"),
        ("letters", None, "data must be digits, fashion-mnist or a file, not 'letters'"),
    ):
        with pytest.raises(ValueError, match=message):
            capability.images_of(name, target)


def test_tables_are_fitted_to_inputs_in_real_numbers(tmp_path):
    with pytest.raises(ValueError, match="pq fits tables to inputs: --calibration"):
        engine_files.made("mlp", "pq", (), tmp_path)
    x = np.random.default_rng(1).random((3, 10)) * 14
    np.save(tmp_path / "x.npy", x)
    cfg = engine_files.made("mlp", "pq", (), tmp_path, tmp_path / "x.npy")
    assert np.array_equal(np.load(tmp_path / "samples.npy"), cfg.net.encode(x))
    codes = cfg.net.encode(x)
    assert np.array_equal(engine.model(cfg, codes)[:, -1], network.model(cfg.net, codes))
    with pytest.raises(TypeError, match=r"engine\.samples, .*x\.npy: x must be integers"):
        _ = engine.Config(member="pq", samples=str(tmp_path / "x.npy")).program


def test_a_build_writes_what_its_list_says(tmp_path):
    cfg, steps = built(tmp_path, "inputs=5", "outputs=3", "products=3")
    about = steps.summary()
    assert json.loads((tmp_path / "build.json").read_text()) == about
    assert all((tmp_path / name).is_file() for name in about["files"])
    assert cfg.tile.products == 3
    assert about["figures"]["cycles per input"] == cfg.interval
    again = engine.Config.from_json((tmp_path / "config.json").read_text())
    x = engine.stimuli(cfg, np.random.default_rng(1))["x"]
    assert np.array_equal(engine.model(again, x), engine.model(cfg, x))
    kept = network.load(tmp_path / "network.npz")
    assert np.array_equal(network.model(kept, x), network.model(cfg.net, x))
    assert "ENGINE_AXI_ERRORS_E_RANGE_MASK" in (tmp_path / "axi" / "engine_axi.h").read_text()


def test_a_program_that_is_loaded_comes_as_a_file(tmp_path):
    cfg, steps = built(tmp_path, "inputs=5", "outputs=3", "loads=true")
    data, size = (tmp_path / "program.bin").read_bytes(), 4 * -(-(cfg.rows.bits + 2) // 32)
    words = [int.from_bytes(data[k : k + size], "little") for k in range(0, len(data), size)]
    last = 1 << (cfg.rows.bits + 1)
    assert [word & (last - 1) for word in words] == engine.load(cfg)
    assert [word >= last for word in words] == [False] * (len(words) - 1) + [True]
    assert "host/classify.py" not in steps.summary()["files"]  # it would not send the program


def test_weights_are_those_of_the_tiles_in_their_order(tmp_path):
    cfg, _ = built(tmp_path, "inputs=5", "outputs=3")
    about = json.loads((tmp_path / "weights.json").read_text())
    data, size = (tmp_path / "weights.bin").read_bytes(), about["bytes of a word"]
    tiles = [step.tile.packed for step in cfg.program.passes if step.kind == "product"]
    assert [row["words"] for row in about["tiles"]] == [packed.beats for packed in tiles]
    for row, packed in zip(about["tiles"], tiles, strict=True):
        part = data[row["first"] * size :][: row["words"] * size]
        words = [int.from_bytes(part[i : i + size], "little") for i in range(0, len(part), size)]
        assert words == members.tile_words(packed)


def test_a_network_of_another_tool_is_built(tmp_path):
    """A network file, as its user has it; the size of the tile is chosen."""
    network.save(engine.Config(network="conv").net, tmp_path / "mine.npz")
    cfg = engine_files.made(str(tmp_path / "mine.npz"), "bitplanes", (), tmp_path / "out")
    assert cfg.net.shapes == engine.Config(network="conv").net.shapes
    others = [cfg.replace(inputs=rows, outputs=16).interval for rows in choice.ROWS]
    assert cfg.interval <= min(others)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("prodcts=3", "there is no 'prodcts' to set; there are member, inputs"),
        ("products", "--set wants name=value, not 'products'"),
        ("products=x", "dense.products must be an integer, not 'x'"),
    ],
)
def test_a_setting_that_nobody_has_is_refused(tmp_path, setting, message):
    with pytest.raises((TypeError, ValueError), match=message):
        engine_files.made("mlp", "dense", (setting,), tmp_path)


def answers(cfg, x):
    """Return what hosts print of inputs: class and scores."""
    return [f"{row[-1]}: {' '.join(map(str, row[:-1]))}" for row in engine.model(cfg, x).tolist()]


@pytest.fixture
def simulated(tmp_path):
    """Return a small network, inputs, and the address of a board with it, which is simulated."""
    pytest.importorskip("serial", reason="needs pip install 'nomul[board]'")
    cfg = engine.Config()
    about, address, run = lines.simulation(BLOCK, cfg, tmp_path / "board")
    x = engine.stimuli(cfg, np.random.default_rng(2), 3)["x"]
    texts = serial_hosts(
        "a test", about["payloads"], about["serial"], codes=10, scores=5, reach=(0, 14)
    )
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    yield cfg, x, address
    run.result()


@pytest.mark.needs("icarus")
def test_the_host_in_python_classifies(tmp_path, simulated):
    import serial

    cfg, x, address = simulated
    spec = importlib.util.spec_from_file_location("classify", tmp_path / "classify.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with serial.serial_for_url(address, timeout=0.1) as port:
        host = module.Engine(port)
        given = [host.classify(image.tolist()) for image in x]
    assert [f"{label}: {' '.join(map(str, scores))}" for label, scores in given] == answers(cfg, x)
    with pytest.raises(ValueError, match=r"a code must be in 0..14, not 16"):
        host.classify([16] * 10)


@pytest.mark.needs("icarus")
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: apt-get install gcc")
def test_the_host_in_c_classifies(tmp_path, simulated):
    """Through a pseudo terminal, which is what a serial port looks like to a program."""
    import serial

    cfg, x, address = simulated
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2"]
    subprocess.run(["cc", *flags, "-o", "classify", "classify.c"], cwd=tmp_path, check=True)
    ours, theirs = os.openpty()
    with serial.serial_for_url(address, timeout=0.02) as port:
        ends = threading.Event()

        def there():
            while not ends.is_set():
                if data := os.read(ours, 64):
                    port.write(data)

        def back():
            while not ends.is_set():
                if data := port.read(1):
                    os.write(ours, data)

        threads = [threading.Thread(target=carry, daemon=True) for carry in (there, back)]
        for thread in threads:
            thread.start()
        done = subprocess.run(
            [tmp_path / "classify", os.ttyname(theirs)],
            input=" ".join(map(str, x.reshape(-1).tolist())),
            text=True,
            capture_output=True,
            timeout=300,
            check=False,
        )
        ends.set()
        os.write(theirs, b"\0")  # wakes the thread that waits for a program to write
        for thread in threads:
            thread.join()
    assert done.stderr == ""
    assert done.stdout.splitlines() == answers(cfg, x)


@pytest.mark.needs("icarus")
@pytest.mark.parametrize("weights", ["rom", pytest.param("stream", marks=pytest.mark.long)])
def test_a_simulated_board_predicts(tmp_path, weights):
    pytest.importorskip("serial", reason="needs pip install 'nomul[board]'")
    cfg = engine.Config(weights=weights)
    x = engine.stimuli(cfg, np.random.default_rng(3), 3)["x"]
    with Board.simulated("engine", tmp_path, weights=weights) as board:
        assert board.predict(x, timeout_s=60).tolist() == engine.model(cfg, x)[:, -1].tolist()
        real = x * cfg.net.input_scale
        assert board.predict(real, timeout_s=60).tolist() == engine.model(cfg, x)[:, -1].tolist()


@pytest.mark.long
@pytest.mark.needs("icarus")
def test_a_simulated_board_classifies_digits(tmp_path):
    """The network that fits an UP5K with its weights, on digits of scikit-learn's test set."""
    pytest.importorskip("serial", reason="needs pip install 'nomul[board]'")
    digits = pytest.importorskip("nomul.train.digits", reason="needs pip install scikit-learn")
    data, cfg = digits.load(), engine.configured("digits-mlp-int4")
    images = data.x_test[:4]
    settings = {name: getattr(cfg, name) for name in ("network", "inputs", "outputs")}
    with Board.simulated("engine", tmp_path, **settings) as board:
        given = board.predict(images, timeout_s=120)
    assert given.tolist() == engine.model(cfg, cfg.net.encode(images))[:, -1].tolist()
    assert (given == data.labels_test[:4]).all()


@pytest.mark.long
@pytest.mark.needs("icarus")
def test_a_testbench_of_a_network_passes(tmp_path):
    cfg = engine.Config()
    emitted = flow.add_testbench(BLOCK, cfg, flow.emit(BLOCK, cfg))
    assert any(name.endswith("_tb.v") for name in emitted.files)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "board", "ending"),
    [("digits-mlp-int8", "ulx3s25f", ".bit"), ("digits-mlp-int4", "icebreaker", ".bin")],
)
def test_a_network_fits_a_board_with_its_weights(tmp_path, name, board, ending):
    """The digits' perceptron, of eight bits on an LFE5U-25F and of four on an iCE40 UP5K."""
    cfg = engine.configured(name)
    about = flow.bitstream(BLOCK, cfg, tmp_path, board)
    assert (tmp_path / f"engine_{board}{ending}").stat().st_size > 10_000
    assert about["placed"]["fmax_mhz"] >= (25 if board == "ulx3s25f" else 12)


def test_a_board_computes_at_its_own_clock(tmp_path, monkeypatch):
    """Not at the highest that place and route found, which nothing on the board makes."""
    cfg = engine.Config.preset("small")
    steps = engine_files.Steps(cfg, tmp_path)
    about = {
        "board": "iCEBreaker",
        "bitstream": "b/engine_icebreaker.bin",
        "placed": {"fmax_mhz": 31.5, "utilisation": {"ICESTORM_LC": 900}},
    }
    monkeypatch.setattr(engine_files.flow, "bitstream", lambda *_, **__: about)
    steps.bitstream("icebreaker", None, 1)
    assert steps.figures["clock of the board (MHz)"] == 12
    assert steps.figures["inputs per second, without the line"] == 12_000_000 // cfg.interval
    assert "inputs per second" not in steps.figures
