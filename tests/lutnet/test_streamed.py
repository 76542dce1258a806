"""Streamed networks: kernels and windows against loops, their RTL against the model, mutation."""

import numpy as np
import pytest

from nomul.golden import lutnet
from nomul.golden.lutnet import Kernels, Windows
from nomul.golden.lutnet.schedule import Schedule
from nomul.hw.lutnet import stream
from nomul.sim.harness import BenchError

STREAMED = lutnet.Config(network="streamed")


def maps(kernels, image):
    """Return the kernels' maps of one image, pixel by pixel."""
    result = np.zeros((len(kernels.tt), kernels.height, kernels.width), dtype=np.int64)
    for n, r, c in np.ndindex(result.shape):
        address = 0
        for j in range(kernels.k):
            row, column = r + kernels.dy[n, j], c + kernels.dx[n, j]
            if not (0 <= row < kernels.height and 0 <= column < kernels.width):
                break
            address |= int(image[row, column] >= kernels.level[n, j]) << j
        else:
            result[n, r, c] = kernels.tt[n] >> address & 1
    return result


def window_bits(windows, found):
    """Return the windows' bits of one image's maps, bit by bit."""
    result = []
    names = ("kernel", "grid", "row", "column", "threshold")
    rows = zip(*(getattr(windows, n) for n in names), strict=True)
    for kernel, grid, row, column, threshold in rows:
        size, stride = windows.size[grid], windows.stride[grid]
        top, left = row * stride, column * stride
        ones = found[kernel, top : top + size, left : left + size].sum()
        result.append(int(ones >= threshold))
    return result


def front(network):
    """Return the first two layers as a network."""
    return lutnet.Network(network.layers[:2], network.inputs, network.input_bits)


def test_kernels_and_windows_equal_loops_over_pixels():
    network, rng = STREAMED.load(), np.random.default_rng(3)
    kernels, windows = network.layers[:2]
    images = rng.integers(0, 16, (70, kernels.height, kernels.width))
    images[0], images[1] = 0, 15
    got = lutnet.model(front(network), images.reshape(len(images), -1))
    for image, bits in zip(images, got, strict=True):
        assert bits.tolist() == window_bits(windows, maps(kernels, image))
    assert 0.2 < got.mean() < 0.8


def test_a_kernel_gives_0_where_it_does_not_see_all_pixels():
    kernels = Kernels(height=3, width=4, k=2, dy=[[-1, 0]], dx=[[1, -1]], level=[[1, 1]], tt=[15])
    network = lutnet.Network([kernels], 12, 4)
    there = lutnet.model(network, np.zeros((1, 12), dtype=np.int64)).reshape(3, 4)
    assert there.tolist() == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0]]


def test_every_threshold_of_a_window_counts_exactly():
    """Windows of 2 x 2 over every image of 2 x 2 bits: the closed form is the sum of its bits."""
    kernels = Kernels(height=2, width=2, k=1, dy=[[0]], dx=[[0]], level=[[1]], tt=[2])
    one = np.zeros(4, dtype=np.int64)
    windows = Windows(
        **{"height": 2, "width": 2, "size": [2], "stride": [2], "threshold": [1, 2, 3, 4]},
        **{"kernel": one, "grid": one, "row": one, "column": one},
    )
    images = np.arange(16)[:, None] >> np.arange(4) & 1
    got = lutnet.model(lutnet.Network([kernels, windows], 4), images)
    assert (got.sum(axis=1) == images.sum(axis=1)).all()


def changed(network, number, **values):
    """Return a network's values with fields of one layer changed."""
    values_of = network.to_dict()
    values_of["layers"][number] |= values
    return values_of


@pytest.mark.parametrize(
    ("number", "values", "message"),
    [
        (
            0,
            {"dx": [[1, 0, 0]] * 6, "dy": [[0, 0, 0]] * 6},
            r"kernels\.dx\[0\]\[0\] must be at most",
        ),
        (0, {"dy": [[1, 0, 0]] * 6}, r"kernels\.dy\[0\]\[0\] must be in -5\.\.0, not 1"),
        (0, {"level": [[16, 1, 1]] * 6}, r"kernels\.level\[0\]\[0\] must be in 1\.\.15, not 16"),
        (0, {"level": [[1, 1]] * 6}, r"kernels\.level must be of shape \[6, 3\]"),
        (0, {"height": 8}, r"kernels\.width must make images of 42 codes"),
        (1, {"stride": [1, 1, 3, 3, 1, 1]}, r"windows\.stride\[2\] must divide size 4"),
        (1, {"threshold": [17] * 96}, r"windows\.threshold\[0\] must be in 1\.\.1, not 17"),
        (1, {"row": [6] * 96}, r"windows\.row\[0\] must be in 0\.\.5, not 6"),
        (1, {"kernel": [6] * 96}, r"windows\.kernel\[0\] must be in 0\.\.5, not 6"),
        (1, {"grid": [6] * 96}, r"windows\.grid\[0\] must be in 0\.\.5, not 6"),
        (1, {"row": [0] * 95}, r"windows\.row must have an entry per bit, 96, not 95"),
        (1, {"offset": 1}, r"offset"),
    ],
)
def test_files_that_do_not_fit_are_refused(number, values, message):
    with pytest.raises(ValueError, match=message):
        lutnet.Network.from_dict(changed(STREAMED.load(), number, **values))


def test_files_keep_streamed_networks(tmp_path):
    network = STREAMED.load()
    for name in ("net.json", "net.npz"):
        network.save(tmp_path / name)
        assert lutnet.Network.load(tmp_path / name) == network


def test_configurations_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"lutnet\.count_cycles must be in 1\.\.1, not 4"):
        lutnet.Config(network="direct", count_cycles=4)
    with pytest.raises(ValueError, match=r"lutnet\.count_cycles must be in 1\.\.42, not 43"):
        lutnet.Config(network="streamed", count_cycles=43)
    kernels = STREAMED.load().layers[0]
    lutnet.Network([kernels], 42, 4).save(tmp_path / "net.json")
    with pytest.raises(ValueError, match="kernels and windows come first"):
        lutnet.Config(network=str(tmp_path / "net.json"))


def test_windows_of_windows_come_a_stage_later():
    schedule = Schedule(*STREAMED.load().layers[:2])
    assert schedule.sources == (None, None, 1, None, None, None)
    assert (schedule.stages, schedule.latency, schedule.free_rows) == (2, 3, 1)
    assert [schedule.waiting(hold) for hold in (1, 6, 7, 12)] == [0, 0, 1, 6]


VARIANTS = {
    "a register per layer": {},
    "one register": {"registers": "end", "adder": "plus"},
    "counted for longer than a row": {"registers": "end", "count_cycles": 16},
    "counted behind a register": {"count_cycles": 4},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_rtl_equals_model(simulate, variant):
    """Without stalls, which counts the cycles, and with all of them; presets pass under both."""
    cfg = lutnet.Config(network="streamed", **VARIANTS[variant])
    report = simulate("lutnet", cfg, tests="never.*never|random.*random")
    assert report.tests == 2
    assert report.compared >= 2 * 60


@pytest.mark.parametrize("count_cycles", [2, 6])
def test_counting_takes_two_cycles_more_than_it_holds_the_bits(simulate, tmp_path, count_cycles):
    """Which images of one column notice: their bits are in use for as long as they take."""
    shape = {"height": 6, "width": 1}
    kernels = lutnet.Kernels(**shape, k=1, dy=[[0]], dx=[[0]], level=[[8]], tt=[2])
    grid = {name: [0] * 6 for name in ("kernel", "grid", "column")}
    windows = lutnet.Windows(
        **shape, size=[1], stride=[1], **grid, row=list(range(6)), threshold=[1] * 6
    )
    votes = lutnet.DirectLut(k=1, idx=[[place % 6] for place in range(26)], tt=[2, 1] * 13)
    layers = [kernels, windows, votes, lutnet.GroupSum(groups=2), lutnet.Argmax()]
    lutnet.Network(layers, 6, 4).save(tmp_path / "net.json")
    cfg = lutnet.Config(
        network=str(tmp_path / "net.json"), registers="end", count_cycles=count_cycles
    )
    assert cfg.interval == max(6, count_cycles + 2)
    assert simulate("lutnet", cfg, tests="never.*never|random.*random").tests == 2


@pytest.mark.parametrize("count_cycles", [1, 16])
def test_malformed_images_raise_the_flag_and_leave_the_next_ones_whole(simulate, count_cycles):
    cfg = lutnet.Config(network="streamed", registers="end", count_cycles=count_cycles)
    report = simulate("lutnet", cfg, bench="nomul.sim.lutnet.framing")
    assert report.tests == 4


def test_the_bits_that_training_sees_are_those_of_the_layers():
    """Kernels and windows that no wire reads are left out, and the rest numbered anew."""
    torch = pytest.importorskip("torch")
    from nomul.train.lutnet.streamed import Streaming

    encoding = Streaming(levels=(4, 8, 12), side=8, grids=((4, 2, (2, 6)), (8, 4, (20,))))
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 16, (90, 64))
    bits = encoding.bits(torch.tensor(codes, dtype=torch.uint8), 4, None).numpy()
    assert len(bits) == len(encoding.offered(4, 64)[0]) == 3 * 64 + 27 * (9 * 2 + 1)
    wires = rng.integers(0, len(bits), (20, 3))
    layers, places = encoding.layer(wires, 4, 64)
    got = lutnet.model(lutnet.Network(layers, 64, 4), codes)
    assert got.shape[1] == len(np.unique(wires))
    assert (got.T[places] == bits[wires]).all()


@pytest.mark.parametrize("a", [0, 3, 15])
def test_an_edge_is_a_difference_of_levels_reached(a):
    """The table against the comparison of two pixels that it stands for, for every other pixel."""
    pytest.importorskip("torch")
    from nomul.train.lutnet.streamed import edge

    levels = np.array([2, 5, 9])
    for b in range(16):
        reached = [(code >= levels).astype(int) for code in (a, b)]
        address = int(np.concatenate(reached) @ (1 << np.arange(6)))
        for step in (1, 2):
            assert edge(3, step) >> address & 1 == (reached[0].sum() - reached[1].sum() >= step)


def test_bits_made_ahead_train_the_same_network():
    torch = pytest.importorskip("torch")
    from nomul.train.lutnet import direct, fit

    x = torch.randint(0, 2, (300, 20), generator=torch.Generator().manual_seed(1))
    tables = []
    for ahead in (1, 4):
        net = direct.DirectNet(20, (20,), 3, 2, torch.Generator().manual_seed(2), (10,))
        recipe = fit.Recipe(epochs=2, batch=32, ahead=ahead)
        fit.fit(net, x, x[:, 0], recipe, lambda rows, _: rows.T.to(torch.uint8))
        tables.append(net.tables[0].detach())
    assert torch.equal(*tables)


def test_bench_notices_a_window_counted_from_another_column(simulate, monkeypatch):
    """Mutation: cells begin one column late."""

    class Late(stream.Front):
        def ends(self, size, stride):
            rows, columns = super().ends(size, stride)
            return rows, columns if size == 1 else range(columns.start - 1, columns.stop, stride)

    monkeypatch.setattr("nomul.hw.lutnet.top.Front", Late)
    with pytest.raises(BenchError, match=r"y\["):
        simulate("lutnet", STREAMED, tests="never.*never")


def test_training_moves_the_share_of_images_that_it_says_by_a_pixel():
    """Up, down, left or right; what enters at the edge is 0."""
    torch = pytest.importorskip("torch")
    from nomul.train.lutnet.encoder import Encoding

    encoding = Encoding(levels=(8,), noise=0, shift=0.25, side=4)
    image = np.arange(16).reshape(4, 4)
    codes = torch.tensor(np.tile(image.reshape(-1), (400, 1)), dtype=torch.uint8)
    got = encoding.codes(codes, 4, torch.Generator().manual_seed(1)).tolist()
    padded = np.pad(image, 1)
    ways = [padded[r : r + 4, c : c + 4] for r, c in ((0, 1), (2, 1), (1, 0), (1, 2))]
    counts = [got.count(way.reshape(-1).tolist()) for way in ways]
    assert min(counts) > 0
    assert got.count(codes[0].tolist()) + sum(counts) == 400
    assert 60 <= sum(counts) <= 140
    assert (encoding.codes(codes, 4, None) == codes).all()
