"""Importers: round trips, judges, and what is refused with the node that is to blame."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from nomul.golden import lif
from nomul.golden.lif import Layer, Network, importers, response
from nomul.golden.lif.importers import quantize

nir = pytest.importorskip("nir", reason="needs NIR: pip install nir")


def network(reset: str = "subtract", leak: int | tuple[int, int] = 3, seed: int = 1) -> Network:
    """Return a random network 6-5-3 of 8-bit weights."""
    rng = np.random.default_rng(seed)
    common = {"weight_bits": 8, "state_bits": 18, "fraction": 4, "reset": reset}
    layers = (
        Layer(inputs=6, neurons=5, leak=leak, threshold=60, **common),
        Layer(inputs=5, neurons=3, leak=0, threshold=(40, 50, 60), **common),
    )
    weights = tuple(rng.integers(-60, 120, (layer.inputs, layer.neurons)) for layer in layers)
    return Network(layers=layers, weights=weights)


def same(a: Network, b: Network) -> bool:
    """Whether two networks have the same layers and weights."""
    return a.layers == b.layers and all(map(np.array_equal, a.weights, b.weights))


@pytest.mark.parametrize("reset", importers.nir.ALLOWED)
@pytest.mark.parametrize("leak", [3, (2, 4), 0])
def test_a_network_comes_back_from_nir(tmp_path, reset, leak):
    before = network(reset, leak)
    importers.nir.save(tmp_path / "net.nir", before)
    after, notes = importers.nir.load(tmp_path / "net.nir", dt=1e-4, reset=reset)
    assert same(before, after)
    assert [note.weight_error for note in notes] == [0, 0]


def test_a_network_comes_back_from_a_state_dictionary():
    before = network("zero")
    state = importers.snntorch.state_dict(before)
    after, _ = importers.snntorch.load_state(state, reset_delay=True)
    assert same(before, after)
    with pytest.raises(ValueError, match="reset_delay must be given: a state dictionary does not"):
        importers.snntorch.load_state(state)


def test_a_nir_file_says_neither_dt_nor_reset(tmp_path):
    importers.nir.save(tmp_path / "a.nir", network("subtract"))
    importers.nir.save(tmp_path / "b.nir", network("zero"))
    nodes = [nir.read(str(tmp_path / name)).nodes for name in ("a.nir", "b.nir")]
    assert nodes[0].keys() == nodes[1].keys()
    for name, node in nodes[0].items():
        for field in dataclasses.fields(node):
            values = [getattr(each[name], field.name) for each in nodes]
            assert str(values[0]) == str(values[1])
    with pytest.raises(ValueError, match=r"a.nir: dt and reset must be given: a NIR file has"):
        importers.nir.load(tmp_path / "a.nir")
    with pytest.raises(ValueError, match=r"a.nir: reset must be given"):
        importers.nir.load(tmp_path / "a.nir", dt=1e-4)


def graph(tmp_path, *nodes, inputs=(4,), edges=None):
    """Write a chain of nodes between Input and Output, and return its path."""
    every = {"input": nir.Input(input_type=np.array(inputs))}
    every |= {f"n{k}": node for k, node in enumerate(nodes)}
    every["output"] = nir.Output(output_type=np.array([2]))
    names = list(every)
    chain = list(pairwise(names))
    built = nir.NIRGraph(nodes=every, edges=edges or chain, type_check=False)
    nir.write(str(tmp_path / "x.nir"), built)
    return tmp_path / "x.nir"


def lif_node(n=2, **changes):
    """Return a LIF of beta 7/8 at dt = 1e-4, as snnTorch writes it."""
    values = {"tau": 8e-4, "r": 8.0, "v_leak": 0.0, "v_threshold": 1.0} | changes
    return nir.LIF(**{name: np.full(n, value) for name, value in values.items()})


LINEAR = nir.Linear(weight=np.array([[0.5, -1, 0.25, 0], [1, 0, 0, 0.5]]))


def test_currents_are_scaled_by_r_and_dt(tmp_path):
    """Euler's step of NIR's own equation, in floating point, is the judge."""
    path = graph(tmp_path, LINEAR, lif_node(r=4.0))
    net, notes = importers.nir.load(
        path, dt=1e-4, reset="zero_now", fraction=12, state_bits=26, weight_bits=12
    )
    spikes = np.random.default_rng(1).integers(0, 2, (60, 4))
    v, trains = np.zeros(2), []
    for row in spikes:
        v = v + 1e-4 / 8e-4 * (-v + 4.0 * (LINEAR.weight @ row))
        trains.append(v > 1.0)
        v = np.where(v > 1.0, 0.0, v)
    assert notes[0].rounded == pytest.approx(0.875)
    out = lif.responses(net, spikes)[-1].out
    assert np.array_equal(out, np.array(trains))
    assert 0 < out.sum() < out.size


def test_convolution_and_pooling_become_a_matrix(tmp_path):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'nomul[train]'")
    kernel = np.random.default_rng(1).integers(-3, 4, (3, 2, 3, 3)).astype(float)
    conv = nir.Conv2d(input_shape=(6, 5), weight=kernel, stride=(1, 2), padding=(1, 0),
                      dilation=(1, 1), groups=1, bias=np.zeros(3))  # fmt: skip
    pool = nir.SumPool2d(kernel_size=np.array([2, 2]), stride=np.array([2, 1]),
                         padding=np.array([0, 0]))  # fmt: skip
    flatten = nir.Flatten(input_type={"input": np.array([3, 3, 1])}, start_dim=0)
    path = graph(tmp_path, conv, pool, flatten, lif_node(9), inputs=(2, 6, 5))
    read = importers.nir.chain(nir.read(str(path), type_check=False), 1e-4, "zero")
    x = np.random.default_rng(2).integers(0, 2, (7, 2, 6, 5))
    expected = torch.nn.functional.conv2d(
        torch.tensor(x, dtype=torch.float64), torch.tensor(kernel), stride=(1, 2), padding=(1, 0)
    )
    expected = torch.nn.functional.avg_pool2d(expected, 2, (2, 1)) * 4
    assert np.allclose(x.reshape(7, -1) @ read[0].weight, expected.reshape(7, -1).numpy())


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([LINEAR, lif_node(v_leak=0.2)], "node 'n1' (LIF): v_leak must be 0, not 0.2"),
        ([LINEAR, lif_node(v_threshold=0.0)], "node 'n1' (LIF): threshold must be more than 0"),
        ([LINEAR, lif_node(tau=5e-5)], "node 'n1' (LIF): tau 5e-05 must be at least dt 0.0001"),
        ([LINEAR, lif_node(tau=np.nan)], "node 'n1' (LIF): tau must be more than 0 and"),
        ([LINEAR, lif_node(tau=np.inf)], "node 'n1' (LIF): tau must be more than 0 and finite"),
        ([LINEAR, lif_node(r=np.nan)], "node 'n1' (LIF): r must be finite, not nan"),
        ([LINEAR, lif_node(3)], "node 'n1' (LIF): v_leak must have 1 or 2 values, not 3"),
        ([lif_node(4), LINEAR], "node 'n1' has no neurons after it"),
        ([nir.Linear(weight=np.ones((2, 5))), lif_node()], "node 'n0' (Linear): weight must be of"),
        (
            [nir.Affine(weight=np.ones((2, 4)), bias=np.array([0, 0.5])), lif_node()],
            "node 'n0' (Affine): bias must be 0, not 0.5",
        ),
        (
            [LINEAR, nir.CubaLIF(*(np.ones(2) for _ in range(5)))],
            "node 'n1' (CubaLIF) is refused: there are LIF, IF, Linear, Affine, Conv2d, SumPool2d",
        ),
        ([nir.Delay(delay=np.ones(4)), LINEAR, lif_node()], "node 'n0' (Delay) is refused"),
    ],
)
def test_bad_graphs_are_named(tmp_path, nodes, message):
    path = graph(tmp_path, *nodes)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what is tested
        importers.nir.load(path, dt=1e-4, reset="zero")
    assert message in str(caught.value)
    assert str(caught.value).startswith("x.nir: ")


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([("input", "n0"), ("n0", "n1"), ("n1", "n0"), ("n1", "output")], "leads to"),
        ([("input", "n0"), ("n0", "n1"), ("n1", "n0")], "node 'n0' has 2 inputs"),
        ([("input", "n0"), ("n0", "output")], "node 'n1' is not on the way from the input"),
    ],
)
def test_graphs_that_are_no_chain_are_refused(tmp_path, edges, message):
    path = graph(tmp_path, LINEAR, lif_node(), edges=edges)
    with pytest.raises(ValueError, match=message):
        importers.nir.load(path, dt=1e-4, reset="zero")


def test_what_is_no_nir_file_is_named(tmp_path):
    (tmp_path / "y.nir").write_text("no")
    with pytest.raises(ValueError, match=r"^y\.nir: is no HDF5 file"):
        importers.nir.load(tmp_path / "y.nir", dt=1e-4, reset="zero")
    with pytest.raises(FileNotFoundError):
        importers.nir.load(tmp_path / "z.nir", dt=1e-4, reset="zero")


def test_betas_become_the_nearest_shifts():
    assert quantize.shifts(0.875) == (3, 0.875)
    assert quantize.shifts(1.0) == (0, 1.0)
    assert quantize.shifts(0.0)[1] == 0.0
    assert quantize.shifts(0.9)[1] == pytest.approx(0.9, abs=0.0063)
    every = np.linspace(0, 1, 501)
    errors = [abs(quantize.shifts(float(beta))[1] - beta) for beta in every]
    assert max(errors[375:]) <= 1 / 32


def trained(**changes) -> quantize.Trained:
    """Return a layer as a file might hold it."""
    values = {"node": "fc1", "weight": np.array([[0.3, -0.7], [0.1, 0.2]]), "beta": 0.9,
              "threshold": np.array([1.0, 1.0]), "reset": "zero"}  # fmt: skip
    return quantize.Trained(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"beta": 1.2}, {}, "fc1: beta must be in 0..1, not 1.2"),
        ({"beta": 0.3}, {"tolerance": 0.01}, "which exceeds the tolerance of 0.01"),
        ({"threshold": np.array([0.0, 1.0])}, {}, "fc1: threshold must be more than 0, not 0"),
        ({"weight": np.array([[np.inf, 1.0]])}, {}, "fc1: weight must be finite, not inf"),
        ({"threshold": np.array([1e-3, 1.0])}, {}, "fc1: threshold 0.001 is less than half"),
    ],
)
def test_what_has_no_integers_is_named(changes, options, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what is tested
        quantize.layer(trained(**changes), weight_bits=8, fraction=4, state_bits=18, **options)
    assert message in str(caught.value)


def test_the_errors_of_a_layer_are_said():
    _, _, note = quantize.layer(trained(), weight_bits=8, fraction=4, state_bits=18)
    assert str(note).startswith("fc1: beta 0.9 as 0.90625, weights within 0.")


RULES = [("subtract", True), ("zero", True), ("subtract", False), ("zero", False), ("none", True)]


@pytest.mark.parametrize(("mechanism", "delay"), RULES)
def test_snntorch_predicts_what_its_module_becomes(mechanism, delay):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'nomul[train]'")
    snntorch = pytest.importorskip("snntorch", reason="needs snnTorch: pip install snntorch")
    rng = np.random.default_rng(1)
    options = {"threshold": 1.0, "reset_mechanism": mechanism, "reset_delay": delay}
    module = torch.nn.Sequential(
        torch.nn.Linear(12, 9, bias=False), snntorch.Leaky(beta=0.75, **options),
        torch.nn.Linear(9, 4, bias=False), snntorch.Leaky(beta=0.5, **options),
    ).double()  # fmt: skip
    with torch.no_grad():
        for layer in (module[0], module[2]):
            drawn = rng.integers(-20, 60, tuple(layer.weight.shape)) / 64
            layer.weight.copy_(torch.tensor(drawn))
    net, notes = importers.snntorch.load(module, fraction=16, state_bits=30)
    state, _ = importers.snntorch.load_state(module.state_dict(), reset_delay=delay, fraction=16,
                                             state_bits=30)  # fmt: skip
    assert same(net, state)
    assert [note.rounded for note in notes] == [0.75, 0.5]
    spikes = rng.integers(0, 2, (8, 12))
    first, second, trains = torch.zeros(1, 9).double(), torch.zeros(1, 4).double(), []
    with torch.no_grad():
        for row in torch.tensor(spikes).double():
            out, first = module[1](module[0](row[None]), first)
            out, second = module[3](module[2](out.double()), second)
            trains.append(out[0].numpy())
    assert np.array_equal(lif.responses(net, spikes)[-1].out, np.array(trains))


def test_other_modules_are_refused():
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'nomul[train]'")
    snntorch = pytest.importorskip("snntorch", reason="needs snnTorch: pip install snntorch")
    linear, leaky = torch.nn.Linear(3, 3, bias=False), snntorch.Leaky(beta=0.5)
    cases = {
        "0 (ReLU) is refused": [torch.nn.ReLU()],
        "0 (Leaky) has no Linear before it": [leaky],
        "1 (Linear) follows a Linear": [linear, torch.nn.Linear(3, 3, bias=False)],
        "1 (Synaptic) is refused": [linear, snntorch.Synaptic(alpha=0.5, beta=0.5)],
        "0 (Linear): bias must be 0": [torch.nn.Linear(3, 3)],
        "1 (Leaky): graded_spikes_factor": [linear, snntorch.Leaky(0.5, graded_spikes_factor=2.0)],
        "the last Linear has no neurons": [linear],
    }
    for message, children in cases.items():
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what is tested
            importers.snntorch.load(torch.nn.Sequential(*children))
        assert message in str(caught.value)


def test_membranes_need_no_importer_to_guess():
    """One file, two rules, two trains: what the rule has to be given for."""
    net = network("subtract")
    spikes = np.random.default_rng(1).integers(0, 2, (40, 6))
    current = response.currents(net.weights[0], spikes)
    trains = [
        response.run(net.layers[0].replace(reset=r), current)[0].out for r in ("subtract", "zero")
    ]
    assert not np.array_equal(*trains)
