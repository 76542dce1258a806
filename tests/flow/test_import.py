"""Networks of other tools through the command line: recognised, read, compared, saved."""

import json
import subprocess
import sys

import numpy as np
import pytest

from nomul.capabilities import readers
from nomul.golden import lutnet

RNG = np.random.default_rng(3)
WIRES = RNG.integers(0, 6, (4, 2))

STATES = {
    "tables/dwn": {"0.luts": RNG.normal(size=(4, 4)), "0.mapping": WIRES},
    "tables/difflogic": {"0.gate": np.arange(4), "0.indices": WIRES.T},
    "tables/torchlogix": {"0.weight": RNG.normal(size=(4, 16)), "0.connections.indices": WIRES.T},
    "spiking/snntorch": {
        "0.weight": RNG.normal(size=(3, 5)),
        "1.threshold": np.array(1.0),
        "1.beta": np.array(0.5),
        "1.reset_mechanism_val": np.array(0),
        "1.graded_spikes_factor": np.array(1.0),
    },
}
KANELE = {"0_0_0": {"acive": 1, "values_int": [-3, -1, 1, 3]}}
DOCUMENTS = {
    "tables/kanele": KANELE,
    "tables/xgboost": {"learner": {}},
    "tables/nomul": {"format": "nomul-lutnet"},
}


def nomul(*arguments):
    line = [sys.executable, "-m", "nomul", "import", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", STATES)
def test_states_are_recognised_read_and_saved(name, tmp_path):
    np.savez(tmp_path / "a.npz", **STATES[name])
    assert readers.recognised(tmp_path / "a.npz") == [name]
    options = ["reset_delay=true"] if name.startswith("spiking") else []
    imported = readers.load(tmp_path / "a.npz", options=options)
    readers.save(imported, tmp_path / "b.npz")
    again = readers.load(tmp_path / "b.npz")
    kind = name.partition("/")[0]
    assert (again.reader.kind, again.reader.format) == (kind, "nomul")
    assert readers.layers(again) == readers.layers(imported)
    if kind == "tables":
        x = RNG.integers(0, 2, (20, imported.network.inputs))
        assert np.array_equal(lutnet.model(again.network, x), lutnet.model(imported.network, x))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_are_recognised(name, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(DOCUMENTS[name]))
    assert readers.recognised(tmp_path / "a.json") == [name]


def test_a_folder_of_verilog_is_recognised(tmp_path):
    assert readers.recognised(tmp_path) == ["tables/logicnets"]
    with pytest.raises(ValueError, match=r"has no \.v file"):
        readers.load(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "a.json: is no format that is known; say it: kanele, logicnets, dwn"),
        ({"kind": "spiking"}, "say it: nomul, nir, snntorch"),
        ({"kind": "trees"}, "--as must be one of tables, matrix, spiking, not 'trees'"),
        ({"format": "keras"}, "format must be one of auto, kanele, .* not 'keras'"),
        ({"format": "xgboost"}, "not a model of XGBoost: field learner is missing"),
        ({"format": "dwn"}, "a.json: a state dictionary ends in .npz"),
        ({"format": "dwn", "options": ["leaf_bits=3"]}, "dwn has classes, input_bits, inputs, re"),
        ({"format": "dwn", "options": ["real=maybe"]}, "'real=maybe': real must be true or false"),
        ({"format": "dwn", "options": ["inputs=6.5"]}, "'inputs=6.5': inputs must be an integer"),
        ({"format": "nir", "options": ["dt=fast"]}, "--set 'dt=fast': dt must be a number"),
        ({"format": "snntorch", "options": ["reset_delay=True"]}, "must be true or false"),
        ({"format": "kanele", "options": ["x=1"]}, "--set 'x=1': kanele has no option"),
        ({"format": "dwn", "calibration": np.ones(3)}, "--calibration is for real numbers in onnx"),
    ],
)
def test_what_is_not_known_is_refused_with_the_choices(arguments, message, tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ValueError, match=message):
        readers.load(tmp_path / "a.json", **arguments)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("net.ubj", r"net.ubj: is XGBoost's binary form; save the model as .json"),
        ("net.pkl", r"net.pkl: is a pickle, which would run code: .*save_trees or as .skops"),
        ("net.csv", r"net.csv: is a table; nomul train lutnet --data"),
    ],
)
def test_files_that_are_not_read_say_what_to_do_instead(name, message, tmp_path):
    (tmp_path / name).write_bytes(b"?")
    with pytest.raises(ValueError, match=message):
        readers.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        readers.load(tmp_path / f"no-{name}")


def test_a_kind_that_a_file_does_not_become_is_named(tmp_path):
    (tmp_path / "a.json").write_text('{"learner": {}}')
    with pytest.raises(ValueError, match=r"a.json: becomes tables by nomul import, not matrix"):
        readers.load(tmp_path / "a.json", kind="matrix")


def test_options_that_a_file_lacks_are_listed(tmp_path):
    """Of a state dictionary that does not say when its neurons are reset."""
    np.savez(tmp_path / "a.npz", **STATES["spiking/snntorch"])
    with pytest.raises(ValueError, match=r"a.npz: reset_delay must be given") as refused:
        readers.load(tmp_path / "a.npz")
    (note,) = refused.value.__notes__
    assert note.startswith("options of snntorch, by --set: reset_delay, weight_bits")


def test_the_file_of_the_network_has_an_ending_of_nomul(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    done = nomul(tmp_path / "a.json", "--out", tmp_path / "net.txt")
    assert done.returncode == 2
    assert done.stderr.strip().endswith(
        "a network file ends in .npz, or .json for tables, not 'net.txt'"
    )
    with pytest.raises(ValueError, match=r"my.csv: --check takes an archive .npz with samples x"):
        readers.check(None, tmp_path / "my.csv")


def test_a_negative_class_of_the_original_is_refused(tmp_path):
    np.savez(tmp_path / "answers.npz", x=np.ones((2, 3)), y=np.array([1, -1]))
    with pytest.raises(ValueError, match=r"answers.npz: y\[1\] must be a class, 0 or more, not -1"):
        readers.check(None, tmp_path / "answers.npz")


def test_a_file_that_can_be_several_things_is_refused_with_the_choices(tmp_path, monkeypatch):
    path = tmp_path / "net.onnx"
    path.write_text("read by both")
    both = [
        readers.Reader(kind, name, lambda path, name=name: f"{name} of {path.name}", lambda p: p)
        for kind, name in (("tables", "qonnx"), ("matrix", "onnx"))
    ]
    monkeypatch.setattr(readers, "readers", lambda: both)
    with pytest.raises(
        ValueError, match=r"net\.onnx: can be read .*: say --as tables or --as matr"
    ):
        readers.load(path)
    assert readers.load(path, kind="tables").network == "qonnx of net.onnx"
    assert readers.load(path, format="onnx").network == "onnx of net.onnx"


def test_an_onnx_file_is_tried_by_both_readers(tmp_path):
    """One of signs is a network of tables; what neither takes is refused with both reasons."""
    onnx = pytest.importorskip("onnx", reason="needs pip install 'nomul[onnx]'")
    node, tensor = onnx.helper.make_node, onnx.numpy_helper.from_array
    domain = "qonnx.custom_op.general"
    weights = np.where(RNG.random((5, 3)) < 0.5, -1, 1).astype(np.float32)
    constants = [tensor(weights, "w"), tensor(np.float32(1), "s")]
    nodes = [
        node("BipolarQuant", ["x", "s"], ["b"], domain=domain),
        node("BipolarQuant", ["w", "s"], ["v"], domain=domain),
        node("MatMul", ["b", "v"], ["y"]),
    ]
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, n])
        for name, n in (("x", 5), ("y", 3))
    ]
    graph = onnx.helper.make_graph(nodes, "net", ends[:1], ends[1:], constants)
    path = tmp_path / "net.onnx"
    sets = [onnx.helper.make_opsetid(name, n) for name, n in (("", 17), (domain, 1))]
    onnx.save(onnx.helper.make_model(graph, opset_imports=sets), str(path))
    assert readers.load(path).reader.format == "qonnx"
    with pytest.raises(ValueError, match="node 0"):
        readers.load(path, kind="matrix")
    path.write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"as tables \(qonnx\): .*; as matrix \(onnx\): "):
        readers.load(path)


def test_the_command_says_what_it_read_and_compares(tmp_path):
    np.savez(tmp_path / "a.npz", classes=2, **STATES["tables/dwn"])
    network = readers.load(tmp_path / "a.npz").network
    x = RNG.integers(0, 2, (50, network.inputs))
    y = lutnet.predict(network, x)
    y[:5] ^= 1
    np.savez(tmp_path / "seen.npz", x=x, y=y)
    given = (tmp_path / "a.npz", "--out", tmp_path / "net.json")
    ran = nomul(*given, "--check", tmp_path / "seen.npz", "--json")
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert (said["as"], said["format"]) == ("tables", "dwn")
    assert (said["samples"], said["the same class"], said["share"]) == (50, 45, 0.9)
    assert said["layers"][0] == {"kind": "direct", "size": "4 tables"}
    assert lutnet.Network.load(tmp_path / "net.json") == network
    np.savez(tmp_path / "seen.npz", x=x, z=y)
    ran = nomul(*given, "--check", tmp_path / "seen.npz")
    assert ran.returncode == 2
    assert "seen.npz: must hold x and y, not x, z" in ran.stderr
