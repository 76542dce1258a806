"""Networks of others beside ours: what is trained, read and built is what their programs say."""

import dataclasses
import re

import numpy as np
import pytest

from nomul.experiments.lutnet import perceptrons
from nomul.golden import lutnet
from nomul.runs import programs
from nomul.train import data

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install nomul[train]")
from nomul.train.lutnet.encoder import Encoding  # noqa: E402
from nomul.train.rivals import gates, mlp  # noqa: E402

NOISE = Encoding(levels=(4, 8, 12), noise=0.7, jitter=0.2, side=8)


def few(name="digits", n=200):
    """Return a data set of a few samples."""
    whole = data.load(name)
    return dataclasses.replace(whole, x=whole.x[:n], labels=whole.labels[:n])


@pytest.fixture(scope="module")
def trained():
    """Return a perceptron of two short trainings as da4ml's graph, and its samples."""
    pytest.importorskip("da4ml", reason="needs da4ml: pip install nomul[rivals]")
    samples = few()
    recipe = mlp.Recipe(hidden=5, price=1e-3, score_bits=2, centred=True, epochs=6)
    return mlp.train(recipe, NOISE, samples, (1, 2)), samples


@pytest.mark.parametrize("score_bits", [None, 1])
def test_a_graph_is_the_network_that_was_trained(score_bits):
    """Every score, to the last bit: widths, roundings and the margin for hidden values included."""
    pytest.importorskip("da4ml", reason="needs da4ml: pip install nomul[rivals]")
    samples = few()
    net = mlp.Perceptrons(2, 64, 6, 10, 4, torch.Generator().manual_seed(1), score_bits)
    x = torch.tensor(samples.x, dtype=torch.float32) / 16
    with torch.no_grad():
        for fraction in net.fractions:
            fraction.copy_(torch.randint(-1, 6, fraction.shape))
        net.between.copy_(torch.randint(0, 5, net.between.shape))
        net.taken.copy_(torch.randint(0, 5, net.taken.shape))
        net(x.expand(2, -1, -1))
        scores = net.eval()(x.expand(2, -1, -1)).numpy()
    for run in range(2):
        assert np.array_equal(mlp.graph(net, run, samples).predict(samples.x / 16), scores[run])


def test_a_graph_survives_as_text(trained):
    (first, second), samples = trained
    again = mlp.read(mlp.text(first))
    assert np.array_equal(mlp.predict(again, samples.x, 4), mlp.predict(first, samples.x, 4))
    assert mlp.text(first) != mlp.text(second)


@pytest.mark.needs("icarus")
@pytest.mark.parametrize("cutoff", [0, 3])
def test_the_hardware_labels_as_the_graph(trained, cutoff, tmp_path):
    """A vector per cycle through its Verilog: da4ml's graph, aligned scores, our argmax."""
    (graph, _), samples = trained
    codes = samples.x_test[:60]
    emitted = perceptrons.hardware(graph, "xc7", 4, cutoff)
    words = [sum(int(c) << (4 * i) for i, c in enumerate(row)) for row in codes]
    (tmp_path / "x.hex").write_text("\n".join(f"{word:065x}" for word in words))
    (tmp_path / "design.v").write_text(f"{emitted.verilog}\n{BENCH % len(words)}")
    programs.run(["iverilog", "-g2012", "-o", "sim", "-s", "bench", "design.v"], tmp_path)
    printed = programs.run(["vvp", "sim"], tmp_path).stdout
    answers = [int(label) for label in re.findall(r"label (\d+)", printed)]
    assert answers == mlp.predict(graph, codes, 4).tolist()


BENCH = """
module bench;
  reg clk = 0, rst = 1, valid = 0;
  reg [256:0] words [0:%d - 1];
  integer n = 0;
  wire ready, out;
  wire [4:0] label;
  perceptron dut(.clk(clk), .rst(rst), .x__payload(words[n]), .x__valid(valid), .x__ready(ready),
                 .y__payload(label), .y__valid(out), .y__ready(1'b1));
  always #1 clk = ~clk;
  always @(posedge clk) if (out) $display("label %%0d", label[3:0]);
  always @(negedge clk) if (valid) begin
    if (n + 1 == $size(words)) valid <= 0; else n <= n + 1;
  end
  initial begin
    $readmemh("x.hex", words);
    #7 rst = 0; valid = 1;
    #400 $finish;
  end
endmodule
"""


def test_scores_are_aligned_by_their_points(trained):
    """Another score's point, sign and width, and one that is always zero."""
    from da4ml.trace import FixedVariableArray, comb_trace

    zero = np.zeros(2, dtype=np.int64)
    given = FixedVariableArray.from_kif(zero, zero, zero + 4)
    graph = comb_trace(given, given @ np.array([[1.0, 0.25, 0.0], [2.0, -0.5, 0.0]]) + [0, -3, 0])
    expressions, width = perceptrons.scores(graph)
    assert len(expressions) == 3
    scores = graph.predict(np.array([[0.9375, 0.9375]]))[0]
    assert scores.tolist() == [2.8125, -3.234375, 0]
    # Sign, two bits and six places: 2.8125 is 180 / 64.
    assert width == 1 + 2 + 6
    assert expressions[2] == "{1'b1, {2{1'b0}}, 6'b0}"


def test_gates_are_read_as_their_program_runs_them():
    """Training demands it of every test image, or raises."""
    pytest.importorskip("torchlogix", reason=gates.INSTALL) if not _old() else gates.library()
    recipe = gates.Recipe(sizes=(50,), k=4, epochs=1, candidates=4)
    network = gates.train(recipe, NOISE, few(), 1)
    tables = [layer for layer in network.layers if isinstance(layer, lutnet.DirectLut)]
    assert [len(layer.tt) for layer in tables] == [50]
    deep = gates.train(gates.Recipe(sizes=(100, 50), epochs=1), NOISE, few(), 1)
    assert deep.n_tables == 150


def _old():
    """Return whether torchlogix is there but not all of it can be imported."""
    import importlib.util
    import sys

    return sys.version_info < (3, 12) and importlib.util.find_spec("torchlogix") is not None
