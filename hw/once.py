"""Hierarchy that scales: a module elaborated once and instantiated many times."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring


class Described(wiring.Component):
    """A combinational component that can write its own RTLIL, where Amaranth's would take minutes.

    It must elaborate as well, to the same function, for Amaranth's own simulator.
    """

    def rtlil(self, name: str) -> str:
        """Return the module as RTLIL."""
        raise NotImplementedError


class Once(wiring.Component):
    """Stands for one instance of ``cls(*args)``, whose definition is shared by all instances.

    Amaranth elaborates and prints every submodule anew, which takes minutes for an array of
    thousands of cells. Where the elaboration context is a :class:`Library`, ``Once`` elaborates to
    an instance of a module that the library converts the first time it is asked for; elsewhere
    (in Amaranth's own simulator) it elaborates to the component itself.

    The members are those of ``cls(*args)``. Latency and interval are those of the component.

    Parameters
    ----------
    name : str
        Name of the module in the emitted Verilog, after the prefix of the top level.
    cls : type
        A :class:`wiring.Component`.
    args
        Hashable arguments of its constructor: with the class, they identify the module.
    keep : bool
        Tell synthesis to keep the module's boundary, so that it is mapped by itself.
    """

    def __init__(self, name: str, cls: type[wiring.Component], *args: Any, keep: bool = False):
        # Underscores keep these apart from members, which may be called anything.
        self._name, self._cls, self._args, self._keep = name, cls, args, keep
        super().__init__(_shared(cls, args).signature)

    def elaborate(self, platform: Any) -> Module | Instance:
        if not isinstance(platform, Library):
            m = Module()
            m.submodules.body = body = self._cls(*self._args)
            wiring.connect(m, wiring.flipped(self), body)
            return m
        definition = platform.define(self._name, self._cls, self._args)
        return _instance(definition, self, {"a_keep_hierarchy": 1} if self._keep else {})


def place(m: Module, name: str, component: wiring.Component, platform: Any) -> None:
    """Put a component into a module so that its ports keep their names.

    Amaranth names the ports of a submodule after whatever signals they meet. In a :class:`Library`
    this one is converted by itself, so that people find its ports in a waveform.
    """
    if isinstance(platform, Library):
        m.submodules[name] = _instance(platform.define_one(name, component), component, {})
    else:
        m.submodules[name] = component


def _instance(
    definition: "Definition", component: wiring.Component, ports: dict[str, Any]
) -> Instance:
    """Return an instance with the component's own members at its ports."""
    if definition.clocked:
        ports |= {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
    for path, member, value in component.signature.flatten(component):
        direction = "i" if member.flow == wiring.In else "o"
        ports[f"{direction}_{'__'.join(map(str, path))}"] = value
    return Instance(definition.name, **ports)


@cache
def _shared(cls: type[wiring.Component], args: tuple[Any, ...]) -> wiring.Component:
    """Return the one component whose signature and definition all instances share."""
    return cls(*args)


@dataclass(frozen=True)
class Definition:
    """One converted module: its name in the output, its RTLIL, and whether it has a clock."""

    name: str
    rtlil: str
    clocked: bool


class Library:
    """Collects the definitions that :class:`Once` asks for; passed as Amaranth's ``platform``.

    Parameters
    ----------
    prefix : str
        Put before every module name, so that two emitted tops can live in one design.
    async_reset : bool
        Whether the clock domain resets its registers without a clock edge.
    """

    def __init__(self, prefix: str, async_reset: bool = False):
        self.prefix, self.async_reset = prefix, async_reset
        self._definitions: dict[Any, Definition] = {}
        self._names: set[str] = {prefix}

    def define(self, name: str, cls: type[wiring.Component], args: tuple[Any, ...]) -> Definition:
        """Return the definition of ``cls(*args)``, converting it on first use."""
        key = (cls, args)
        if key not in self._definitions:
            self._definitions[key] = self.convert(self._unique(name), _shared(cls, args))
        return self._definitions[key]

    def define_one(self, name: str, component: wiring.Component) -> Definition:
        """Return the definition of a component that is there once."""
        definition = self.convert(self._unique(name), component)
        self._definitions[component] = definition
        return definition

    def convert(self, name: str, component: wiring.Component) -> Definition:
        """Convert one component, and whatever it instantiates, to RTLIL."""
        if isinstance(component, Described):
            component._MustUse__used = True  # Amaranth warns of what nobody elaborates
            return Definition(name, component.rtlil(name), clocked=False)
        text = rtlil.convert(
            component, name=name, platform=self, emit_src=False, missing_domain=self._domain
        )
        text = re.sub(r"^(\s*(?:module|cell) \\)(\S+)", _flat_name, text, flags=re.MULTILINE)
        # The converted module comes first, and only a module's own `end` stands at a line's start.
        body = text.split("\nend\n", 1)[0]
        return Definition(
            name, text, clocked=re.search(r"input \d+ +\\clk$", body, re.M) is not None
        )

    def rtlil(self) -> str:
        """Return all collected definitions as one text."""
        return "\n".join(definition.rtlil for definition in self._definitions.values())

    def _domain(self, name: str) -> ClockDomain:
        return ClockDomain(name, async_reset=self.async_reset)

    def _unique(self, name: str) -> str:
        candidate, number = f"{self.prefix}_{name}", 1
        while candidate in self._names:
            candidate, number = f"{self.prefix}_{name}_{number}", number + 1
        self._names.add(candidate)
        return candidate


def _flat_name(match: re.Match[str]) -> str:
    """Amaranth joins nested module names by dots, which Verilog would have to escape."""
    return match[1] + match[2].replace(".", "_")
