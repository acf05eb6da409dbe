"""Numbers as people read them, and small drawings: SVG from the server, so that they need no script."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import template

from atlas.dossiers.checkpoints import LayerFacts
from atlas.dossiers.jobs import JobFacts
from atlas.dossiers.pictures import Shown

register = template.Library()

LEFT, RIGHT, TOP, BOTTOM = 46, 412, 12, 118  # the plot of a trace, in its own units
PLATE = 96  # width of the input in a drawing of what a position sees
STATES = {
    "queued": "waiting",
    "running": "computing",
    "done": "done",
    "failed": "cannot be answered",
    "cancelled": "cancelled",
    "quarantined": "given up",
}
EVENTS = {
    "request": "Asked",
    "claim": "Taken by a worker",
    "finish": "Answered",
    "fail": "Failed",
    "release": "Handed back to the queue",
    "reap": "Taken from a worker that fell silent",
    "cancel": "Cancelled",
    "stop": "Stopped by its worker, as wished",
    "requeue": "Queued again",
    "quarantine": "Given up",
}
KINDS = {"conv": "convolution", "linear": "linear map", "sum": "residual sum", "concat": "concatenation"}
NAMES = {"register": "Registration", "firing": "What fires"}
WANTS = {"firing": "Which neurons fire for a picture", "activations": "What it answers to pictures"}
SITES = {"pre_relu": "before the ReLU", "post_relu": "after the ReLU"}
POLARITIES = {"both": ("positive", "negative"), "positive": ("positive",), "negative": ("negative",)}
EFFECTS = {"both": "What excites it, what inhibits it", "positive": "What excites it", "negative": "What inhibits it"}
LISTENING = {
    "both": "What it listens to, what it feeds",
    "upstream": "What it listens to",
    "downstream": "What it feeds",
}
STIMULI = {"patch": "colours", "boundary": "boundaries", "picture": "a picture that turns"}
VERDICTS = {"agree": "agrees", "dispute": "disputes it", "unsure": "is unsure"}
SIGNS = {"positive": "+", "negative": "−"}
TITLES = {"positive": "Excites", "negative": "Inhibits"}


@register.filter
def in_words(state: str) -> str:
    """A job's state as a person says it."""
    return STATES.get(state, state)


@register.filter
def happened(kind: str) -> str:
    """A transition of a job as a person says it."""
    return EVENTS.get(kind, kind)


@register.filter
def verdict(given: str) -> str:
    """What a reviewer does who gives it."""
    return VERDICTS.get(given, given)


@register.filter
def spelled(kind: str) -> str:
    """A layer's kind in full."""
    return KINDS.get(kind, kind)


@register.filter
def site(name: str) -> str:
    """Where in a layer a value is read."""
    return SITES.get(name, name)


@register.filter
def named(slug: str) -> str:
    """`feature-visualization` as Feature visualization."""
    return NAMES.get(slug) or slug.replace("-", " ").capitalize()


@register.filter
def whom(subject: str) -> str:
    """What a question is about, where it is about everything."""
    return "all neurons" if subject == "*" else subject


@register.filter
def answers(job: JobFacts) -> list[str]:
    """Templates of an answer: its probe's own where there is one, else its pictures, by role."""
    return [f"answers/{job.probe}.html", "answers/pictures.html"]


@register.filter
def asks(job: JobFacts) -> str:
    """What a question wants to know: the heading over its answer."""
    if job.probe == "connections":
        return LISTENING.get(job.params.get("direction", ""), named(job.probe))
    if job.probe == "tuning":
        axes = job.finding.numbers.get("axes", ()) if job.finding else ()
        by = " and ".join(axis["title"].lower() for axis in axes)
        family = job.params.get("family", "")
        return f"Tuning to {STIMULI.get(family, family + 's')}{by and ', by ' + by}"
    if job.probe == "similarity":
        return f"Who is like it, by {job.params.get('by', '')}"
    if job.probe == "intervention":
        without = "What happens without it" if job.units else "What happens without each of its units"
        return "What happens when it is changed" if job.params.get("edits") else without
    if job.probe != "feature-visualization":
        return WANTS.get(job.probe) or named(job.probe)
    return EFFECTS.get(job.params.get("polarity", ""), named(job.probe))


@register.filter
def counts(job: JobFacts) -> str:
    """What of its subject a visualization climbed, in words."""
    what = "response" if job.units else "mean square of all units"
    if job.params.get("cosine_power"):
        what += " times its cosine with the direction"
    where = "in the middle" if job.params.get("objective") == "neuron" else "over positions"
    less = ", less what the pictures have in common" if job.params.get("diversity") else ""
    return f"the {'' if where == 'in the middle' else 'mean '}{what} {where}{less}"


@register.filter
def short(sha256: str) -> str:
    """The beginning of a hash, enough to tell it from others at a glance."""
    return sha256[:12]


@register.filter
def figure(value: Any) -> str:
    """Three significant digits, with a proper minus; a dash for what is not known."""
    if value is None:
        return "–"
    rounded = float(f"{value:.3g}")
    # Exponents are for what is too long to be read otherwise: 1,670 rather than 1.67e+03.
    written = f"{rounded:,.0f}" if 1000 <= abs(rounded) < 10**6 else f"{rounded:.3g}"
    return written.replace("-", "−")


@register.filter
def lasting(seconds: float) -> str:
    """A time that nobody knows to the second: 12 s, 3 min, 2 h."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f}\N{NO-BREAK SPACE}{unit}"
    return f"{max(1, round(seconds))}\N{NO-BREAK SPACE}s"


@register.filter
def exactly(value: float) -> str:
    """A number to its last digit, as JSON has it."""
    return repr(value)


@register.filter
def unit_at(address: str) -> str:
    """The unit at a neuron's address: `layer:channel`."""
    return ":".join(address.rsplit("/", 2)[1:])


@register.filter
def plain(value: Any) -> str:
    """A parameter's value as it would be typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(plain(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:g}" if isinstance(value, float) else str(value)


@register.filter
def share(part: int, whole: int) -> float:
    """Percent, 0 to 100."""
    return round(100 * part / whole, 1) if whole else 0.0


@register.filter
def thousands(count: int) -> str:
    """3944 as 3,944."""
    return f"{count:,}"


@register.filter
def by(pair: Sequence[int] | None) -> str:
    """`[15, 15]` as 15 × 15, which no line may break."""
    return "\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}".join(f"{length:,}" for length in pair) if pair else "–"


@register.filter
def million(count: int) -> str:
    """23.5 million, 46 thousand."""
    for size, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if count >= size:
            return f"{count / size:.3g} {word}"
    return str(count)


@register.filter
def tenth(value: float) -> str:
    """A coordinate in a drawing."""
    return f"{value:.1f}".removesuffix(".0")


@register.filter
def polarity(sign: str) -> str:
    """The class of what has a sign: +, - or mixed."""
    return {"+": "positive", "-": "negative"}.get(sign, "mixed")


@register.filter
def signed(sign: str) -> str:
    """A sign as it is read."""
    return {"+": "+", "-": "−"}.get(sign, "±")


@register.filter
def neuron_of(unit: str, checkpoint: str) -> str:
    """The address of a unit of a checkpoint."""
    layer, _, channel = unit.rpartition(":")
    return f"/c/{checkpoint}/{layer}/{channel}"


@register.filter
def item(members: Mapping[str, Any] | None, name: str) -> Any:
    """The member of this name, if there are any."""
    return (members or {}).get(name)


@register.filter
def pairs(members: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Names and values, by name, because PostgreSQL keeps no other order.

    A template's own `.items` would take a member of that name for them.
    """
    return sorted(members.items(), key=lambda member: member[0])


@register.filter
def beside(said: Sequence[Any] | None, facts: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Each member of a content with what is known of it, in their order."""
    return list(zip(said or (), facts, strict=True))


@register.filter
def is_web(address: str) -> bool:
    """Whether a source can be a link: nothing but http and https ever is."""
    return address.startswith(("https://", "http://")) and " " not in address


@register.filter
def read_at(numbers: Mapping[str, Any]) -> str:
    """Where the pictures of a finding were measured: after the ReLU (+), before the ReLU (−)."""
    seen = {(one.get("site"), one.get("polarity")): None for one in numbers.get("pictures", ()) if one.get("site")}
    return ", ".join(f"{site(where)} ({SIGNS.get(polarity, polarity)})" for where, polarity in seen)


@register.inclusion_tag("parts/forming.html")
def forming(job: JobFacts, snapshots: Sequence[Shown] | None) -> dict[str, Any]:
    """A place for every picture on its way, laid out as the answer will be, so that nothing moves when it comes."""
    latest = {(one.polarity, one.seed): one for one in snapshots or ()}
    polarities = POLARITIES.get(job.params.get("polarity", ""), ("positive",))
    rows = [
        {
            "polarity": polarity,
            "sign": SIGNS[polarity],
            "title": TITLES[polarity],
            "slots": [{"seed": seed, "shown": latest.get((polarity, seed))} for seed in job.params.get("seeds", ())],
        }
        for polarity in polarities
    ]
    return {"rows": rows if job.params.get("seeds") else []}


@register.inclusion_tag("parts/view.html")
def field_of_view(layer: LayerFacts, size: Sequence[int]) -> dict[str, Any]:
    """How much of the input one position of a layer sees, drawn to scale; sizes are height and width in px."""
    seen = layer.receptive_field or size
    scale = PLATE / max(size)
    plate = _drawn(size, scale=scale)
    patch = _drawn([min(length, whole) for length, whole in zip(seen, size, strict=True)], scale=scale)
    patch |= {"x": (plate["width"] - patch["width"]) / 2, "y": (plate["height"] - patch["height"]) / 2}
    box = {side: length + 2 for side, length in plate.items()}  # room for the outline
    everything = all(length >= whole for length, whole in zip(seen, size, strict=True))
    return {"box": box, "plate": plate, "patch": patch, "seen": seen, "size": size, "everything": everything}


def _drawn(size: Sequence[int], *, scale: float) -> dict[str, float]:
    height, width = size
    return {"width": round(width * scale, 1), "height": round(height * scale, 1)}


@register.inclusion_tag("parts/trace.html")
def trace(pictures: Sequence[dict[str, Any]], *, counted: str = "") -> dict[str, Any]:
    """How the objective rose over the steps: one line for each picture, all on one scale."""
    curves = [picture for picture in pictures or () if picture.get("trace", {}).get("values")]
    values = [value for picture in curves for value in picture["trace"]["values"]]
    if not values:
        return {"lines": []}
    low, high = min(0.0, *values), max(0.0, *values)
    steps = max(picture["trace"]["steps"][-1] for picture in curves)
    lines = [
        {
            "points": _points(picture["trace"], steps=steps, low=low, high=high),
            "polarity": picture.get("polarity", "positive"),
            "seed": picture.get("seed"),
        }
        for picture in curves
    ]
    ticks = [{"value": value, "y": _y(value, low=low, high=high)} for value in sorted({low, 0.0, high})]
    frame = {"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM}
    signs = [SIGNS[polarity] for polarity in SIGNS if any(line["polarity"] == polarity for line in lines)]
    return {
        "lines": lines,
        "steps": steps,
        "low": low,
        "high": high,
        "ticks": ticks,
        "frame": frame,
        "signs": signs,
        "counted": counted,
    }


def _points(curve: dict[str, Any], *, steps: int, low: float, high: float) -> str:
    pairs = zip(curve["steps"], curve["values"], strict=True)
    return " ".join(f"{_x(step, steps=steps):.1f},{_y(value, low=low, high=high):.1f}" for step, value in pairs)


def _x(step: int, *, steps: int) -> float:
    return LEFT + (RIGHT - LEFT) * step / steps


def _y(value: float, *, low: float, high: float) -> float:
    return round(TOP + (BOTTOM - TOP) * (1 - (value - low) / ((high - low) or 1)), 1)
