"""Predictions of a board, real or simulated: features in, named classes out."""

import json

import numpy as np
import pytest

from nomul import flow, registry
from nomul.board import Board
from nomul.flow import lines, mapping
from nomul.golden import lutnet
from nomul.golden.serial import Link


def network(folder, head=(), classes=("no", "maybe", "yes")):
    """Return the file of a network of three real features and three classes."""
    rng = np.random.default_rng(6)
    quantiser = lutnet.Quantiser(edges=[[-1, 0, 0.5], [0.25], []])
    thermometer = lutnet.Thermometer(feature=[0, 0, 0, 1], threshold=[1, 2, 3, 1])
    tables = lutnet.DirectLut(
        k=3,
        idx=rng.integers(0, 4, (6, 3)),
        tt=[int(t) for t in rng.integers(0, 256, 6)],
    )
    about = {"classes": list(classes)} if classes else {}
    layers = [thermometer, tables, lutnet.GroupSum(groups=3), *head]
    made = lutnet.Network(layers, 3, quantiser.bits, about, quantiser)
    made.save(folder / "net.json")
    return made


X = np.random.default_rng(2).normal(size=(12, 3))


@pytest.mark.needs("icarus")
@pytest.mark.parametrize("link", ["uart", "spi"])
def test_a_simulated_board_predicts_as_the_network(tmp_path, link):
    if link == "uart":
        pytest.importorskip("serial", reason="needs pip install 'nomul[board]'")
    made = network(tmp_path, [lutnet.Argmax()])
    given = {"network": str(tmp_path / "net.json")}
    with Board.simulated("lutnet", tmp_path / "sim", link=link, **given) as board:
        got = board.predict(X, timeout_s=60)
    wanted = lutnet.predict(made, X)
    assert got.tolist() == [("no", "maybe", "yes")[i] for i in wanted]
    assert len(set(wanted.tolist())) > 1


class Modelled:
    """A port behind which the golden model answers, with one output word for each input word."""

    def __init__(self, about, answer):
        widths = about["serial"]
        self.answer, self.out = answer, bytearray()
        self.size = -(-widths["inputs"]["x"] // 8)
        self.back = Link({"y": widths["outputs"]["y"]}, {})

    def send_break(self):
        self.out.clear()

    def write(self, data):
        word = self.answer(int.from_bytes(data[1 : 1 + self.size], "little"))
        size = -(-self.back.inputs["y"] // 8)
        self.out += bytes([0x80, 0, *word.to_bytes(size, "little")])

    def read(self, size):
        data, self.out = bytes(self.out[:size]), self.out[size:]
        return data


def described(block, cfg):
    """Return what a host knows of a block; the component is described, and never built."""
    top = block.top(cfg)
    top._MustUse__silence = True
    return lines.described(block, cfg, top)


def about_of(folder):
    block = registry.get("lutnet")
    cfg = flow.configure(block, None, [f"network={folder / 'net.json'}"])
    known = described(block, cfg)
    widths = {name: port["width"] for name, port in known["payloads"].items()}
    line = {"baud": 9600, "inputs": {"x": widths["x"]}, "outputs": {"y": widths["y"]}}
    return {"name": "lutnet_test", "serial": line, **known}, cfg


def test_codes_go_into_the_words_and_scores_come_out_of_them(tmp_path):
    """Against a port that takes words apart by plain arithmetic, from bit 0 upwards."""
    made = network(tmp_path, classes=())
    about, _ = about_of(tmp_path)
    width = made.lanes[-1].width

    def answer(word):
        codes = [word >> made.input_bits * i & (1 << made.input_bits) - 1 for i in range(3)]
        scores = lutnet.model(made.coded, [codes])[0].tolist()
        return sum(score << width * i for i, score in enumerate(scores))

    board = Board(about, Modelled(about, answer))
    assert board.predict(X).tolist() == lutnet.predict(made, X).tolist()
    with pytest.raises(ValueError, match=r"x must be of shape \[n, 3\], not \[12, 2\]"):
        board.predict(X[:, :2])


def test_no_samples_have_no_answers(tmp_path):
    network(tmp_path, [lutnet.Argmax()])
    about, _ = about_of(tmp_path)
    board = Board(about, Modelled(about, int))
    assert board.predict(np.zeros((0, 3))).tolist() == []


def test_the_network_of_a_bitstream_stays_beside_it(tmp_path, monkeypatch):
    """Another network in the file that it was made of, or another folder, changes no answer."""
    made = network(tmp_path, [lutnet.Argmax()])
    about, cfg = about_of(tmp_path)
    (tmp_path / "first").mkdir()
    about["files"] = mapping._beside(cfg, "lutnet_test", tmp_path / "first")
    (tmp_path / "first" / "lutnet_test.json").write_text(json.dumps(about))
    (tmp_path / "net.json").unlink()
    (tmp_path / "first").rename(tmp_path / "second")

    def model(word):
        codes = [word >> made.input_bits * i & (1 << made.input_bits) - 1 for i in range(3)]
        return int(lutnet.predict(made.coded, [codes])[0])

    at = classmethod(lambda cls, about, port: cls(about, Modelled(about, model)))
    monkeypatch.setattr(Board, "_at", at)
    board = Board.open(tmp_path / "second" / "lutnet_test.json", "a port")
    wanted = lutnet.predict(made, X)
    assert board.predict(X).tolist() == [("no", "maybe", "yes")[i] for i in wanted]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "about.json: is no JSON: Expecting property name"),
        ('{"block": "lfsr"}', "about.json: field 'serial' is missing: it is not what"),
        ("[]", "about.json: field 'serial' is missing"),
    ],
)
def test_what_is_not_about_a_bitstream_is_refused(tmp_path, text, message):
    (tmp_path / "about.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        Board.open(tmp_path / "about.json", "loop://")


def test_a_block_that_is_no_network_does_not_predict(tmp_path):
    block = registry.get("skid")
    about = {
        "name": "skid_test",
        "serial": {"inputs": {"i": 32}, "outputs": {"o": 32}},
        **described(block, block.config()()),
    }
    board = Board(about, Modelled({"serial": {"inputs": {"x": 8}, "outputs": {"y": 8}}}, int))
    with pytest.raises(ValueError, match=r"only lutnet.* predicts, not skid"):
        board.predict(X)
