"""The claim of SOT-MRAM floating point for a format of one's own: steps of its programs."""

from collections.abc import Callable, Sequence
from typing import Any

from nomul.experiments import papers
from nomul.experiments.claims import NOT, Claim
from nomul.golden import sotfp
from nomul.golden.sotfp import Config

OPSETS = ("sot", "nor")


def measure(settings: Sequence[str] = (), tell: Callable[[str], None] = lambda _: None) -> Claim:
    """Return the steps of a sum and a product in both operation sets, and the ratio of them.

    Parameters
    ----------
    settings
        ``name=value`` each: parameters of :class:`nomul.golden.sotfp.Config`.
    tell
        Called with a line for whoever waits.

    Raises
    ------
    TypeError, ValueError
        There is no such parameter, a value is refused, or the operation set is given.
    """
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise ValueError(f"--set wants name=value, not {setting!r}")
        if name == "opset":
            raise ValueError("sotfp.opset: the claim compares both operation sets")
        values[name] = Config.parse(name, text)
    configs = [Config(**(values | {"opset": opset})) for opset in OPSETS]
    tell("generating the programs of both operation sets")
    rows = []
    for op in sotfp.OPS:
        ours, nors = (sotfp.program(cfg, op) for cfg in configs)
        rows.append(
            {
                "op": op,
                "steps": ours.steps,
                "steps with NOR alone": nors.steps,
                "times fewer": round(nors.steps / ours.steps, 2),
                "columns": ours.columns,
            }
        )
    cfg = configs[0]
    return Claim(
        "sotfp",
        f"{cfg.exponent_bits} bits of exponent, {cfg.mantissa_bits} of mantissa, {cfg.mode}",
        claims=_claims(rows),
        rows=rows,
        notes=["Steps of our own programs in both sets, which the Verilog runs; not seconds."],
    )


def _claims(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    quoted, against = papers.quoted("sotfp"), papers.figures("sotfp")["against"]
    least = min(row["times fewer"] for row in rows)
    told = ", ".join(f"{row['times fewer']} ({row['op']})" for row in rows)
    claims = []
    for what in ("latency", "energy", "area"):
        wanted = quoted[f"{what}_times_less"]
        row = {"claim": what, "paper (quoted)": f"{wanted} times less", "ours": NOT}
        row |= {"met": "not comparable", "compared with": against}
        if what == "latency":
            row |= {"ours": f"{told} times fewer steps", "met": "yes" if least >= wanted else "no"}
            row |= {"compared with": "NOR alone, our own programs"}
        claims.append(row)
    return claims
