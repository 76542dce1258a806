"""The quantiser in front of a network: exactly the comparisons that its edges come from."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nomul.golden import lutnet

FLOATS = st.floats(width=32, allow_nan=False)
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(FINITE, min_size=1, max_size=12), st.lists(FLOATS, min_size=1, max_size=20))
def test_codes_are_comparisons_in_float32(thresholds, features):
    """Of thresholds with equal ones, at them, next to them, and at both infinities."""
    t = np.array(thresholds, dtype=np.float32)
    with np.errstate(over="ignore"):
        near = [np.nextafter(t, np.float32(side)) for side in (-np.inf, np.inf)]
    x = np.concatenate([np.array(features, dtype=np.float32), t, *near])
    quantiser, code = lutnet.Quantiser.of(np.zeros(len(t), int), t, 1)
    got = quantiser.codes(x[:, None]) >= code
    assert np.array_equal(got, x[:, None] >= t)
    after = lutnet.Quantiser.after(t)
    live = np.isfinite(after)
    quantiser, code = lutnet.Quantiser.of(np.zeros(live.sum(), int), after[live], 1)
    assert np.array_equal(quantiser.codes(x[:, None]) >= code, x[:, None] > t[live])
    assert not (x[:, None] > t[~live])[np.isfinite(x)].any()


@given(npst.arrays(np.float64, (9, 3), elements=st.floats(-1e30, 1e30)))
def test_float64_features_are_rounded_as_xgboost_rounds_them(x):
    edges = np.unique(x[:, 0].astype(np.float32))
    quantiser = lutnet.Quantiser(edges=[edges, edges, []])
    wanted = (x[:, :2, None].astype(np.float32) >= edges).sum(axis=2)
    assert np.array_equal(quantiser.codes(x)[:, :2], wanted)
    assert not quantiser.codes(x)[:, 2].any()


def network():
    """Return a network: is the first real feature at least 0.1, and the second below 2."""
    edges = [[float(np.float32(0.1)), 1.0, 7.5], [2.0]]
    encoder = lutnet.Thermometer(feature=[0, 1], threshold=[1, 1])
    gate = lutnet.DirectLut(k=2, idx=[[0, 1]], tt=[0b0010])
    quantiser = lutnet.Quantiser(edges=edges)
    return lutnet.Network([encoder, gate], 2, 2, {"from": "hand"}, quantiser)


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_network_of_features_survives_a_file(tmp_path, suffix):
    made = network()
    x = np.array([[0.1, 1.9], [0.05, 0.0], [3.0, 2.0], [np.inf, -np.inf]])
    made.save(tmp_path / f"n{suffix}")
    found = lutnet.Network.load(tmp_path / f"n{suffix}")
    assert found == made
    assert found.quantiser.edges[0][0] == np.float32(0.1)
    assert lutnet.model(found, x)[:, 0].tolist() == [1, 0, 0, 1]
    assert lutnet.predict(found, x).tolist() == [1, 0, 0, 1]


def test_the_hardware_takes_the_codes(tmp_path):
    made = network()
    made.save(tmp_path / "n.json")
    cfg = lutnet.Config(network=str(tmp_path / "n.json"))
    x = np.array([[0.1, 1.9], [0.05, 0.0], [8.0, 2.0]])
    codes = made.quantise(x)
    assert codes.tolist() == [[1, 0], [0, 0], [3, 1]]
    assert cfg.load().quantiser is None
    assert np.array_equal(cfg.codes(x), codes)
    plain = lutnet.Config.preset("small")
    assert np.array_equal(plain.codes(np.eye(12, dtype=int)), np.eye(12, dtype=int))
    assert np.array_equal(lutnet.model(cfg.load(), codes), lutnet.model(made, x))
    lutnet.model(cfg.load(), **lutnet.stimuli(cfg, np.random.default_rng(1)))
    with pytest.raises(ValueError, match="has no quantiser: it takes codes"):
        cfg.load().quantise(x)


def test_files_without_a_quantiser_are_as_before(tmp_path):
    made = lutnet.Config.preset("direct").load()
    made.save(tmp_path / "n.json")
    values = json.loads((tmp_path / "n.json").read_text())
    assert values["version"] == 1
    assert list(values) == ["format", "version", "inputs", "input_bits", "about", "layers"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edges": [[1.0, 0.5], [2.0]]}, "edges[0][1] must be above the one before it, not 0.5"),
        ({"edges": [[1.0, 1.0], [2.0]]}, "edges[0][1] must be above the one before it, not 1.0"),
        ({"edges": [[0.1], [2.0]]}, "edges[0][0] must be a number of float32, not 0.1"),
        ({"edges": [["1"], [2.0]]}, "edges[0][0] must be a number, not '1'"),
        ({"edges": [[True], [2.0]]}, "edges[0][0] must be a number, not True"),
        ({"edges": [[1.0]]}, "quantiser.edges must have a list per input, 2, not 1"),
        ({"edges": [[1.0, 2.0, 3.0, 4.0], []]}, "input_bits must be at least the quantiser's 3"),
        ({"dtype": "float16"}, "quantiser.dtype must be one of float32, float64, not 'float16'"),
        ({"more": 1}, "quantiser has no field 'more'"),
    ],
)
def test_a_quantiser_that_does_not_fit_is_named(tmp_path, change, message):
    values = network().to_dict()
    values["quantiser"] |= change
    (tmp_path / "n.json").write_text(json.dumps(values))
    with pytest.raises(ValueError, match=r"n\.json: ") as caught:
        lutnet.Network.load(tmp_path / "n.json")
    assert message in str(caught.value)


def test_features_that_are_no_numbers_are_named():
    made = network()
    with pytest.raises(ValueError, match=r"x\[1\]\[0\] must be a number, not NaN"):
        lutnet.model(made, [[0.0, 0.0], [np.nan, 0.0]])
    with pytest.raises(ValueError, match=r"x must be of shape \[n, 2\], not \[1, 3\]"):
        made.quantise([[0.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match="x must hold real numbers"):
        made.quantise([["a", "b"]])


@pytest.mark.parametrize("bits", [1, 3, 5])
def test_fitted_codes_are_about_equally_frequent(bits):
    rng = np.random.default_rng(3)
    x = np.stack([rng.normal(size=4096), np.exp(rng.normal(size=4096)), np.ones(4096)], axis=1)
    quantiser = lutnet.Quantiser.fit(x, bits)
    assert quantiser.bits == bits
    assert [len(edges) for edges in quantiser.edges] == [2**bits - 1, 2**bits - 1, 0]
    counts = np.bincount(quantiser.codes(x)[:, 0], minlength=1 << bits)
    assert abs(counts - 4096 / (1 << bits)).max() <= 1
