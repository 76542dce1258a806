"""Bench of the weight memories of tiled layers: requests among vectors, under all stalls."""

import cocotb
import numpy as np

from nomul.golden import lutnet
from nomul.golden.lutnet import Config
from nomul.sim import harness
from nomul.sim.lutnet.bench import expected, stimuli
from nomul.sim.stream import STALLS, Bench, Layout, assert_equal, pauses


def tiled(network: lutnet.Network) -> list[lutnet.LutNetTiled]:
    """Return the tiled layers, which are those with weights."""
    return [layer for layer in network.layers if isinstance(layer, lutnet.LutNetTiled)]


def fields(network: lutnet.Network) -> Layout:
    """Return the bits of a request to the weight memories."""
    layers = tiled(network)

    def bits(count: int) -> int:
        return max(1, (count - 1).bit_length())

    return Layout(
        (
            ("layer", bits(len(layers)), 1),
            ("tile", bits(max(len(layer.weight) for layer in layers)), 1),
            ("op", bits(max(len(layer.idx) for layer in layers)), 1),
            ("value", max(layer.p for layer in layers), 1),
            ("write", 1, 1),
        )
    )


def requests(network: lutnet.Network, rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Return requests for every address that their bits can spell, most of them writes."""
    return {
        name: rng.integers(0, 1 << width, n) if name != "write" else rng.random(n) < 0.6
        for name, width, _ in fields(network).fields
    }


def initial(network: lutnet.Network) -> dict[str, np.ndarray]:
    """Return the requests that write the network's own weights."""
    rows = [
        (number, tile, op, value, 1)
        for number, layer in enumerate(tiled(network))
        for (tile, op), value in np.ndenumerate(layer.weight)
    ]
    names = [name for name, _, _ in fields(network).fields]
    return dict(zip(names, np.array(rows).T, strict=True))


def carry_out(
    weights: list[np.ndarray], asked: dict[str, np.ndarray], i: int, p: list[int]
) -> int | None:
    """Carry out request ``i`` on weights[tile, op] of each layer; return its answer, if any."""
    layer, tile, op = (int(asked[name][i]) for name in ("layer", "tile", "op"))
    there = layer < len(weights) and tile < len(weights[layer]) and op < weights[layer].shape[1]
    if not asked["write"][i]:
        return int(weights[layer][tile, op]) if there else 0
    if there:
        weights[layer][tile, op] = int(asked["value"][i]) % (1 << p[layer])
    return None


@cocotb.test()
@cocotb.parametrize(source=STALLS, sink=STALLS)
async def weights_change_between_vectors(dut, source, sink):
    """Vectors and requests at once: each vector meets the requests taken before it."""
    cfg = Config.from_json(harness.config_text())
    bench, network = Bench(dut), cfg.load()
    x, lanes = stimuli(cfg, bench.numpy_rng), network.lanes[-1]
    asked = requests(network, bench.numpy_rng, 60)
    into = Layout((("x", network.input_bits, network.inputs), ("last", 1, 1)))
    out = Layout((("y", lanes.width, lanes.count), ("last", 1, 1)))
    feed = bench.source("x", [], source)
    ask = bench.source("weight", fields(network).pack(**initial(network)))
    answers, take = bench.sink("stored", sink), bench.sink("y", sink)
    await bench.reset()
    # A reset keeps what a run before this one wrote.
    await bench.until(lambda: ask.done)
    ask.sent.clear()
    ask.payloads = fields(network).pack(**asked)
    ask.pause = pauses("mostly", bench.rng)  # so that vectors come between
    feed.payloads = into.pack(x=x, last=np.zeros(len(x)))
    await bench.until(lambda: ask.done and len(take.received) == len(x))
    for _ in range(40):
        await bench.step()
    layers = tiled(network)
    weights = [layer.weight.copy() for layer in layers]
    replies, rows, done = [], [], 0
    for cycle, row in zip(feed.sent, x, strict=True):
        while done < len(ask.sent) and ask.sent[done] < cycle:
            replies.append(carry_out(weights, asked, done, [layer.p for layer in layers]))
            done += 1
            for number, weight in enumerate(weights):
                network = network.with_weights(number, weight)
        rows.append(expected(network, row[None])[0])
    assert 10 < done, "requests came after all vectors"
    for late in range(done, len(ask.sent)):
        replies.append(carry_out(weights, asked, late, [layer.p for layer in layers]))
    got = out.unpack(take.received, signed=("y",) if lanes.low < 0 else ())["y"]
    assert_equal(got.reshape(len(x), -1), np.array(rows), "y")
    assert_equal(answers.received, [r for r in replies if r is not None], "stored")
