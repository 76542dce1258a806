"""Direct tables one behind the other, perhaps behind a thermometer, as state dictionaries hold."""

from collections.abc import Iterable

from nomul.golden.arrays import Ints
from nomul.golden.lutnet.importers import layered
from nomul.golden.lutnet.importers.encoders import Encoder, thermometer
from nomul.golden.lutnet.layers import DirectLut, Layer
from nomul.golden.lutnet.network import Network

# Inputs of a table, wires int[n, K], contents, and how many inputs the layer shows that there are.
Tables = tuple[int, Ints, list[int], int]


def stacked(
    values: layered.State,
    tables: Iterable[Tables],
    name: str,
    *,
    classes: int | None,
    inputs: int | None,
    input_bits: int | None,
    real: bool,
) -> Network:
    """Return the network of layers of tables, the first of them behind ``thresholds`` if there are.

    Parameters
    ----------
    values
        The state dictionary, with what is set beside its layers.
    tables
        The layers in order, read as they are asked for.
    name
        Of the format.
    classes, inputs, input_bits, real
        What the caller says of the file; see :func:`nomul.golden.lutnet.importers.dwn.dwn`.

    Raises
    ------
    ValueError
        What is set and what was said differ, or a wire or a threshold does not fit.
    """
    bits = layered.setting(values, "input_bits", input_bits, 16)
    size = layered.setting(values, "inputs", inputs)
    thresholds = layered.beside(values, "thresholds")
    layers: list[Layer] = []
    front: Encoder | None = None
    for k, idx, tt, wires in tables:
        if thresholds is not None and not layers:
            table = layered.real(values, thresholds, 2)
            front = thermometer(thresholds, table, idx, None if real else bits)
            size = len(table)
            layers += [front.layer, front.tables(k, idx, tt)]
        else:
            size = size or wires
            layers.append(DirectLut(k=k, idx=idx, tt=tt))
    layers += layered.head(layered.setting(values, "classes", classes))
    assert size is not None
    about = {"format": name}
    if front is None:
        return Network(layers, size, 1, about)
    return Network(layers, size, front.input_bits, about, front.quantiser)
