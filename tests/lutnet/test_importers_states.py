"""Importers of state dictionaries: order of layers, thresholds, what is not understood."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nomul.golden import importers, lutnet


def save(folder, arrays):
    path = folder / "net.npz"
    np.savez(path, **arrays)
    return path


def chain(names, gates):
    """Return layers of one gate each, of the wires 0 and 0, under the names given."""
    arrays = {}
    for name, gate in zip(names, gates, strict=True):
        arrays[f"{name}.gate"] = np.array([gate])
        arrays[f"{name}.indices"] = np.zeros((2, 1), dtype=np.int64)
    return arrays


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 200), min_size=2, max_size=6, unique=True),
    st.sampled_from(["", "layers.", "net.3.gates", "block_"]),
    st.sampled_from(["", ".logic", "_2"]),
    st.randoms(),
)
def test_layers_come_in_the_order_of_their_numbers(tmp_path_factory, numbers, before, after, order):
    """Whatever stands around the numbers, and in whichever order the file has them."""
    names = [f"{before}{number}{after}" for number in sorted(numbers)]
    gates = [(5 * i + 3) % 16 for i in range(len(names))]
    items = list(chain(names, gates).items())
    order.shuffle(items)
    path = save(tmp_path_factory.mktemp("order"), dict(items))
    tables = [layer.tt for layer in importers.load(path, "difflogic").layers]
    plain = save(path.parent, chain(map(str, range(len(names))), gates))
    assert tables == [layer.tt for layer in importers.load(plain, "difflogic").layers]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["0", "00"], "layers '0' and '00' have the same number"),
        (["a.0", "b.1"], "have no order: 2 names"),
        (["0", "layers.1"], "have no order: 2 names"),
    ],
)
def test_layers_without_an_order_are_refused(tmp_path, names, message):
    with pytest.raises(ValueError, match=rf"net\.npz: layers .*{message.partition('layers ')[2]}"):
        importers.load(save(tmp_path, chain(names, [1, 2])), "difflogic")


GATE = {"0.gate": np.array([1, 6]), "0.indices": np.array([[0, 1], [1, 2]])}
LUT = {"0.luts": np.array([[1.0, -1.0]]), "0.mapping": np.array([[1]])}


@pytest.mark.parametrize(
    ("format", "arrays", "message"),
    [
        ("difflogic", {**GATE, "0.gate": np.array([1.0, 6.0])}, "0.gate must hold integers"),
        ("difflogic", {**GATE, "0.indices": np.array([[0, -1], [1, 2]])}, "0.indices[0][1] must"),
        ("difflogic", {**GATE, "classes": np.array(2.9)}, "classes must be an integer, not 2.9"),
        ("difflogic", {**GATE, "classes": np.array(0)}, "classes must be in 1.."),
        ("difflogic", {**GATE, "1.bias": np.zeros(2)}, "entry '1.bias' is not understood"),
        ("difflogic", {"0.weights": np.full((1, 16), np.nan)}, "0.weights[0][0] must be finite"),
        ("dwn", {**LUT, "0.luts": np.array([[1, np.nan]])}, "0.luts[0][1] must be finite"),
        ("dwn", {**LUT, "0.mapping": np.array([[1.9]])}, "0.mapping must hold integers"),
        ("dwn", {**LUT, "thresholds": np.array([[np.inf, 1.0]])}, "thresholds[0][0] must be fin"),
        ("dwn", {**LUT, "1.running_mean": np.zeros(1)}, "'1.running_mean' is not understood"),
        ("dwn", {**LUT, "0.mapping.weights": np.ones((2, 1))}, "exclude each other"),
        ("dwn", {**LUT, "0.mapping": np.array([[1 << 50]])}, "0.mapping[0][0] must be in"),
        ("dwn", {**LUT, "thresholds": np.array([[1.0]])}, "has 1 bits: a wire must be below"),
    ],
)
def test_what_is_not_exact_is_refused(tmp_path, format, arrays, message):
    with pytest.raises(ValueError, match=r"net\.npz: ") as caught:
        importers.load(save(tmp_path, arrays), format)
    assert message in str(caught.value)


THRESHOLD = st.one_of(
    st.floats(-10, 30, width=32), st.sampled_from([-1.0, 0.0, 6.5, 7.0, 14.0, 15.0, 300.0])
)


@settings(max_examples=40)
@given(st.data())
def test_thermometers_are_exactly_the_comparisons_of_the_file(tmp_path_factory, data):
    """Real features by a quantiser; integers of four bits as they are, or refused.

    Tables of two inputs see every pair of bits, so that constants are taken in on either side.
    """
    features, levels = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    size = features * levels
    drawn = data.draw(st.lists(THRESHOLD, min_size=size, max_size=size))
    thresholds = np.array(drawn, dtype=np.float32).reshape(features, levels)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    wires = rng.integers(0, size, (6, 2))
    luts = rng.normal(size=(6, 4))
    arrays = {"thresholds": thresholds, "0.luts": luts, "0.mapping": wires}
    path = save(tmp_path_factory.mktemp("dwn"), arrays)

    def wanted(x):
        bits = (x[:, :, None] > thresholds).reshape(len(x), -1)
        address = bits[:, wires[:, 0]] + 2 * bits[:, wires[:, 1]]
        return (luts[np.arange(6), address] > 0).astype(int)

    x = rng.uniform(-12, 32, (40, features)).astype(np.float32)
    x[: 4 * levels] = np.resize(thresholds.T, (4 * levels, features))[: len(x)]
    assert np.array_equal(lutnet.model(importers.load(path, "dwn", real=True), x), wanted(x))
    codes = rng.integers(0, 16, (40, features))
    used = thresholds.reshape(-1)[np.unique(wires)], np.unique(wires) // levels
    if apart(*used):
        network = importers.load(path, "dwn", input_bits=4)
        assert np.array_equal(lutnet.model(network, codes), wanted(codes))
    else:
        with pytest.raises(ValueError, match="the same to integers of 4 bits"):
            importers.load(path, "dwn", input_bits=4)


def apart(thresholds, features):
    """Whether integers of 4 bits tell thresholds apart, or these lie midway between integers."""
    seen = {}
    for t, feature in sorted(set(zip(thresholds.tolist(), features.tolist(), strict=True))):
        above = [x for x in range(16) if x > t]
        if 0 < len(above) < 16:
            seen.setdefault((feature, above[0]), []).append(t)
    return all(len(ts) == 1 or all(2 * t == round(2 * t) for t in ts) for ts in seen.values())


def test_a_quantiser_that_nobody_asked_for_is_spoken_of(tmp_path):
    path = save(tmp_path, {**LUT, "thresholds": np.array([[0.2, 0.5]])})
    with pytest.warns(UserWarning, match=r"net\.npz: its features are real numbers"):
        importers.load(path, "dwn")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = importers.load(path, "dwn", real=True)
    assert lutnet.model(network, [[0.5], [0.51]]).tolist() == [[1], [0]]
    both = {"0.luts": np.array([[1.0, -1.0]] * 2), "0.mapping": np.array([[0], [1]])}
    path = save(tmp_path, {**both, "thresholds": np.array([[0.2, 0.5]])})
    with pytest.raises(ValueError, match=r"thresholds 0\.2 and 0\.5 of feature 0 are the same to"):
        importers.load(path, "dwn", input_bits=8)


def walsh(coefficients, bits):
    """Return the sum of Walsh functions at inputs, the first of which counts slowest."""
    total, signs = 0.0, [1 - 2 * int(b) for b in bits]
    for number, coefficient in enumerate(coefficients):
        product = 1
        for place, sign in enumerate(reversed(signs)):
            product *= sign if number >> place & 1 else 1
        total += coefficient * product
    return total


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize(
    ("kind", "k"), [("raw", 2), ("warp", 1), ("warp", 2), ("warp", 4), ("warp", 6), ("light", 4)]
)
def test_torchlogix_by_its_definition(tmp_path, kind, k, learned):
    """Its own library, version 0.2.2, needs Python 3.12; it was asked by hand, and agrees."""
    rng = np.random.default_rng(k)
    n, inputs = 9, 8
    columns = 16 if kind == "raw" else 1 << k
    weight = rng.normal(size=(n, columns)).astype(np.float32)
    arrays = {"0.weight": weight}
    wires = rng.integers(0, inputs, (3, k, n)) if learned else rng.integers(0, inputs, (k, n))
    arrays["0.connections.indices"] = wires
    if learned:
        scores = rng.random((3, k, n)).astype(np.float32)
        arrays["0.connections.weights"] = scores
        best = scores.argmax(axis=0)
        wires = np.array([[wires[best[j, i], j, i] for i in range(n)] for j in range(k)])
    path = save(tmp_path, arrays)
    network = importers.load(path, "torchlogix", inputs=inputs, parametrization=kind)
    x = rng.integers(0, 2, (64, inputs))
    for row, got in zip(x, lutnet.model(network, x), strict=True):
        for i in range(n):
            bits = row[wires[:, i]]
            if kind == "raw":
                a, b = bits
                wanted = int(weight[i].argmax()) >> (3 - 2 * a - b) & 1
            elif kind == "warp":
                wanted = walsh(weight[i].tolist(), bits) < 0
            else:
                wanted = weight[i, int("".join(map(str, bits)), 2)] > 0
            assert got[i] == wanted


def test_tables_of_torchlogix_that_look_the_same_are_spoken_of(tmp_path):
    rng = np.random.default_rng(1)
    arrays = {"0.weight": rng.normal(size=(3, 4)), "0.connections.indices": np.zeros((2, 3), int)}
    with pytest.warns(UserWarning, match="is read as parametrization='warp'"):
        warp = importers.load(save(tmp_path, arrays), "difflogic")
    light = importers.load(save(tmp_path, arrays), "difflogic", parametrization="light")
    assert warp.layers[0].tt != light.layers[0].tt
    # An export stores the tables themselves, highest bit first, and they decide.
    ids = [sum(int(w > 0) << (3 - a) for a, w in enumerate(row)) for row in arrays["0.weight"]]
    path = save(tmp_path, {**arrays, "0._export_lut_ids": np.array(ids)})
    assert importers.load(path, "difflogic").layers[0].tt == light.layers[0].tt
    with pytest.raises(ValueError, match="_export_lut_ids does not agree with the tables"):
        importers.load(path, "difflogic", parametrization="warp")
