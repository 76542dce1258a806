"""LUTNet golden model: naive definition, address order, embedding, exact folding, files.

One file, since the cases share the naive definition that the model is compared with.
"""

import itertools
import json
import re
from fractions import Fraction

import numpy as np
import pytest

from nomul.golden import lutnet
from nomul.golden.lutnet import bits as packed
from nomul.golden.lutnet.fold import half_floor

RNG = np.random.default_rng


def naive_tables(layer, bits):
    """Return the operators' outputs [n, n_ops], as the definition words them."""
    return np.array(
        [
            [
                layer.tt[o] >> sum(int(row[i]) << k for k, i in enumerate(layer.idx[o])) & 1
                for o in range(len(layer.idx))
            ]
            for row in bits
        ]
    )


def naive_sums(layer, y):
    acc = np.tile(layer.bias, (len(y), 1))
    for o, m in enumerate(layer.out):
        acc[:, m] += layer.alpha[layer.level[o]] * y[:, o]
    return acc


def naive_outputs(layer, acc):
    if layer.theta.shape[1] == 0:
        return acc
    rows = []
    for row in acc:
        first = [int(a >= t[0]) ^ f for a, t, f in zip(row, layer.theta, layer.flip, strict=True)]
        second = [
            int(a >= t[1 + h]) ^ f
            for a, t, f, h in zip(row, layer.theta, layer.flip, first, strict=True)
            if len(t) == 3
        ]
        rows.append(first + second)
    return np.array(rows)


def naive(network, x):
    for layer in network.body:
        if isinstance(layer, lutnet.Thermometer):
            x = (x[:, layer.feature] >= layer.threshold).astype(int)
        elif isinstance(layer, lutnet.Xnor):
            same = (x[:, layer.idx] == layer.weight).astype(int)
            x = naive_outputs(layer, naive_sums(layer, same))
        elif isinstance(layer, lutnet.LutLayer):
            x = naive_outputs(layer, naive_sums(layer, naive_tables(layer, x)))
        elif isinstance(layer, lutnet.DirectLut):
            x = naive_tables(layer, x)
        elif isinstance(layer, lutnet.GroupSum):
            x = x.reshape(len(x), layer.groups, -1).sum(axis=2)
        elif isinstance(layer, lutnet.LutNetTiled):
            x = naive_tiled(layer, x)
        else:
            x = naive_table_neurons(layer, x)
    return x


def naive_tiled(layer, x):
    """Tile by tile, the stored bits above the activations."""
    few, acc = layer.k - layer.p, np.tile(layer.bias, (len(x), 1))
    slice_in, slice_out = layer.n_in // layer.tile_n, layer.n_out // layer.tile_m
    for tm, tn in itertools.product(range(layer.tile_m), range(layer.tile_n)):
        part = x[:, tn * slice_in : (tn + 1) * slice_in]
        for o, local in enumerate(layer.idx):
            address = int(layer.weight[tm * layer.tile_n + tn, o]) << few
            address = address + sum(part[:, i] << k for k, i in enumerate(local))
            y = np.array([layer.tt[o] >> int(a) & 1 for a in address])
            acc[:, tm * slice_out + layer.out[o]] += y
    return naive_outputs(layer, acc)


def naive_table_neurons(layer, x):
    z = np.zeros((len(x), layer.n_out), dtype=int)
    for idx, values, m in zip(layer.idx, layer.table, layer.out, strict=True):
        z[:, m] += values[sum(x[:, i] << (j * layer.in_bits) for j, i in enumerate(idx))]
    return np.minimum(np.maximum(z, layer.low), layer.high) + layer.offset


# Kernels and windows follow their definition in test_streamed.py.
WHOLE = [name for name in lutnet.Config.presets if not lutnet.Config.preset(name).load().streamed]


@pytest.mark.parametrize("preset", WHOLE)
def test_model_follows_the_definition(preset):
    cfg = lutnet.Config.preset(preset)
    x = lutnet.stimuli(cfg, RNG(3), 70)["x"]
    assert np.array_equal(lutnet.model(cfg.load(), x), naive(cfg.load(), x))


def test_predict_takes_the_lowest_of_equal_scores():
    network = lutnet.Network(
        [
            lutnet.DirectLut(k=1, idx=[[0], [1], [2], [3]], tt=[2] * 4),
            lutnet.GroupSum(groups=4),
            lutnet.Argmax(),
        ],
        inputs=4,
    )
    x = [[0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 1]]
    assert lutnet.predict(network, x).tolist() == [1, 0, 3, 0]
    assert lutnet.model(network, x).tolist() == x


@pytest.mark.parametrize("n", [1, 63, 64, 65, 1000])
@pytest.mark.parametrize("k", range(1, 8))
def test_packed_look_up_for_any_number_of_samples(n, k):
    rng = RNG(k)
    bits, idx = rng.integers(0, 2, (n, 9)), rng.integers(0, 9, (11, k))
    tt = tuple(int.from_bytes(rng.bytes(16), "little") % (1 << (1 << k)) for _ in range(11))
    y = packed.look_up(packed.pack(bits), idx, packed.selectors(tt, k))
    address = (bits[:, idx] << np.arange(k)).sum(axis=2)
    expected = [[t >> int(a) & 1 for t, a in zip(tt, row, strict=True)] for row in address]
    assert np.array_equal(packed.unpack(y, n), expected)


@pytest.mark.parametrize("k", range(2, 8))
def test_address_bit_k_is_input_k(k):
    """A table that copies address bit j gives input idx[j]; reversed bits give another one."""
    x = np.array(list(itertools.product((0, 1), repeat=k)))
    for j in range(k):
        copy = sum(1 << a for a in range(1 << k) if a >> j & 1)
        layer = lutnet.DirectLut(k=k, idx=[list(range(k))], tt=[copy])
        assert np.array_equal(lutnet.model(lutnet.Network([layer], k), x)[:, 0], x[:, j])
        turned = lutnet.DirectLut(k=k, idx=[list(range(k))], tt=[lutnet.reverse_address(copy, k)])
        got = lutnet.model(lutnet.Network([turned], k), x)[:, 0]
        assert np.array_equal(got, x[:, k - 1 - j])


def test_reversed_address_bits_change_the_answer():
    cfg = lutnet.Config.preset("small")
    network = cfg.load()
    layer = network.layers[1]
    turned = lutnet.LutLayer(
        **{**vars_of(layer), "tt": [lutnet.reverse_address(t, layer.k) for t in layer.tt]}
    )
    changed = lutnet.Network([network.layers[0], turned, *network.layers[2:]], 12, 3)
    x = lutnet.stimuli(cfg, RNG(1))["x"]
    assert (lutnet.model(changed, x) != lutnet.model(network, x)).any()


def vars_of(layer):
    return {name: value for name, value in layer.to_dict().items() if name not in ("kind", "tt")}


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("k", range(2, 8))
def test_embedding_an_xnor_layer_changes_no_sum(k, levels):
    rng, n_in, n_out, per = RNG(10 * k + levels), 5, 6, 4
    level = np.tile(np.repeat(np.arange(levels), per), n_out)
    own = rng.integers(0, n_in, len(level)) + n_in * level
    xnor = lutnet.Xnor(
        idx=own,
        weight=rng.integers(0, 2, len(own)),
        out=np.repeat(np.arange(n_out), per * levels),
        n_out=n_out,
        alpha=(5, 3)[:levels],
        level=level,
    )
    others = rng.integers(0, n_in * levels, (len(own), k - 1))
    embedded = lutnet.expand(xnor, k, np.column_stack([own, others]))
    x = np.array(list(itertools.product((0, 1), repeat=n_in * levels)))
    assert np.array_equal(
        lutnet.model(lutnet.Network([embedded], n_in * levels), x),
        lutnet.model(lutnet.Network([xnor], n_in * levels), x),
    )
    assert lutnet.share_xnor(embedded) == 1.0


@pytest.mark.parametrize("columns", [1, 3])
def test_embedding_keeps_the_thresholds(columns):
    rng = RNG(columns)
    xnor = lutnet.Xnor(
        idx=rng.integers(0, 8, 30),
        weight=rng.integers(0, 2, 30),
        out=np.arange(30) % 5,
        n_out=5,
        theta=rng.integers(0, 7, (5, columns)),
        flip=rng.integers(0, 2, 5),
    )
    embedded = lutnet.expand(xnor, 3, np.column_stack([xnor.idx, rng.integers(0, 8, (30, 2))]))
    x = np.array(list(itertools.product((0, 1), repeat=8)))
    assert np.array_equal(
        lutnet.model(lutnet.Network([embedded], 8), x), lutnet.model(lutnet.Network([xnor], 8), x)
    )


def sign_is_positive(g, b, m, var, eps, s):
    """Whether g (s - m) / sigma + b > 0, by squaring: no root is ever taken."""
    g, b, m = Fraction(g), Fraction(b), Fraction(m)
    square = Fraction(var) + Fraction(eps)
    # g (s - m) > -b sigma
    left, right = g * (s - m), -b
    if left >= 0 and right < 0:
        return True
    if left <= 0 and right >= 0:
        return False
    squares = left * left - right * right * square
    return squares > 0 if left > 0 else squares < 0


VALUES = (-1.5, -1.0, -0.3, 0.0, 0.1, 0.5, 1.0, 2.0)


@pytest.mark.parametrize("n", range(7))
def test_folding_is_exact_for_small_fan_in(n):
    """Every combination, with negative and zero gamma, exact ties and irrational sigma."""
    cases = list(itertools.product(VALUES, VALUES, (-2.0, -0.7, 0.0, 1.0, 3.0), (0.0, 1.0, 3.0)))
    for eps in (1.0, 1e-5):
        g, b, m, v = map(np.array, zip(*cases, strict=True))
        threshold, flip = lutnet.fold_batchnorm(g, b, m, v, eps, n)
        for i, (gi, bi, mi, vi) in enumerate(cases):
            for pc in range(n + 1):
                want = sign_is_positive(gi, bi, mi, vi, eps, 2 * pc - n)
                assert bool((pc >= threshold[i]) ^ flip[i]) == want, (cases[i], eps, pc)


def test_a_tie_is_zero_and_gamma_zero_never_flips():
    threshold, flip = lutnet.fold_batchnorm([1, -1, 0, 0, 0], [0, 0, 1, 0, -1], 0, 1, 0.0, 4)
    assert threshold.tolist() == [3, 2, 0, 5, 5]
    assert flip.tolist() == [0, 1, 0, 0, 0]


def test_folding_agrees_with_float_where_float_is_far_from_the_tie():
    rng = RNG(5)
    g, b, m = rng.normal(size=(3, 50))
    v = rng.random(50)
    products = rng.choice([-1, 1], (40, 50, 17))
    y = lutnet.ideal(products, g, b, m, v, 1e-5)
    threshold, flip = lutnet.fold_batchnorm(g, b, m, v, 1e-5, 17)
    hard = ((products == 1).sum(axis=2) >= threshold) ^ (flip == 1)
    clear = np.abs(y) > 1e-9
    assert clear.sum() > 1900
    assert np.array_equal(hard[clear], y[clear] > 0)


def test_half_floor_of_a_huge_and_a_tiny_root():
    assert half_floor(Fraction(0), Fraction(1), Fraction(2)) == -1
    assert half_floor(Fraction(0), Fraction(-1), Fraction(10**40)) == 10**20 // 2
    assert half_floor(Fraction(4), Fraction(1, 10**30), Fraction(2)) == 1


def test_support_and_share():
    assert lutnet.support(0b1010, 2) == [0]
    assert lutnet.support(0b0110, 2) == [0, 1]
    assert lutnet.support(0, 3) == []
    assert lutnet.support(1 << 127, 7) == list(range(7))


@pytest.mark.parametrize("suffix", [".json", ".npz"])
@pytest.mark.parametrize("preset", lutnet.Config.presets)
def test_a_saved_network_is_identical(tmp_path, preset, suffix):
    cfg = lutnet.Config.preset(preset)
    path = tmp_path / f"net{suffix}"
    cfg.load().save(path)
    again = lutnet.Network.load(path)
    assert again == cfg.load()
    x = lutnet.stimuli(cfg, RNG(4))["x"]
    assert np.array_equal(lutnet.model(again, x), lutnet.model(cfg.load(), x))
    again.save(tmp_path / f"again{suffix}")
    assert (tmp_path / f"again{suffix}").read_bytes() == path.read_bytes()


def test_tables_of_128_bits_survive_a_file(tmp_path):
    layer = lutnet.DirectLut(k=7, idx=[list(range(7))], tt=[(1 << 127) + 1])
    lutnet.Network([layer], 7).save(tmp_path / "net.json")
    assert lutnet.Network.load(tmp_path / "net.json").layers[0].tt == ((1 << 127) + 1,)


LUT = {"k": 2, "idx": [[0, 1]], "tt": [6], "out": [0], "n_out": 1, "alpha": [1], "theta": [1]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 8}, "lut.idx must have 8 columns"),
        ({"tt": [16]}, "lut.tt[0] must have 4 bits, not be 0x10"),
        ({"tt": [1, 2]}, "lut.tt must have 1 entries, not 2"),
        ({"out": [1]}, "lut.out[0] must be in 0..0, not 1"),
        ({"idx": [[0, -1]]}, "lut.idx[0][1] must be in 0.."),
        ({"idx": [[0, 9]]}, "layer 0: lut.idx[0][1] must be in 0..3, not 9"),
        ({"theta": [[1, 2]]}, "lut.theta must have 0, 1 or 3 columns, not 2"),
        ({"flip": [2]}, "lut.flip[0] must be in 0..1, not 2"),
        ({"level": [1]}, "lut.level[0] must be in 0..0, not 1"),
        ({"alpha": [0]}, "lut.alpha[0] must be in 1..16777216, not 0"),
    ],
)
def test_a_layer_that_does_not_fit_is_named(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        lutnet.Network([lutnet.LutLayer(**{**LUT, **change})], inputs=4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "net.json: not a network: no format 'nomul-lutnet'"),
        ({"version": 3}, "net.json: version must be 1 or 2, not 3"),
        ({"version": 2}, "net.json: field quantiser is missing"),
        ({"layers": [{"kind": "conv"}]}, "net.json: layer 0: kind 'conv' is none of xnor, lut"),
        ({"layers": [{"kind": "argmax", "k": 1}]}, "net.json: layer 0: argmax has no field 'k'"),
        ({"inputs": 0}, "net.json: inputs must be in 1..1048576, not 0"),
        ({"layers": []}, "net.json: a network needs at least one layer"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(tmp_path, change, message):
    values = lutnet.Config.preset("direct").load().to_dict()
    path = tmp_path / "net.json"
    path.write_text(json.dumps({**values, **change}))
    with pytest.raises(ValueError, match=re.escape(message)):
        lutnet.Network.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": [[1 << 64]]}, "lut.theta[0][0] must be in"),
        ({"theta": [(1 << 64) - 1]}, "lut.theta[0] must be in"),
        ({"bias": [(1 << 62)]}, "lut.bias[0] must be in"),
        ({"n_out": 1.0}, "lut.n_out must be an integer, not 1.0"),
        ({"n_out": "1"}, "lut.n_out must be an integer, not '1'"),
        ({"n_out": 10**10}, "lut.n_out must be in 1..1048576, not 10000000000"),
        ({"k": True}, "lut.k must be an integer, not True"),
        ({"idx": [[0, 1.5]]}, "lut.idx[0][1] must be an integer, not 1.5"),
        ({"idx": [[0, 1], [2]]}, "lut.idx[1] must have 2 entries, not 1"),
        ({"idx": 3}, "lut.idx must be a list, not 3"),
        ({"tt": [6.9]}, "lut.tt[0] must be an integer, not 6.9"),
        ({"tt": ["-6"]}, "lut.tt[0] must be hexadecimal, not '-6'"),
        ({"tt": ["0_6"]}, "lut.tt[0] must be hexadecimal, not '0_6'"),
        ({"flip": [True]}, "lut.flip[0] must be an integer, not True"),
        ({"kinds": 1}, "lut has no field 'kinds'"),
    ],
)
def test_numbers_of_a_file_are_taken_exactly(tmp_path, change, message):
    layer = {"kind": "lut", "k": 2, "idx": [[0, 1]], "tt": ["6"], "out": [0], "n_out": 1}
    values = {"format": "nomul-lutnet", "version": 1, "inputs": 4, "about": {}}
    path = tmp_path / "net.json"
    path.write_text(json.dumps({**values, "layers": [layer | change]}))
    with pytest.raises(ValueError, match=re.escape("net.json: layer 0: ")) as caught:
        lutnet.Network.load(path)
    assert message in str(caught.value)


def test_few_bytes_cannot_ask_for_all_memory():
    """A million neurons, and one that adds a hundred operators, would be a table of both."""
    with pytest.raises(ValueError, match="one of 1048576 adds 100"):
        lutnet.Xnor(idx=[0] * 100, weight=[1] * 100, out=[0] * 100, n_out=1 << 20)


def test_one_output_is_a_class_by_its_sign():
    scores = lutnet.Xnor(idx=[0, 1], weight=[1, 1], out=[0, 0], n_out=1, alpha=[2], bias=[-2])
    network = lutnet.Network([scores], 2)
    x = [[0, 0], [0, 1], [1, 1]]
    assert lutnet.model(network, x)[:, 0].tolist() == [-2, 0, 2]
    assert lutnet.predict(network, x).tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 3)), r"x must be of shape \[n, 6\], not \[2, 3\]"),
        (np.full((2, 6), 8), r"x\[0\]\[0\] must be in 0..7, not 8"),
    ],
)
def test_bad_inputs_are_refused(x, message):
    with pytest.raises(ValueError, match=message):
        lutnet.model(lutnet.Config.preset("table").load(), x)


def test_expand_wants_the_layers_own_input_first():
    xnor = lutnet.Xnor(idx=[0, 1], weight=[0, 1], out=[0, 0], n_out=1)
    with pytest.raises(ValueError, match=r"idx\[1\]\[0\] must be the layer's own input 1, not 0"):
        lutnet.expand(xnor, 2, [[0, 1], [0, 1]])


def test_bad_configurations_are_named():
    with pytest.raises(ValueError, match=r"lutnet.network must be a file or one of unrolled, "):
        lutnet.Config(network="nowhere.npz")
    with pytest.raises(ValueError, match=r"lutnet.adder must be one of lut6, carry, plus"):
        lutnet.Config(adder="lut5")


def test_what_could_not_be_read_again_is_not_written(tmp_path):
    network = lutnet.Network([lutnet.DirectLut(k=1, idx=[[0]], tt=[2])], 1, 1, {"loss": np.nan})
    for suffix in (".json", ".npz"):
        with pytest.raises(ValueError, match="not JSON compliant"):
            network.save(tmp_path / f"n{suffix}")
