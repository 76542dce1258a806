"""Bit order of the spiking layers' streams, as the benches see it, and what they send."""

import numpy as np

from nomul.golden.lif import Config, Layer, Network
from nomul.sim.stream import Layout


def _bits(count: int) -> int:
    return max(1, (count - 1).bit_length())


def inputs(cfg: Config) -> Layout:
    """Return the fields of what comes in."""
    if cfg.coder != "direct":
        return Layout((("value", cfg.pixel_bits, 1), ("last", 1, 1)))
    if cfg.form == "frames":
        return Layout((("spikes", 1, cfg.chunk), ("last", 1, 1)))
    return Layout((("index", cfg.inputs.bit_length(), 1), ("spike", 1, 1), ("last", 1, 1)))


def answers(cfg: Config) -> Layout:
    """Return the fields of what goes out."""
    last = cfg.layers[-1]
    if cfg.readout == "spikes":
        return Layout((("spikes", 1, last.parallel), ("last", 1, 1)))
    width = last.state_bits if cfg.readout == "potential" else cfg.steps.bit_length()
    return Layout((("label", _bits(last.neurons), 1), ("value", width, 1)))


def weights(layers: tuple[Layer, ...]) -> Layout:
    """Return the fields of a request to a weight memory."""
    widest = max(layer.parallel * layer.weight_bits for layer in layers)
    words = max(layer.inputs * layer.groups for layer in layers)
    return Layout(
        (("layer", _bits(len(layers)), 1), ("word", _bits(words), 1), ("values", 1, widest))
    )


def load(network: Network, layers: tuple[Layer, ...]) -> list[int]:
    """Return the requests that write all weights; lanes without a neuron get noise."""
    rng, payloads = np.random.default_rng(1), []
    layout = weights(layers)
    widest = layout.fields[2][2]
    for number, (layer, w) in enumerate(zip(layers, network.weights, strict=True)):
        half = 1 << (layer.weight_bits - 1)
        padded = rng.integers(-half, half, (layer.inputs, layer.groups * layer.parallel))
        padded[:, : layer.neurons] = w
        words = padded.reshape(layer.inputs * layer.groups, layer.parallel, 1)
        bits = (words >> np.arange(layer.weight_bits)) & 1
        values = np.zeros((len(words), widest), dtype=np.int64)
        values[:, : layer.parallel * layer.weight_bits] = bits.reshape(len(words), -1)
        count = np.arange(len(words))
        payloads += layout.pack(layer=count * 0 + number, word=count, values=values)
    return payloads


def steps(cfg: Config, spikes: np.ndarray, rng: np.random.Generator) -> list[int]:
    """Return the beats of steps [n, inputs], as frames or as events in any order.

    A step of events ends with one of them, or with a beat that does not spike.
    """
    layout = inputs(cfg)
    if cfg.form == "frames":
        beats = -(-cfg.inputs // cfg.chunk)
        padded = np.zeros((len(spikes), beats * cfg.chunk), dtype=np.int64)
        padded[:, : cfg.inputs] = spikes
        last = np.tile(np.arange(beats) == beats - 1, len(spikes))
        return layout.pack(spikes=padded.reshape(-1, cfg.chunk), last=last)
    index, spike, closing = list[int](), list[int](), list[int]()
    for row in spikes:
        events = rng.permutation(np.flatnonzero(row)).tolist()
        closes = not events or rng.random() < 0.3
        index += events + [int(rng.integers(0, cfg.inputs))] * closes
        spike += [1] * len(events) + [0] * closes
        closing += [0] * (len(events) + closes - 1) + [1]
    return layout.pack(index=index, spike=spike, last=closing)


def images(cfg: Config, pixels: np.ndarray) -> list[int]:
    """Return the beats of images [n, inputs]."""
    last = np.tile(np.arange(cfg.inputs) == cfg.inputs - 1, len(pixels))
    return inputs(cfg).pack(value=pixels.reshape(-1), last=last)


def end_of_first(cfg: Config, beats: list[int]) -> int:
    """Return which beat ends the first step or image with a spike or pixel of its own.

    A beat of events that only closes a step is taken out first, so that the step lacks its end.
    """
    last = 1 << (inputs(cfg).width - 1)
    position = next(k for k, beat in enumerate(beats) if beat & last)
    if cfg.coder == "direct" and cfg.form == "events":
        spike = last >> 1
        if not beats[position] & spike:
            del beats[position]
            position -= 1
    return position


def outside(cfg: Config, beats: list[int], rng: np.random.Generator) -> int:
    """Put inputs that do not exist among the beats; return whether there is room for any."""
    if cfg.coder != "direct":
        return 0
    if cfg.form == "events":
        spike, low = 1 << cfg.inputs.bit_length(), cfg.inputs
        for _ in range(5):
            number = int(rng.integers(low, spike))
            beats.insert(int(rng.integers(0, len(beats))), number | spike)
        return 1
    rest = cfg.inputs % cfg.chunk
    if rest == 0:
        return 0
    per_frame = -(-cfg.inputs // cfg.chunk)
    beats[3 * per_frame - 1] |= 1 << rest
    return 1
