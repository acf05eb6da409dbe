"""Every numbered rule speaks up about what breaks it, by its severity and with a pointer, until it is mended."""

import pytest

from atlas.errors import Validation
from atlas.services import artifacts, footholds, terms
from atlas.services.connections import Measured
from atlas.services.rules import RULES, broken, require
from atlas.services.settling import settle
from tests.claims import PREDICTION

pytestmark = pytest.mark.django_db
READ = {"reference": {"title": "Zoom In", "doi": "10.23915/distill.00024.001"}}
LINK = {"source": "edges:1", "target": "mixed:3", "relation": "builds-from", "rests_on": READ}
NEURON = {"neuron": "edges:1", "title": "A curve"}
NODES = [{"unit": "edges:1"}, {"unit": "mixed:3"}]
EDGE = {"source": "edges:1", "target": "mixed:3"}
DETECTS, DENIES = ({"term": "curve", "polarity": polarity} for polarity in ("detects", "does-not-detect"))

# By rule: the kind, a content that breaks it, and the members with which it does not.
BREAKS = {
    "FH0001": ("link", {**LINK, "relation": "duplicate", "target": "edges:1"}, {"target": "edges:2"}),
    "FH0002": ("link", {**LINK, "source": "mixed:3", "target": "edges:1"}, EDGE),
    "FH0003": ("link", {**LINK, "relation": "excites", "sign": "-"}, {"sign": "+"}),
    "FH0004": ("circuit", {"title": "One", "nodes": [NODES[0]] * 2}, {"nodes": NODES}),
    "FH0005": ("circuit", {"title": "One", "nodes": NODES[:1], "edges": [{**EDGE, "link": "@link"}]}, {"nodes": NODES}),
    "FH0006": ("circuit", {"title": "One", "nodes": NODES, "edges": [{**EDGE, "link": "@other"}]},
               {"edges": [{**EDGE, "link": "@link"}]}),
    "FH0007": ("collection", {"title": "Some", "items": [{"unit": "edges:1"}] * 2}, {"items": []}),
    "FH0008": ("collection", {"title": "Some", "items": [{"unit": "edges:1"}], "query": "curve"}, {"items": []}),
    "FH0009": ("description", {**NEURON, "claims": {"family": "@list"}}, {"claims": {"family": "@family"}}),
    "FH0010": ("evidence", {"method": "FV"}, {"parameters": {"seed": 0}}),
    "FH0011": ("description", {**NEURON, "neuron": "edges:2", "claims": {"family": "@family"}}, NEURON),
    "FH0012": ("description", {**NEURON, "predictions": [{**PREDICTION, "probe": "none"}]},
               {"predictions": [PREDICTION]}),
    "FH0013": ("description", {**NEURON, "predictions": [{**PREDICTION, "most": 0.5}]}, {"predictions": [PREDICTION]}),
    "FH0014": ("collection", {"title": "Some", "query": "(curve"}, {"query": "(curve)"}),
    "FH0015": ("link", {**LINK, "source": "edges:2", "rests_on": {"finding": "@measured"}}, EDGE),
    "FH0016": ("circuit", {"title": "One", "nodes": NODES, "edges": [{**EDGE, "finding": "@pictured"}]},
               {"edges": [{**EDGE, "finding": "@measured"}]}),
    "FH0017": ("link", {**LINK, "sign": "-", "rests_on": {"finding": "@measured"}}, {"sign": "+"}),
    "FH0018": ("description", {**NEURON, "terms": [DETECTS, DENIES]}, {"terms": [DETECTS]}),
    "FH0019": ("description", {**NEURON, "senses": [{"title": "a", "share": 0.7}, {"title": "b", "share": 0.4}]},
               {"senses": [{"title": str(place), "share": 0.1} for place in range(10)]}),
    "FH0020": ("evidence", {"method": "DX", "parameters": {"sampling": "top"}},
               {"parameters": {"sampling": "spectrum"}}),
    "FH0021": ("description", {**NEURON, "claims": {"purity": "claimed"}, "senses": [{"title": "a"}, {"title": "b"}]},
               {"claims": {"purity": "denied"}}),
    "FH0070": ("evidence", {"method": "HW"}, {"parameters": {"metric": "top1", "baseline": 0.7}}),
    "FH0081": ("evidence", {"method": "AB"}, {"parameters": {"control": "19 random units"}}),
    "FH0090": ("evidence", {"method": "LT"}, READ),
    "FH0091": ("evidence", {"method": "AU"}, {"interpretation": "I looked at two hundred examples."}),
    "FH0092": ("evidence", {"method": "SX"}, {"jobs": ["@pictured"]}),
    "FH0093": ("evidence", {"method": "SX", "assertion": "automatic"}, {"assertion": "manual"}),
    "FH0094": ("evidence", {"method": "SX", "artifacts": ["@picture"]}, {"alt_text": "A curve, six times."}),
}  # fmt: skip


@pytest.fixture
def named(checkpoint, alice, ana, lab, measure, ask_for, answer_jobs):
    """What contents name: a word, links, collections, a finding of an edge, one of a unit, a picture."""
    terms.create(actor=ana, slug="curve", label="curve")
    measured = measure(checkpoint, alice, "mixed:3", Measured("edges:1", "mixed:3", "expanded", 0.5, "+", 0.25))
    [pictured] = answer_jobs(*ask_for(checkpoint, alice, "edges:1").jobs)

    def made(kind, content):
        return footholds.create(actor=ana, kind=kind, checkpoint=checkpoint, team=lab, content=content).accession

    return {
        "@measured": measured.fingerprint,
        "@pictured": pictured.fingerprint,
        "@picture": artifacts.keep(b"a picture", media_type="image/png").sha256,
        "@link": made("link", LINK),
        "@other": made("link", {**LINK, "source": "edges:2"}),
        "@list": made("collection", {"title": "Some"}),
        "@family": made("collection", {"title": "Curves", "form": "family", "items": [{"unit": "edges:1"}]}),
    }


def meant(value, named):
    """A content with what it names by `@`."""
    if isinstance(value, dict):
        return {name: meant(inner, named) for name, inner in value.items()}
    if isinstance(value, list):
        return [meant(inner, named) for inner in value]
    return named.get(value, value) if isinstance(value, str) else value


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_each_rule_says_what_breaks_it_and_an_error_keeps_it_out(rule, named, checkpoint):
    kind, content, mended = BREAKS[rule.code]
    faulty, whole = (
        settle(meant(it, named), kind=kind, checkpoint=checkpoint, actor=None)
        for it in (content, {**content, **mended})
    )
    [found] = [it for it in broken(faulty) if it.rule is rule]
    assert found.pointer.split("/")[1] in faulty.kind.schema["properties"]
    assert found.detail.endswith(".")
    assert rule not in [it.rule for it in broken(whole)]
    assert (rule.code in kept_out_by(faulty)) == (rule.severity == "error")


def kept_out_by(settled):
    """The codes of the rules that refuse a content."""
    try:
        require(settled)
    except Validation as refused:
        return [it["code"] for it in refused.errors]
    return []


def test_every_rule_is_broken_here_and_nothing_else():
    assert [rule.code for rule in RULES] == sorted(BREAKS)
