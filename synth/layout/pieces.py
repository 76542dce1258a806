"""What is laid out: instances, nets and ports of a mapped netlist, by number."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nomul.synth.energy.netlist import ONE, OPEN, Netlist
from nomul.synth.layout.lef import Technology

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """A flat netlist as a layout sees it.

    Instances are numbered group by group, as the netlist has them. Nets keep the netlist's
    numbers, so that loads, activity and wires can be added; constants are no nets here, since
    nothing is routed to them.

    Attributes
    ----------
    cells, modules
        For each instance its cell, and the module that it stands in.
    width, height
        float64[n]: size of each instance in um.
    pin_name
        For each pin its name in the cell.
    pin_net, pin_cell
        int[pins]: the net and the instance of each pin.
    pin_x, pin_y
        float64[pins]: middle of the pin in the cell that is not turned, in um.
    drives
        bool[pins]: whether it is an output.
    ports
        Names of the bits of the ports, ``o__payload[3]``, and ``port_nets`` their nets. Of those
        that are at constants there is none.
    port_inputs
        Whether each is an input.
    constants
        Number of pins and ports at constants.
    """

    cells: list[str]
    modules: list[str]
    width: Floats
    height: Floats
    pin_name: list[str]
    pin_net: Indices
    pin_cell: Indices
    pin_x: Floats
    pin_y: Floats
    drives: NDArray[np.bool_]
    ports: list[str]
    port_nets: list[int]
    port_inputs: list[bool]
    constants: int
    nets: int

    @property
    def area(self) -> float:
        """Area of all cells in um2."""
        return float((self.width * self.height).sum())


def take(design: Netlist, technology: Technology) -> Pieces:
    """Return the pieces of a netlist, numbered.

    Raises
    ------
    ValueError
        A cell or a pin of it is not in the LEF files, or is of several rows' height.
    """
    cells, modules, names = list[str](), list[str](), list[str]()
    sizes: list[tuple[float, float]] = []
    rows: list[tuple[int, int, float, float, bool]] = []
    constants = 0
    for group in design.groups:
        macro = technology.macro(group.cell)
        if abs(macro.height - technology.row_height) > 1e-6:
            raise ValueError(f"cell {group.cell} is higher than a row, which is not placed here")
        pins = design.library.cell(group.cell).pins
        for pin in pins:
            if pin.name not in macro.pins:
                raise ValueError(f"cell {group.cell} has no pin {pin.name} in its LEF file")
        places = [(p.name, *macro.pins[p.name].centre(), p.direction == "output") for p in pins]
        for nets, module in zip(group.nets.tolist(), group.modules.tolist(), strict=True):
            for net, (name, x, y, output) in zip(nets, places, strict=True):
                if net > ONE:
                    names.append(name)
                    rows.append((net, len(cells), x, y, output))
                elif net != OPEN:
                    constants += 1
            cells.append(group.cell)
            modules.append(design.modules[module])
            sizes.append((macro.width, macro.height))
    ports, port_nets, port_inputs = list[str](), list[int](), list[bool]()
    for side, inputs in ((design.inputs, True), (design.outputs, False)):
        for port, bits in side.items():
            for index, net in enumerate(bits):
                if net <= ONE:
                    constants += 1
                    continue
                ports.append(port if len(bits) == 1 else f"{port}[{index}]")
                port_nets.append(net)
                port_inputs.append(inputs)
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    size = np.array(sizes, dtype=np.float64).reshape(-1, 2)
    return Pieces(
        cells=cells,
        modules=modules,
        width=size[:, 0],
        height=size[:, 1],
        pin_name=names,
        pin_net=table[:, 0].astype(np.intp),
        pin_cell=table[:, 1].astype(np.intp),
        pin_x=table[:, 2],
        pin_y=table[:, 3],
        drives=table[:, 4] > 0,
        ports=ports,
        port_nets=port_nets,
        port_inputs=port_inputs,
        constants=constants,
        nets=len(design.names),
    )
