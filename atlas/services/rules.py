"""The numbered rules of what can be recorded: an error keeps a claim out, a warning stands beside it for all to see.

They run whenever something is saved or imported, on the page, and every night (`manage.py check_rules`).
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import F

from atlas import validation
from atlas.contents.link import CAUSAL
from atlas.errors import AtlasError, MalformedQuery, Validation
from atlas.models import Checkpoint, Contributor, Foothold, Job, ProbeKind, Revision
from atlas.search import parse
from atlas.services import addresses, connections, trials, wiring
from atlas.services.settling import Settled, settle

Fault = tuple[str, str]  # JSON pointer within the content, and what is wrong there
Check = Callable[[Settled], Iterator[Fault]]
IMPLIED = {"excites": "+", "inhibits": "-"}  # the sign that goes with a relation
OPPOSITE = {"+": "-", "-": "+"}


@dataclass(frozen=True)
class Rule:
    """A rule: its number for ever, the kinds of foothold it is about, and what it asks, in one sentence."""

    code: str
    severity: Literal["error", "warning"]
    kinds: tuple[str, ...]
    says: str
    check: Check


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a content breaks, and where."""

    rule: Rule
    pointer: str
    detail: str


def broken(settled: Settled) -> list[Broken]:
    """Every rule that this content breaks."""
    return [
        Broken(rule, pointer, detail)
        for rule in RULES
        if settled.kind.kind in rule.kinds
        for pointer, detail in rule.check(settled)
    ]


def require(settled: Settled) -> None:
    """Raise Validation where a rule is broken that keeps a claim out."""
    errors = [
        {"pointer": f"/content{it.pointer}", "code": it.rule.code, "detail": it.detail}
        for it in broken(settled)
        if it.rule.severity == "error"
    ]
    if errors:
        raise Validation(errors=errors[: validation.MOST_ERRORS])


def look_over(
    content: Any, *, kind: str, checkpoint: Checkpoint | None, actor: Contributor | None
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """(what keeps a content out, what would be remarked on it), each with its pointer; nothing is recorded."""
    try:
        found = broken(settle(content, kind=kind, checkpoint=checkpoint, actor=actor))
    except Validation as error:
        return error.errors, []
    said = [
        (
            it.rule.severity,
            {"pointer": f"/content{it.pointer}", "code": it.rule.code, "detail": it.detail or it.rule.says},
        )
        for it in found
    ]
    errors, warnings = ([fault for severity, fault in said if severity == wanted] for wanted in ("error", "warning"))
    return errors, warnings


# --- links ------------------------------------------------------------------------------------------------------------
def two_ends(it: Settled) -> Iterator[Fault]:
    if it.content["source"] == it.content["target"]:
        yield "/target", "This is the source itself."


def a_path_between(it: Settled) -> Iterator[Fault]:
    source, target = it.places["/source"].layer, it.places["/target"].layer
    assert it.checkpoint is not None
    if it.content["relation"] in CAUSAL and not wiring.leads_to(it.checkpoint, source, target):
        yield "/target", f"Nothing of {source.key} reaches {target.key}: no path leads from one to the other."


def a_fitting_sign(it: Settled) -> Iterator[Fault]:
    unfitting = {("excites", "-"), ("inhibits", "+")}
    if (it.content["relation"], it.content["sign"]) in unfitting:
        yield "/sign", f"{it.content['relation']} goes with the other sign."


def rests_on_its_own_edge(it: Settled) -> Iterator[Fault]:
    job = it.jobs.get("/rests_on/finding")
    if job is None:
        return
    if job.probe.name == connections.PROBE:
        if (job.pk, *_ends(it)) not in connections.measured_by([job]):
            yield "/rests_on/finding", f"It lists no connection from {it.content['source']} to {it.content['target']}."
    elif not _is_about(job, it):
        yield "/rests_on/finding", f"It is about {job.subject_text}, and so about neither of the two."


def a_sign_as_measured(it: Settled) -> Iterator[Fault]:
    job = it.jobs.get("/rests_on/finding")
    said = {it.content["sign"], IMPLIED.get(it.content["relation"])} & OPPOSITE.keys()
    measured = connections.measured_by([job]).get((job.pk, *_ends(it)), "") if job and said else ""
    if OPPOSITE.get(measured) in said:
        yield "/sign", f"It was measured as {measured}."


def _ends(it: Settled) -> tuple[int, int]:
    return it.neurons["/source"].pk, it.neurons["/target"].pk


def _is_about(job: Job, it: Settled) -> bool:
    """Whether a job asked about an end of a link: by name, in a sum of units, with its layer, or with all there is."""
    named = {unit for unit, _ in job.subject["units"]} | {job.subject.get("layer")} - {None}
    ends = [it.content[end] for end in ("source", "target")]
    return not named or not named.isdisjoint([*ends, *(end.rpartition(":")[0] for end in ends)])


# --- circuits and collections -----------------------------------------------------------------------------------------
def nodes_once(it: Settled) -> Iterator[Fault]:
    yield from _repeated([node["unit"] for node in it.content["nodes"]], "/nodes/{}/unit")


def ends_are_nodes(it: Settled) -> Iterator[Fault]:
    nodes = {node["unit"] for node in it.content["nodes"]}
    for place, edge in enumerate(it.content["edges"]):
        for end in ("source", "target"):
            if edge[end] not in nodes:
                yield f"/edges/{place}/{end}", f"{edge[end]} is no node of this circuit."


def edges_are_their_links(it: Settled) -> Iterator[Fault]:
    heads = _newest(it.footholds.values())
    for place, edge in enumerate(it.content["edges"]):
        link = it.footholds.get(f"/edges/{place}/link")
        if link is None:
            continue
        said = heads.get(link.pk, {})
        ends = (said.get("source"), said.get("target"))
        if link.checkpoint_id != getattr(it.checkpoint, "pk", None) or ends != (edge["source"], edge["target"]):
            yield f"/edges/{place}/link", f"{link.accession} is no link from {edge['source']} to {edge['target']}."


def edges_are_measured(it: Settled) -> Iterator[Fault]:
    known = connections.measured_by(it.jobs.values()) if it.jobs else {}
    for place, edge in enumerate(it.content["edges"]):
        job = it.jobs.get(f"/edges/{place}/finding")
        if job:
            source, target = (it.neurons[f"/edges/{place}/{end}"] for end in ("source", "target"))
            if (job.pk, source.pk, target.pk) not in known:
                yield f"/edges/{place}/finding", f"It lists no connection from {edge['source']} to {edge['target']}."


def items_once(it: Settled) -> Iterator[Fault]:
    named = [item.get("unit") or item.get("foothold") for item in it.content["items"]]
    yield from _repeated(named, "/items/{}")


def items_or_a_query(it: Settled) -> Iterator[Fault]:
    if it.content["items"] and it.content["query"] is not None:
        yield "/query", "A collection lists its items or keeps a query, not both."


def a_query_can_be_read(it: Settled) -> Iterator[Fault]:
    if it.content["query"] is not None:
        try:
            parse(it.content["query"])
        except MalformedQuery as error:
            yield "/query", str(error)


# --- descriptions -----------------------------------------------------------------------------------------------------
def a_family_is_one(it: Settled) -> Iterator[Fault]:
    family = it.footholds.get("/claims/family")
    if family is not None:
        said = family.revisions.order_by("-version").values_list("content", flat=True).first() or {}
        if family.kind != "collection" or said.get("form") != "family":
            yield "/claims/family", f"{family.accession} is no collection of the form family."


def a_member_of_its_family(it: Settled) -> Iterator[Fault]:
    family = it.footholds.get("/claims/family")
    if family is not None and not family.neurons.filter(neuron=it.neurons["/neuron"]).exists():
        yield "/claims/family", f"{family.accession} does not list {it.content['neuron']}."


def a_term_once(it: Settled) -> Iterator[Fault]:
    senses = it.content["senses"]
    said = {f"/senses/{place}/terms/{{}}/term": sense.get("terms", ()) for place, sense in enumerate(senses)}
    for pointer, uses in ({"/terms/{}/term": it.content["terms"]} | said).items():
        yield from _repeated([use["term"] for use in uses], pointer)


def shares_of_one_whole(it: Settled) -> Iterator[Fault]:
    total = math.fsum(sense.get("share", 0) for sense in it.content["senses"])
    if total > 1 + 1e-9:
        yield "/senses", f"Their shares of its strongest examples add up to {total:.3g}."


def pure_is_of_one_sense(it: Settled) -> Iterator[Fault]:
    senses = len(it.content["senses"])
    if senses > 1 and it.content["claims"].get("purity") == "claimed":
        yield "/claims/purity", f"It answers to {senses} things, as its senses say."


# --- evidence ---------------------------------------------------------------------------------------------------------
def literature_is_named(it: Settled) -> Iterator[Fault]:
    if it.content["method"] == "LT" and it.content["reference"] is None:
        yield "/reference", "Literature is evidence by its reference."


def a_word_is_written(it: Settled) -> Iterator[Fault]:
    if it.content["method"] == "AU" and not it.content["interpretation"].strip():
        yield "/interpretation", "An author's word has to be written."


def something_to_look_at(it: Settled) -> Iterator[Fault]:
    method = it.content["method"]
    if method not in ("LT", "AU") and not (it.content["jobs"] or it.content["artifacts"]):
        yield "/jobs", f"Evidence by {method} shows something: name the finished job, or the picture."


def automatic_is_computed(it: Settled) -> Iterator[Fault]:
    if it.content["assertion"] != "manual" and not it.content["jobs"]:
        yield "/assertion", "Only what a job found was made automatically."


def seeds_are_recorded(it: Settled) -> Iterator[Fault]:
    made = [job.params for job in it.jobs.values()] or [it.content["parameters"]]
    if it.content["method"] == "FV" and not all({"seed", "seeds"} & set(params) for params in made):
        yield "/parameters", "A feature visualization records its seed."


def a_spectrum_of_examples(it: Settled) -> Iterator[Fault]:
    if it.content["method"] == "DX" and it.content["parameters"].get("sampling") == "top":
        yield "/parameters/sampling", "The strongest examples alone do not show what else it answers to."


def an_ablation_is_controlled(it: Settled) -> Iterator[Fault]:
    if it.content["method"] == "AB" and not it.jobs and "control" not in it.content["parameters"]:
        yield "/parameters", "An ablation names its control."


def handwriting_is_measured(it: Settled) -> Iterator[Fault]:
    absent = [name for name in ("metric", "baseline") if name not in it.content["parameters"]]
    if it.content["method"] == "HW" and not it.jobs and absent:
        yield "/parameters", f"A handwritten circuit names its {' and '.join(absent)}."


def pictures_have_words(it: Settled) -> Iterator[Fault]:
    if it.content["artifacts"] and not it.content["alt_text"].strip():
        yield "/alt_text", "Who does not see the pictures is told nothing."


# --- predictions ------------------------------------------------------------------------------------------------------
def predictions_can_be_run(it: Settled) -> Iterator[Fault]:
    for place, one in enumerate(it.content.get("predictions", [])):
        kind = ProbeKind.objects.filter(name=one["probe"]).order_by("-version").first()
        if kind is None:
            yield f"/predictions/{place}/probe", f"No worker has published a probe {one['probe'][:60]!r}."
            continue
        for fault in validation.faults(one.get("params", {}), kind.schema, at=f"/predictions/{place}/params"):
            yield fault["pointer"], fault["detail"]


def predictions_can_fail(it: Settled) -> Iterator[Fault]:
    for place, one in enumerate(it.content.get("predictions", [])):
        least, most, period = one.get("least", float("-inf")), one.get("most", float("inf")), one.get("period")
        if period is None and least > most:
            yield f"/predictions/{place}/most", "No number is at least the one and at most the other."
        if period is not None and most - least >= period:
            yield f"/predictions/{place}/period", "Between these bounds lies the whole circle; give both, less apart."
        if not one["number"].startswith("/"):
            yield f"/predictions/{place}/number", "A JSON pointer starts with a slash."
        for unit in _units_named(one["number"]):
            if said := _misnamed(it, unit):
                yield f"/predictions/{place}/number", said


def _units_named(pointer: str) -> Iterator[str]:
    """The neurons by which a pointer chooses an item of a list."""
    for part in trials.parts(pointer):
        named = trials.NAMED.fullmatch(part)
        if named and named[1] in ("source", "target", "unit"):
            yield named[2]


def _misnamed(it: Settled, unit: str) -> str:
    """Why no finding can name this neuron: a claim must not fall over a slip of the pen."""
    assert it.checkpoint is not None
    try:
        place = addresses.Map(it.checkpoint, [unit.partition(":")[0]]).unit(unit)
    except AtlasError as error:
        return error.errors[0]["detail"] if error.errors else str(error)
    known = f"{place.layer.key}:{place.channel}"
    return "" if known == unit else f"Findings call it {known}."


def _newest(footholds: Iterable[Foothold]) -> dict[int, dict[str, Any]]:
    """What footholds say in their newest versions, by their ids, in one query."""
    heads = Revision.objects.filter(foothold__in=footholds, version=F("foothold__head_version"))
    return dict(heads.values_list("foothold", "content"))


def _repeated(named: list[Any], pointer: str) -> Iterator[Fault]:
    seen: Counter[Any] = Counter()
    for place, name in enumerate(named):
        seen[name] += 1
        if seen[name] == 2:
            yield pointer.format(place), f"{name} stands here already."


RULES = (
    Rule("FH0001", "error", ("link",), "A link has two ends.", two_ends),
    Rule("FH0002", "error", ("link",), "What acts on a neuron reaches it through the graph.", a_path_between),
    Rule("FH0003", "warning", ("link",), "The sign fits the relation.", a_fitting_sign),
    Rule("FH0004", "error", ("circuit",), "A neuron is one node.", nodes_once),
    Rule("FH0005", "error", ("circuit",), "An edge joins two of the nodes.", ends_are_nodes),
    Rule("FH0006", "error", ("circuit",), "An edge's link is a link between its ends.", edges_are_their_links),
    Rule("FH0007", "error", ("collection",), "An item stands in a collection once.", items_once),
    Rule("FH0008", "error", ("collection",), "A collection lists items or keeps a query.", items_or_a_query),
    Rule("FH0009", "error", ("description",), "A family is a collection of that form.", a_family_is_one),
    Rule("FH0010", "error", ("evidence",), "A feature visualization records its seed.", seeds_are_recorded),
    Rule("FH0011", "warning", ("description",), "A neuron is a member of its family.", a_member_of_its_family),
    Rule("FH0012", "error", ("description", "link"), "A prediction can be run.", predictions_can_be_run),
    Rule("FH0013", "error", ("description", "link"), "A prediction can fail.", predictions_can_fail),
    Rule("FH0014", "error", ("collection",), "A query that is kept can be read.", a_query_can_be_read),
    Rule("FH0015", "error", ("link",), "A link rests on the measurement of its own edge.", rests_on_its_own_edge),
    Rule("FH0016", "error", ("circuit",), "An edge's measurement is of this edge.", edges_are_measured),
    Rule("FH0017", "warning", ("link",), "The sign is the one that was measured.", a_sign_as_measured),
    Rule("FH0018", "warning", ("description",), "A term is said of a neuron once.", a_term_once),
    Rule("FH0019", "warning", ("description",), "The senses of a neuron share its examples.", shares_of_one_whole),
    Rule("FH0020", "warning", ("evidence",), "Dataset examples are a spectrum.", a_spectrum_of_examples),
    Rule("FH0021", "warning", ("description",), "A pure neuron has one sense.", pure_is_of_one_sense),
    Rule("FH0070", "warning", ("evidence",), "A handwritten circuit is measured.", handwriting_is_measured),
    Rule("FH0081", "warning", ("evidence",), "An ablation has a control.", an_ablation_is_controlled),
    Rule("FH0090", "error", ("evidence",), "Literature is named.", literature_is_named),
    Rule("FH0091", "error", ("evidence",), "An author's word is written.", a_word_is_written),
    Rule("FH0092", "error", ("evidence",), "Evidence shows something.", something_to_look_at),
    Rule("FH0093", "error", ("evidence",), "What is called automatic was computed.", automatic_is_computed),
    Rule("FH0094", "error", ("evidence",), "Pictures have words beside them.", pictures_have_words),
)
