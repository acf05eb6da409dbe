"""Plots as files of their own: the drawings of the pages, with their pictures, colours and citation inside."""

import base64
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django import template
from django.template.loader import render_to_string

from atlas.dossiers.jobs import JobFacts
from atlas.web.curves import tuned
from atlas.web.effects import effects
from atlas.web.figures import counts, trace

register = template.Library()

Pictures = Callable[[set[str]], dict[str, tuple[str, bytes]]]  # (media type, bytes) by hash
PICTURE = re.compile(r'href="/a/([0-9a-f]{64})\.\w+"')
LINE, BESIDE, LETTER = 13, 14, 5.6  # px: of a line of the citation, the margin, the width of a letter
LEAST = 420  # px wide, so that a citation has room


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing: its name in addresses, what it shows, its size in px, its template and what that is told."""

    name: str
    shows: str
    width: int
    height: int
    template: str
    context: dict[str, Any]
    group: str  # the class of what stands around it on a page


@register.filter
def plots_of(job: JobFacts) -> list[Plot]:
    """Every plot of a finding."""
    if job.finding is None:
        return []
    found = PLOTS.get(job.probe)
    return [*(found(job) if found else ()), *_trace(job)]


def _tuning(job: JobFacts) -> Iterator[Plot]:
    drawn = tuned(job)
    sizes = {"round": (320, 320, "curve round"), "straight": (540, 240, "curve"), "map": (540, 212, "curve map")}
    names = {"round": "round", "straight": "curve", "map": "map"}
    for part, (width, height, group) in sizes.items():
        if drawn.get(part):
            yield Plot(names[part], f"tuning {names[part]}", width, height, f"plots/{part}.svg", drawn, group)


def _intervention(job: JobFacts) -> Iterator[Plot]:
    assert job.finding is not None
    if "strongest" in job.finding.numbers:
        return
    drawn = effects(job)
    for strip in drawn["strips"]:
        told = {**drawn, "strip": strip}
        name = f"effect-{strip['row'].name}"
        yield Plot(name, f"effect among random units, {name}", 420, 112, "plots/strip.svg", told, "trace dots")
    if drawn["doses"]:
        yield Plot("doses", "effect by dose", 420, 150, "plots/doses.svg", drawn, "trace dots")


def _trace(job: JobFacts) -> Iterator[Plot]:
    assert job.finding is not None
    drawn = trace(job.finding.numbers.get("pictures", ()), counted=counts(job))
    if drawn["lines"]:
        yield Plot("objective", "objective by step", 420, 150, "plots/trace.svg", drawn, "trace")


PLOTS: dict[str, Callable[[JobFacts], Iterator[Plot]]] = {"tuning": _tuning, "intervention": _intervention}


def file_of(
    plot: Plot, *, title: str, citation: str, pictures: Callable[[set[str]], dict[str, tuple[str, bytes]]]
) -> str:
    """The plot as an SVG document that needs nothing from anywhere: its pictures stand in it as data."""
    inner = render_to_string(plot.template, plot.context)
    held = pictures(set(PICTURE.findall(inner)))
    width = max(plot.width, LEAST)
    lines = textwrap.wrap(citation, int((width - 2 * BESIDE) / LETTER), break_on_hyphens=False)
    about = {
        "plot": plot,
        "inner": PICTURE.sub(lambda found: f'href="{_data(held.get(found[1]))}"', inner),
        "title": title,
        "citation": citation,
        "width": width,
        "height": plot.height + 2 * BESIDE + LINE * len(lines),
        "at": (width - plot.width) / 2,
        "lines": [(plot.height + BESIDE + LINE * (number + 1), line) for number, line in enumerate(lines)],
        "beside": BESIDE,
    }
    return render_to_string("plots/file.svg", about)


def _data(picture: tuple[str, bytes] | None) -> str:
    """A picture as a data address; nothing where it cannot be had."""
    if picture is None:
        return "data:,"
    media_type, content = picture
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
