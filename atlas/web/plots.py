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
LEAST = 540  # px wide, so that a citation has room


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing: its name in addresses, what it shows and how, its size in px, its template and what that is told."""

    name: str
    shows: str
    caption: str
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
    if not drawn:
        return
    by = " and ".join(axis["title"].lower() for axis in drawn["axes"])
    for part, (name, shows, caption, width, height, group) in TUNING.items():
        if drawn[part]:
            told = caption.format(by=by, n=drawn["numbers"]["n"])
            yield Plot(name, shows, told, width, height, f"plots/{part}.svg", drawn, group)


def _intervention(job: JobFacts) -> Iterator[Plot]:
    assert job.finding is not None
    if "strongest" in job.finding.numbers:
        return
    drawn = effects(job)
    for strip in drawn["strips"]:
        told = {**drawn, "strip": strip}
        row = strip["row"]
        caption = f"{row.title}, {'change in ' if row.change else ''}{row.unit}: filled, the edit; empty, random units."
        yield Plot(f"effect-{row.name}", "effect", caption, 420, 112, "plots/strip.svg", told, "trace dots")
    if drawn["doses"]:
        doses = drawn["doses"]
        caption = f"{doses['title']}, {'change in ' if doses['is_share'] else ''}{doses['unit']}, by dose."
        yield Plot("doses", "effect by dose", caption, 420, 150, "plots/doses.svg", drawn, "trace dots")


def _trace(job: JobFacts) -> Iterator[Plot]:
    assert job.finding is not None
    drawn = trace(job.finding.numbers.get("pictures", ()), counted=counts(job))
    if drawn["lines"]:
        caption = "The objective at each step, a line for each picture: dashed, how far it falls below zero."
        yield Plot("objective", "objective", caption, 420, 150, "plots/trace.svg", drawn, "trace")


OF_CURVE = "Response in the unit’s own activation, by {by}, n = {n}. Dotted, half the maximum; dashed, to grey alone."
# By the part of a page's drawing: name, what it shows, caption, width and height in px, classes around it.
TUNING = {
    "round": (
        "round", "tuning", "Responses above 0 as distance from the middle, by {by}, n = {n}.", 320, 320, "curve round",
    ),
    "straight": ("curve", "tuning", OF_CURVE, 540, 240, "curve"),
    "map": ("map", "tuning", "Response by {by}, n = {n}: red above 0, blue below.", 540, 212, "curve map"),
}  # fmt: skip
PLOTS: dict[str, Callable[[JobFacts], Iterator[Plot]]] = {"tuning": _tuning, "intervention": _intervention}


def file_of(
    plot: Plot, *, title: str, citation: str, pictures: Callable[[set[str]], dict[str, tuple[str, bytes]]]
) -> str:
    """The plot as an SVG document that needs nothing from anywhere: its pictures stand in it as data."""
    inner = render_to_string(plot.template, plot.context)
    held = pictures(set(PICTURE.findall(inner)))
    width = max(plot.width, LEAST)
    lines = textwrap.wrap(f"{plot.caption} {citation}", int((width - 2 * BESIDE) / LETTER), break_on_hyphens=False)
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
