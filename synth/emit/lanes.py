"""The streams of a design as a testbench sees them, with the words that a bench recorded."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nomul.synth.emit.vectors import streams

if TYPE_CHECKING:
    from nomul.sim.record import Recording


@dataclass(frozen=True)
class Lane:
    """A stream as the testbench drives or watches it.

    Attributes
    ----------
    name
        Of the stream, and of its vector file.
    outward
        Whether the design sends it.
    valid, ready
        Names of the ports.
    payload
        Names and widths of the ports that carry the payload, lowest bits first.
    probe
        Prefix of the valid and ready whose transfers count: inside the design where it buffers.
    words
        What is sent, or expected.
    before
        For each word, how many transfers there must have been on each lane before it can come.
    """

    name: str
    outward: bool
    valid: str
    ready: str
    payload: tuple[tuple[str, int], ...]
    probe: str
    words: tuple[int, ...]
    before: tuple[tuple[int, ...], ...]

    @property
    def width(self) -> int:
        """Bits of a word."""
        return sum(width for _, width in self.payload)


def recorded(
    plain: dict[str, Any], recording: "Recording", axi: dict[str, Any] | None
) -> list[Lane]:
    """Return the streams of a design with their recorded words.

    Parameters
    ----------
    plain
        Manifest of the block by itself, which was recorded.
    axi
        What the manifest of the block behind AXI says of it; None for the block by itself.
    """
    ports = {port["name"]: port for port in plain["ports"]}
    names = streams(plain)
    before: dict[str, list[tuple[int, ...]]] = {name: [] for name in names}
    for transfer, counts in zip(recording.transfers, recording.before(names), strict=True):
        before[transfer.stream].append(counts)
    behind = {stream["stream"]: stream for stream in axi["streams"]} if axi else {}
    return [
        _lane(name, ports, recording.words(name), before[name], behind.get(name.replace("__", "_")))
        for name in names
    ]


def _lane(
    name: str,
    ports: dict[str, Any],
    words: list[int],
    before: list[tuple[int, ...]],
    axi: dict[str, Any] | None,
) -> Lane:
    payload = ports[f"{name}__payload"]
    outward = payload["direction"] == "output"
    wide: tuple[tuple[str, int], ...]
    if axi is None:
        wide = ((f"{name}__payload", payload["width"]),)
        wires, probe = (f"{name}__valid", f"{name}__ready"), name
    else:
        wires, probe = (f"{axi['name']}_tvalid", f"{axi['name']}_tready"), f"dut.block.{name}"
        wide = ((f"{axi['name']}_tdata", 8 * axi["bytes"]),)
        wide += ((f"{axi['name']}_tlast", 1),) if axi["last"] else ()
        words = [axi_word(payload, word, 8 * axi["bytes"]) for word in words]
    return Lane(name, outward, *wires, wide, probe, tuple(words), tuple(before))


def as_json(lanes: Sequence[Lane], axi: dict[str, Any]) -> str:
    """Return lanes and registers for the bench :mod:`nomul.sim.axis`."""
    about = {stream["stream"]: stream for stream in axi["streams"]}
    entries = [
        {
            "prefix": about[lane.name.replace("__", "_")]["name"],
            "bytes": about[lane.name.replace("__", "_")]["bytes"],
            "last": about[lane.name.replace("__", "_")]["last"],
            "outward": lane.outward,
            "probe": lane.probe,
            "words": [f"{word:x}" for word in lane.words],
            "before": lane.before,
        }
        for lane in lanes
    ]
    return json.dumps({"lanes": entries, "registers": axi["registers"]})


def axi_word(payload: dict[str, Any], word: int, bits: int) -> int:
    """Return what a payload is on AXI4-Stream: ``tdata`` of so many bits, and ``tlast`` above.

    ``last`` leaves the payload, what lies above it moves down, and padding copies the sign of the
    highest field if that is signed and the block sends it; else it is zero.
    """
    whole = [{"name": "", "offset": 0, "count": 1, **payload}]
    fields = [f for f in payload.get("fields", whole) if f["name"] != "last"]
    data, at = 0, 0
    for field in fields:
        width = field["width"] * field["count"]
        data |= (word >> field["offset"] & (1 << width) - 1) << at
        at += width
    if payload["direction"] == "output" and fields[-1]["signed"] and data >> (at - 1):
        data |= (1 << bits) - (1 << at)
    for field in payload.get("fields", []):
        if field["name"] == "last":
            data |= (word >> field["offset"] & 1) << bits
    return data
