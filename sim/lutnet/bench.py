"""Bench of the look-up-table networks."""

import os

import cocotb
import numpy as np

from nomul.golden import lutnet
from nomul.golden.lutnet import Argmax, Config
from nomul.sim import harness
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal, bits

MEASURED = "outputs_equal_the_model/source=never/sink=never"
OPERATION = "transfer"


def stimuli(cfg: Config, rng: np.random.Generator) -> np.ndarray:
    """Return the inputs of the file named by ``NOMUL_STIMULI``, or typical ones and corners."""
    path = os.environ.get("NOMUL_STIMULI")
    if path is None:
        return lutnet.stimuli(cfg, rng)["x"]
    with np.load(path) as file:
        return file["x"]


def keep(y: np.ndarray) -> None:
    """Write what the hardware gave, int[n, lanes], where ``NOMUL_ANSWERS`` says."""
    path = os.environ.get("NOMUL_ANSWERS")
    if path is not None:
        np.save(path, y)


def expected(network: lutnet.Network, x: np.ndarray) -> np.ndarray:
    """Return what must come, int[n, lanes]."""
    if isinstance(network.layers[-1], Argmax):
        return lutnet.predict(network, x)[:, None]
    return lutnet.model(network, x)


def offered(network: lutnet.Network, x: np.ndarray, last: np.ndarray) -> list[int]:
    """Return the beats of vectors int[n, inputs], of a streamed network of their pixels."""
    if network.streamed:
        # Each image's last pixel is marked, and nothing else.
        last = np.tile(np.arange(network.inputs) == network.inputs - 1, len(x))
        x = x.reshape(-1, 1)
    into = Layout((("x", network.input_bits, x.shape[1]), ("last", 1, 1)))
    return into.pack(x=x, last=last)


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def outputs_equal_the_model(dut, source, sink):
    """Every output of every vector, and the last flag, under all stalls."""
    cfg = Config.from_json(harness.config_text())
    bench, network = Bench(dut), cfg.load()
    x = stimuli(cfg, bench.numpy_rng)
    last = (np.arange(len(x)) % 7 == 6) | network.streamed
    lanes = network.lanes[-1]
    out = Layout((("y", lanes.width, lanes.count), ("last", 1, 1)))
    feed = bench.source("x", offered(network, x, last), source)
    take = bench.sink("y", sink)
    if cfg.weights != "rom":
        # Nobody asks for weights here, see nomul.sim.lutnet.weights.
        bench.source("weight", []), bench.sink("stored")
    await bench.reset()
    settle = 4 * cfg.interval + 20
    await bench.until(lambda: len(take.received) == len(x), 10 * cfg.cycles(len(x)) + 1000)
    words = await bench.receive(take, len(x), settle)
    got = out.unpack(words, signed=("y",) if lanes.low < 0 else ())
    y = got["y"].reshape(len(x), -1)
    if source == sink == "never":
        keep(y)
    assert_equal(y, expected(network, x), "y")
    assert_equal(got["last"], last.astype(np.int64), "last")
    if source == sink == "never":
        assert_equal(take.cycles[-1] - feed.sent[0] + 1, cfg.cycles(len(x)), "cycles")
    if network.streamed:
        assert_equal(bits(dut.misframed), 0, "misframed")
