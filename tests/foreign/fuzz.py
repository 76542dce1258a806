"""Mutates small files of every kind that is read, and loads them: ``fuzz.py SEED COUNT [KIND]``.

Prints a line of JSON: what was loaded, refused and wrong per reader, the largest processor time of
one file in seconds, and the most memory of the process in MiB. Wrong is what ends in another
exception than a refusal, in a refusal of several lines, takes more than five seconds of processor
time, or comes out of a file of our own as something else than what went in.

One file, since it is one program, which is run by itself and knows every kind of file.
"""

import io
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import traceback
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nomul.golden import importers, lif, lutnet, network, products
from nomul.golden.lif import files as lif_files
from nomul.golden.lif import importers as lif_importers
from nomul.golden.lutnet import examples
from nomul.golden.sonic import network as sonic_network
from nomul.golden.spimc import Config, Tile, formats
from nomul.golden.spimc import layer as spimc_layer

MOST_SECONDS = 5

ODD = (
    "-1 0 1 2 255 256 65535 65536 4294967296 9223372036854775807 18446744073709551616 1e9 1e400 "
    '1.5 2.0 -0.0 NaN Infinity true null [] {} "" "x" 1E-45 3.5e38 00 0x1 1_0'
).split()
BYTES = (0, 1, 0x7F, 0x80, 0xFF)


def mutated(octets: bytes, rng: random.Random) -> bytes:
    """Return bytes with a few random changes, of the kinds that damage, cut or lengthen."""
    data = bytearray(octets)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        size = len(data)
        place = rng.randrange(size + 1)
        length = min(rng.choice((1, 1, 2, 4, 8, 32, 200)), size - place)
        match rng.randrange(8):
            case 0 if place < size:
                data[place] ^= 1 << rng.randrange(8)
            case 1 if place < size:
                data[place] = rng.choice(BYTES)
            case 2:
                del data[place : place + length]
            case 3:
                data[place:place] = data[place : place + length] * rng.choice((1, 1, 2, 50))
            case 4:
                del data[place:]
            case 5:
                data[place:place] = rng.randbytes(length)
            case _:
                replace_number(data, rng)
    return bytes(data)


def replace_number(data: bytearray, rng: random.Random) -> None:
    """Replace a run of digits, which every format here has, by something odd."""
    starts = [
        i for i in range(len(data)) if data[i : i + 1].isdigit() and not data[i - 1 : i].isdigit()
    ]
    if starts:
        start = end = rng.choice(starts)
        while end < len(data) and data[end : end + 1].isdigit():
            end += 1
        data[start:end] = rng.choice(ODD).encode()


def packed(octets: bytes, rng: random.Random) -> bytes:
    """Return a zip archive with one entry mutated, renamed, left out or twice, sums and all."""
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        entries = [(e.filename, archive.read(e), e.compress_type) for e in archive.infolist()]
    place = rng.randrange(len(entries))
    name, content, kind = entries[place]
    match rng.randrange(10):
        case 0:
            entries[place] = name + rng.choice((".npy", "x", "/")), content, kind
        case 1:
            del entries[place]
        case 2:
            entries.append(entries[place])
        case _:
            entries[place] = name, mutated(content, rng), kind
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as archive:
        warnings.simplefilter("ignore")
        for name, content, kind in entries:
            archive.writestr(name, content, kind)
    return out.getvalue()


ODD_VALUES = (-1, 0, 1, 2, 3, 16, 255, 1 << 31, 1 << 63, 1 << 64, 10**30, 0.5, -3.5, 2.0, 1e300)
ODD_VALUES += (True, None, "", "x", "7", "ff", [], {}, [1], [[0]], [1, 2, 3], {"kind": "argmax"})


def altered(value: Any, rng: random.Random) -> Any:
    """Return a value of JSON with one of its parts replaced, removed, doubled or exchanged."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.1:
        return rng.choice(ODD_VALUES)
    result = dict(value) if isinstance(value, dict) else list(value)
    key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
    match rng.randrange(12):
        case 0:
            del result[key]
        case 1 if isinstance(result, list):
            result.insert(key, result[key])
        case 2 if isinstance(result, list):
            other = rng.randrange(len(result))
            result[key], result[other] = result[other], result[key]
        case 3 if isinstance(result, dict):
            result[rng.choice(("x", "theta", "k", *map(str, value)))] = rng.choice(ODD_VALUES)
        case _:
            result[key] = altered(result[key], rng)
    return result


def altered_array(array: Any, rng: random.Random) -> Any:
    """Return an array with odd values, of another kind, or of another shape."""
    array = np.array(array)
    match rng.randrange(8):
        case 0:
            kind = rng.choice(("f4", "f8", "i1", "u8", "?", "u1", "c8", "f2", ">i4", "U3", "O"))
            return array.astype(kind)
        case 1:
            return array.T if rng.random() < 0.5 else array[None]
        case 2:
            return array[: rng.randrange(len(array) + 1)] if array.ndim else array[None]
        case 3:
            return np.concatenate([array, array]) if array.ndim else array.reshape(1, 1)
        case _ if array.size:
            odd = (np.nan, np.inf, 0.5, 1e30) if array.dtype.kind == "f" else (5, 7, 100, 127)
            with np.errstate(over="ignore"):
                array.reshape(-1)[rng.randrange(array.size)] = rng.choice((0, 1, *odd))
            if array.dtype.kind == "i" and rng.random() < 0.3:
                array = -array
    return array


def altered_arrays(arrays: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return a state dictionary with an entry altered, renamed, left out or added."""
    result, name = dict(arrays), rng.choice(list(arrays))
    match rng.randrange(8):
        case 0:
            del result[name]
        case 1:
            result[rng.choice(("0.bias", "x", "00.luts", "1" + name, "thresholds"))] = result.pop(
                name
            )
        case 2:
            result[name] = arrays[rng.choice(list(arrays))]
        case _:
            result[name] = altered_array(result[name], rng)
    return result


def altered_file(file: str, octets: bytes, rng: random.Random) -> bytes:
    """Return a file whose form is as it should be, and whose contents are not."""
    if file.endswith(".json"):
        return json.dumps(altered(json.loads(octets), rng)).encode()
    if file.endswith(".npz"):
        with np.load(io.BytesIO(octets)) as archive:
            arrays = dict(archive)
        texts = [name for name in arrays if name in ("network", "meta", "header")]
        if texts and rng.random() < 0.8:
            value = json.loads(arrays[texts[0]].tobytes())
            text = json.dumps(altered(value, rng)).encode()
            return npz(**{**arrays, texts[0]: np.frombuffer(text, np.uint8)})
        return npz(**altered_arrays(arrays, rng))
    if file.endswith(".safetensors"):
        size = int.from_bytes(octets[:8], "little")
        text = json.dumps(altered(json.loads(octets[8 : 8 + size]), rng)).encode()
        return len(text).to_bytes(8, "little") + text + octets[8 + size :]
    if file.endswith(".v"):
        words = re.findall(r"\w+|\s+|.", octets.decode(), re.DOTALL)
        for _ in range(rng.choice((1, 1, 2))):
            place, other = rng.randrange(len(words)), rng.randrange(len(words))
            words[place] = rng.choice((words[other], "", words[place] * 2, "`endif", "/*", "[7:0]"))
        return "".join(words).encode()
    if file.endswith(".onnx"):
        return altered_graph(octets, rng)
    if file.endswith(".nir"):
        return altered_hdf5(octets, rng)
    return mutated(octets, rng)


def altered_hdf5(octets: bytes, rng: random.Random) -> bytes:
    """Return an HDF5 file with a dataset altered, renamed, left out, linked or made of text."""
    import h5py

    out, names = io.BytesIO(octets), []
    with h5py.File(out, "r+") as file:
        file.visititems(lambda name, item: names.append((name, isinstance(item, h5py.Dataset))))
        name = rng.choice([name for name, plain in names if plain])
        value = file[name][()]
        match rng.randrange(8):
            case 0:
                file.move(name, rng.choice((name + "x", "node/x")))
            case 1:
                del file[name]
            case 2:
                del file[name]
                file[name] = rng.choice(
                    (h5py.SoftLink("/node"), h5py.ExternalLink("n.nir", "/node"), file["node"])
                )
            case 3:
                del file[name]
                file[name] = rng.choice(ODD)
            case 4 if np.ndim(value):
                del file[name]
                sides = [rng.choice((1, 7, 1 << 20, 1 << 40)) for _ in np.shape(value)]
                file.create_dataset(name, sides, rng.choice(("f4", "i8")), chunks=True)
            case _ if file[name].dtype.kind in "iuf":
                array = altered_array(value, rng)
                del file[name]
                file[name] = array if array.dtype.kind in "biufc" else 0.5
    return out.getvalue()


def damaged_where_full(octets: bytes, rng: random.Random) -> bytes:
    """Return an HDF5 file with bytes changed that are not 0: most of a small one is."""
    data = bytearray(octets)
    full = [place for place, octet in enumerate(data) if octet]
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        place = rng.choice(full)
        data[place] = rng.choice((data[place] ^ 1 << rng.randrange(8), rng.randrange(256), *BYTES))
    return bytes(data)


def altered_graph(octets: bytes, rng: random.Random) -> bytes:
    """Return an ONNX file with a node, an attribute, a name or a tensor altered."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_model_from_string(octets)
    graph = model.graph
    node = rng.choice(list(graph.node))
    match rng.randrange(10):
        case 0:
            graph.node.remove(node)
        case 1:
            node.op_type = rng.choice(("Add", "Mul", "Sign", "Reshape", "TopK", "Dropout", "Gemm"))
        case 2:
            node.attribute.append(
                onnx.helper.make_attribute(
                    rng.choice(("axis", "training_mode", "epsilon", "x")), rng.choice((0, 1, 0.5))
                )
            )
        case 3 if node.input:
            node.input[0] = rng.choice(list(graph.node)).output[0]
        case 4:
            node.output.append(rng.choice(("x", "w", "y", "q")))
        case 5:
            dim = graph.input[0].type.tensor_type.shape.dim[1]
            dim.dim_value = rng.choice((-1, 0, 2, 10**9, 10**12))
        case 6:
            declared(rng.choice(list(graph.initializer)), rng)
        case _:
            tensor = rng.choice(list(graph.initializer))
            array = altered_array(numpy_helper.to_array(tensor), rng)
            if array.dtype.kind in "biuf":
                array = array.astype(array.dtype.newbyteorder("="))
                tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array), tensor.name))
    return model.SerializeToString()


def declared(tensor: Any, rng: random.Random) -> None:
    """Make a tensor of ONNX say that it is as large as no memory, or that it lies elsewhere."""
    if rng.random() < 0.5:
        tensor.dims[:] = [rng.choice((-1, 0, 1, 1 << 13, 10**6, 10**12)) for _ in tensor.dims]
        return
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    places = ("../w.npy", "/etc/passwd", "/dev/zero", "q.onnx", "w.npy", "", "a.onnx", "~")
    said = {
        "location": rng.choice(places),
        "offset": rng.choice(("0", "-1", "8", str(10**12))),
        "length": rng.choice(("", "0", "48", str(10**12), "1e3")),
    }
    for key, value in said.items():
        if value:
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value


def same_network(found: lutnet.Network, folder: Path) -> None:
    """Demand that a network survives files of our own, and computes."""
    for suffix in (".json", ".npz"):
        found.save(folder / f"again{suffix}")
        assert lutnet.Network.load(folder / f"again{suffix}") == found, "saved as another network"
    x = np.zeros((2, found.inputs), dtype=np.int64)
    if found.inputs < 1000:
        assert len(lutnet.model(found, x)) == 2


def same_array(found: Any, folder: Path) -> None:
    np.save(folder / "again.npy", found)
    assert np.array_equal(formats.read(folder / "again.npy"), found), "saved as another matrix"


def same_layer(found: spimc_layer.Layer, folder: Path) -> None:
    spimc_layer.save(folder / "again.npz", found)
    again = spimc_layer.load(folder / "again.npz")
    assert again.cfg == found.cfg, "saved as another macro"
    assert np.array_equal(again.weights(), found.weights()), "saved as other weights"


def same_sonic(found: list[sonic_network.Layer], folder: Path) -> None:
    sonic_network.save(folder / "again.npz", found)
    again = sonic_network.load(folder / "again.npz")
    assert repr(again) == repr(found), "saved as other layers"


Reader = tuple[dict[str, bytes], Callable[[Path], Any], Callable[[Any, Path], None]]


def importer(format: str, name: str, **options: Any) -> Callable[[Path], lutnet.Network]:
    return lambda folder: importers.load(folder / name if name else folder, format, **options)


def npz(**arrays: Any) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def state(rng: np.random.Generator) -> dict[str, dict[str, Any]]:
    """Return the arrays of small state dictionaries."""
    return {
        "dwn": {
            "thresholds": rng.normal(size=(3, 4)).astype(np.float32),
            "0.luts": rng.normal(size=(4, 4)).astype(np.float32),
            "0.mapping.weights": rng.normal(size=(12, 8)).astype(np.float32),
            "1.luts": rng.normal(size=(2, 4)).astype(np.float32),
            "1.mapping": rng.integers(0, 4, (2, 2)),
            "classes": np.array(2),
        },
        "difflogic": {
            "layers.2.gate": rng.integers(0, 16, 4),
            "layers.2.indices": rng.integers(0, 5, (2, 4)),
            "layers.10.gate": rng.integers(0, 16, 2),
            "layers.10.indices": rng.integers(0, 4, (2, 2)),
        },
        "torchlogix": {
            "0.weight": rng.normal(size=(4, 16)).astype(np.float32),
            "0.connections.indices": rng.integers(0, 6, (3, 2, 4)),
            "0.connections.weights": rng.random((3, 2, 4)).astype(np.float32),
            "1.weight": rng.normal(size=(2, 4)).astype(np.float32),
            "1.connections.indices": rng.integers(0, 4, (2, 2)),
        },
    }


def safetensors(arrays: dict[str, tuple[str, Any]]) -> bytes:
    """Return a file by the format's definition."""
    head, body = {}, b""
    for name, (dtype, array) in arrays.items():
        octets = array.tobytes()
        place = [len(body), len(body) + len(octets)]
        head[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": place}
        body += octets
    text = json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + body


VERILOG = """
module layer0 (input [3:0] M0, output [3:0] M1); // two neurons
wire [1:0] a = {M0[3], M0[0]};
wire [1:0] b = {M0[2:1]};
layer0_N0 n0 (.M0(a), .M1(M1[1:0]));
layer0_N1 n1 (.M0(b), .M1(M1[3:2]));
endmodule
`ifdef OLD
module layer0_N0 (input [1:0] M0, output [1:0] M1); endmodule
`endif
module layer0_N0 (input [1:0] M0, output [1:0] M1);
(* rom_style = "distributed" *) reg [1:0] M1r;
assign M1 = M1r;
always @ (M0) begin case (M0)
2'b00: M1r = 2'b01; 2'b01: M1r = 2'b10; 2'b10: M1r = 2'b11; 2'b11: M1r = 2'b00;
endcase end
endmodule
module layer0_N1 (input [1:0] M0, output reg [1:0] M1);
always @ (*) case (M0) 2'd0: M1 <= 2'h1; default: M1 <= 2'b10; endcase
endmodule
"""


def boosted() -> bytes:
    trees = [
        {
            "left_children": [1, 3, -1, -1, -1],
            "right_children": [2, 4, -1, -1, -1],
            "split_indices": [i, 1, 0, 0, 0],
            "split_conditions": [0.5, -0.25, 1.0, -1.0, 0.125],
            "default_left": [0] * 5,
            "split_type": [0] * 5,
            "categories": [],
            "tree_param": {"num_nodes": "5", "size_leaf_vector": "1"},
        }
        for i in (0, 1)
    ]
    model = {"trees": trees, "tree_info": [0, 0], "gbtree_model_param": {"num_trees": "2"}}
    parameters = {"base_score": "[3E-1]", "num_class": "0", "num_feature": "2", "num_target": "1"}
    learner = {
        "attributes": {"best_iteration": "1"},
        "gradient_booster": {"model": model, "name": "gbtree"},
        "learner_model_param": parameters,
        "objective": {"name": "binary:logistic"},
    }
    return json.dumps({"learner": learner, "version": [3, 2, 0]}).encode()


def graph(rng: np.random.Generator) -> bytes:
    from onnx import TensorProto, helper

    signs = [np.where(rng.random(s) < 0.5, -1, 1).astype(np.float32) for s in ((4, 3), (3, 2))]
    values = {"s": np.float32(1), "w": signs[0], "v": signs[1]}
    values |= {k: rng.random(3).astype(np.float32) + 1 for k in ("g", "b", "m", "q")}
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"], axis=1),
        helper.make_node("MatMul", ["f", "w"], ["z"]),
        helper.make_node("BatchNormalization", ["z", "g", "b", "m", "q"], ["n"], epsilon=1e-5),
        helper.make_node("BipolarQuant", ["n", "s"], ["h"], domain="qonnx.custom_op.general"),
        helper.make_node("MatMul", ["h", "v"], ["y"]),
        helper.make_node("ArgMax", ["y"], ["c"], axis=1),
    ]
    return onnx_file(nodes, values, ("c", TensorProto.INT64, ("N", 1)))


def onnx_file(
    nodes: list[Any], values: dict[str, Any], answer: tuple[Any, ...], **more: Any
) -> bytes:
    """Return an ONNX file of a graph that takes ``x`` of four values, with constants by name."""
    from onnx import TensorProto, helper, numpy_helper

    info = helper.make_tensor_value_info
    constants = [numpy_helper.from_array(np.asarray(v), k) for k, v in values.items()]
    given = [info("x", TensorProto.FLOAT, ("N", 4))]
    made = helper.make_graph(nodes, "g", given, [info(*answer)], constants)
    return helper.make_model(made, **more).SerializeToString()


def torch_file(arrays: dict[str, Any]) -> bytes:
    import torch

    out = io.BytesIO()
    tensors = {name: torch.from_numpy(np.asarray(value)) for name, value in arrays.items()}
    torch.save({"epoch": 3, "state_dict": tensors}, out)
    return out.getvalue()


def same_bytes(
    save: Callable[[Any, Path], None], load: Callable[[Path], Any]
) -> Callable[..., None]:
    """Return a demand that what was read is written and read to the same bytes."""

    def same(found: Any, folder: Path) -> None:
        save(found, folder / "again.npz")
        once = (folder / "again.npz").read_bytes()
        save(load(folder / "again.npz"), folder / "again.npz")
        assert (folder / "again.npz").read_bytes() == once, "saved as something else"

    return same


def others(folder: Path, rng: np.random.Generator) -> dict[str, Reader]:
    """Return the readers of quantised networks, spiking networks and tiles of products."""
    found: dict[str, Reader] = {}
    layers = (lif.Layer(inputs=6, neurons=5, threshold=20), lif.Layer(inputs=5, neurons=3))
    spiking = lif.Network(
        layers=layers,
        weights=(rng.integers(-10, 20, (6, 5)), rng.integers(-10, 20, (5, 3))),
        coder="accumulate",
        readout="counts",
        steps=8,
    )
    lif_files.save(folder / "l.npz", spiking)
    found["lif"] = (
        {"l.npz": (folder / "l.npz").read_bytes()},
        lambda f: lif_files.load(f / "l.npz"),
        same_bytes(lambda n, p: lif_files.save(p, n), lif_files.load),
    )
    quantised = network.Network(
        [
            network.Conv2d(np.arange(-4, 4).reshape(2, 1, 2, 2), (1, 2), (0, 1, 0, 0)),
            network.Requant(np.array([3, -9]), np.array([1 << 20, -5]), 20, 0, 15),
            network.Flatten(),
            network.ArgMax(),
        ],
        (1, 4, 4),
        weight_bits=4,
        act_bits=4,
        input_high=15,
        input_scale=0.125,
        output_scale=0.5,
    )
    found["nir"] = (
        {"n.nir": spikes(folder, rng)},
        lambda f: lif_importers.nir.load(f / "n.nir", dt=1e-4, reset="zero")[0],
        same_bytes(lambda n, p: lif_files.save(p, n), lif_files.load),
    )
    same = same_bytes(network.save, network.load)
    network.save(quantised, folder / "q.npz")
    octets = (folder / "q.npz").read_bytes()
    found["quantised npz"] = {"q.npz": octets}, lambda f: network.load(f / "q.npz"), same
    x = rng.normal(size=(20, 4)).astype(np.float32)
    octets = perceptron(rng)
    found["quantised onnx"] = (
        {"q.onnx": octets},
        lambda f: network.load(f / "q.onnx", calibration=x),
        same,
    )
    for name in ("dense", "bitplanes"):
        member = products.member(name)
        tile = member.stimuli(member.Config(), np.random.default_rng(3))["packed"]
        tile.save(folder / "t.npz")
        found[f"tile {name}"] = (
            {"t.npz": (folder / "t.npz").read_bytes()},
            lambda f, member=member: member.Packed.load(f / "t.npz"),
            same_bytes(lambda t, p: t.save(p), member.Packed.load),
        )
    return found


def spikes(folder: Path, rng: np.random.Generator) -> bytes:
    """Return a spiking network of a convolution, a pool and a matrix as a NIR file."""
    import nir

    def neurons(kind: Any, count: int, **values: float) -> Any:
        return kind(r=np.ones(count), v_threshold=np.full(count, 2.0), **values)

    conv = nir.Conv2d(
        input_shape=(6, 5),
        weight=rng.integers(-3, 4, (3, 2, 3, 3)) / 2,
        stride=(1, 2),
        padding=(1, 0),
        dilation=1,
        groups=1,
        bias=np.zeros(3),
    )
    two = np.array([2, 2])
    leak = {"tau": np.full(9, 8e-4), "v_leak": np.zeros(9)}
    graph = nir.NIRGraph.from_list(
        nir.Input(input_type=np.array([2, 6, 5])),
        conv,
        nir.SumPool2d(kernel_size=two, stride=two, padding=0 * two),
        nir.Flatten(input_type={"input": np.array([3, 3, 1])}, start_dim=0),
        neurons(nir.LIF, 9, **leak),
        nir.Linear(weight=rng.normal(size=(4, 9))),
        neurons(nir.IF, 4),
        nir.Output(output_type=np.array([4])),
        type_check=False,
    )
    nir.write(folder / "n.nir", graph)
    return (folder / "n.nir").read_bytes()


def perceptron(rng: np.random.Generator) -> bytes:
    """Return a network of real numbers as an ONNX file."""
    from onnx import TensorProto, helper

    values = {"w": rng.normal(size=(4, 3)), "b": rng.normal(size=3), "v": rng.normal(size=(3, 2))}
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["z"], alpha=1.0),
        helper.make_node("Relu", ["z"], ["h"]),
        helper.make_node("MatMul", ["h", "v"], ["y"]),
    ]
    floats = {name: np.float32(value) for name, value in values.items()}
    opset = [helper.make_opsetid("", 17)]
    return onnx_file(nodes, floats, ("y", TensorProto.FLOAT, ("N", 2)), opset_imports=opset)


def readers(folder: Path) -> dict[str, Reader]:
    """Return the small files of each kind, how they are read, and what has to survive."""
    rng = np.random.default_rng(1)
    states = state(rng)
    found: dict[str, Reader] = {}
    for kind in ("unrolled", "tiled", "table"):
        made = lutnet.Network(**examples.KINDS[kind](rng))
        if kind == "unrolled":
            edges = [np.sort(rng.random(7)).astype(np.float32) for _ in range(made.inputs)]
            made = lutnet.Network(
                made.layers, made.inputs, 3, {}, lutnet.Quantiser(edges=[e.tolist() for e in edges])
            )
        for suffix in (".json", ".npz"):
            made.save(folder / f"n{suffix}")
            name, octets = f"n{suffix}", (folder / f"n{suffix}").read_bytes()
            load = lutnet.Network.load
            found[f"network {kind}{suffix}"] = (
                {name: octets},
                lambda f, name=name, load=load: load(f / name),
                same_network,
            )
    for format, arrays in states.items():
        found[f"{format} npz"] = {"a.npz": npz(**arrays)}, importer(format, "a.npz"), same_network
        tensors = safetensors(
            {k: ("F32" if v.dtype.kind == "f" else "I64", v) for k, v in arrays.items()}
        )
        found[f"{format} safetensors"] = (
            {"a.safetensors": tensors},
            importer(format, "a.safetensors"),
            same_network,
        )
    found["dwn pt"] = (
        {"a.pt": torch_file(states["dwn"])},
        importer("dwn", "a.pt"),
        same_network,
    )
    edge = {"acive": 1, "values_int": [0, 1, -1, 2]}
    edges = {"0_0_0": edge, "0_1_0": edge, "0_1_1": edge, "0_0_1": {"acive": 0, "values_int": []}}
    config = {"layers": [2, 2], "layers_bitwidth": [2, 3]}
    found["kanele"] = (
        {"t.json": json.dumps(edges).encode(), "config.json": json.dumps(config).encode()},
        importer("kanele", "t.json"),
        same_network,
    )
    found["xgboost"] = {"m.json": boosted()}, importer("xgboost", "m.json"), same_network
    found["xgboost codes"] = (
        {"m.json": boosted()},
        importer("xgboost", "m.json", input_bits=2),
        same_network,
    )
    found["logicnets"] = {"a.v": VERILOG.encode()}, importer("logicnets", ""), same_network
    found["qonnx"] = {"a.onnx": graph(rng)}, importer("qonnx", "a.onnx"), same_network
    w = (rng.integers(-8, 8, (12, 6)) * (rng.random((12, 6)) < 0.4)).astype(np.int8)
    cfg = Config(columns=4, slots=16, window=16)
    for form in (Tile(format="coo"), Tile(format="bitmap"), Tile(format="dense")):
        spimc_layer.save(folder / "p.npz", spimc_layer.plan(w, cfg, form))
        octets = (folder / "p.npz").read_bytes()
        found[f"spimc {form.format}"] = (
            {"p.npz": octets},
            lambda f: spimc_layer.load(f / "p.npz"),
            same_layer,
        )
    layer = sonic_network.Layer(
        codes=rng.integers(0, 4, (3, 5)),
        levels=np.array([0, 1, -2, 3]),
        scale=np.array([3, 4, 5]),
        bias=np.array([1, 2, 3]),
        shift=3,
    )
    sonic_network.save(folder / "s.npz", [layer, layer])
    octets = (folder / "s.npz").read_bytes()
    found["sonic"] = {"s.npz": octets}, lambda f: sonic_network.load(f / "s.npz"), same_sonic
    found |= others(folder, rng)
    np.save(folder / "w.npy", w)
    octets = (folder / "w.npy").read_bytes()
    found["npy"] = {"w.npy": octets}, lambda f: formats.read(f / "w.npy"), same_array
    mask = np.packbits(w.T != 0, axis=1, bitorder="little")
    tensors = safetensors(
        {
            "a.compressed": ("I8", w.T[w.T != 0]),
            "a.bitmask": ("U8", mask),
            "a.shape": ("I64", np.array([6, 12])),
            "b": ("BF16", rng.integers(0, 1 << 14, (3, 4)).astype(np.uint16)),
        }
    )
    for name in "ab":
        found[f"safetensors {name}"] = (
            {"m.safetensors": tensors},
            lambda f, name=name: formats.read(f / "m.safetensors", name),
            same_array,
        )
    return found


def seconds() -> float:
    """Return the processor time of this process and of all that it ran."""
    return sum(os.times()[:4])


def expired(signum: int, frame: Any) -> None:
    raise SystemExit("took too long")


def run(seed: int, count: int, only: str = "") -> dict[str, Any]:
    """Return what became of ``count`` files, spread over all readers, or over some by name."""
    rng = random.Random(seed)
    signal.signal(signal.SIGVTALRM, expired)
    # What asks for all memory must not take it from others.
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    result: dict[str, Any] = {"seed": seed, "readers": {}, "wrong": [], "seconds": 0.0}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = {k: reader for k, reader in readers(folder).items() if k.startswith(only)}
        for kind, (files, load, same) in kinds.items():
            work = folder / kind.replace(" ", "-")
            work.mkdir()
            for file, octets in files.items():
                (work / file).write_bytes(octets)
            same(load(work), folder)  # an unharmed file is read
            loaded = refused = 0
            for _ in range(-(-count // len(kinds))):
                file = rng.choice(list(files))
                if rng.random() < 0.6:
                    octets = altered_file(file, files[file], rng)
                elif file.endswith(".nir") and rng.random() < 0.9:
                    octets = damaged_where_full(files[file], rng)
                elif file.endswith((".npz", ".pt")) and rng.random() < 0.8:
                    octets = packed(files[file], rng)
                else:
                    octets = mutated(files[file], rng)
                (work / file).write_bytes(octets)
                start = seconds()
                signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
                try:
                    same(load(work), folder)
                    loaded += 1
                except (ValueError, OSError) as error:
                    refused += 1
                    if "\n" in str(error) or not str(error):
                        result["wrong"].append(f"{kind}: {str(error)[:200]!r}: {octets[:3000]!r}")
                except (Exception, SystemExit):
                    text = traceback.format_exc(limit=-3)
                    result["wrong"].append(f"{kind}: {text}: {octets[:3000]!r}")
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                result["seconds"] = max(result["seconds"], seconds() - start)
                (work / file).write_bytes(files[file])
            result["readers"][kind] = [loaded, refused]
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    result["MiB"] = max(peak_kib(), children) >> 10
    return result


def peak_kib() -> int:
    """Return the most memory that this program has had.

    Its ``ru_maxrss`` would begin with that of the process that started it, from before the start.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])))
