"""What an intervention did, as a page shows it: a table, and the effect drawn among its controls, from the finding."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import template

from atlas.dossiers.jobs import JobFacts
from atlas.web.figures import BOTTOM, LEFT, RIGHT, TOP, figure, site

register = template.Library()

Numbers = Mapping[str, Any]
FLOOR, DOT = 78, 9  # of a strip of dots: its axis, how far apart they lie
ROOM = 46  # for the number of a tick
MEASURES = {
    "top1": ("First guess right", "of labelled pictures", "percentage points"),
    "top5": ("Among the first five", "of labelled pictures", "percentage points"),
    "own_logit": ("Logit of the picture’s label", "mean change", "logits"),
    "divergence": ("Divergence of the answers", "mean KL from intact to edited", "nats"),
    "flipped": ("Another first guess", "share of pictures", "percentage points"),
}
SHARES = ("top1", "top5", "flipped")
VALUES = {"mean": "its mean over the pictures", "resample": "what it is for another picture", "zero": "zero"}


@dataclass(frozen=True, slots=True)
class Row:
    """A measure: before, after, by how much, and what the same is worth to random units."""

    name: str
    title: str
    about: str
    unit: str
    is_share: bool
    intact: Numbers | None
    ablated: Numbers | float | None
    edited: Numbers | None
    size: float
    change: Numbers | None
    low: float | None  # of the random units
    high: float | None
    beaten: int | None


@register.inclusion_tag("parts/effects.html")
def effects(job: JobFacts) -> dict[str, Any]:
    """The finding of an intervention, in words, a table and drawings."""
    assert job.finding is not None
    numbers = job.finding.numbers
    random = numbers["controls"]["random"]
    rows = list(_rows(numbers))
    drawn = [row for row in rows if row.name in ("top1", "divergence")]
    return {
        "job": job,
        "numbers": numbers,
        "edits": [_said(edit) for edit in numbers["edits"]],
        "rows": rows,
        "random": random,
        "spliced": "ablated" in numbers,
        "sham": numbers["controls"]["sham"],
        "strips": [_strip(row, random["units"]) for row in drawn] if random["n"] else [],
        "doses": _doses(rows, numbers["controls"]["doses"]),
        "classes": _bars(numbers.get("classes", ())),
        "layers": numbers.get("layers", ()),
    }


@register.filter
def points(share: float) -> str:
    """A share, or a change of one, in per cent with its sign where it is a change."""
    return f"{100 * share:.1f}".replace("-", "−")


@register.filter
def signed(value: float) -> str:
    """A figure with its sign, + or −."""
    shown = figure(value)
    return shown if shown.startswith("−") or not value else f"+{shown}"


def _rows(numbers: Numbers) -> Iterator[Row]:
    effect, random = numbers["edited"], numbers["controls"]["random"]
    for name, (title, about, unit) in MEASURES.items():
        said = effect.get(name)
        if said is None:
            continue
        of_random = [it[name] for it in random["units"] if name in it]
        is_accuracy = isinstance(said, dict)
        yield Row(
            name=name,
            title=title,
            about=about,
            unit=unit,
            is_share=name in SHARES,
            intact=numbers["intact"].get(name),
            ablated=numbers.get("ablated", {}).get(name),
            edited=said if is_accuracy else None,
            size=said["change"]["delta"] if is_accuracy else said,
            change=said["change"] if is_accuracy else None,
            low=min(of_random, default=None),
            high=max(of_random, default=None),
            beaten=round(random["exceeds"][name] * random["n"]) if of_random else None,
        )


def _said(edit: Numbers) -> dict[str, Any]:
    """An edit in words: which units of which layer, and what was done to them."""
    units = [f"{edit['layer']}:{channel}" for channel in edit.get("channels", ())]
    return {"units": units, "does": _does(edit), "where": edit.get("where"), "named": _named(edit)}


def _named(edit: Numbers) -> str:
    if edit["op"] == "weight":
        index = ", ".join("all" if it is None else str(it) for it in edit["index"])
        return f"{edit['parameter']} [{index}]"
    return str(edit["target"]) if edit["op"] == "cut" else ""


def _does(edit: Numbers) -> str:
    op = edit["op"]
    if op == "set":
        share = f", {100 * edit['alpha']:g} % of the way" if edit["alpha"] != 1 else ""
        return f"set to {VALUES.get(edit['value']) or figure(edit['value'])}{share}, {site(edit['site'])}"
    if op == "scale":
        return f"times {figure(edit['factor'])}, {site(edit['site'])}"
    if op == "weight":
        return f"set to {figure(edit['value'])}"
    return f"computed as if {edit['source']} were zero" if op == "cut" else "computed by other weights"


def _strip(row: Row, units: Sequence[Numbers]) -> dict[str, Any]:
    """Every random unit as a dot on an axis, piled up where they are equal, and the effect itself."""
    values = [unit[row.name] for unit in units]
    low, high = min(0.0, row.size, *values), max(0.0, row.size, *values)
    ordered = sorted(units, key=lambda it: it[row.name])
    places = [_x(unit[row.name], low, high) for unit in ordered]
    most = max(Counter(round(x / DOT) for x in places).values())
    step = min(DOT, (FLOOR - TOP - 2 * DOT) / most)
    piles: Counter[int] = Counter()
    dots = []
    for unit, x in zip(ordered, places, strict=True):
        dots.append({"x": x, "y": round(FLOOR - DOT - step * piles[round(x / DOT)], 1), "unit": unit})
        piles[round(x / DOT)] += 1
    ticks = [_tick(value, low, high) for value in _apart(low, high)]
    own = {"x": _x(row.size, low, high), "y": FLOOR}
    return {"row": row, "dots": dots, "ticks": ticks, "own": own, "floor": FLOOR, "frame": (LEFT, RIGHT)}


def _apart(low: float, high: float) -> list[float]:
    """The ends and zero, as far as their numbers do not run into each other."""
    ends = sorted({low, high})
    is_far = all(abs(_x(0.0, low, high) - _x(end, low, high)) > ROOM for end in ends)
    return sorted([*ends, 0.0] if is_far else ends)


def _tick(value: float, low: float, high: float) -> dict[str, Any]:
    x = _x(value, low, high)
    ends = x > RIGHT - ROOM / 2
    return {"x": x, "value": value, "anchor": "up" if ends else "middle", "at": RIGHT + 6 if ends else x}


def _x(value: float, low: float, high: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * ((value - low) / (high - low) if high > low else 0.5), 1)


def _doses(rows: Sequence[Row], doses: Sequence[Numbers]) -> dict[str, Any] | None:
    """The effect at each dose, from the nothing of the sham on."""
    name = next((row.name for row in rows if row.name == "top1"), "divergence")
    points = [(0.0, 0.0), *((one["dose"], one[name]) for one in doses if one["dose"] and name in one)]
    if len(points) < 3:
        return None
    values = [value for _, value in points]
    low, high = min(values), max(values)
    spread = (high - low) or 1.0
    placed = [
        {
            "x": round(LEFT + (RIGHT - LEFT) * dose, 1),
            "y": round(BOTTOM - (BOTTOM - TOP) * (value - low) / spread, 1),
            "dose": dose,
            "value": value,
        }
        for dose, value in points
    ]
    ticks = [{"value": it, "y": round(BOTTOM - (BOTTOM - TOP) * (it - low) / spread, 1)} for it in sorted({low, high})]
    title, _, unit = MEASURES[name]
    line = " ".join(f"{one['x']},{one['y']}" for one in placed)
    frame = {"left": LEFT, "right": RIGHT, "bottom": BOTTOM}
    drawn = {"points": placed, "line": line, "ticks": ticks, "frame": frame, "is_share": name in SHARES}
    return {**drawn, "title": title, "unit": unit}


def _bars(classes: Sequence[Numbers]) -> list[dict[str, Any]]:
    """Each class with a bar to the right where its logit rises, to the left where it falls."""
    most = max((abs(one["delta"]) for one in classes), default=0.0) or 1.0
    bars = []
    for one in classes:
        width = round(100 * abs(one["delta"]) / most, 1)
        bars.append({**one, "width": width, "x": 100 if one["delta"] > 0 else round(100 - width, 1)})
    return bars
