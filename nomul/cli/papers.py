"""Commands about the papers: what they claim beside what is measured, and how to cite them."""

from typing import Annotated

from nomul import present
from nomul.options import AsJson, Name, changes


def claim(
    name: Name,
    settings: Annotated[
        list[str] | None,
        changes(
            "Size to measure in: parameters of the unit that the claim is measured on; may "
            "be repeated."
        ),
    ] = None,
    json: AsJson = False,
) -> None:
    """Measure what a block's paper claims, in a size of your own, beside baselines and paper."""
    from nomul.experiments import claims

    with present.working(f"claim of {name}") as tell:
        found = claims.measure(name, settings or (), tell)
    if json:
        present.as_json(vars(found))
        return
    present.line(f"{found.block}: {found.title}")
    for rows in (found.rows, found.claims):
        if rows:
            shown = [[present.cell(value) for value in row.values()] for row in rows]
            present.table("", list(rows[0]), shown)
            present.line("")
    for note in found.notes:
        present.line(note)


def cite(name: Name, json: AsJson = False) -> None:
    """Print what a block is made after, and nomul itself, as BibTeX."""
    from nomul.experiments import citations

    text = citations.bibtex(name)
    if json:
        present.as_json({"bibtex": text})
        return
    print(text, end="")
