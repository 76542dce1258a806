"""The command that reads networks of other tools."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nomul import present
from nomul.options import AsJson, Calibration, changes


def import_network(
    file: Annotated[Path, typer.Argument(help="File of another tool, or a folder of Verilog.")],
    format: Annotated[
        str, typer.Option(help="Format of the file; auto recognises it by what the file holds.")
    ] = "auto",
    kind: Annotated[
        str | None,
        typer.Option("--as", help="Kind of hardware it is to become: tables, matrix or spiking."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        changes("Option of the format; may be repeated."),
    ] = None,
    calibration: Calibration = None,
    check: Annotated[
        Path | None,
        typer.Option(help="Samples x and the original's own classes y, .npz, to compare with."),
    ] = None,
    out: Annotated[Path, typer.Option(help="File of the network, .npz, or .json for tables.")] = (
        Path("build/net.npz")
    ),
    json: AsJson = False,
) -> None:
    """Read a network of another tool, say what it is, and save it in nomul's own form."""
    from nomul.capabilities import readers

    if out.suffix not in (".npz", ".json"):
        raise ValueError(f"a network file ends in .npz, or .json for tables, not {out.name!r}")
    values = None
    if calibration is not None:
        from nomul.golden.foreign.archives import array_file

        values = array_file(calibration)
    with present.working(f"reading {file.name}"):
        imported = readers.load(file, format, kind, settings or (), values)
        compared = readers.check(imported, check) if check else {}
        readers.save(imported, out)
    reader, rows = imported.reader, readers.layers(imported)
    about: dict[str, Any] = {"file": str(out), "as": reader.kind, "format": reader.format}
    if json:
        named = [{"kind": name, "size": size} for name, size in rows]
        present.as_json({**about, **compared, "layers": named, "notes": imported.notes})
        return
    for note in imported.notes:
        present.note(f"note: {note}")
    present.pairs("", {**about, **compared})
    present.table("\nlayers", ("layer", "holds"), rows)
