"""Quantised networks: one data model for whatever is not a network of tables, exact integers."""

from nomul.golden.network.evaluate import layer_output, model, trace
from nomul.golden.network.examples import example
from nomul.golden.network.files import save
from nomul.golden.network.layers import Add, ArgMax, Conv2d, Dense, Flatten, Layer, Requant
from nomul.golden.network.network import Network
from nomul.golden.network.pools import AvgPool2d, GlobalAvgPool, MaxPool2d
from nomul.golden.network.reals import ideal
from nomul.golden.network.sources import load, quantise, read

__all__ = [
    "Add",
    "ArgMax",
    "AvgPool2d",
    "Conv2d",
    "Dense",
    "Flatten",
    "GlobalAvgPool",
    "Layer",
    "MaxPool2d",
    "Network",
    "Requant",
    "example",
    "ideal",
    "layer_output",
    "load",
    "model",
    "quantise",
    "read",
    "save",
    "trace",
]
