"""The engine's model: layer programs against the network itself, addresses, cycles, refusals."""

import dataclasses

import numpy as np
import pytest

from nomul.golden import engine, network
from nomul.golden.engine import examples, members
from nomul.golden.engine.drawn import drawn
from nomul.golden.engine.machine import results_at
from nomul.golden.engine.memories import Memory, Region
from nomul.golden.engine.walks import channels, windows

RNG = np.random.default_rng(4)


def wanted(cfg, x):
    """Return what the network gives, and the class behind it: int64[V, scores + 1]."""
    net = cfg.net
    if isinstance(net.layers[-1], network.ArgMax):
        values = network.trace(net, x, cfg.sums)
        scores, label = values[-2], values[-1]
    else:
        scores = network.model(net, x, cfg.sums).reshape(len(x), -1)
        label = scores.argmax(axis=1)
    return np.concatenate([scores, label[:, None]], axis=1)


@pytest.mark.parametrize("member", engine.MEMBERS)
@pytest.mark.parametrize("name", examples.KINDS)
@pytest.mark.parametrize("tile", [(1, 1), (3, 2), (8, 4), (40, 7)])
def test_answers_are_the_networks(member, name, tile):
    cfg = engine.Config(
        network=name,
        member=member,
        inputs=tile[0],
        outputs=tile[1],
        impose=member not in ("dense", "bitplanes", "spimc", "pq"),
    )
    x = engine.stimuli(cfg, np.random.default_rng(1))["x"]
    assert np.array_equal(engine.model(cfg, x), wanted(cfg, x))


@pytest.mark.parametrize("seed", range(60))
def test_any_network_is_computed_as_it_is(seed, tmp_path):
    """Networks and tiles drawn at random; several sums in a word where columns are many."""
    rng = np.random.default_rng(seed)
    network.save(drawn(rng), tmp_path / "net.npz")
    tile = {"inputs": int(rng.integers(1, 20)), "outputs": int(2 ** rng.integers(0, 4))}
    cfg = engine.Config(network=str(tmp_path / "net.npz"), **tile)
    x = engine.stimuli(cfg, rng)["x"]
    assert np.array_equal(engine.model(cfg, x), wanted(cfg, x))


@pytest.mark.parametrize("name", engine.TRAINED)
def test_trained_networks_are_computed_as_they_are(name):
    cfg = engine.configured(name)
    x = RNG.integers(0, cfg.net.input_high + 1, (4, *cfg.net.input_shape))
    assert np.array_equal(engine.model(cfg, x), wanted(cfg, x))


def test_a_window_is_walked_as_written_out():
    """Against the sums of im2col written as loops, with padding and a tile in the middle."""
    layer = network.Conv2d(np.ones((1, 3, 3, 2), dtype=int), (2, 1), (1, 0, 2, 1))
    source = Region(False, 5, (3, 4, 3))
    walk = windows(layer, source, 4, 9, 12)
    address, inside, _ = walk.addresses()
    number = 0
    for y in range(3):
        for x in range(3):
            for row in range(9):
                channel, rest = divmod(row + 4, 6)
                at_y, at_x = 2 * y - 1 + rest // 2, x + rest % 2
                there = 0 <= at_y < 4 and 0 <= at_x < 3
                assert inside[number, row] == there
                if there:
                    assert address[number, row] == 5 + 12 * channel + 3 * at_y + at_x
            number += 1
    assert number == walk.windows


def test_channels_that_share_a_word_are_walked_one_after_the_other():
    """Five channels, two of them in a word: three words for a pixel."""
    source = Region(True, 7, (5, 2, 3), lanes=2)
    address, _, lane = channels(source).addresses()
    for channel in range(5):
        for pixel in range(6):
            assert address[channel * 6 + pixel, 0] == 7 + 3 * pixel + channel // 2
            assert lane[channel * 6 + pixel] == channel % 2
    target = engine.Target(True, 7, source.pitch, -5 * source.pitch, lanes=2)
    into, lanes = results_at(target, (5, 2, 3))
    assert np.array_equal(into, address[:, 0])
    assert np.array_equal(lanes, lane)


def test_a_memory_gives_the_lowest_place_that_is_free():
    memory = Memory()
    places = [memory.take(words) for words in (4, 3, 5)]
    assert places == [0, 4, 7]
    memory.free(Region(False, 4, (3, 1, 1)))
    assert [memory.take(4), memory.take(2), memory.take(1)] == [12, 4, 6]
    assert memory.depth == 16


def test_values_that_live_at_the_same_time_never_share_a_word():
    """Each pass of the residual network writes where nothing is that is read later."""
    cfg = engine.Config(network="residual", inputs=5, outputs=3)
    x = engine.stimuli(cfg, RNG)["x"]
    assert np.array_equal(engine.model(cfg, x), wanted(cfg, x))
    apart = sum(int(np.prod(shape)) for shape in cfg.net.shapes)
    assert cfg.program.codes + cfg.program.sums < apart


def test_codes_that_are_negative_somewhere_are_signed_everywhere():
    layers = [network.Dense([[1], [1]]), network.Requant([1], [0], 0, -4, 3), network.Dense([[2]])]
    net = network.Network(layers, (2,), 4, 4, 0, 15)
    assert engine.code_format(net) == (5, True)
    assert engine.code_format(examples.example("mlp")) == (4, False)


def test_codes_are_clipped_where_the_network_clips_and_never_rounded_in_the_ideal(tmp_path):
    """With scales of one nothing rounds, so model and ideal agree; else they are close."""
    exact = network.Network(
        [network.Dense(RNG.integers(-8, 8, (6, 4))), network.Requant([1], [3], 0, -20, 25)],
        (6,),
        4,
        4,
        0,
        15,
    )
    network.save(exact, tmp_path / "net.npz")
    cfg = engine.Config(network=str(tmp_path / "net.npz"))
    x = RNG.integers(0, 16, (50, 6))
    assert np.array_equal(engine.ideal(cfg, x), engine.model(cfg, x)[:, :-1])


def test_the_ideal_differs_by_what_one_code_of_each_input_is_worth():
    """Each code of a layer is rounded by half a unit at most, so a score by half of all weights."""
    cfg = engine.configured("digits-mlp-int8")
    x = RNG.integers(0, 256, (200, 64))
    net = cfg.net
    first, second, last = (np.abs(net.layers[n].w).astype(float) for n in (0, 2, 4))
    gains = [np.abs(net.layers[n].scale) / 2.0 ** net.layers[n].shift for n in (1, 3, 5)]
    hidden = np.full(first.shape[1], 0.5)
    hidden = (hidden @ second) * gains[1] + 0.5
    bound = (hidden @ last) * gains[2] + 0.5
    away = np.abs(engine.ideal(cfg, x) - engine.model(cfg, x)[:, :-1])
    assert (away <= bound).all()
    assert away.max() > 1


def test_cycles_of_a_perceptron_by_hand():
    """Of 64, 64, 32 and 10 values on tiles of 64 by 16, with 16 multipliers.

    A tile: 3 to fetch, 64 words, 2 to the first activation and the end, 64 activations, 2 + 15 to
    the last sum. A requantiser: 3 to fetch, a value each, 6 stages.
    """
    cfg = engine.configured("digits-mlp-int8")
    tile, rescaled = 3 + 64 + 2 + 64 + 17, 3 + 6
    tiles = 4 + 2 + 1
    work = tiles * tile + 3 * rescaled + 64 + 32 + 10
    assert cfg.work == work
    assert cfg.interval == 64 + work + 3 + 1 + 10
    assert cfg.cycles(3) == 3 * cfg.interval == engine.cycles(cfg, np.zeros((3, 64), dtype=int))
    assert cfg.latency == work + 5


def test_zeros_are_skipped_by_the_member_that_skips_them():
    cfg = engine.Config.preset("permdiag", settings=("pes=1", "muls=1", "p=2"))
    full = engine.cycles(cfg, np.full((1, 2, 5, 4), 15))
    assert engine.cycles(cfg, np.zeros((1, 2, 5, 4), dtype=int)) < full <= cfg.cycles(1)


def test_weights_are_imposed_tile_by_tile():
    plain = engine.Config(network="mlp", member="permdiag", impose=True, inputs=4, outputs=4)
    w = plain.net.layers[0].w
    assert (w != engine.Config(network="mlp").net.layers[0].w).any()
    assert np.count_nonzero(w) <= w.size // 4 + 6
    again = engine.project(plain.net, "permdiag", plain.tile)
    assert np.array_equal(again.layers[0].w, w)


def test_words_of_weights_are_those_of_the_stream():
    cfg = engine.Config.preset("small")
    (first, *_), mask = (step for step in cfg.program.passes if step.kind == "product"), 15
    words = members.tile_words(first.tile.packed)
    assert len(words) == 8
    got = [[(w >> 4 * i & mask) - 16 * (w >> 4 * i + 3 & 1) for i in range(4)] for w in words]
    assert np.array_equal(got, first.tile.packed.weights())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "mpl"}, "engine.network must be a file or one of mlp, conv, residual, digits"),
        ({"member": "lutnet"}, "engine.member must be one of dense, bitplanes, permdiag, circ"),
        (
            {"member": "permdiag"},
            r"permdiag: w\[0, 2\] must be 0 off.*; impose=true takes the nearest",
        ),
        ({"settings": ("products",)}, "engine.settings must be name=value each, not 'products'"),
        ({"settings": ("inputs=3",)}, "engine.settings must leave inputs to the engine"),
        ({"settings": ("produts=3",)}, "dense has no parameter 'produts'; it has products"),
        ({"codes_depth": 3}, "engine.codes_depth must be none or in 10..1048576"),
        ({"sums_depth": 3}, "engine.sums_depth must be none or in 10..1048576"),
        ({"inputs": 0}, "engine.inputs must be in 1..4096, not 0"),
        (
            {"network": "conv", "inputs": 1, "outputs": 3, "settings": ("products=2",)},
            r"layer 0 \(conv2d\): tiles of \[3, .* begin at multiples of the 2 sums of a beat",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(changes, message):
    with pytest.raises((TypeError, ValueError), match=message):
        engine.Config(**changes)


def test_inputs_are_held_to_the_network():
    cfg = engine.Config()
    with pytest.raises(ValueError, match=r"x\[0\]\[2\] must be in 0..14, not 16"):
        engine.model(cfg, [[0, 1, 16, 0, 0, 0, 0, 0, 0, 0]])
    with pytest.raises(ValueError, match=r"x must be of shape \[V, 10\], not \[1, 3\]"):
        engine.model(cfg, [[0, 1, 2]])
    assert engine.model(cfg, np.zeros((0, 10), dtype=int)).shape == (0, 6)


def loaded(**values):
    """Return an engine whose layer program is loaded."""
    return engine.Config(loads=True, weights="stream", **values)


def test_another_network_of_the_same_sizes_has_a_program_for_the_engine():
    cfg = loaded()
    other = engine.another(cfg.net, np.random.default_rng(1), weights=True)
    own, its = engine.load(cfg), engine.load(cfg, other)
    assert len(own) == len(its) == len(cfg.program.passes) + len(cfg.program.scale)
    assert own != its
    assert max(word.bit_length() for word in own) == cfg.rows.bits + 1
    assert cfg.capacity >= (len(cfg.program.passes), len(cfg.program.scale))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_high": 13}, "input_high of the network must be 14, not 13"),
        ({"input_low": 1}, "input_low of the network must be 0, not 1"),
    ],
)
def test_a_network_of_other_inputs_is_refused(changes, message):
    cfg = loaded()
    with pytest.raises(ValueError, match=f"engine: {message}"):
        engine.load(cfg, cfg.net.replace(**changes))


def test_a_network_of_more_layers_than_there_is_room_for_is_refused():
    cfg = loaded()
    dense, rescale, *others = cfg.net.layers
    square = dataclasses.replace(dense, w=np.ones((6, 6), dtype=np.int64))
    deep = [dense, rescale, *([square, rescale] * 6), *others]
    with pytest.raises(ValueError, match=r"engine: the network needs .* passes, and there are 16"):
        engine.load(cfg, cfg.net.replace(layers=deep))


def test_other_weights_are_refused_where_they_are_inside():
    cfg = engine.Config(loads=True)
    other = engine.another(cfg.net, np.random.default_rng(1), weights=True)
    with pytest.raises(ValueError, match="engine: weights are inside"):
        engine.load(cfg, other)


def test_a_scale_beyond_what_is_multiplied_is_refused():
    cfg = loaded()
    layers = list(cfg.net.layers)
    layers[1] = dataclasses.replace(layers[1], bias=layers[1].bias + (1 << 50))
    with pytest.raises(ValueError, match=r"engine: its (scaled|score) needs"):
        engine.load(cfg, cfg.net.replace(layers=layers))


def test_a_dense_tile_of_several_passes_is_refused():
    cfg = engine.Config(member="spimc", settings=("slots=2", "formats=dense"))
    with pytest.raises(ValueError, match="does not fit 2 slots at once"):
        members.tile_words(cfg.program.passes[0].tile.packed)


def test_tables_are_fitted_to_samples_of_a_file(tmp_path):
    """As many prototypes as different subvectors in the samples give these their exact sums."""
    x = np.random.default_rng(1).integers(0, 15, (3, 10))
    np.save(tmp_path / "x.npy", x)
    cfg = engine.Config(member="pq", samples=str(tmp_path / "x.npy"))
    assert np.array_equal(engine.model(cfg, x), wanted(engine.Config(), x))
    assert cfg.files() == {"samples": tmp_path / "x.npy"}
    with pytest.raises(ValueError, match=r"engine\.samples must be none or a file"):
        engine.Config(member="pq", samples=str(tmp_path / "y.npy"))


def test_what_the_engine_needs_of_tables_is_not_left_to_settings():
    for setting in ("groups=1", "table_shift=2"):
        with pytest.raises(ValueError, match=r"engine\.settings must leave"):
            engine.Config(member="pq", settings=(setting,))
