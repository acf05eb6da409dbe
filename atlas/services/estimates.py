"""What a question will cost, said before anybody asks it: so many passes of a network, at the rate of one core.

A probe whose cost depends on its parameters says in its schema, under `x-passes`, how: one pass for each picture and
arm. `pictures` names the parameter that bounds the pictures, `arms` those of which each one more, or each item of a
list, is an arm, and `more` how many arms there are besides.

Of all other probes it is known what the usual parameters take. A published schema never changes, so what more of a
parameter costs is told by its name, which probes share: `steps`, `seeds`, the side of a picture, both polarities.
"""

from collections.abc import Mapping
from typing import Any

PASSES = "x-passes"
RATE = 2e10  # floating-point operations a second
FIXED = 8  # pictures where no dataset is named
LEAST = 0.1  # seconds
GROWS = {"steps": 1, "seeds": 1, "size": 2}  # with which power of a number, or of a list's length
BOTH = {"polarity": 2}  # how many times as much `both` is as one of two


def seconds(
    schema: Mapping[str, Any], params: Mapping[str, Any], *, usual: float, flops: int | None, pictures: int | None
) -> float:
    """About how long it takes on one core, with two digits; `usual` is what the usual parameters take.

    `pictures` is the size of the dataset that is named, `flops` what one picture costs the network.
    """
    said = schema.get(PASSES)
    if not said or not flops:
        times = relative(schema, params)
        return usual if times == 1 else float(f"{max(LEAST, usual * times):.2g}")
    known = _usual(schema) | dict(params)
    arms = said["more"] + sum(_count(known[name]) for name in said["arms"])
    shown = min(known[said["pictures"]], pictures or FIXED)
    return float(f"{max(LEAST, shown * arms * flops / RATE):.2g}")


def relative(schema: Mapping[str, Any], params: Mapping[str, Any]) -> float:
    """How many times as much it costs as with the usual parameters, as far as the names of parameters tell."""
    before = _usual(schema)
    now = before | dict(params)
    times = 1.0
    for name, power in GROWS.items():
        if before.get(name) and not _idle(name, now):  # a side of 0 is whatever fits
            times *= (max(1, _count(now[name])) / _count(before[name])) ** power
    for name, more in BOTH.items():
        times *= more ** ((now.get(name) == "both") - (before.get(name) == "both"))
    return times * (_count(now["second_steps"]) if now.get("second") and "second_steps" in now else 1)


def _usual(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: rule.get("default") for name, rule in schema.get("properties", {}).items()}


def _idle(name: str, params: Mapping[str, Any]) -> bool:
    """Whether it does nothing: what is compared by something else than tuning takes no steps."""
    return name == "steps" and params.get("by", "tuning") != "tuning"


def _count(value: Any) -> int:
    return len(value) if isinstance(value, list) else int(value)
