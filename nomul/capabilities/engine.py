"""What the engine can do besides: be built for a board from a network, and run on a test set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nomul import present
from nomul.capabilities import trials
from nomul.flow.results import Question, Trial
from nomul.options import AsJson, Calibration, changes

if TYPE_CHECKING:
    from nomul.golden.engine import Config


def build(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="Network of nomul or of another tool, or the name of a trained one.",
        ),
    ],
    member: Annotated[
        str,
        typer.Option(
            help="Datapath of its products: dense, bitplanes, permdiag, circulant, pow2basis, pq, "
            "spimc or sonic."
        ),
    ] = "dense",
    settings: Annotated[
        list[str] | None,
        changes("Parameter of the engine or of the member, inputs=36 or products=32; repeat it."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="FPGA family to place it on: ecp5, ice40 or gowin.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Device: 25k, up5k, ...; the smallest if not given.")
    ] = None,
    board: Annotated[
        str | None, typer.Option(help="Board to write a bitstream for: ulx3s25f, icebreaker, ...")
    ] = None,
    calibration: Calibration = None,
    testbench: Annotated[
        bool, typer.Option(help="Write a testbench in plain Verilog, and pass it.")
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help="Seed of place and route.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder for all that is made.")] = Path(
        "build/engine/built"
    ),
    json: AsJson = False,
) -> None:
    """Make hardware of a network: Verilog, weights, registers, drivers, bitstream."""
    from nomul.capabilities import engine_files

    made = engine_files.made(network, member, settings or (), out, calibration)
    steps = engine_files.Steps(made, out)
    with present.steps() as step:
        with step("Verilog, registers, weights"):
            steps.sources()
        if testbench:
            with step("testbench"):
                steps.testbench()
        if target is not None and board is None:
            with step(f"place and route, {target}"):
                steps.place(target, device, seed)
        if board is not None:
            with step(f"bitstream, {board}"):
                steps.bitstream(board, target, seed)
    about = steps.summary()
    if json:
        present.as_json(about)
        return
    present.pairs("", about["figures"])
    present.table("\nfiles", ("file", "holds"), list(about["files"].items()))


def predict(cfg: "Config", x: Any, words: Mapping[str, Any]) -> Question:
    """Return the question of samples to a board: real inputs [n, ...], or codes if integers.

    Raises
    ------
    TypeError, ValueError
        The samples do not fit the network.
    """
    import numpy as np

    from nomul.golden import engine
    from nomul.golden.engine.members import tile_words

    net, values = cfg.net, np.asarray(x)
    values = values.reshape(len(values), *net.input_shape)
    codes = values if values.dtype.kind in "iu" else net.encode(values)
    engine.model(cfg, codes[:1])  # refuses what does not fit
    sent = []
    for row in codes.reshape(len(codes), -1).tolist():
        sent += [words["x"].pack(x=code, last=int(i == len(row) - 1)) for i, code in enumerate(row)]
    asked = {"x": sent}
    if cfg.weights == "stream":
        tiles = [tile_words(p.tile.packed) for p in cfg.program.passes if p.kind == "product"]
        once = [
            words["weight"].pack(w=word, last=int(i == len(tile) - 1))
            for tile in tiles
            for i, word in enumerate(tile)
        ]
        asked["weight"] = once * len(codes)
    scores = cfg.program.scores
    names = net.notes.get("classes")

    def classes(answers: Mapping[str, Sequence[int]]) -> Any:
        last = answers["y"][scores - 1 :: scores]
        chosen = np.array([words["y"].unpack("label", word)[0] for word in last], dtype=np.int64)
        return np.array(str(names).split(","))[chosen] if names else chosen

    return Question(asked, {"y": len(codes) * scores}, classes)


def test_set(
    cfg: "Config", name: str, folder: Path, images: int | None, target: str | None
) -> Trial:
    """Return the trial of digits, fashion-mnist or a file; see :mod:`nomul.capabilities.trials`.

    The samples of a file have their classes in the column ``target``. Without ``images`` there are
    20, since each takes thousands of cycles.

    Raises
    ------
    ValueError
        There is no such data set or file, or it does not fit the network.
    """
    import numpy as np

    from nomul.golden import engine

    (x, labels), net = images_of(name, target), cfg.net
    if int(np.prod(x.shape[1:])) != int(np.prod(net.input_shape)):
        raise ValueError(f"{name}: has {x[0].size} values, the network takes {net.input_shape}")
    chosen = slice(None, 20 if images is None else images)
    codes = net.encode(x[chosen].reshape(-1, *net.input_shape))

    def judge() -> dict[str, Any]:
        # The bench compared every score and class with the model's.
        given = engine.model(cfg, codes)[:, -1]
        right = float((given == labels[chosen]).mean())
        return {"samples": len(codes), "accuracy": round(right, 4)}

    return Trial(trials.environment(folder, codes, answers=False), judge)


def images_of(name: str, target: str | None = None) -> tuple[Any, Any]:
    """Return the test images of a data set, in 0..1, and their labels; or what a file holds.

    Raises
    ------
    ValueError
        There is no such data set, or the file has no such column.
    """
    from nomul.train import digits, fashion, samples

    if Path(name).suffix:
        if target is None:
            raise ValueError(f"{name}: needs --target, the column that holds the classes")
        own = samples.load(Path(name), target)
        return own.x.astype("float32"), own.labels
    if target is not None:
        raise ValueError(f"--target is for files of samples, and {name} is none")
    if name == "digits":
        data = digits.load()
        return data.x_test, data.labels_test
    if name == "fashion-mnist":
        part = fashion.load("test")
        return part.images / 255, part.labels
    raise ValueError(f"data must be digits, fashion-mnist or a file, not {name!r}")
