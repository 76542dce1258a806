"""A board learns over its serial line: images and weights through the protocol, bit by bit."""

import numpy as np
import pytest

from nomul.board import Board
from nomul.golden import sgd
from nomul.golden.sgd import Config
from nomul.golden.sgd.stimuli import initial
from nomul.sim.sgd import frames
from nomul.train import digits


def trains(images, folder, **values):
    """Train a simulated board on so many images, and compare all it says with the model."""
    pytest.importorskip("serial", reason="needs pip install 'nomul[board]'")
    cfg = Config.preset("small", **values)
    state = sgd.begin(cfg, initial(cfg, np.random.default_rng(1)))
    data = digits.load(1)
    x = np.rint(data.x[:images, : cfg.sizes[0]] * (1 << cfg.fraction)).astype(np.int64)
    target = sgd.targets(cfg, data.labels[:images] % cfg.sizes[-1])
    words, outputs = frames.load(cfg, state.weights, state.residues), []
    for sample, wanted in zip(x, target, strict=True):
        words += frames.learn(cfg, sample, wanted)
        state, z, _, _ = sgd.advance(cfg, state, sample, wanted)
        outputs.append(z[-1])
    words += frames.dump(cfg)
    count = images * cfg.sizes[-1]
    with Board.simulated("sgd", folder, **values) as board:
        answers = board.run({"i": words}, {"o": count + cfg.weights}, timeout_s=600)["o"]
    got = frames.values(cfg, answers[:count]).reshape(images, -1)
    assert np.array_equal(got, outputs)
    weights, residues = frames.state(cfg, answers[count:])
    assert all(map(np.array_equal, weights, state.weights))
    assert all(map(np.array_equal, residues, state.residues))


@pytest.mark.needs("icarus")
def test_a_board_learns_through_its_serial_line(tmp_path):
    trains(3, tmp_path, sizes=(16, 4, 3), serial=8)


@pytest.mark.long
@pytest.mark.needs("icarus")
def test_a_board_learns_a_hundred_digits(tmp_path):
    trains(100, tmp_path, sizes=(64, 8, 10), pes=8, serial=8)
