"""What a question will cost, said before anybody asks it: so many passes of a network, at the rate of one core.

A probe whose cost depends on its parameters says in its schema, under `x-passes`, how: one pass for each picture and
arm. `pictures` names the parameter that bounds the pictures, `arms` those of which each one more, or each item of a
list, is an arm, and `more` how many arms there are besides.
"""

from collections.abc import Mapping
from typing import Any

PASSES = "x-passes"
RATE = 2e10  # floating-point operations a second
FIXED = 8  # pictures where no dataset is named
LEAST = 0.1  # seconds


def seconds(
    schema: Mapping[str, Any], params: Mapping[str, Any], *, usual: float, flops: int | None, pictures: int | None
) -> float:
    """About how long it takes on one core, with two digits; `usual` for probes that always cost about the same.

    `pictures` is the size of the dataset that is named, `flops` what one picture costs the network.
    """
    said = schema.get(PASSES)
    if not said or not flops:
        return usual
    known = {name: rule.get("default") for name, rule in schema["properties"].items()} | dict(params)
    arms = said["more"] + sum(_count(known[name]) for name in said["arms"])
    shown = min(known[said["pictures"]], pictures or FIXED)
    return float(f"{max(LEAST, shown * arms * flops / RATE):.2g}")


def _count(value: Any) -> int:
    return len(value) if isinstance(value, list) else int(value)
