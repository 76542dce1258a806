"""Files of SONIC's layers: read as they were written, or refused by the field."""

import numpy as np
import pytest

from nomul.golden.sonic import network


def layer():
    return network.Layer(
        codes=np.arange(6).reshape(2, 3) % 4,
        levels=np.array([0, 1, -2, 3]),
        scale=np.array([3, 4]),
        bias=np.array([1, 2]),
        shift=3,
        relu=False,
        pool=2,
    )


def test_layers_come_back(tmp_path):
    network.save(tmp_path / "s.npz", [layer(), layer()])
    found = network.load(tmp_path / "s.npz")
    assert repr(found) == repr([layer(), layer()])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("codes", np.full((2, 3), 4), r"0\.codes\[0\]\[0\] must be in 0\.\.3, not 4"),
        ("codes", np.zeros((2, 3)), r"0\.codes must hold integers, not float64"),
        ("codes", np.zeros(6, int), r"0\.codes must be \[R, J\] or"),
        ("levels", np.array([0.0, 1.0]), r"0\.levels must hold integers"),
        ("scale", np.array([1, 2, 3]), r"0\.scale must have 2 entries"),
        ("shift", np.array(-1), r"0\.shift must be in 0\.\.62, not -1"),
        ("shift", np.array(2.5), r"0\.shift must be an integer, not 2\.5"),
        ("relu", np.array(2), r"0\.relu must be true or false"),
        ("pool", np.array(0), r"0\.pool must be in 1\.\."),
        ("pool", None, r"0\.pool is missing"),
        ("more", np.array(0), r"entries 0\.more are no layers"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, name, value, message):
    network.save(tmp_path / "s.npz", [layer()])
    with np.load(tmp_path / "s.npz") as file:
        arrays = dict(file)
    arrays.pop(f"0.{name}", None)
    if value is not None:
        arrays[f"0.{name}"] = value
    np.savez(tmp_path / "s.npz", **arrays)
    with pytest.raises(ValueError, match=rf"s\.npz: {message}"):
        network.load(tmp_path / "s.npz")
