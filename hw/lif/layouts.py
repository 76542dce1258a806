"""Payloads of the spiking layers' streams."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data

from nomul.golden.lif import Config, Layer


def event_layout(index_bits: int) -> data.StructLayout:
    """Return a payload of events: the input's number, whether it spikes, the end of the step.

    A step without events is one beat that does not spike and is the last.
    """
    fields = {"index": unsigned(index_bits), "spike": unsigned(1), "last": unsigned(1)}
    return data.StructLayout(fields)


def frame_layout(chunk: int) -> data.StructLayout:
    """Return a payload of frames: spikes of some inputs, lowest first, and the end of the step."""
    return data.StructLayout({"spikes": unsigned(chunk), "last": unsigned(1)})


def pixel_layout(bits: int) -> data.StructLayout:
    """Return a payload of images: a pixel, and the end of the image."""
    return data.StructLayout({"value": unsigned(bits), "last": unsigned(1)})


def group_layout(cfg: Layer) -> data.StructLayout:
    """Return what a layer gives: a group's spikes and potentials, the ends of step and image."""
    fields = {
        "spikes": unsigned(cfg.parallel),
        "v": data.ArrayLayout(signed(cfg.state_bits), cfg.parallel),
        "last": unsigned(1),
        "final": unsigned(1),
    }
    return data.StructLayout(fields)


def weight_layout(layers: tuple[Layer, ...]) -> data.StructLayout:
    """Return a request to a weight memory: which layer, which word, and P weights.

    Word ``input * groups + group`` holds the weights of one input to one group of neurons.
    """
    widest = max(layer.parallel * layer.weight_bits for layer in layers)
    words = max(layer.inputs * layer.groups for layer in layers)
    fields = {
        "layer": unsigned(max(1, (len(layers) - 1).bit_length())),
        "word": unsigned(max(1, (words - 1).bit_length())),
        "values": unsigned(widest),
    }
    return data.StructLayout(fields)


def input_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of what comes in: pixels, frames or events."""
    if cfg.coder != "direct":
        return pixel_layout(cfg.pixel_bits)
    if cfg.form == "frames":
        return frame_layout(cfg.chunk)
    return event_layout(cfg.inputs.bit_length())


def answer_layout(cfg: Config) -> data.StructLayout:
    """Return the payload of what goes out: groups of spikes, or a label and what it won with."""
    last = cfg.layers[-1]
    if cfg.readout == "spikes":
        return frame_layout(last.parallel)
    shape = signed(last.state_bits)
    if cfg.readout != "potential":
        shape = unsigned(cfg.steps.bit_length())
    fields = {"label": unsigned(max(1, (last.neurons - 1).bit_length())), "value": shape}
    return data.StructLayout(fields)


FLAGS = {
    "E_RANGE": "An input that does not exist was dropped.",
    "E_LAST": "The last of a step was missing or early.",
}


def flags_layout() -> data.StructLayout:
    """Return the flags: an input's number out of range, a ``last`` missing or at a wrong place."""
    return data.StructLayout({flag: unsigned(1) for flag in FLAGS})


def counters_layout(bits: int) -> data.StructLayout:
    """Return the counters of one layer, see :class:`nomul.golden.lif.Counts`."""
    names = ("events", "additions", "saturations", "spikes")
    return data.StructLayout({name: unsigned(bits) for name in names})
