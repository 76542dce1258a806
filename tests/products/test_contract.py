"""The family's contract, member by member: exact sums, refusals, files, plans of layers."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nomul.golden import products
from nomul.golden.products import TooFull
from nomul.golden.products.contract import code_range, corners, product

SMALL = {
    "dense": {"inputs": 10, "outputs": 3, "products": 6},
    "bitplanes": {"inputs": 10, "outputs": 3, "lanes": 4},
    "permdiag": {"inputs": 10, "outputs": 3, "p": 2, "lanes": 4},
    "circulant": {"inputs": 10, "outputs": 3, "k": 2},
    "pow2basis": {"inputs": 10, "outputs": 3, "units": 2},
    "epitome": {"inputs": 10, "outputs": 3, "rows": 10, "cols": 2, "entries": 512},
    "spimc": {"window": 10, "columns": 3, "slots": 10, "lanes": 4},
    "sonic": {"inputs": 10, "outputs": 3, "fc_lanes": 4, "fc_units": 2, "code_bits": 3},
}

# What makes a member hold any matrix: plans of layers that were not trained for it.
ANY = {"permdiag": {"p": 1}, "circulant": {"k": 1}, "epitome": {"cols": 3}}

# Weights that a member holds without having been trained for it.
LEVELS = {"pow2basis": [0, 1, -2, 4, -8, 64]}

# Members that compute W^T x; product quantisation comes near it, and has tests of its own.
EVERY = [*products.MEMBERS, *products.CONTROLLERS]
EXACT = [name for name in EVERY if products.member(name).Config().exact]
members = pytest.mark.parametrize("name", EXACT)


def configured(name, **more):
    return products.member(name).Config.from_dict({**SMALL[name], **more})


def matrices(name, cfg, rng):
    """Return random and corner matrices that the member holds."""
    module = products.member(name)
    made = corners(rng, (cfg.inputs, cfg.outputs), code_range(cfg.weight_bits), 8)
    return [module.project(cfg, w) for w in made]


@members
def test_sums_are_those_of_the_weights(name):
    module, cfg, rng = products.member(name), configured(name), np.random.default_rng(1)
    x = np.concatenate(corners(rng, (1, cfg.inputs), code_range(cfg.act_bits, cfg.act_signed), 9))
    for w in matrices(name, cfg, rng):
        packed = module.compress(cfg, w)
        y = module.model(cfg, packed, x)
        assert y.dtype == np.int64
        assert np.array_equal(packed.weights(), w)
        assert np.array_equal(y, x @ packed.weights())
        assert np.array_equal(y, module.ideal(w, x))
        assert len(y[0]) == cfg.outputs
        assert np.abs(y).max() < 1 << (cfg.y_bits - 1) or y.min() == -1 << (cfg.y_bits - 1)


@members
@settings(max_examples=25)
@given(data=st.data())
def test_sums_of_any_size(name, data):
    """Sizes that no lane count divides, weights of any member's structure."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    k, c = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 9))
    inputs, outputs = ("window", "columns") if name == "spimc" else ("inputs", "outputs")
    more = (
        {inputs: k, outputs: c, "slots": k, "lanes": 1, "tree_regs": 0} if name == "spimc" else {}
    )
    cfg = configured(name, **(more or {inputs: k, outputs: c}))
    module = products.member(name)
    w = module.project(cfg, rng.integers(-128, 128, (k, c)))
    packed = module.compress(cfg, w)
    x = rng.integers(*code_range(cfg.act_bits, cfg.act_signed), (3, k), endpoint=True)
    assert np.array_equal(module.model(cfg, packed, x), x @ w)
    assert packed.beats > 0
    assert packed.bits > 0
    assert module.cycles(cfg, packed, x) > module.cycles(cfg, packed, x[:1])


@members
def test_projection_is_idempotent_and_never_refused(name):
    module, cfg, rng = products.member(name), configured(name), np.random.default_rng(2)
    for scale in (1, 1000):
        w = rng.integers(-scale, scale + 1, (cfg.inputs, cfg.outputs)) * 3
        once = module.project(cfg, w)
        module.compress(cfg, once)
        assert np.array_equal(module.project(cfg, once), once)


@members
def test_a_tile_survives_its_file(name, tmp_path):
    module, cfg = products.member(name), configured(name)
    packed = module.stimuli(cfg, np.random.default_rng(3))["packed"]
    packed.save(tmp_path / "tile.npz")
    again = module.Packed.load(tmp_path / "tile.npz")
    assert again.cfg == packed.cfg
    assert np.array_equal(again.weights(), packed.weights())
    assert (again.beats, again.bits) == (packed.beats, packed.bits)
    other = products.member("dense" if name != "dense" else "bitplanes")
    with pytest.raises(ValueError, match=f"holds a tile of '{name}', not of {other.Packed.member}"):
        other.Packed.load(tmp_path / "tile.npz")


@members
def test_words_are_as_many_as_beats(name):
    module, cfg = products.member(name), configured(name)
    packed = module.stimuli(cfg, np.random.default_rng(4))["packed"]
    counts = [len(field) for field in packed.words().values()]
    if name == "epitome":  # on two ports
        assert (sum(counts), max(counts)) == (packed.beats, packed.first)
        return
    words = set(counts)
    codebook = len(packed.codebook) - 1 if name == "sonic" else 0
    assert words == {packed.beats - codebook}


@members
def test_bad_weights_are_named(name):
    module, cfg = products.member(name), configured(name)
    w = np.zeros((cfg.inputs, cfg.outputs), dtype=np.int64)
    w[7, 2] = 128
    with pytest.raises(ValueError, match=r"w\[7, 2\] must be in -128\.\.127, not 128"):
        module.compress(cfg, w)
    with pytest.raises(ValueError, match=r"w must be of shape \[10, 3\], not \[3, 10\]"):
        module.compress(cfg, w.T)
    with pytest.raises(TypeError, match="w must be integers, not float64"):
        module.compress(cfg, w / 2)


@members
def test_bad_activations_are_named(name):
    module, cfg = products.member(name), configured(name)
    packed = module.stimuli(cfg, np.random.default_rng(5))["packed"]
    x = np.zeros((2, cfg.inputs), dtype=np.int64)
    x[1, 4] = -129
    with pytest.raises(ValueError, match=r"x\[1, 4\] must be in -128\.\.127, not -129"):
        module.model(cfg, packed, x)
    with pytest.raises(ValueError, match=r"x must be of shape \[V, 10\], not \[2, 9\]"):
        module.model(cfg, packed, x[:, 1:])
    with pytest.raises(TypeError, match="x must be integers, not float64"):
        module.model(cfg, packed, x / 2)
    with pytest.raises(ValueError, match=r"x must be of shape \[V, 10\], not \[2, 9\]"):
        module.cycles(cfg, packed, x[:, 1:])


@members
def test_a_member_is_configured_by_the_names_of_the_family(name):
    values = {"inputs": 20, "outputs": 6, "weight_bits": 4, "act_bits": 5, "act_signed": True}
    cfg = products.configure(name, **values)
    assert {field: getattr(cfg, field) for field in values} == values
    with pytest.raises(TypeError, match=f"{name} has no parameter 'heights'"):
        products.configure(name, heights=3)


def test_a_member_without_a_choice_says_so():
    assert products.configure("dense", act_signed=False).act_signed is False
    with pytest.raises(ValueError, match=r"sonic\.act_signed must be True, not False"):
        products.configure("sonic", act_signed=False)


def test_an_unknown_member_is_refused():
    with pytest.raises(ValueError, match="there is no member 'densse'; there are dense, "):
        products.member("densse")


def test_the_product_is_exact_beyond_what_a_float_holds():
    x, w = np.array([[(1 << 31) - 1] * 2]), np.array([[(1 << 30) + 1], [1]])
    assert product(x, w)[0, 0] == ((1 << 31) - 1) * ((1 << 30) + 2)


def test_sonic_names_the_weight_that_is_one_level_too_many():
    module, cfg = products.member("sonic"), configured("sonic", inputs=4, outputs=3)
    w = np.arange(12).reshape(3, 4).T
    with pytest.raises(ValueError, match=r"w\[0, 2\] is level 8 beside zero, 8; code_bits 3"):
        module.compress(cfg, w)


@pytest.mark.parametrize("bits", [1, 2])
def test_sonic_projects_to_the_nearest_levels(bits):
    """Every choice of integer levels, on few values, is no nearer."""
    module, rng = products.member("sonic"), np.random.default_rng(6)
    for _ in range(6):
        cfg = configured("sonic", inputs=2, outputs=3, code_bits=bits, level_bits=4)
        w = rng.integers(-8, 8, (2, 3))
        cost = ((module.project(cfg, w) - w) ** 2).sum()
        least = min(
            ((np.abs(w[..., None] - np.array([0, *chosen])).min(axis=-1)) ** 2).sum()
            for chosen in itertools.combinations(range(-8, 8), (1 << bits) - 1)
        )
        assert cost == least


def test_an_epitome_is_the_mean_of_the_weights_that_the_layer_has():
    module, cfg = products.member("epitome"), configured("epitome", outputs=6)
    w = np.random.default_rng(6).integers(-99, 100, (7, 5))
    cells, near = module.shares(cfg), module.complete(cfg, w)
    made = [cells[:7, :5] == number for number in range(cfg.rows * cfg.cols)]
    assert sum(place.sum() > 1 for place in made) > 2
    for number, place in enumerate(made):
        mean = np.rint(w[place].mean()) if place.any() else 0
        assert (near[cells == number] == mean).all()
    module.compress(cfg, near)
    near[4, 0] += 1
    with pytest.raises(ValueError, match=r"w\[\d, \d\] must be -?\d+, as its cell makes another"):
        module.compress(cfg, near)
    with pytest.raises(ValueError, match=r"entries must be 1\.\.4, not 15"):
        module.shares(cfg.replace(entries=4))


def test_spimc_drops_the_smallest_of_a_full_column():
    module = products.member("spimc")
    cfg = configured("spimc", slots=4, formats=("coo", "bitmap"))
    w = np.random.default_rng(7).integers(-128, 128, (10, 3))
    near = module.project(cfg, w)
    assert ((near != 0).sum(axis=0) <= 4).all()
    for column in range(3):
        kept = np.abs(w[:, column])[near[:, column] != 0]
        assert kept.min() >= np.sort(np.abs(w[:, column]))[-4]
    with pytest.raises(TooFull, match="w does not fit 4 slots"):
        module.compress(cfg, w)


@members
@pytest.mark.parametrize("shape", [(1, 1), (10, 3), (23, 8), (9, 20)])
def test_a_plan_of_a_layer_gives_its_sums(name, shape):
    cfg, rng = configured(name, **ANY.get(name, {})), np.random.default_rng(8)
    levels = rng.choice(LEVELS.get(name, np.arange(-128, 128)), 5)
    w = np.where(rng.random(shape) < 0.5, 0, levels[rng.integers(0, 5, shape)])
    laid = products.plan(name, cfg, w)
    x = rng.integers(-128, 128, (4, shape[0]))
    assert np.array_equal(laid.weights(), w)
    assert np.array_equal(laid.model(x), x @ w)
    assert len(laid.tiles) == -(-shape[0] // cfg.inputs) * -(-shape[1] // cfg.outputs)
    assert laid.utilisation == w.size / (len(laid.tiles) * cfg.inputs * cfg.outputs)
    assert laid.beats == sum(placed.packed.beats for placed in laid.tiles)
    assert laid.cycles_for(x[:1] | 1) == laid.cycles
    assert laid.cycles_for(x) > laid.cycles


@members
@pytest.mark.parametrize(("channels", "groups"), [(6, 6), (6, 2), (4, 1)])
def test_a_plan_of_a_convolution_gives_its_sums(name, channels, groups):
    """Depthwise, grouped and plain: each output sees the patches of its own group."""
    rng = np.random.default_rng(9)
    cfg = configured(name, **({"window": 10} if name == "spimc" else ANY.get(name, {})))
    w = rng.integers(-2, 3, (2 * groups, channels // groups, 2, 2))
    laid = products.plan(name, cfg, w, groups)
    whole = np.zeros((channels * 4, 2 * groups), dtype=np.int64)
    height = channels // groups * 4
    for output in range(2 * groups):
        first = output // 2 * height
        whole[first : first + height, output] = w[output].reshape(-1)
    x = rng.integers(-128, 128, (3, channels * 4))
    assert np.array_equal(laid.weights(), whole)
    assert np.array_equal(laid.model(x), x @ whole)
    assert sum(placed.used for placed in laid.tiles) == w.size


def test_depthwise_groups_share_a_tile():
    cfg = products.member("dense").Config(inputs=40, outputs=4, products=4)
    laid = products.plan("dense", cfg, np.ones((8, 1, 3, 3), dtype=np.int64), groups=8)
    assert [len(placed.columns) for placed in laid.tiles] == [4, 4]
    assert laid.utilisation == 72 / (2 * 40 * 4)


def test_windows_end_where_slots_do():
    cfg = configured("spimc", window=16, slots=4, formats=("coo",), lanes=4)
    w = np.ones((16, 2), dtype=np.int64)
    laid = products.plan("spimc", cfg, w)
    assert [len(placed.rows) for placed in laid.tiles] == [4, 4, 4, 4]
    assert np.array_equal(laid.weights(), w)


def test_what_no_tile_holds_is_refused():
    cfg = configured("sonic")
    with pytest.raises(ValueError, match="is level 8 beside zero"):
        products.plan("sonic", cfg, np.arange(30).reshape(10, 3))
    with pytest.raises(ValueError, match="groups must divide the outputs"):
        products.plan("dense", configured("dense"), np.zeros((5, 1, 2, 2), dtype=int), 2)
    with pytest.raises(ValueError, match="2 or 4 dimensions"):
        products.plan("dense", configured("dense"), np.zeros(5, dtype=int))


def test_stored_values_of_a_layer_are_those_of_its_tiles():
    """Weights of one number are equal in a layer that was laid over the member, and only in one."""
    cfg, w = configured("circulant"), np.random.default_rng(6).integers(-99, 100, (23, 7))
    numbers = products.shares("circulant", cfg, w.shape)
    near = products.plan("circulant", cfg, w, project=True).weights()
    assert numbers.shape == w.shape
    for number in np.unique(numbers):
        assert len(np.unique(near[numbers == number])) == 1
    across = numbers[:10, :3]
    assert not np.isin(numbers[10:], across).any()
    assert products.shares("dense", configured("dense"), w.shape) is None
