"""A register map as a C99 header: addresses, places of fields, functions that read them."""

from collections.abc import Sequence

from nomul.hw.axi.registers import WORD, Field, Map
from nomul.synth.emit.registers.systemrdl import explained
from nomul.version import __version__

# The same in every header, so that a program may include several.
FUNCTIONS = """\
#ifndef NOMUL_FIELDS
#define NOMUL_FIELDS
/* A word is an array of 32-bit words, the lowest first; a field has at most 64 bits. */
static inline uint64_t nomul_get(const uint32_t *word, unsigned lsb, unsigned bits) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bits; i++)
    value |= (uint64_t)(word[(lsb + i) / 32] >> (lsb + i) % 32 & 1u) << i;
  return value;
}
/* The same of a field in two's complement. */
static inline int64_t nomul_get_signed(const uint32_t *word, unsigned lsb, unsigned bits) {
  uint64_t value = nomul_get(word, lsb, bits), sign = UINT64_C(1) << (bits - 1);
  return (value & sign) ? -(int64_t)(sign - (value & (sign - 1))) : (int64_t)value;
}
/* Bits of the value above the field are dropped. */
static inline void nomul_put(uint32_t *word, unsigned lsb, unsigned bits, uint64_t value) {
  for (unsigned i = 0; i < bits; i++) {
    uint32_t bit = UINT32_C(1) << (lsb + i) % 32;
    if (value >> i & 1) word[(lsb + i) / 32] |= bit;
    else word[(lsb + i) / 32] &= ~bit;
  }
}
#endif
"""


def text(about: Map) -> str:
    """Return a map as a C99 header, whose names begin with that of the map.

    Registers have ``_ADDRESS``, in bytes, and ``_WORDS``; words of streams have ``_WORDS``; every
    field ``_LSB`` and ``_BITS``, those with several elements ``_COUNT``, and in a word of 32 bits
    those with one ``_MASK``.
    """
    prefix = about.name.upper()
    lines = [
        f"/* {about.name}: {_plain(about.about)}",
        f" * Emitted by nomul {__version__}.",
        " * This file belongs to whoever emitted it; nomul's licence makes no claim on it. */",
        f"#ifndef {prefix}_H",
        f"#define {prefix}_H",
        "#include <stdint.h>",
        "",
        FUNCTIONS,
    ]
    access = {"r": "read", "w": "write", "rw": "read and write"}
    for register in about.registers:
        name = f"{prefix}_{register.name.upper()}"
        lines += [
            _comment(f"{register.name}, {access[register.access]}: {register.about}"),
            f"#define {name}_ADDRESS {register.address:#x}u",
            f"#define {name}_WORDS {register.words}u",
        ]
        if register.kind in ("constant", "control"):
            lines.append(f"#define {name}_RESET UINT32_C({register.reset:#x})")
        lines += [*_fields(name, register.fields, register.words), ""]
    for word in about.words:
        name = f"{prefix}_{word.name.upper()}"
        words = -(-max(field.end for field in word.fields) // WORD)
        way = "m_axis" if word.outward else "s_axis"
        last = ", with tlast" if word.last else ""
        lines += [
            _comment(f"tdata of {way}_{word.name}{last}: {word.about}"),
            f"#define {name}_WORDS {words}u",
            *_fields(name, word.fields, words),
            "",
        ]
    return "\n".join([*lines, f"#endif /* {prefix}_H */", ""])


def _fields(name: str, fields: Sequence[Field], words: int) -> list[str]:
    lines = []
    for field in fields:
        full = f"{name}_{field.name.upper()}"
        if said := explained(field):
            lines.append(_comment(said))
        lines += [f"#define {full}_LSB {field.offset}u", f"#define {full}_BITS {field.width}u"]
        if field.count > 1:
            lines.append(f"#define {full}_COUNT {field.count}u")
        elif words == 1:
            mask = (1 << field.width) - 1 << field.offset
            lines.append(f"#define {full}_MASK UINT32_C({mask:#x})")
    return lines


def _comment(said: str) -> str:
    return f"/* {_plain(said)} */"


def _plain(said: str) -> str:
    return " ".join(said.split()).replace("*/", "* /").replace("/*", "/ *")
