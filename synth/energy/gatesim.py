"""Simulation of a mapped netlist with the block's own bench, recording every net."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nomul.synth.energy.activity import CLOCK, Bools, Measured
from nomul.synth.energy.netlist import Indices, Netlist

RESET = "rst"

# Nets in one $fwrite: a simulator may build a concatenation of n bits in n**2 steps.
_WORD = 128


@dataclass(frozen=True)
class UnitDelay:
    """Every cell has the same delay, and nets are looked at between any two steps.

    A pulse is as long as the difference of two paths, counted in cells, and none is swallowed.

    Parameters
    ----------
    delay_ns
        The delay that the specify blocks of the library's Verilog give to every cell.
    cycles
        Longest window: there are many samples in a cycle.
    """

    delay_ns: float = 0.1
    cycles: int = 500

    def samples(self, netlist: Netlist) -> int:
        """Return the number of samples per cycle: the depth of the logic and a little more."""
        return netlist.depth() + 3


def simulate(
    netlist: Netlist,
    verilog: Path,
    models: str,
    bench: str,
    folder: Path,
    *,
    config: str,
    tests: str,
    seed: int = 1,
    environment: Mapping[str, str] | None = None,
    cycles: int = 4000,
    delays: UnitDelay | None = None,
    start: int | None = None,
) -> Measured:
    """Run a block's bench on its netlist and record every net.

    The bench compares every output with the golden model, so this is a check of the netlist too.

    Parameters
    ----------
    netlist, verilog
        The mapped design, read and as a file.
    models
        Verilog of the library's cells, as text.
    bench, config, seed, environment
        As in :func:`nomul.sim.harness.run`.
    tests
        Regular expression of the tests to run: exactly one must match.
    cycles
        Longest window; the bench runs to its end in any case.
    delays
        What delay cells have; none if None, so that nets have settled at once.
    start
        What registers hold before reset, 0 or 1; unknown if None. A real register holds either, so
        the unknown that two paths of gates carry to where they meet again is only the models'.

    Raises
    ------
    BenchError
        The netlist does not do what the model says.
    ValueError
        The design was reset more than once, or nothing happened.
    """
    from nomul.sim import harness

    folder.mkdir(parents=True, exist_ok=True)
    files = folder / "settled.bin", folder / "moves.bin"
    for stale in files:
        stale.unlink(missing_ok=True)
    probed = folder / "probed.v"
    probed.write_text(_probe(verilog.read_text(), netlist, delays))
    cells = folder / "models.v"
    gates = [c.name for c in netlist.library.cells.values() if any(pin.gate for pin in c.pins)]
    cells.write_text(_prepared(models, start, gates))
    report = harness.run(
        bench,
        top=netlist.top,
        verilog=[probed, cells],
        build_dir=folder,
        config=config,
        tests=tests,
        seed=seed,
        environment=environment,
        build_args=("-gspecify",) if delays else (),
    )
    values, unknown = _read_samples(files[0], len(netlist.names))
    first, last, transfers = _window(netlist, values)
    whole = transfers.sum()
    last = min(last, first + cycles - 1)
    moves = None
    if delays:
        samples = delays.samples(netlist)
        fine, _ = _read_samples(files[1], len(netlist.names))
        last = min(last, first + delays.cycles - 1, len(fine) // samples - 1)
        moves = np.concatenate(
            [values[first - 1 : first], fine[first * samples : (last + 1) * samples]]
        )
    inside = transfers[first : last + 1].sum()
    return Measured(
        values=values[first - 1 : last + 1],
        unknown=float(unknown[first - 1 : last + 1].mean()),
        transfers=int(inside) if whole else None,
        records=report.records,
        share=float(inside / whole) if whole else 1.0,
        moves=moves,
    )


def _prepared(models: str, start: int | None, gates: Sequence[str] = ()) -> str:
    """Return models of cells whose paths have no conditions, and whose registers hold ``start``.

    Every path has the same delay whatever the other inputs are, so conditions only cost time: a
    simulator builds gates for each, dozens in an adder. Clock gates have no delay, as if a clock
    tree were balanced behind them.
    """
    for gate in gates:
        models = re.sub(
            rf"(^module {gate} .*?)^\s*specify\b.*?^\s*endspecify\b",
            r"\1",
            models,
            count=1,
            flags=re.MULTILINE | re.DOTALL,
        )
    models = re.sub(
        r"^specify\b.*?^endspecify\b|^[ \t]+specify\b.*?^[ \t]+endspecify\b",
        lambda block: _unconditional(block[0]),
        models,
        flags=re.MULTILINE | re.DOTALL,
    )
    if start is None:
        return models
    text, replaced = re.subn(
        r"^(primitive\b(?:(?!^endprimitive).)*?^\s*reg\s+(\w+);\n)",
        rf"\g<1>  initial \g<2> = 1'b{start};\n",
        models,
        flags=re.MULTILINE | re.DOTALL,
    )
    assert replaced, "the models have no registers of their own"
    return text


def _unconditional(specify: str) -> str:
    """Return a specify block that says of each simple path once what its delay is."""
    lines: list[str] = []
    for line in specify.splitlines():
        path = re.fullmatch(r"\s*if\s*\(.*\)\s*(\(\w+ *[*=]> *\w+\) *= *\([^()]*\);)\s*", line)
        plain = f"    {path[1]}" if path else line
        if not path or plain not in lines:
            lines.append(plain)
    return "\n".join(lines)


def _probe(verilog: str, netlist: Netlist, delays: UnitDelay | None) -> str:
    """Return the netlist with processes that write all nets, in mid-cycle and after each delay."""
    process = (
        '  integer settled;\n  initial settled = $fopen("settled.bin", "wb");\n'
        f"  always @(negedge {CLOCK}) begin\n{_writes(netlist, 'settled')}  end\n"
    )
    if delays:
        # Reset and the way to the first transfer come on top of the window.
        process += (
            '  integer moves, seen = 0;\n  initial moves = $fopen("moves.bin", "wb");\n'
            f"  always @(posedge {CLOCK}) if (seen < {delays.cycles + 100}) begin\n"
            f"    seen = seen + 1;\n    #{delays.delay_ns / 2};\n"
            f"    repeat ({delays.samples(netlist)}) begin\n{_writes(netlist, 'moves')}"
            f"    #{delays.delay_ns};\n    end\n  end\n"
        )
    head = re.search(rf"^module {re.escape(netlist.top)}\b", verilog, re.MULTILINE)
    assert head is not None
    end = verilog.index("\nendmodule", head.end()) + 1
    return verilog[:end] + process + verilog[end:]


def _writes(netlist: Netlist, file: str) -> str:
    pieces = [netlist.names[k : k + _WORD] for k in range(0, len(netlist.names), _WORD)]
    return "".join(f'    $fwrite({file}, "%z", {{{", ".join(p[::-1])}}});\n' for p in pieces)


def _read_samples(path: Path, width: int) -> tuple[Bools, Bools]:
    """Return values and whether they are unknown, bool[samples, nets] each.

    ``%z`` writes, for 32 bits at a time, a word of values and a word that marks x and z.
    """
    sizes = [min(_WORD, width - start) for start in range(0, width, _WORD)]
    words = [(size + 31) // 32 for size in sizes]
    raw = np.fromfile(path, dtype=np.uint32)
    if not len(raw) or len(raw) % (2 * sum(words)):
        raise ValueError(f"the simulator wrote no complete samples to {path}")
    raw = raw.reshape(-1, sum(words), 2).astype("<u4")
    starts = np.cumsum([0, *words]) * 32
    planes = []
    for plane in (0, 1):
        data = np.ascontiguousarray(raw[:, :, plane])
        bits = np.unpackbits(data.view(np.uint8), axis=1, bitorder="little").view(np.bool_)
        parts = [bits[:, s : s + size] for s, size in zip(starts, sizes, strict=False)]
        planes.append(np.concatenate(parts, axis=1))
    return planes[0] & ~planes[1], planes[1]


def _window(netlist: Netlist, values: Bools) -> tuple[int, int, Indices]:
    """Return first and last cycle of the work, and the number of output transfers in each cycle.

    From the first transfer on any stream to the last; without streams, from reset to the end.
    """
    ports = {**netlist.inputs, **netlist.outputs}
    running = np.ones(len(values), dtype=bool)
    running[0] = False  # the state before the window is needed too
    if RESET in ports:
        held = values[:, ports[RESET][0]]
        if (held[:-1] & ~held[1:]).sum() != 1:
            raise ValueError(
                f"{netlist.top} must be reset exactly once; choose one test of its bench"
            )
        running[: int(np.flatnonzero(held)[-1]) + 1] = False
    moved, out = np.zeros_like(running), np.zeros(len(running), dtype=np.intp)
    streams = [name.removesuffix("__valid") for name in ports if name.endswith("__valid")]
    for stream in streams:
        valid, ready = (values[:, ports[f"{stream}__{wire}"][0]] for wire in ("valid", "ready"))
        transfer = valid & ready & running
        moved |= transfer
        out += transfer & (f"{stream}__valid" in netlist.outputs)
    cycles = np.flatnonzero(moved if streams else running)
    if not len(cycles):
        raise ValueError(f"{netlist.top} did nothing after reset")
    return int(cycles[0]), int(cycles[-1]), out
