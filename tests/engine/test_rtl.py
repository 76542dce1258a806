"""The engine: its Verilog against the model, on presets, drawn networks and whole test sets."""

import dataclasses
import json

import numpy as np
import pytest

from nomul import flow, registry
from nomul.golden import engine, network
from nomul.golden.engine.drawn import drawn
from nomul.hw.engine import Top
from nomul.sim import harness
from nomul.sim.harness import BenchError

pytestmark = pytest.mark.needs("icarus")

STALLED = "inputs_equal_the_model/source=random/sink=random"


def test_rtl_equals_model(simulate):
    assert simulate("engine", engine.Config.preset("small")).tests == 12


@pytest.mark.parametrize("preset", ["conv", "residual", "permdiag"])
def test_layers_of_every_kind_on_every_member(simulate, preset):
    simulate("engine", engine.Config.preset(preset), tests=STALLED)


# Every member on a network of convolutions; impose where it does not hold all weights.
HOLDING = ("dense", "bitplanes", "spimc", "pq")
VERILATED = [
    {"member": member, "network": "conv", "impose": member not in HOLDING}
    for member in engine.MEMBERS
]


@pytest.mark.parametrize("weights", ["stream", pytest.param("rom", marks=pytest.mark.long)])
def test_a_layer_program_is_loaded_over_axi_lite(tmp_path, weights):
    """Other networks than the one that the engine was made for are computed, to the bit."""
    pytest.importorskip("cocotbext.axi", reason="needs pip install cocotbext-axi")
    block, cfg = registry.get("engine"), engine.Config(loads=True, weights=weights)
    shell = flow.emit(block, cfg, tmp_path / "axi", axi=True)
    (tmp_path / "axi.json").write_text(json.dumps(shell.manifest["axi"]))
    report = harness.run(
        "nomul.sim.engine.lite",
        top=shell.name,
        verilog=[tmp_path / "axi" / f"{shell.name}.v"],
        config=cfg.to_json(),
        build_dir=tmp_path / "sim",
        environment={"NOMUL_AXI": str(tmp_path / "axi.json")},
    )
    assert (report.tests, report.compared) == (1, 46)


@pytest.mark.long
@pytest.mark.parametrize("values", [{}, {"weights": "stream"}, {"network": "conv"}])
def test_other_programs_are_computed(simulate, values):
    assert simulate("engine", engine.Config(loads=True, **values)).tests == 12


@pytest.mark.long
@pytest.mark.parametrize("preset", ["conv", "residual", "permdiag"])
def test_presets_equal_the_model(simulate, preset):
    assert simulate("engine", engine.Config.preset(preset)).tests == 12


@pytest.mark.long
@pytest.mark.parametrize(
    "values",
    [
        {"member": "spimc", "network": "conv", "weights": "stream"},
        {"member": "sonic", "network": "residual", "impose": True, "weights": "stream"},
    ],
)
def test_members_with_streams_of_their_own_withstand_what_the_others_do(simulate, values):
    """Stalls, malformed inputs and tiles, reset: SP-IMC behind its commands, SONIC its memory."""
    assert simulate("engine", engine.Config(**values)).tests == 12


@pytest.mark.long
@pytest.mark.parametrize("values", VERILATED)
def test_every_member_equals_the_model_in_verilator(simulate, values):
    simulate("engine", engine.Config(**values), tests="inputs", simulator="verilator")


@pytest.mark.long
@pytest.mark.parametrize("name", ["digits-mlp-int8", "digits-mlp-int4"])
def test_a_trained_network_equals_the_model(simulate, name):
    assert simulate("engine", engine.configured(name)).tests == 12


MORE = {
    "streamed bit planes": {"member": "bitplanes", "weights": "stream", "network": "residual"},
    "lanes": {"settings": ("products=8",), "outputs": 4, "network": "conv"},
    "groups of columns": {"settings": ("products=2",), "outputs": 6, "network": "conv"},
    "bit by bit": {"settings": ("array=bitserial", "products=8"), "network": "mlp"},
    "sums side by side": {"inputs": 2, "outputs": 8, "network": "residual"},
    "tiles within a beat of sums": {"inputs": 2, "outputs": 8, "network": "conv"},
    "circulant": {
        "member": "circulant",
        "impose": True,
        "settings": ("k=2", "units=3"),
        "outputs": 6,
        "network": "residual",
    },
    "transforms": {
        "member": "circulant",
        "impose": True,
        "inputs": 10,
        "outputs": 8,
        "settings": ("k=4", "engine=ntt", "modulus_log2=16"),
        "network": "residual",
    },
    "factors": {"member": "pow2basis", "impose": True, "inputs": 9, "network": "conv"},
    "factors, rebuilt and streamed": {
        "member": "pow2basis",
        "impose": True,
        "outputs": 6,
        "settings": ("units=2", "datapath=rebuild"),
        "weights": "stream",
        "network": "residual",
    },
    "factors, bit by bit": {
        "member": "pow2basis",
        "impose": True,
        "outputs": 6,
        "settings": ("units=2", "products=bitserial"),
    },
    "compressed": {"member": "spimc", "network": "conv"},
    "compressed, slot by slot": {
        "member": "spimc",
        "inputs": 9,
        "outputs": 3,
        "settings": ("slots=5", "formats=coo,bitmap", "store=rowserial", "tree_regs=0"),
        "network": "residual",
    },
    "tables": {"member": "pq", "network": "conv"},
    "tables of a tree, streamed": {
        "member": "pq",
        "settings": ("metric=tree", "length=3"),
        "weights": "stream",
        "network": "residual",
    },
    "few levels": {"member": "sonic", "impose": True, "network": "conv"},
    "few levels, streamed": {
        "member": "sonic",
        "impose": True,
        "weights": "stream",
        "settings": ("fc_units=2", "fc_lanes=3", "code_bits=3"),
        "network": "residual",
    },
    "deeper memories": {"codes_depth": 100, "sums_depth": 333, "network": "residual"},
    "zeros in beats": {
        "member": "permdiag",
        "impose": True,
        "settings": ("lanes=4", "p=2", "muls=1", "pes=1"),
        "outputs": 6,
        "network": "residual",
    },
}


@pytest.mark.long
@pytest.mark.parametrize("name", MORE)
def test_members_of_other_paces(simulate, name):
    simulate("engine", engine.Config.from_dict(MORE[name]), tests="inputs")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(30))
def test_any_network_is_computed_as_it_is(simulate, tmp_path, seed):
    rng = np.random.default_rng(1000 + seed)
    network.save(drawn(rng), tmp_path / "net.npz")
    member = str(rng.choice(["dense", "bitplanes"]))
    sizes = {"inputs": int(rng.integers(1, 12)), "outputs": int(rng.integers(1, 5))}
    try:
        cfg = engine.Config(network=str(tmp_path / "net.npz"), member=member, **sizes)
    except ValueError:  # groups whose columns begin within a beat
        sizes["outputs"] = 1
        cfg = engine.Config(network=str(tmp_path / "net.npz"), member=member, **sizes)
    simulate("engine", cfg, tests="inputs")


def test_scales_that_are_powers_of_two_need_no_multiplier(simulate, tmp_path):
    """Of either sign and of several sizes; the Verilog has no multiplication at all."""
    first, rescale, *others = engine.Config().net.layers
    powers = np.array([1024, -2048, 4096, 512, -1024, 2048])
    layers = [first, dataclasses.replace(rescale, scale=powers), *others[:1]]
    layers.append(network.Requant(np.array([1]), np.array([0]), 2, -100, 100))
    network.save(engine.Config().net.replace(layers=layers), tmp_path / "net.npz")
    cfg = engine.Config(network=str(tmp_path / "net.npz"))
    assert not cfg.program.multiplies
    simulate("engine", cfg, tests="source=never/sink=never")
    block = registry.get("engine")
    assert " * " not in flow.emit(block, cfg).verilog
    assert " * " in flow.emit(block, engine.Config()).verilog


def test_bench_notices_one_weight_that_is_one_off(simulate, tmp_path):
    """Mutation: of all weights of the hardware one is another by one."""
    cfg = engine.Config.preset("small")
    first, *others = cfg.net.layers
    w = first.w.copy()
    w[3, 2] += 1 if w[3, 2] < 7 else -1
    network.save(cfg.net.replace(layers=[network.Dense(w), *others]), tmp_path / "net.npz")
    wrong = cfg.replace(network=str(tmp_path / "net.npz"))
    with pytest.raises(BenchError, match=r"answers\[\d+, \d+\] is -?0x"):
        simulate("engine", cfg, top=Top(wrong), tests="source=never/sink=never")


def test_bench_notices_padding_of_another_code(simulate, tmp_path):
    """Mutation: what is around an image counts as another code than the network's."""
    cfg = engine.Config.preset("conv", weights="rom")
    first, *others = cfg.net.layers
    other = network.Conv2d(first.w, first.stride, first.padding, first.pad_value + 1)
    network.save(cfg.net.replace(layers=[other, *others]), tmp_path / "net.npz")
    wrong = cfg.replace(network=str(tmp_path / "net.npz"))
    with pytest.raises(BenchError, match=r"answers\[\d+, \d+\] is -?0x"):
        simulate("engine", cfg, top=Top(wrong), tests="source=never/sink=never")


IMAGES = 200


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["digits-mlp-int8", "fashion-convnet-int8", "fashion-residual-int8"]
)
def test_a_test_set_goes_through_the_hardware(simulate, tmp_path, name):
    """200 images in Verilator: scores, classes and cycles of each, and the accuracy they have."""
    pytest.importorskip("torch", reason="needs pip install 'nomul[train]'")
    from nomul.train import fashion
    from nomul.train.networks import study

    if name.startswith("fashion") and not fashion.available():
        pytest.skip("Fashion-MNIST is not installed: apt-get install dataset-fashion-mnist")
    cfg = engine.configured(name)
    data = study.data_of(cfg.network.rsplit("-", 1)[0])
    x, labels = cfg.net.encode(data.x_test[:IMAGES]), data.labels_test[:IMAGES]
    np.savez(tmp_path / "x.npz", x=x)
    files = {"NOMUL_STIMULI": "x.npz", "NOMUL_ANSWERS": "y.npy"}
    report = simulate(
        "engine",
        cfg,
        bench="nomul.sim.engine.network",
        simulator="verilator",
        environment={name: str(tmp_path / file) for name, file in files.items()},
    )
    assert report.records["images"] == IMAGES
    given = np.load(tmp_path / "y.npy")
    classes = network.model(cfg.net, x).argmax(axis=1)
    assert np.array_equal(given[:, -1], classes)
    assert (given[:, -1] == labels).mean() > 0.85
