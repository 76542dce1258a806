"""The flow as a user walks it: a design by name, and the steps that it is made of.

What :func:`nomul.design` returns is in ``design``, what its synthesis returns in ``mapped``. They
are made of steps that take a block and its configuration. The command line, sweeps and experiments
take the same ones, so what a user runs is what was tested.
"""

from nomul.flow.abilities import emit_layer, layer, test_set, verify
from nomul.flow.design import Design, design
from nomul.flow.host import run_program
from nomul.flow.mapped import Mapped
from nomul.flow.mapping import (
    bitstream,
    cells_with_lef,
    cells_with_models,
    check,
    demand_layout,
    energy,
    layout,
    measure,
    place,
    target_name,
)
from nomul.flow.results import Result
from nomul.flow.soc import emit_soc, members, simulate_soc
from nomul.flow.steps import (
    add_testbench,
    configure,
    default_folder,
    emit,
    installed_simulator,
    simulate,
    workload,
)

__all__ = [
    "Design",
    "Mapped",
    "Result",
    "add_testbench",
    "bitstream",
    "cells_with_lef",
    "cells_with_models",
    "check",
    "configure",
    "default_folder",
    "demand_layout",
    "design",
    "emit",
    "emit_layer",
    "emit_soc",
    "energy",
    "installed_simulator",
    "layer",
    "layout",
    "measure",
    "members",
    "place",
    "run_program",
    "simulate",
    "simulate_soc",
    "target_name",
    "test_set",
    "verify",
    "workload",
]
