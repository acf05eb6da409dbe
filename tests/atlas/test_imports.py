"""Claims by the thousand: what a preview says is what a commit does, twice is once, and undone is undone."""

import pytest

from atlas.errors import Forbidden, NoSuchImport, WrongStage
from atlas.models import Change, Foothold, Revision
from atlas.services import evidence, footholds, imports, reviews
from tests.claims import WORD, member, revise
from tests.importing import EVERY_KIND, LINK, codes, described, of, outcomes

pytestmark = pytest.mark.django_db


def test_what_the_preview_says_is_what_the_commit_does(preview, ana):
    wrong = {**described(3), "content": {"neuron": "mixed:12", "title": "x"}}
    batch = preview([*EVERY_KIND, wrong, described(1)])
    said = outcomes(batch, "judged")
    assert said == ["created"] * 5 + ["refused"] * 2
    assert Foothold.objects.count() == 0
    imports.commit(actor=ana, batch=batch)
    assert (batch.state, outcomes(batch)) == ("committed", said)
    assert codes(batch)[5:] == [[("/content/neuron", "no-such-neuron")], [("/external_id", "repeated")]]
    assert {row.state for row in Foothold.objects.all()} == {"proposed"}


def test_a_file_names_its_own_rows(load):
    load(EVERY_KIND)
    family = footholds.revision(of("curves"), 1).content
    assert [item.get("foothold") for item in family["items"]] == [None, of("n1").accession]
    edge = footholds.revision(of("circuit"), 1).content["edges"][0]
    assert edge["link"] == of(LINK["external_id"]).accession
    assert of("n1").support.get().evidence == of("word")


def test_a_second_import_changes_nothing(load, preview):
    load(EVERY_KIND)
    batch = preview(EVERY_KIND)
    before = (Foothold.objects.count(), Revision.objects.count(), Change.objects.filter(table="foothold").count())
    assert outcomes(batch, "judged") == ["unchanged"] * 5
    assert outcomes(load(EVERY_KIND)) == ["unchanged"] * 5
    assert before == (
        Foothold.objects.count(),
        Revision.objects.count(),
        Change.objects.filter(table="foothold").count(),
    )


def test_a_changed_row_revises_what_only_imports_have_written(load, ana):
    load([described(1), described(2)])
    revise(of("n2"), ana, title="By hand")
    batch = load([described(1, "An arc"), described(2, "An arc")])
    assert outcomes(batch) == ["revised", "conflict"]
    assert [of(name).title for name in ("n1", "n2")] == ["An arc", "By hand"]
    assert "by hand" in batch.rows.last().errors[0]["detail"]


def test_what_was_made_here_is_known_by_its_accession(load, claim):
    said = footholds.revision(claim, 1).content
    row = {"external_id": claim.accession, "kind": "description", "content": said}
    changed = {**row, "content": {**said, "title": "Another"}}
    assert outcomes(load([row])) == ["unchanged"]
    assert outcomes(load([changed])) == ["conflict"]
    assert Foothold.objects.count() == 1


def test_what_is_another_kind_or_elsewhere_is_refused(load, register):
    load([described(1)])
    register("other", "b")
    rows_ = [{**LINK, "external_id": "n1"}, {**described(1), "external_id": "n1", "checkpoint": "other"}]
    assert codes(load(rows_[:1])) == [[("/kind", "read-only-field")]]
    assert codes(load(rows_[1:])) == [[("/checkpoint", "read-only-field")]]


def test_teams_do_not_get_in_each_others_way(load, register, ana):
    from atlas.models import Role
    from atlas.services import teams

    other = teams.found(actor=None, slug="other", name="Other", admin=None)
    dora = member("dora", other, Role.ANNOTATOR)
    load([described(1)])
    assert outcomes(load([described(1)], actor=dora, team=other)) == ["created"]
    assert Foothold.objects.filter(external_id="n1").count() == 2


# --- undo -------------------------------------------------------------------------------------------------------------
def test_an_undo_goes_past_what_others_have_touched(load, ana, bo, lab):
    before = load([described(9)])
    batch = load([*map(described, range(7)), described(9, "Changed"), described(8), described(10)])
    revise(of("n1"), bo, title="Better")
    reviews.review(actor=bo, foothold=of("n2"), version=1, verdict="agree")
    evidence.give(actor=bo, claim=of("n3"), team=lab, content=WORD)
    footholds.create(
        actor=bo,
        kind="collection",
        checkpoint=None,
        team=lab,
        content={"title": "Mine", "items": [{"foothold": of("n4").accession}]},
    )
    footholds.withdraw(actor=ana, foothold=of("n5"))
    curator = _curator(lab)
    footholds.set_rank(actor=curator, foothold=of("n10"), rank="preferred")
    footholds.merge(actor=curator, foothold=of("n8"), into=of("n6"), reason="The same.")
    imports.undo(actor=ana, batch=batch)
    assert batch.state == "undone"
    kept = ["kept"] * 6
    assert outcomes(batch, "reversal") == ["withdrawn", *kept, "restored", "kept", "kept"]
    details = [row.errors[0]["detail"] for row in batch.rows.filter(reversal="kept")]
    assert details == [
        "It was revised since: it is at version 2.",
        "It was reviewed since.",
        "Evidence was given for it or against it since.",
        "Another foothold names it.",
        "It is withdrawn now.",
        "Another foothold was merged into it since.",
        "It is merged now.",
        "A curator has made it preferred since.",
    ]
    assert (of("n0").state, of("n1").state, of("n9").title) == ("withdrawn", "proposed", "A curve")
    assert of("n9").head_version == 3
    assert before.rows.get().foothold == of("n9")


def _curator(lab):
    from atlas.models import Role

    return member("cleo", lab, Role.CURATOR)


def test_the_undo_is_undone(load, preview, ana):
    load([described(9)])
    batch = load([*EVERY_KIND, described(9, "Changed")])
    made = Foothold.objects.count()
    imports.undo(actor=ana, batch=batch)
    assert set(outcomes(batch, "reversal")) == {"withdrawn", "restored"}
    assert outcomes(preview(EVERY_KIND), "judged") == ["conflict"] * 5
    imports.redo(actor=ana, batch=batch)
    assert (batch.state, set(outcomes(batch, "reversal"))) == ("committed", {"redone"})
    assert {row.state for row in Foothold.objects.all()} == {"proposed"}
    assert (of("n9").title, of("n9").head_version, Foothold.objects.count()) == ("Changed", 4, made)
    imports.undo(actor=ana, batch=batch)
    assert set(outcomes(batch, "reversal")) == {"withdrawn", "restored"}
    assert of("n9").title == "A curve"


def test_of_two_imports_the_later_is_undone_first(load, ana):
    first, second = load([described(1)]), load([described(1, "An arc")])
    imports.undo(actor=ana, batch=second)
    imports.undo(actor=ana, batch=first)
    assert (outcomes(second, "reversal"), outcomes(first, "reversal")) == (["restored"], ["withdrawn"])
    imports.redo(actor=ana, batch=first)
    imports.redo(actor=ana, batch=second)
    assert (of("n1").title, of("n1").state, of("n1").head_version) == ("An arc", "proposed", 4)


def test_of_two_imports_the_earlier_is_not_undone_first(load, ana):
    first, second = load([described(1)]), load([described(1, "An arc")])
    imports.undo(actor=ana, batch=first)
    assert outcomes(first, "reversal") == ["kept"]
    imports.undo(actor=ana, batch=second)
    assert of("n1").title == "A curve"


def test_what_is_touched_between_undo_and_redo_stays(load, ana, lab):
    batch = load([described(0), described(1)])
    imports.undo(actor=ana, batch=batch)
    footholds.retract(actor=_curator(lab), foothold=of("n1"), reason="Wrong anyway.")
    imports.redo(actor=ana, batch=batch)
    assert outcomes(batch, "reversal") == ["redone", "kept"]
    assert [of(name).state for name in ("n0", "n1")] == ["proposed", "retracted"]


def test_each_step_follows_the_one_before(preview, ana):
    batch = preview([described(1)])
    for step in (imports.undo, imports.redo):
        with pytest.raises(WrongStage, match="This import is staged"):
            step(actor=ana, batch=batch)
    imports.commit(actor=ana, batch=batch)
    for step in (imports.judge, imports.commit, imports.redo):
        with pytest.raises(WrongStage, match="This import is committed"):
            step(actor=ana, batch=batch)


def test_in_small_steps_it_comes_to_the_same(preview, ana, monkeypatch):
    monkeypatch.setattr(imports, "CHUNK", 2)
    batch = preview([described(number) for number in range(5)])
    for step, during in ((imports.commit, "committing"), (imports.undo, "undoing"), (imports.redo, "redoing")):
        seen = []
        while not seen or batch.state == during:
            step(actor=ana, batch=batch, seconds=0)
            seen.append(batch.done)
        assert seen == [2, 4, 0]
    assert outcomes(batch) == ["created"] * 5


# --- who --------------------------------------------------------------------------------------------------------------
def test_others_batches_are_the_curators(load, preview, bo, lab, bob):
    batch = preview([described(1)])
    for step in (imports.judge, imports.commit):
        with pytest.raises(Forbidden):
            step(actor=bo, batch=batch)
    with pytest.raises(NoSuchImport):
        imports.find(str(batch.public_id), actor=bob)
    curator = _curator(lab)
    imports.commit(actor=curator, batch=batch)
    imports.undo(actor=curator, batch=batch)
    assert of("n1").state == "withdrawn"
    assert outcomes(batch, "reversal") == ["withdrawn"]
