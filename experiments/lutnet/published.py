"""Published results of networks of look-up tables: quoted, with data set, tool and encoder."""

from typing import NamedTuple

from nomul.experiments import papers


class Quoted(NamedTuple):
    """One published result.

    Attributes
    ----------
    method
        Name and size, as its authors call it.
    accuracy
        Per cent.
    luts
        Six-input look-up tables.
    encoder
        Whether the count has the input encoder in it: ``in``, ``out``, ``none`` where the method
        has no encoder apart from its first layer, ``unstated``.
    tool
        Synthesis, and the device where the source names it.
    source
        Where the figure is from.
    """

    method: str
    accuracy: float
    luts: int
    encoder: str
    tool: str
    source: str


def results(data: str) -> tuple[Quoted, ...]:
    """Return the results on a data set: jsc_openml, jsc_cernbox, mnist or cifar_10."""
    return tuple(Quoted(**row) for row in papers.quoted("lutnet", "published")[data])
