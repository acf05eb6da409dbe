"""What a tuning curve is asked with: a family of stimuli, what is varied of it, what is fixed, and what is read."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Self

from workers.interp.errors import BadParameters
from workers.interp.parameters import ASCENDING, Params, artifact, choice, integer, number
from workers.interp.quantities import DEGREES, PIXELS, QUANTITIES
from workers.interp.stimuli import FAMILIES

PICTURE = "picture"  # a family of one: a picture, turned
TAKES = {**{name: family.quantities for name, family in FAMILIES.items()}, PICTURE: ("orientation", "size")}
VARIED = {**TAKES, PICTURE: ("orientation",)}
MAXIMUM, CENTRE = "max", "centre"
LONGEST = 1024.0  # pixels
MOST_TOGETHER = 180  # steps of the first of two axes


def _fixed(name: str) -> Any:
    """A quantity where it is not varied."""
    it = QUANTITIES[name]
    if it.unit == PIXELS:
        says = f"{it.says} In pixels; 0 fits it to what a position sees."
        return number(0.0, title=it.title, description=says, least=0, most=LONGEST, gap=(0, it.least))
    least, most = (-360.0, 360.0) if it.period else (it.low, it.high)
    says = f"{it.says[:-1]}, in degrees." if it.unit == DEGREES else it.says
    return number(it.usual, title=it.title, description=says, least=least, most=most)


@dataclass(frozen=True)
class Knobs(Params):
    """A family, one or two axes, the rest of what describes a stimulus, and where the answer is read."""

    family: str = choice(
        "curve",
        title="Stimuli",
        description="A family of drawn stimuli, or a picture of yours, turned around where the unit answers most. "
        + " ".join(f"{it.name}: {it.says}" for it in FAMILIES.values()),
        among=(*FAMILIES, PICTURE),
    )
    axis: str = choice(
        "",
        title="What is varied",
        description="One of the quantities that describe the family. Empty: its first, orientation where it has one.",
        among=("", *QUANTITIES),
    )
    steps: int = integer(
        180,
        title="Steps",
        description="How many values of it; 180 around a circle are 2° apart. At most 180 where a second is varied.",
        least=2,
        most=720,
    )
    low: float = number(
        0.0,
        title="From",
        description="The lowest value. From and to equal: all the way round, or the quantity's own range.",
        least=-LONGEST,
        most=LONGEST,
    )
    high: float = number(0.0, title="To", description="The highest value.", least=-LONGEST, most=LONGEST)
    second: str = choice(
        "",
        title="What else is varied",
        description="A second quantity, for joint tuning: every value of one with every value of the other.",
        among=("", *QUANTITIES),
    )
    second_steps: int = integer(
        9, title="Steps of that", description="How many values of the second quantity.", least=2, most=36
    )
    second_low: float = number(
        0.0,
        title="From, of that",
        description="Its lowest value; equal to its highest, its own range.",
        least=-LONGEST,
        most=LONGEST,
    )
    second_high: float = number(
        0.0, title="To, of that", description="Its highest value.", least=-LONGEST, most=LONGEST
    )
    reading: str = choice(
        CENTRE,
        title="What is read",
        description="The response of the position around whose middle the stimulus lies (centre), or the largest "
        "anywhere (max), where a unit prefers its stimulus off the middle.",
        among=(CENTRE, MAXIMUM),
    )
    picture: str = artifact(
        title="Picture",
        description="The SHA-256 of a stored picture, for the family picture: a dataset example to be turned.",
    )
    orientation: float = _fixed("orientation")
    radius: float = _fixed("radius")
    span: float = _fixed("span")
    width: float = _fixed("width")
    contrast: float = _fixed("contrast")
    wavelength: float = _fixed("wavelength")
    sigma: float = _fixed("sigma")
    phase: float = _fixed("phase")
    opening: float = _fixed("opening")
    hue: float = _fixed("hue")
    fine: float = _fixed("fine")
    coarse: float = _fixed("coarse")
    cell: float = _fixed("cell")
    size: float = _fixed("size")

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """JSON Schema with what belongs together: which quantities a family takes, how many steps of two, and ends."""
        return {**super().schema(), "allOf": _together(), ASCENDING: [["low", "high"], ["second_low", "second_high"]]}

    @classmethod
    def read(cls, given: Any) -> Self:
        """The parameters; raises BadParameters, also for the one thing that a schema cannot say: where an axis ends."""
        params = super().read(given)
        errors = [*_faults(params)]
        if errors:
            raise BadParameters(errors=errors)
        return params

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of what is varied, one or two."""
        first = self.axis or VARIED[self.family][0]
        return (first, self.second) if self.second else (first,)

    def steps_of(self, place: int) -> int:
        """How many values of the first or second axis."""
        return (self.steps, self.second_steps)[place]

    def ends_of(self, place: int) -> tuple[float, float]:
        """From where to where the first or second axis goes, as it was asked for."""
        return ((self.low, self.high), (self.second_low, self.second_high))[place]


@cache
def _together() -> list[dict[str, Any]]:
    """What a family takes, and how many steps a first quantity has beside a second."""
    defaults = {one.name: one.default for one in fields(Knobs)}
    rules = [_of_family(name, first=name == Knobs.family, defaults=defaults) for name in TAKES]
    second = {"properties": {"second": {"type": "string", "minLength": 1}}, "required": ["second"]}
    few = {"if": second, "then": {"properties": {"steps": {"maximum": MOST_TOGETHER}}}}
    return [*rules, few, *map(_once, QUANTITIES)]


def _once(name: str) -> dict[str, Any]:
    """What is varied already is not what else is varied."""
    first = {"properties": {"axis": {"const": name}}, "required": ["axis"]}
    return {"if": first, "then": {"properties": {"second": {"enum": ["", *(it for it in QUANTITIES if it != name)]}}}}


def _of_family(name: str, *, first: bool, defaults: dict[str, Any]) -> dict[str, Any]:
    """What is left to choose in one family; `first` is the one that is meant where none is named."""
    named = {"properties": {"family": {"const": name}}}
    left_alone = [it for it in QUANTITIES if it not in TAKES[name]]
    then: dict[str, Any] = {
        "properties": {
            "axis": {"enum": ["", *VARIED[name]]},
            "second": {"enum": ["", *VARIED[name][1:]]},
            **{it: {"const": defaults[it]} for it in left_alone},
            **({} if name == PICTURE else {PICTURE: {"const": ""}}),
        }
    }
    if name == PICTURE:
        then |= {"required": [PICTURE]}
        then["properties"][PICTURE] = {"minLength": 1}
    return {"if": named if first else {**named, "required": ["family"]}, "then": then}


def _faults(params: Knobs) -> Iterator[dict[str, str]]:
    for name, prefix, place in zip(params.axes, ("", "second_"), (0, 1), strict=False):
        low, high = params.ends_of(place)
        if low != high:
            yield from _out_of_range(params, name, {f"{prefix}low": low, f"{prefix}high": high})


def _out_of_range(params: Knobs, name: str, ends: dict[str, float]) -> Iterator[dict[str, str]]:
    """Ends of an axis that no stimulus can have."""
    it, rule = QUANTITIES[name], next(one.metadata for one in fields(params) if one.name == name)
    least = it.least if it.unit == PIXELS else rule["minimum"]
    for pointer, end in ends.items():
        if not least <= end <= rule["maximum"]:
            detail = f"{name} goes from {least:g} to {rule['maximum']:g}{it.unit and ' ' + it.unit}."
            yield {"pointer": f"/{pointer}", "code": "out-of-range", "detail": detail}
