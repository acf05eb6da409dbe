"""Equal questions are one job, however they are spelled; what is wrong with one is said with its pointer."""

import pytest

from atlas import validation
from atlas.errors import Validation
from atlas.services import catalog
from atlas.services.questions import ask

pytestmark = pytest.mark.django_db


def one(checkpoint, subject="edges:0", params=None, **more):
    [question] = ask(
        checkpoint=checkpoint,
        probe=more.pop("probe", "feature-visualization"),
        subjects=[subject],
        site=more.pop("site", None),
        params=params or {},
        many=False,
    )
    return question


def test_spelling_out_a_default_asks_the_same_question(checkpoint, probe):
    plain = one(checkpoint)
    for params in ({"steps": 10}, {"rate": 0.5, "steps": 10.0}, {"seeds": [0, 1, 2]}, {"polarity": "both"}):
        assert one(checkpoint, params=params).fingerprint == plain.fingerprint
    assert one(checkpoint, site="pre_relu").fingerprint == plain.fingerprint


def test_spelling_out_a_default_within_a_list_asks_the_same_question():
    from workers.interp import edit_forms

    schema = {"properties": {"edits": edit_forms.LIST, "top": {"type": "integer", "default": 3}}}
    short = {"edits": [{"op": "set", "value": "zero"}, {"op": "scale", "factor": 2}]}
    spelled = {"edits": [{"op": "set", "value": "zero", "alpha": 1, "where": None}, {"op": "scale", "factor": 2}]}
    assert validation.completed(short, schema) == {**spelled, "top": 3} == validation.completed(spelled, schema)
    for hostile in ({"edits": 7}, {"edits": [None, [], "x", {"op": []}]}, {"edits": [{"op": "set", "alpha": "x"}]}):
        validation.completed(hostile, schema)  # what is wrong with it is said elsewhere


@pytest.mark.parametrize(
    "params", [{"steps": 11}, {"rate": 0.25}, {"seeds": [0, 2, 1]}, {"polarity": "positive"}], ids=str
)
def test_another_parameter_is_another_question(checkpoint, probe, params):
    assert one(checkpoint, params=params).fingerprint != one(checkpoint).fingerprint


def test_another_site_unit_or_checkpoint_is_another_question(checkpoint, probe, register):
    other = register("other", "b")
    asked = [one(checkpoint), one(checkpoint, site="post_relu"), one(checkpoint, "edges:1"), one(other)]
    assert len({question.fingerprint for question in asked}) == 4


def test_an_alias_asks_about_the_neuron_it_means(checkpoint, probe):
    assert one(checkpoint, "mixed_5x5:3").fingerprint == one(checkpoint, "mixed:11").fingerprint
    assert one(checkpoint, "mixed_5x5:3").subject == {"kind": "unit", "units": [["mixed:11", 1]]}


def test_units_of_one_layer_share_a_forward_pass_and_others_do_not(checkpoint, probe):
    keys = [one(checkpoint, unit).batch_key for unit in ("edges:0", "edges:1", "mixed:0")]
    assert keys[0] == keys[1] != keys[2]
    assert one(checkpoint, "edges:0", {"steps": 3}).batch_key != keys[0]


def test_a_weighted_sum_keeps_its_order_and_reads_well(checkpoint, probe):
    question = one(checkpoint, [{"unit": "edges:0", "weight": 0.7}, {"unit": "mixed_5x5:0", "weight": -0.3}])
    assert question.subject["units"] == [["edges:0", 0.7], ["mixed:8", -0.3]]
    assert question.text == "0.7·edges:0 − 0.3·mixed:8"
    assert question.neuron is None


@pytest.mark.parametrize(
    ("asked", "pointer", "code"),
    [
        ({"subject": "edges:4"}, "/subject", "no-such-neuron"),
        ({"subject": "edgez:0"}, "/subject", "no-such-layer"),
        ({"subject": "edges"}, "/subject", "wrong-subject"),
        ({"subject": "edges:-1"}, "/subject", "not-a-unit"),
        ({"subject": []}, "/subject", "not-minitems"),
        ({"subject": [{"unit": "edges:0"}]}, "/subject/0/weight", "required"),
        ({"subject": [{"unit": "edges:0", "weight": 0}]}, "/subject/0/weight", "not-not"),
        ({"subject": [{"unit": "edges:0", "weight": 1}] * 2}, "/subject", "repeated"),
        ({"subject": {"unit": "edges:0"}}, "/subject", "not-type"),
        ({"subject": 7}, "/subject", "not-type"),
        ({"probe": "mind-reading"}, "/probe", "no-such-probe"),
        ({"site": "sideways"}, "/site", "no-such-site"),
        ({"params": {"steps": 0}}, "/params/steps", "out-of-range"),
        ({"params": {"steps": 10**9}}, "/params/steps", "out-of-range"),
        ({"params": {"steps": "10"}}, "/params/steps", "not-type"),
        ({"params": {"steps": True}}, "/params/steps", "not-type"),
        ({"params": {"steps": 1.5}}, "/params/steps", "not-type"),
        ({"params": {"seeds": [1, 1]}}, "/params/seeds", "not-uniqueitems"),
        ({"params": {"seeds": [-1]}}, "/params/seeds/0", "out-of-range"),
        ({"params": {"colour": 1}}, "/params/colour", "unknown-field"),
        ({"params": {"a/b~c": 1}}, "/params/a~1b~0c", "unknown-field"),
        ({"params": {"rate": float("nan")}}, "/params", "not-canonical"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_with_its_pointer(checkpoint, probe, asked, pointer, code):
    with pytest.raises(Validation) as caught:
        one(checkpoint, **asked)
    assert (pointer, code) in {(error["pointer"], error["code"]) for error in caught.value.errors}


def test_everything_that_is_wrong_is_said_at_once(checkpoint, probe):
    with pytest.raises(Validation) as caught:
        ask(
            checkpoint=checkpoint,
            probe=probe.name,
            subjects=["edges:9", "mixed:0", "nowhere:1"],
            site=None,
            params={"steps": 0},
            many=True,
        )
    assert [error["pointer"] for error in caught.value.errors] == ["/params/steps", "/subjects/0", "/subjects/2"]


def test_a_layer_is_asked_by_its_name_and_no_part_of_it(checkpoint, probe):
    kind = catalog.publish(
        name="dream", version=1, summary="", description="", schema={"properties": {}}, subjects=["layer"],
        site="pre_relu", example={}, seconds=1.0,
    )  # fmt: skip

    def asked(subject):
        return ask(checkpoint=checkpoint, probe=kind.name, subjects=[subject], site=None, params={}, many=False)

    [question] = asked("mixed")
    assert question.subject == {"kind": "layer", "units": [], "layer": "mixed"}
    assert (question.text, question.neuron) == ("mixed", None)
    for part, code in (("mixed_5x5", "not-a-layer"), ("nowhere", "no-such-layer")):
        with pytest.raises(Validation) as refused:
            asked(part)
        assert [(it["pointer"], it["code"]) for it in refused.value.errors] == [("/subject", code)]
