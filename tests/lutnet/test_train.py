"""Training of look-up-table networks: gradients, a small run, data, and the command line.

One file, since the cases share trained networks that take seconds to make.
"""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nomul import flow, registry  # noqa: E402
from nomul.golden import lutnet  # noqa: E402
from nomul.golden.lutnet import files  # noqa: E402
from nomul.train import data  # noqa: E402
from nomul.train import lutnet as training  # noqa: E402
from nomul.train.lutnet import cases as lutnet_cases  # noqa: E402
from nomul.train.lutnet import direct, fit, runs, study  # noqa: E402
from nomul.train.lutnet import encoder as lutnet_encoder  # noqa: E402
from nomul.train.lutnet import sums as lutnet_sums  # noqa: E402


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


NONE = torch.zeros(1, 0, dtype=torch.long)


def look_up(x, table):
    wires = torch.arange(len(x))[None]
    return direct.LookUp.apply(x, wires, table, None, NONE)


def test_look_up_reads_address_bit_0_first():
    table = torch.tensor([[-1.0, 1.0, -1.0, -1.0]])
    x = torch.tensor([[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
    assert look_up(x, table).tolist() == [[0, 1, 0, 0]]


def test_gradient_of_a_table_goes_to_the_entry_it_read():
    table = torch.zeros(1, 4, requires_grad=True)
    x = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]])
    look_up(x, table).sum().backward()
    assert table.grad.tolist() == [[0, 2, 0, 1]]


def test_slope_along_an_input_that_a_table_copies():
    """A table that copies input 0 rises along it, and is flat along input 1."""
    x = torch.tensor([[0.0], [1.0]], requires_grad=True)
    table = torch.tensor([[-1.0, 1.0, -1.0, 1.0]])
    look_up(x, table).sum().backward()
    assert x.grad[0, 0] > 0.5
    assert x.grad[1, 0] == 0


@pytest.mark.parametrize("k", [1, 3])
def test_slopes_are_the_weighted_differences_written_out(k):
    table = torch.rand(1, 1 << k, generator=generator()) * 2 - 1
    for address in range(1 << k):
        x = torch.tensor([[float(address >> j & 1)] for j in range(k)], requires_grad=True)
        look_up(x, table).sum().backward()
        for j in range(k):
            slope = 0.0
            for entry in range(1 << k):
                far = bin((entry ^ address) & ~(1 << j)).count("1")
                sign = 1 if entry >> j & 1 else -1
                slope += 0.5 * 0.75 ** (k - 1) * 3.0**-far * sign * float(table[0, entry])
            assert float(x.grad[j, 0]) == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("choices", [40, 25])
def test_wiring_learns_where_the_label_is(choices):
    """One input of forty is the label; tables of two inputs find it among their choices."""
    x = torch.randint(0, 2, (400, 40), generator=generator()).to(torch.uint8)
    net = direct.DirectNet(40, (40,), 2, 2, generator(), (choices,))
    recipe = fit.Recipe(epochs=12, batch=50, rate=0.1, wire_rate=0.1)
    fit.fit(net, x, x[:, 17].long(), recipe, lambda part, _: part.T)
    with torch.no_grad():
        assert (net(x.T).argmax(dim=1) == x[:, 17]).float().mean() == 1
    offered = int((net.wirings[0].choice == 17).any(dim=1).sum()) * 40 // len(net.wirings[0].choice)
    assert (net.layers()[0].idx == 17).any(axis=1).sum() >= offered // 2 > 0


def short(**changes):
    recipe = fit.Recipe(epochs=6, wire_every=2)
    return training.Preset(**{"sizes": (60,), "recipe": recipe} | changes)


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def trained(digits):
    return training.train(short(), digits, seed=1)


def test_a_seed_gives_one_network(digits, trained):
    """The training itself asserts that float and integer model agree on every test image."""
    assert trained.accuracy > 0.7
    assert trained.network == training.train(short(), digits, seed=1).network
    assert trained.network != training.train(short(), digits, seed=2).network
    encoder = trained.network.layers[0]
    assert len(encoder.feature) == len(set(trained.network.layers[1].idx.ravel()))


def test_an_interrupted_run_goes_on_to_the_same_network(digits, trained, tmp_path):
    checkpoint, losses = tmp_path / "net.pt", []

    def interrupt(loss):
        losses.append(loss)
        if len(losses) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(short(), digits, 1, checkpoint=checkpoint, advance=interrupt)
    assert checkpoint.is_file()
    with pytest.raises(ValueError, match="is of another run"):
        training.train(short(), digits, 2, checkpoint=checkpoint)
    again = []
    result = training.train(short(), digits, 1, checkpoint=checkpoint, advance=again.append)
    assert result.network == trained.network
    assert again[:2] == losses[:2]
    assert len(again) == 6
    assert not checkpoint.exists()


@pytest.mark.parametrize("choices", [48, 1 << 40])
def test_threads_change_nothing(monkeypatch, choices):
    """A layer large enough for several threads becomes the same network with one and with three."""
    rng = np.random.default_rng(5)
    x = rng.integers(0, 16, (300, 30))
    labels = x[:, 0] // 8
    own = data.Data("own", x[:200], labels[:200], x[200:], labels[200:], bits=4, classes=2)
    preset = training.Preset(
        sizes=(runs.LARGE,),
        choices=(choices,),
        encoding=lutnet_encoder.Encoding(levels=(4, 8, 12)),
        recipe=fit.Recipe(epochs=2),
    )
    found = []
    for count in (1, 3):
        monkeypatch.setattr(runs.os, "sched_getaffinity", lambda _, count=count: range(count))
        found.append(training.train(preset, own).network.to_dict())
        assert torch.get_num_threads() == count
    assert found[0] == found[1]


def test_disagreement_of_the_models_is_an_error(digits, trained):
    """A flipped table entry is found out."""
    net = direct.DirectNet(192, (60,), 6, 10, generator())
    with pytest.raises(AssertionError, match="training and integer model disagree"):
        training.agree(net, training.DIGITS, trained.network, digits)


@pytest.mark.parametrize(
    "encoding",
    [
        lutnet_encoder.Encoding(),
        lutnet_encoder.Encoding(levels=(3, 8), stride=3, side=8, jitter=0.2),
    ],
)
def test_two_layers_and_other_encodings_agree_too(digits, encoding):
    preset = short(sizes=(50, 20), k=4, choices=(30, 10), encoding=encoding)
    network = training.train(preset, digits, seed=1).network
    if encoding.levels:
        first = network.layers[0]
        comparators = first.threshold != 8
        assert np.all(first.feature[comparators] % 8 % 3 == 1)
        assert np.all(first.feature[comparators] // 8 % 3 == 1)
    assert [type(layer).__name__ for layer in network.body[-3:]] == [
        *("DirectLut", "DirectLut", "GroupSum")
    ]


def test_the_held_out_split_never_sees_the_test_set(digits):
    split = digits.held_out(seed=2)
    assert len(split.x) + len(split.x_test) == len(digits.x) == 1437
    together = np.concatenate([split.x, split.x_test])
    assert sorted(map(bytes, together)) == sorted(map(bytes, digits.x))


def test_the_seed_is_chosen_on_held_out_images(digits, tmp_path):
    preset = short(sizes=(20,), recipe=fit.Recipe(epochs=2))
    first = training.choose(preset, digits, [1, 2, 3], tmp_path)
    about = first.network.about
    assert about["seed"] == about["seeds"][int(np.argmax(about["validation"]))]
    assert round(first.accuracy, 4) == about["test"][about["seeds"].index(about["seed"])]
    # Runs side by side give what each gives alone.
    alone = training.train(preset, digits, about["seed"])
    assert alone.network.layers == first.network.layers
    again = training.choose(preset, digits, [1, 2, 3], tmp_path)
    assert again.network == first.network
    # Runs of another preset in the same folder are not taken for this one's.
    other = training.choose(dataclasses.replace(preset, sizes=(10,)), digits, [1], tmp_path)
    assert other.network.n_tables == 10


PLAN = study.Plan(
    hidden=30,
    encoding=lutnet_encoder.Encoding(levels=(4, 8, 12), noise=1.0),
    recipe=fit.Recipe(epochs=3, batch=64, rate=0.01),
)


@pytest.mark.parametrize("levels", [1, 2])
def test_lutnet_grows_from_a_pruned_binary_network(digits, levels):
    """Tables do more than the XNORs they came from; both models agree on every test image."""
    plan = dataclasses.replace(PLAN, levels=levels)
    plain, networks = {}, []
    for k in (0, 4):
        case = lutnet_cases.Case(data="digits", density=0.08, k=k, seed=1, levels=levels)
        net = study.train(plan, case, digits, plain)
        network = study.assemble(net, plan, digits)
        training.agree(net, plan.encoding, network, digits)
        networks.append(network)
    before, after = (training.measure(network, digits).accuracy for network in networks)
    xnor, tables = (network.layers[1] for network in networks)
    assert len(xnor.idx) == len(tables.tt) == 30 * 15
    assert networks[1].layers[2].alpha.tolist() == [2, 1][-levels:]
    assert len(networks[1].layers[2].tt) == 10 * 5 * levels
    assert after > before
    assert lutnet.share_xnor(tables) < 0.5


@pytest.mark.parametrize("k", [1, 3])
def test_learned_wires_move_and_gain(digits, k):
    """The same tables and wires to begin with; both models agree on every test image."""
    accuracies = {}
    for wires in lutnet_cases.WIRES:
        case = lutnet_cases.Case(data="digits", density=0.03, k=k, seed=1, wires=wires)
        net = study.train(PLAN, case, digits, {})
        network = study.assemble(net, PLAN, digits)
        training.agree(net, PLAN.encoding, network, digits)
        assert network.layers[1].k == k
        accuracies[wires] = training.measure(network, digits).accuracy
        if wires == "learned":
            begun = net.first.wiring.scores[0] == 1
            assert 0 < (begun.float().argmax(dim=1) != net.first.wiring.fixed.reshape(-1)).sum()
    assert accuracies["learned"] > accuracies["random"]


def test_learned_wires_find_the_input_that_decides():
    """Ten products of forty inputs are kept, none of them the label's; the tables find it."""
    x = torch.randint(0, 2, (400, 40), generator=generator()).to(torch.uint8)
    source = lutnet_sums.BinarySums(40, 2, 1, generator())
    with torch.no_grad():
        source.weight[:, 17] = 0
    before = source.weight.detach().clone()
    source.prune(5)
    tables = lutnet_sums.TableSums(source, before, 1, "plain", "learned", generator())
    assert not (tables.layer().idx == 17).any()
    optimiser = torch.optim.Adam(tables.parameters(), lr=0.05)
    for _ in range(150):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(tables(x.T.float()).T, x[:, 17].long())
        loss.backward()
        optimiser.step()
        tables.clip()
    assert (tables(x.T.float()).argmax(dim=0) == x[:, 17]).float().mean() > 0.99
    assert (tables.layer().idx == 17).any()
    with pytest.raises(ValueError, match="wires must be one of random, learned, not 'all'"):
        lutnet_sums.TableSums(source, before, 1, "plain", "all", generator())


@pytest.mark.parametrize("start", ["plain", "boundary"])
def test_plain_tables_are_the_xnors_they_come_from(start):
    source = lutnet_sums.BinarySums(12, 3, 2, generator())
    before = source.weight.detach().clone()
    source.prune(4)
    tables = lutnet_sums.TableSums(source, before, 3, start, "random", generator())
    x = torch.randint(0, 2, (24, 50), generator=generator()).float()
    assert tables(x).equal(source(x))
    assert (tables.tables.detach().abs().min() == 1) == (start == "boundary")
    bits = x.T.numpy().astype(int)
    sums = [lutnet.model(lutnet.Network([part.layer()], 24), bits) for part in (source, tables)]
    assert np.array_equal(*sums)


def test_recovered_tables_are_signs_of_the_weights_they_bring_back():
    source = lutnet_sums.BinarySums(12, 3, 1, generator())
    before = source.weight.detach().clone()
    source.prune(4)
    tables = lutnet_sums.TableSums(source, before, 3, "recovery", "random", generator())
    assert tables.wiring.fixed.reshape(3, 4, 3)[:, :, 0].equal(source.kept)
    assert tables.tables.abs().max() <= 0.9
    own = before.gather(1, source.kept).reshape(-1)
    own = own.sign() * own.abs().clamp(0.3, 0.7)
    others = before.repeat_interleave(4, 0).gather(1, tables.wiring.fixed[:, 1:])
    top = tables.tables.detach()[:, -1]
    assert top.allclose((own + others.sum(dim=1)).clamp(-0.9, 0.9))
    with pytest.raises(ValueError, match="start must be one of recovery, plain"):
        lutnet_sums.TableSums(source, before, 3, "zero", "random", generator())


def test_recovered_tables_of_two_inputs_are_or_and_and():
    """Or the XNOR that they come from, where the other weight is less than a tenth of the own."""
    source = lutnet_sums.BinarySums(40, 2, 1, generator())
    before = source.weight.detach().clone()
    source.prune(8)
    tables = lutnet_sums.TableSums(source, before, 2, "recovery", "random", generator())
    own = before.gather(1, source.kept).reshape(-1)
    other = before.repeat_interleave(8, 0).gather(1, tables.wiring.fixed[:, 1:]).reshape(-1)
    tiny = other.abs() < 0.1 * own.abs().clamp(0.3, 0.7)
    assert 0 < tiny.sum() < 8
    for i, table in enumerate(tables.layer().tt):
        ones = table.bit_count()
        assert ones == (2 if tiny[i] else 1 if i % 2 else 3)
        # The entry that both weights agree on is a one, its opposite a zero.
        best = int(own[i] > 0) + 2 * int(other[i] > 0)
        assert table >> best & 1 == 1
        assert table >> (3 - best) & 1 == 0


def test_a_study_goes_on_where_it_stopped(tmp_path, monkeypatch):
    few = [lutnet_cases.Case(data="digits", density=0.05, k=k, seed=1) for k in (0, 2)]
    monkeypatch.setattr(study, "cases", lambda _: few)
    recipe = dataclasses.replace(PLAN.recipe, epochs=1)
    plans = {"digits": dataclasses.replace(PLAN, recipe=recipe)}
    monkeypatch.setattr(study, "PLANS", plans)
    file = tmp_path / "study.jsonl"
    whole = study.study("density", file, networks=tmp_path / "nets.npz")
    assert [line["products"] for line in whole] == [[300, 30], [300, 30]]
    assert whole[0]["support"] is None
    assert sum(whole[1]["support"]) == pytest.approx(1, abs=1e-3)
    kept = files.load_all(tmp_path / "nets.npz")
    assert list(kept) == [study.name_of(case) for case in few]
    assert len(kept["digits-0.05-2-1-recovery-1-random"].layers[1].tt) == 300
    file.write_text(file.read_text().splitlines()[0] + "\n")
    again = study.study("density", file)
    assert again[0] == whole[0]
    assert again[1]["accuracy"] == whole[1]["accuracy"]
    monkeypatch.undo()
    with pytest.raises(ValueError, match="one of density, fashion, start, levels, tiles, not 'w"):
        lutnet_cases.cases("width")


def test_a_study_drops_a_line_that_a_kill_cut_off(tmp_path, monkeypatch):
    trained = []

    def fake(case, plain, networks):
        trained.append(case)
        return {"case": dataclasses.asdict(case)}

    monkeypatch.setattr(study, "_one", fake)
    file = tmp_path / "study.jsonl"
    whole = study.study("start", file)
    *kept, cut = file.read_text().splitlines()
    file.write_text("\n".join([*kept, cut[:20]]))
    assert study.study("start", file) == whole
    cases = lutnet_cases.cases("start")
    assert trained == [*cases, cases[-1]]
    assert study.study("start", file) == whole
    assert len(trained) == len(cases) + 1


@pytest.mark.parametrize(
    ("name", "least"),
    [("digits-xc7", 0.97), ("digits-numbers", 0.97), ("digits-hx1k", 0.96)],
)
def test_committed_networks_label_digits(digits, name, least):
    network = lutnet.Config.preset(name).load()
    assert (lutnet.predict(network, digits.x_test) == digits.labels_test).mean() >= least


def test_an_unknown_data_set_and_a_missing_folder_are_named(tmp_path):
    with pytest.raises(ValueError, match="data must be one of digits, fashion-mnist, not 'mnist'"):
        data.load("mnist")
    with pytest.raises(FileNotFoundError, match=r"there is no .*train-images-idx3-ubyte.gz"):
        data.load("fashion-mnist", tmp_path)


def test_idx_files_are_read(tmp_path):
    import gzip

    for part, n in (("train", 3), ("t10k", 2)):
        pixels = (np.arange(n * 784) % 256).astype(np.uint8)
        head = b"\x00\x00\x08\x03" + n.to_bytes(4, "big") + b"\x00\x00\x00\x1c" * 2
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + bytes(pixels)))
        head = b"\x00\x00\x08\x01" + n.to_bytes(4, "big")
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(head + bytes(range(n)))
        )
    fashion = data.load("fashion-mnist", tmp_path)
    assert fashion.x.shape == (3, 784)
    assert fashion.x.max() == 15
    assert fashion.labels_test.tolist() == [0, 1]


def nomul(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "nomul", *arguments], capture_output=True, text=True, check=False
    )


def test_some_images_of_a_test_set_are_written_for_the_bench(digits, tmp_path):
    block, cfg = registry.get("lutnet"), lutnet.Config.preset("digits-hx1k")
    found = flow.test_set(block, cfg, "digits", tmp_path, 5, None)
    with np.load(found.environment["NOMUL_STIMULI"]) as file:
        assert np.array_equal(file["x"], digits.x_test[:5])
    with pytest.raises(ValueError, match="images must be at least 1, not 0"):
        flow.test_set(block, cfg, "digits", tmp_path, 0, None)


@pytest.mark.long
@pytest.mark.parametrize("preset", ["digits-xc7", "digits-numbers", "digits-hx1k"])
def test_the_test_set_runs_through_the_hardware(preset, tmp_path):
    ran = nomul(
        *("sim", "lutnet", "--preset", preset, "--data", "digits", "--json"),
        *("--out", str(tmp_path)),
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert result["samples"] == 360
    assert result["accuracy"] >= 0.96
    assert result["compared"] >= 4 * 720


def test_commands_name_what_is_wrong(tmp_path):
    ran = nomul("train", "lutnet", "--preset", "mnist")
    assert ran.returncode == 2
    assert "there is no 'mnist' to train; there are digits-xc7, digits-70," in ran.stderr
    ran = nomul("train", "lstm")
    assert "No such command 'lstm'; there are lif, sgd, lutnet, essop" in ran.stderr
    ran = nomul("emit", "lfsr", "--network", "x.npz")
    assert "lfsr has no parameter 'network'" in ran.stderr
