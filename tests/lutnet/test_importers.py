"""Importers: small hand-made files in each format, round trips, malformed files.

One file, since there is one case per format and per way to be malformed.
"""

import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest

from nomul.golden import importers, lutnet

CONFIG = {"layers": [2, 2, 1], "layers_bitwidth": [2, 3, 3]}
EDGES = {
    "0_0_0": {"acive": 1, "values_int": [-3, -1, 1, 3]},
    "0_1_0": {"acive": 1, "values_int": [0, -2, 2, 1]},
    "0_0_1": {"acive": 0, "values_int": [0, 0, 0, 0]},
    "0_1_1": {"acive": 1, "values_int": [3, 2, 1, 0]},
    "1_0_0": {"acive": 1, "values_int": [4, 3, 2, 1, 0, -1, -2, -3]},
    "1_1_0": {"acive": 1, "values_int": [-4, -4, -4, -4, 0, 1, 2, 3]},
}


def write_kanele(folder, config=CONFIG, edges=EDGES):
    (folder / "config.json").write_text(json.dumps(config))
    path = folder / "truth_tables.json"
    path.write_text(json.dumps(edges))
    return path


def test_kanele_by_hand(tmp_path):
    network = importers.load(write_kanele(tmp_path), format="kanele")
    x = np.array(list(itertools.product(range(4), repeat=2)))

    def clip(value):
        return max(-4, min(3, value))

    expected = []
    for a, b in x:
        first = clip(EDGES["0_0_0"]["values_int"][a] + EDGES["0_1_0"]["values_int"][b])
        second = clip(EDGES["0_1_1"]["values_int"][b])
        total = EDGES["1_0_0"]["values_int"][first + 4] + EDGES["1_1_0"]["values_int"][second + 4]
        expected.append([clip(total)])
    assert lutnet.model(network, x).tolist() == expected


def test_a_kanele_network_computes_the_vectors_beside_it(tmp_path):
    """Three layers, half of the edges unused; the vectors by plain loops over the file's own text.

    The sums saturate on both sides, and a neuron without edges stays 0.
    """
    rng = np.random.default_rng(4)
    sizes, bits = [7, 6, 5, 3], [4, 5, 3, 6]
    edges = {}
    for layer, (n, m) in enumerate(itertools.pairwise(sizes)):
        reach = 1 << bits[layer + 1]
        for i, j in itertools.product(range(n), range(m)):
            used = int(rng.random() < 0.5 and (layer, j) != (1, 2))
            values = rng.integers(-reach // 2, reach // 2, 1 << bits[layer]).tolist()
            edges[f"{layer}_{i}_{j}"] = {"acive": used, "values_int": values}
    vectors = rng.integers(0, 1 << bits[0], (200, sizes[0]))
    answers, clipped = [], [0, 0]
    for vector in vectors.tolist():
        values = vector
        for layer, m in enumerate(sizes[1:]):
            lowest = -(2 ** (bits[layer + 1] - 1))
            highest = -lowest - 1
            sums = [0] * m
            for key, edge in edges.items():
                of, i, j = map(int, key.split("_"))
                if of == layer and edge["acive"]:
                    code = values[i] + (2 ** (bits[layer] - 1) if layer else 0)
                    sums[j] += edge["values_int"][code]
            clipped[0] += sum(s < lowest for s in sums)
            clipped[1] += sum(s > highest for s in sums)
            values = [min(max(s, lowest), highest) for s in sums]
        answers.append(values)
    path = write_kanele(tmp_path, {"layers": sizes, "layers_bitwidth": bits}, edges)
    network = importers.load(path, format="kanele")
    assert lutnet.model(network, vectors).tolist() == answers
    assert min(clipped) > 100


SAMPLE = os.environ.get("NOMUL_KANELE")


@pytest.mark.long
@pytest.mark.skipif(
    not SAMPLE,
    reason="no published network comes with nomul: set NOMUL_KANELE to a folder of one, with "
    "config.json, truth_tables.json, vectors_in.txt and vectors_out.txt",
)
def test_a_published_kanele_network_computes_its_vectors():
    folder = Path(str(SAMPLE))
    network = importers.load(folder / "truth_tables.json", format="kanele")
    x = np.loadtxt(folder / "vectors_in.txt", dtype=np.int64)
    assert np.array_equal(
        lutnet.model(network, x), np.loadtxt(folder / "vectors_out.txt", dtype=np.int64)
    )


@pytest.mark.parametrize(
    ("key", "edge", "message"),
    [
        ("0_0_0", {"acive": 1, "values_int": [1]}, "edge 0_0_0: values_int must have 4 values: 1"),
        ("0_0_0", {"acive": 2, "values_int": []}, "edge 0_0_0: acive must be in 0..1, not 2"),
        (
            "0_0_0",
            {"acive": 1, "values_int": [1, 2, 3.5, 4]},
            r"values_int\[2\] must be an integer",
        ),
        ("0_2_0", {"acive": 1, "values_int": [1] * 4}, "edge '0_2_0': must be layer_in_out within"),
        ("x", {}, "edge 'x': must be layer_in_out within"),
    ],
)
def test_kanele_refuses_with_the_place(tmp_path, key, edge, message):
    path = write_kanele(tmp_path, edges={**EDGES, key: edge})
    with pytest.raises(ValueError, match=rf"truth_tables.json: .*{message}"):
        importers.load(path, format="kanele")


def test_kanele_refuses_a_configuration_of_another_depth(tmp_path):
    path = write_kanele(tmp_path, config={"layers": [2, 1], "layers_bitwidth": [2]})
    with pytest.raises(ValueError, match=r"layers_bitwidth must have an entry per layer, 2, not 1"):
        importers.load(path, format="kanele")


def test_text_that_is_no_json_is_refused_with_its_line(tmp_path):
    write_kanele(tmp_path)
    path = tmp_path / "truth_tables.json"
    path.write_text("{\n oops")
    with pytest.raises(ValueError, match=r"truth_tables.json: line 2: Expecting property name"):
        importers.load(path, format="kanele")


def neuron(name, width_in, width_out, values):
    lines = [f"module {name} (input [{width_in - 1}:0] M0, output [{width_out - 1}:0] M1);"]
    lines += [
        f"reg [{width_out - 1}:0] M1r;",
        "assign M1 = M1r;",
        "always @ (M0) begin",
        "case (M0)",
    ]
    for address, value in enumerate(values):
        lines.append(
            f"  {width_in}'b{address:0{width_in}b}: M1r = {width_out}'b{value:0{width_out}b};"
        )
    return "\n".join([*lines, "endcase", "end", "endmodule", ""])


A, B, C = [(3 * a + 1) % 4 for a in range(16)], [(a * a) % 4 for a in range(16)], [0, 1, 1, 0]

LOGICNETS = "\n".join(
    [
        "module layer0 (input [5:0] M0, output [3:0] M1);",
        "wire [3:0] layer0_N0_wire = {M0[5], M0[4], M0[1], M0[0]};",
        "layer0_N0 layer0_N0_inst (.M0(layer0_N0_wire), .M1(M1[1:0]));",
        "wire [3:0] layer0_N1_wire = {M0[1:0], M0[3:2]}; // the other order",
        "layer0_N1 layer0_N1_inst (.M0(layer0_N1_wire), .M1(M1[3:2]));",
        "endmodule",
        "module layer1 (input [3:0] M0, output [0:0] M1);",
        "wire [1:0] layer1_N0_wire = {M0[3], M0[0]};",
        "layer1_N0 layer1_N0_inst (.M0(layer1_N0_wire), .M1(M1[0:0]));",
        "endmodule",
        neuron("layer0_N0", 4, 2, A),
        neuron("layer0_N1", 4, 2, B),
        neuron("layer1_N0", 2, 1, C),
    ]
)


def write(folder, text, name="net.v"):
    path = folder / name
    path.write_text(text)
    return path


def test_logicnets_by_hand(tmp_path):
    network = importers.load(write(tmp_path, LOGICNETS), format="logicnets")
    x = np.array(list(itertools.product((0, 1), repeat=6)))
    expected = []
    for bits in x:
        first = A[bits[5] << 3 | bits[4] << 2 | bits[1] << 1 | bits[0]]
        second = B[bits[1] << 3 | bits[0] << 2 | bits[3] << 1 | bits[2]]
        expected.append([C[(second >> 1) << 1 | first & 1]])
    assert lutnet.model(network, x).tolist() == expected


def test_logicnets_from_a_folder_and_signed(tmp_path):
    last = LOGICNETS.index("module layer0_N0")
    write(tmp_path, LOGICNETS[:last], "layers.v")
    write(tmp_path, LOGICNETS[last:], "neurons.v")
    network = importers.load(tmp_path, format="logicnets", signed=True)
    x = np.array(list(itertools.product((0, 1), repeat=6)))
    plain = importers.load(write(tmp_path.parent, LOGICNETS), format="logicnets")
    assert np.array_equal(lutnet.model(network, x), -lutnet.model(plain, x))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2'b10: M1r = 1'b1;", "", "module layer1_N0: 3 of 4 addresses are given"),
        ("2'b10: M1r", "2'b01: M1r", "module layer1_N0: address 01 appears twice"),
        ("{M0[3], M0[0]}", "{M0[4], M0[0]}", "layer1_N0_wire: M0[4] is outside M0[3:0]"),
        ("{M0[3], M0[0]}", "{M0[3]}", "layer1_N0_wire: 1 bits in a wire of 2"),
        ("M1[3:2]", "M1[2:1]", "layer0_N1 drives M1[2:1], not the next 2 bits"),
        ("module layer0_N1 ", "module other ", "module layer0_N1 is missing"),
        ("module layer0 (", "module layer7 (", "module layer0 is missing"),
        (
            "input [3:0] M0, output [0:0]",
            "input [4:0] M0, output [0:0]",
            "layer1.M0 must have the 4",
        ),
    ],
)
def test_logicnets_refuses_with_the_place(tmp_path, old, new, message):
    assert old in LOGICNETS
    with pytest.raises(ValueError, match=r"net\.v: ") as caught:
        importers.load(write(tmp_path, LOGICNETS.replace(old, new)), format="logicnets")
    assert message in str(caught.value)


def save(folder, **arrays):
    path = folder / "net.npz"
    np.savez(path, **arrays)
    return path


def test_dwn_by_hand(tmp_path):
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(6, 8))
    luts = rng.normal(size=(4, 4)), rng.normal(size=(2, 8))
    mapping = np.array([[0, 1, 2], [3, 2, 1]], dtype=np.int32)
    thresholds = np.array([[0.5, 1.5, 3.0], [1.0, 2.0, 5.2]])
    arrays = {
        "0.luts": luts[0],
        "0.mapping.weights": scores,
        "1.luts": luts[1],
        "1.mapping": mapping,
        "thresholds": thresholds,
    }
    network = importers.load(save(tmp_path, **arrays), format="dwn", classes=2, input_bits=3)
    x = np.array(list(itertools.product(range(8), repeat=2)))
    bits = (x[:, :, None] > thresholds).reshape(len(x), -1)
    for table, wires in zip(luts, (scores.argmax(axis=0).reshape(4, 2), mapping), strict=True):
        address = (bits[:, wires] << np.arange(wires.shape[1])).sum(axis=2)
        bits = table[np.arange(len(table)), address] > 0
    assert np.array_equal(lutnet.model(network, x), bits.astype(int))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros(2)}, "no array is called <layer>.luts; there are 'x'"),
        ({"0.luts": np.zeros((2, 4))}, "0.mapping is missing"),
        ({"0.luts": np.zeros((2, 5))}, "0.luts must have 2\\*\\*K columns, K in 1..7, not 5"),
        (
            {"0.luts": np.zeros((2, 4)), "0.mapping": np.zeros((1, 2), int)},
            "0.mapping must have 4 wires, not 2",
        ),
    ],
)
def test_dwn_refuses_with_the_place(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=f"net.npz: {message}"):
        importers.load(save(tmp_path, **arrays), format="dwn")


GATES = [
    lambda a, b: False,
    lambda a, b: a and b,
    lambda a, b: a and not b,
    lambda a, b: a,
    lambda a, b: b and not a,
    lambda a, b: b,
    lambda a, b: a != b,
    lambda a, b: a or b,
    lambda a, b: not (a or b),
    lambda a, b: a == b,
    lambda a, b: not b,
    lambda a, b: a or not b,
    lambda a, b: not a,
    lambda a, b: b or not a,
    lambda a, b: not (a and b),
    lambda a, b: True,
]


def test_difflogic_gates(tmp_path):
    weights = np.eye(16)
    indices = np.array([[0] * 16, [1] * 16])
    path = save(tmp_path, **{"0.weights": weights, "0.indices": indices})
    network = importers.load(path, format="difflogic")
    x = np.array(list(itertools.product((0, 1), repeat=2)))
    expected = [[int(gate(a, b)) for gate in GATES] for a, b in x]
    assert lutnet.model(network, x).tolist() == expected


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"0.weights": np.zeros((2, 4))}, "0.weights must have 16 columns, not 4"),
        (
            {"0.gate": np.array([3, 16]), "0.indices": np.zeros((2, 2), int)},
            r"0.gate\[1\] must be in",
        ),
        ({"0.gate": np.array([3])}, "0.indices is missing"),
        (
            {"0.gate": np.array([3]), "0.indices": np.zeros((1, 2), int)},
            r"0.indices must be of shape \[2, 1\], not \[1, 2\]",
        ),
    ],
)
def test_difflogic_refuses_with_the_place(tmp_path, arrays, message):
    with pytest.raises(ValueError, match=f"net.npz: {message}"):
        importers.load(save(tmp_path, **arrays), format="difflogic")


def trees_model(trees, classes):
    return {
        "learner": {
            "gradient_booster": {
                "model": {"trees": trees, "tree_info": [i % classes for i in range(len(trees))]}
            },
            "learner_model_param": {
                "num_class": str(classes if classes > 1 else 0),
                "num_feature": "3",
                "base_score": "0" if classes > 1 else "5E-1",
            },
            "objective": {"name": "multi:softprob" if classes > 1 else "binary:logistic"},
        }
    }


def stump(feature, threshold, low, high):
    return {
        "left_children": [1, -1, -1],
        "right_children": [2, -1, -1],
        "split_indices": [feature, 0, 0],
        "split_conditions": [threshold, low, high],
    }


def test_xgboost_by_hand(tmp_path):
    trees = [stump(0, 2.5, 0.0, 7.0), stump(1, 3.0, 1.0, 0.0), stump(2, 1.0, -2.0, 2.0)]
    path = tmp_path / "model.json"
    path.write_text(json.dumps(trees_model(trees, 3)))
    network = importers.load(path, format="xgboost", input_bits=3, leaf_bits=3)
    x = np.array(list(itertools.product(range(8), repeat=3)))
    expected = np.stack([7 * (x[:, 0] >= 3), 1 * (x[:, 1] < 3), 4 * (x[:, 2] >= 1) - 2], axis=1)
    assert np.array_equal(lutnet.model(network, x), expected)


def random_tree(rng, depth):
    """Return a full tree of a depth over three features, in XGBoost's lists."""
    inner = (1 << depth) - 1
    size = 2 * inner + 1
    return {
        "left_children": [2 * i + 1 if i < inner else -1 for i in range(size)],
        "right_children": [2 * i + 2 if i < inner else -1 for i in range(size)],
        "split_indices": rng.integers(0, 3, size).tolist(),
        "split_conditions": [
            float(rng.integers(1, 16)) if i < inner else float(rng.integers(-8, 8))
            for i in range(size)
        ],
    }


def walk(tree, codes):
    node = 0
    while tree["left_children"][node] != -1:
        right = codes[tree["split_indices"][node]] >= tree["split_conditions"][node]
        node = tree["right_children" if right else "left_children"][node]
    return tree["split_conditions"][node]


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_deep_trees_become_layers_of_tables(tmp_path, depth):
    rng = np.random.default_rng(depth)
    trees = [random_tree(rng, depth) for _ in range(4)]
    trees[0]["split_conditions"][-1], trees[0]["split_conditions"][-2] = 7.0, -8.0
    path = tmp_path / "model.json"
    path.write_text(json.dumps(trees_model(trees, 2)))
    network = importers.load(path, format="xgboost", input_bits=4, leaf_bits=4)
    x = rng.integers(0, 16, (300, 3))
    sums = np.zeros((300, 2))
    for i, tree in enumerate(trees):
        sums[:, i % 2] += [walk(tree, row) for row in x]
    assert np.array_equal(lutnet.model(network, x), sums)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({}, "model.json: not a model of XGBoost: field learner is missing"),
        (trees_model([{}], 1), r"model.json: trees\[0\].left_children is missing"),
        (
            trees_model([{**stump(0, 1.0, 0.0, 1.0), "right_children": [9, -1, -1]}], 1),
            r"model.json: trees\[0\]: node 9 is not below its root",
        ),
        (trees_model([stump(0, 99.0, 0.0, 1.0)], 1), "model.json: no tree has a split"),
        (
            trees_model([stump(5, 2.0, 0.0, 1.0)], 1),
            r"trees\[0\].split_indices\[0\] must be in 0..2, not 5",
        ),
    ],
)
def test_xgboost_refuses_with_the_place(tmp_path, model, message):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(model))
    with pytest.raises(ValueError, match=message):
        importers.load(path, format="xgboost", input_bits=4)


@pytest.mark.filterwarnings("ignore:.*real numbers:UserWarning")
@pytest.mark.parametrize("suffix", [".json", ".npz"])
@pytest.mark.parametrize("format", ["kanele", "logicnets", "dwn", "difflogic", "xgboost"])
def test_what_was_read_survives_a_file_of_our_own(tmp_path, format, suffix):
    rng = np.random.default_rng(3)
    if format == "kanele":
        path = write_kanele(tmp_path)
    elif format == "logicnets":
        path = write(tmp_path, LOGICNETS)
    elif format == "dwn":
        luts, wires = rng.normal(size=(6, 8)), rng.integers(0, 6, (6, 3))
        path = save(
            tmp_path, **{"0.luts": luts, "0.mapping": wires, "thresholds": rng.random((2, 3)) * 255}
        )
    elif format == "difflogic":
        gates, wires = rng.integers(0, 16, 6), rng.integers(0, 5, (2, 6))
        path = save(tmp_path, **{"0.gate": gates, "0.indices": wires, "classes": np.array(3)})
    else:
        path = tmp_path / "model.json"
        path.write_text(json.dumps(trees_model([random_tree(rng, 3) for _ in range(4)], 2)))
    network = importers.load(path, format=format)
    network.save(tmp_path / f"ours{suffix}")
    again = lutnet.Network.load(tmp_path / f"ours{suffix}")
    assert again == network
    x = rng.integers(0, 1 << network.input_bits, (300, network.inputs))
    assert np.array_equal(lutnet.model(again, x), lutnet.model(network, x))


def test_an_unknown_format_is_named():
    with pytest.raises(
        ValueError, match="format must be one of kanele, logicnets, dwn, difflogic, "
    ):
        importers.load("net.bin", format="finn")


@pytest.mark.parametrize("format", ["kanele", "logicnets"])
def test_imported_networks_run_as_hardware(simulate, tmp_path, format):
    source = tmp_path / "source"
    source.mkdir()
    path = write_kanele(source) if format == "kanele" else write(source, LOGICNETS)
    network = importers.load(path, format=format)
    network.save(tmp_path / "net.json")
    cfg = lutnet.Config(network=str(tmp_path / "net.json"))
    simulate("lutnet", cfg)
