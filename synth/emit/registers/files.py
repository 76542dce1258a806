"""The files that describe a design's registers and words, by their names."""

from nomul.hw.axi.registers import Map
from nomul.synth.emit.registers import bus, driver, header, systemrdl


def files(about: Map) -> dict[str, str]:
    """Return what is written beside a design that has a map.

    ``<name>.h``, a C99 header, and ``<name>.py``, a driver in Python, of registers and words; and
    ``<name>.rdl``, SystemRDL, from which IP-XACT, documentation and more come by PeakRDL, and
    ``nomul_bus.h``, by which a C program reaches them, where there are registers.

    Examples
    --------
    >>> from nomul.hw.axi.registers import Field, Map, Register, identity
    >>> level = Register("level", 4, (Field("level", 0, 5, signed=True),), about="Of the tank.")
    >>> made = files(Map("tank", "A tank.", (identity(), level)))
    >>> sorted(made)
    ['nomul_bus.h', 'tank.h', 'tank.py', 'tank.rdl']
    >>> "#define TANK_LEVEL_ADDRESS 0x4u" in made["tank.h"]
    True
    """
    texts = {
        f"{about.name}.h": header.text(about),
        f"{about.name}.py": driver.text(about),
    }
    if about.registers:
        texts[f"{about.name}.rdl"] = systemrdl.text(about)
        texts[bus.NAME] = bus.TEXT
    return texts
