"""A block as a Tiny Tapeout project: behind its pins, sized, with words recorded from its bench."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nomul.flow import abilities, mapping, steps
from nomul.registry import Block, room
from nomul.runs import folders

if TYPE_CHECKING:
    from nomul.golden.config import Config
    from nomul.sim.record import Recording
    from nomul.synth.emit.tinytapeout import Project

AUTHOR = "nomul"

# Transfers that are recorded where no test set is named.
COUNT = 400


def tinytapeout(
    block: Block,
    cfg: "Config",
    *,
    author: str = AUTHOR,
    liberty: Path | None = None,
    data: str | None = None,
    images: int | None = None,
    seed: int = 1,
) -> "Project":
    """Return a Tiny Tapeout project of a block.

    Parameters
    ----------
    author
        Who submits it; part of the top module's name.
    liberty
        Cells to estimate the size with; FreePDK45's if None.
    data, images
        A test set whose words are recorded, as for :func:`nomul.flow.test_set`, and how many images
        of it; the bench's own stimuli if None.
    seed
        Of the stimuli.

    Raises
    ------
    BenchError
        The block does not do what its model says.
    FileNotFoundError
        There are no cells to estimate the size with.
    ValueError
        The block is too large, has inputs that are no streams, or the author has no letters.
    """
    from nomul.hw.tinytapeout import TinyTapeout
    from nomul.synth.emit import emit, tinytapeout, vectors
    from nomul.synth.map import targets
    from nomul.synth.map.synthesize import synthesize

    if not any(letter.isalnum() and letter.isascii() for letter in author):
        raise ValueError(f"author must have letters or digits, not {author!r}")
    narrow, bench = _narrow(block, cfg)
    # The block as its bench knows it is recorded, the same behind its pins is emitted.
    with folders.scratch() as scratch:
        environment: Mapping[str, str] = {}
        trial = None
        if data is not None:
            trial = abilities.test_set(block, cfg, data, scratch, images, None)
            environment = trial.environment
        recording = vectors.take(
            steps.workload(block, cfg, recorded=True, bench=bench),
            emit(narrow, block.name),
            scratch / "record",
            seed=seed,
            simulator=steps.installed_simulator(),
            count=None if data else COUNT,
            environment=environment,
        )
        judged = trial.judge() if trial else {}
    top = TinyTapeout(_narrow(block, cfg)[0])
    name = tinytapeout.module_name(author, block.name)
    emitted = emit(top, name, summary=block.title, paper=block.paper)
    chosen = targets.get(mapping.target_name(None, liberty), liberty=liberty)
    assert isinstance(chosen, targets.StandardCells)
    mapped = synthesize(emitted, chosen, period_ps=tinytapeout.PERIOD_PS)
    assert mapped.area_um2 is not None
    source = f" after {block.paper}" if block.paper else ""
    return tinytapeout.project(
        top,
        emitted,
        gates=round(mapped.area_um2 / tinytapeout.nand_area(chosen)),
        library=chosen.name,
        vectors=_words(top, recording),
        test=_test(),
        author=author,
        about=f"{block.title}{source}, emitted by nomul.",
        tested=_tested(data, judged) if data else "",
    )


def _tested(data: str, judged: Mapping[str, Any]) -> str:
    """Return what the words of a test set say of the design."""
    samples, share = judged["samples"], judged["accuracy"]
    right = f"{round(samples * share)} of the answers, {100 * share:.1f} %"
    return f"They are the {samples} test images of {data}, and {right}, are the class of the image."


def _narrow(block: Block, cfg: "Config") -> tuple[Any, str]:
    """Return the component with the fewest pins that the block has, and its bench."""
    function = block.capability("narrow")
    found: tuple[Any, str] | None = function(cfg) if function else None
    return found or (block.top(cfg), block.bench)


def _words(top: Any, recording: "Recording") -> dict[str, Any]:
    """Return the bytes that go in, and those that come out of each stream."""
    from nomul.golden.serial import word_bytes
    from nomul.hw.serial import Serial

    ins, outs = Serial.widths(top.inputs), Serial.widths(top.outputs)
    numbers = {name: bytes([n]) if len(ins) > 1 else b"" for n, name in enumerate(ins)}
    send = b"".join(
        numbers[t.stream] + t.word.to_bytes(word_bytes(ins[t.stream]), "little")
        for t in recording.transfers
        if t.stream in ins
    )
    expected = {
        name: b"".join(w.to_bytes(word_bytes(width), "little") for w in recording.words(name))
        for name, width in outs.items()
    }
    return {
        "send": send.hex(),
        "outputs": {
            name: {"bytes": word_bytes(width), "words": expected[name].hex()}
            for name, width in outs.items()
        },
    }


def _test() -> str:
    """Return the test of the pins, which is a file of its own in a project."""
    return (Path(str(room("sim").__file__)).parent / "tinytapeout.py").read_text()
