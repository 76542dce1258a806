"""What the family's tables are made of: arrays of equal throughput, addresses, operands."""

import itertools

import pytest
from amaranth.sim import Simulator

from nomul.experiments import tables
from nomul.experiments.products import arrays, hardware, inference
from nomul.golden import network, permdiag
from nomul.hw.permdiag import unit


@pytest.mark.parametrize("row", arrays.ARRAYS, ids=lambda row: row.name)
def test_arrays_take_a_vector_in_sixteen_cycles_or_less(row):
    """Of equal throughput, whatever they are, but for what the page says is not."""
    per_vector = arrays.Made.of(row).cycles_per_vector
    assert per_vector <= 16 or row.member in arrays.SLOWER


def test_operands_are_those_of_a_layer_behind_a_relu():
    w, x = arrays.operands()
    assert (w.shape, x.shape) == ((16, 8), (4, 16))
    assert 0 <= x.min() < x.max() <= 127
    assert (x == 0).any()


def test_an_inference_is_counted_in_tiles_and_vectors():
    """64-64-32-10 in tiles of 16 x 8: 4 x 8, 4 x 4 and 2 x 2, each met by one vector."""
    assert inference.work(inference.whole("perceptron")) == (52, 52)
    tiles, vectors = inference.work(inference.whole("convnet"))
    net = network.example("fashion-convnet-int8")
    weights = [layer for layer in net.layers if isinstance(layer, network.Conv2d | network.Dense)]
    assert tiles >= sum(layer.w.size for layer in weights) / 128
    assert vectors * 128 >= net.products


def test_narrower_networks_are_those_that_were_trained():
    """At most a quarter of the weights of a perceptron, and 7,592 of the convnet's 29,584."""
    pytest.importorskip("torch", reason="needs PyTorch: pip install nomul[train]")
    weights = {
        name: sum(inputs * outputs for inputs, outputs, _ in inference.narrower(name))
        for name in inference.NETWORKS
    }
    assert weights == {"perceptron": 1610, "convnet": 7592}
    assert [layer[2] for layer in inference.narrower("convnet")] == [784, 196, 49, 1, 1]


def test_an_inference_takes_its_vectors_of_the_committed_row():
    """52 vectors of 64 ns and 264.94 pJ, in us and nJ of three digits; and a row for each array."""
    row = {"um2": 12035, "ns per vector": 64.0, "pJ per vector": 264.94}
    assert inference.spent(row, 52) == (3.33, 13.8)
    committed = [row["array"] for row in tables.load("products", "T2").rows]
    assert committed == [row.name for row in arrays.ARRAYS]


def test_addresses_are_those_of_the_formula():
    """Row c = (d - k) mod p of a block whose natural shift is k + block column, for all of them."""
    cfg = permdiag.Config(inputs=64, outputs=64, p=5, pes=1, muls=2)
    top, seen = hardware.Addresses(cfg), []

    async def bench(ctx):
        for d, block, k in itertools.product(range(5), repeat=3):
            ctx.set(top.d, d)
            ctx.set(top.block, block)
            ctx.set(top.k[0], k)
            ctx.set(top.k[1], (k + 1) % 5)
            await ctx.delay(1e-9)
            seen.append([ctx.get(top.rows[0]), ctx.get(top.rows[1])])

    simulator = Simulator(top)
    simulator.add_testbench(bench)
    simulator.run()
    expected = [
        [(d - block - k) % 5, (d - block - k - 1) % 5]
        for d, block, k in itertools.product(range(5), repeat=3)
    ]
    assert seen == expected


def test_a_kept_part_is_known_by_its_verilog(monkeypatch):
    """Hardware that is described otherwise has another digest, though its configuration is one."""
    cfg = permdiag.Config.preset("small")
    digest = arrays.verilog("permdiag", cfg)
    assert arrays.verilog("permdiag", permdiag.Config.preset("small")) == digest
    assert arrays.verilog("permdiag", cfg.replace(lanes=5)) != digest
    monkeypatch.setattr(unit, "modular_difference", lambda m, d, *others: d)
    assert arrays.verilog("permdiag", cfg) != digest


@pytest.mark.parametrize("p", [4, 7])
def test_places_move_on_with_beats_and_lanes(p):
    top, seen = hardware.Places(p, 8), []

    async def bench(ctx):
        ctx.set(top.load, 1)
        for beat in range(6):
            ctx.set(top.begin, beat == 0)
            await ctx.tick()
            for lane in range(8):
                ctx.set(top.lane, lane)
                await ctx.delay(1e-9)
                seen.append((ctx.get(top.d), ctx.get(top.block)))

    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen == [(j % p, j // p % p) for j in range(48)]
