"""What can be asked of a neuron: a line for each probe, one of them open as a form, filled in with what was meant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from atlas.dossiers import checkpoints, datasets
from atlas.dossiers.neurons import NeuronDossier, ProbeFacts
from atlas.dossiers.wirings import Wiring
from atlas.errors import NoSuchJob
from atlas.models import Contributor
from atlas.services import jobs
from atlas.web import forms
from atlas.web.forms import CHECKPOINT, DATASET, Choices, Field

FIRST = "feature-visualization"  # what a newcomer asks
MOST_UNITS = 60  # that are suggested


@dataclass(frozen=True, slots=True)
class Given:
    """What a form is filled in with: what was typed and what is wrong with it, or an older question's parameters."""

    probe: str
    typed: dict[str, str]
    errors: Sequence[dict[str, str]] = ()
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class AskForm:
    """A probe's form, without fields unless it is open. `rest` are the fields that only some ask for."""

    probe: ProbeFacts
    open: bool = False
    meant: bool = False  # somebody has just opened it
    fields: tuple[Field, ...] = ()
    rest: tuple[Field, ...] = ()
    elsewhere: tuple[str, ...] = ()
    wrong: bool = False
    filled: bool = False  # from an older question

    @property
    def touched(self) -> bool:
        """Whether one of the rest holds something that somebody meant."""
        return any(field.touched for field in self.rest)

    @property
    def guides(self) -> list[str]:
        """Templates of what is said beside the fields: its probe's own where there is one."""
        return [f"asking/{self.probe.name}.html", "asking/anything.html"]


def asking(
    request: HttpRequest, found: NeuronDossier, given: Given | None, *, actor: Contributor | None
) -> tuple[AskForm, ...]:
    """The forms of a neuron's page; none for who may not compute. An address opens one by its name: `?ask=tuning`."""
    if not found.may_compute:
        return ()
    named = request.GET.get("ask", "")
    meant = given.probe if given else named if any(probe.name == named for probe in found.probes) else ""
    opened = meant or (FIRST if not found.jobs else "")
    return tuple(
        _form(probe, given, actor=actor, meant=bool(meant)) if probe.name == opened else AskForm(probe)
        for probe in found.probes
    )


def again(request: HttpRequest, found: NeuronDossier, *, actor: Contributor | None) -> Given | None:
    """The parameters of an older question, which an address may ask for by its fingerprint: `?ask=…`."""
    try:
        job = jobs.find(request.GET.get("ask", "").replace("\x00", "")[:64], actor=actor)
    except NoSuchJob:
        return None
    schema = next((probe.schema for probe in found.probes if probe.name == job.probe.name), None)
    return Given(job.probe.name, forms.typed_from(job.params, schema)) if schema is not None else None


def units(found: NeuronDossier, wired: Iterable[Wiring]) -> tuple[str, ...]:
    """Units that somebody may mean: this one, and those that it is known to listen to or to feed."""
    strands = [it for wiring in wired for side in wiring.sides for group in side.groups for it in group.strands]
    ends = [it.numbers[end] for it in strands for end in ("source", "target") if it.numbers[end]]
    return tuple(dict.fromkeys([found.neuron.unit, *ends]))[:MOST_UNITS]


def _form(probe: ProbeFacts, given: Given | None, *, actor: Contributor | None, meant: bool) -> AskForm:
    choices: Choices = {DATASET: datasets.choices(actor), CHECKPOINT: checkpoints.choices(actor)}
    more: dict[str, Any] = {"typed": given.typed, "errors": given.errors} if given else {}
    fields, rest = forms.divided(forms.fields(probe.schema, choices=choices, **more))
    return AskForm(
        probe=probe,
        fields=fields,
        rest=rest,
        elsewhere=forms.elsewhere(probe.schema, given.errors) if given else (),
        wrong=bool(given and given.wrong),
        filled=bool(given and not given.wrong),
        open=True,
        meant=meant,
    )
