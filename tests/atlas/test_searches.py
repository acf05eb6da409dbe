"""Saved searches: judged as they are kept, new is what was written since, and nobody reads them but who may."""

import pytest

from atlas.errors import Forbidden, NoSuchSearch, Validation
from atlas.models import SavedSearch
from atlas.services import people, searches, teams

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(ana):
    return searches.save(actor=ana, name="Curves", query="curve -straight")


def test_a_name_holds_one_query(ana, kept):
    again = searches.save(actor=ana, name=" Curves ", query="curve state:accepted")
    assert SavedSearch.objects.get() == again
    assert again.query == "curve state:accepted"
    assert again.seen_at == kept.seen_at


def test_what_cannot_be_read_is_not_kept(ana):
    for query in ("kind:descripton", "((", "\x00", " ", "x" * 1_001):
        with pytest.raises(Validation) as refused:
            searches.save(actor=ana, name="x", query=query)
        assert [fault["pointer"] for fault in refused.value.errors] == ["/query"], query


def test_new_is_what_was_written_since_its_owner_looked(ana, bo, kept, describe):
    assert searches.new(kept, actor=ana) == 0
    describe(title="A curve")
    assert searches.new(kept, actor=ana) == 1
    describe(title="A curve", neuron="mixed:8", draft=True)  # her own draft
    assert searches.new(kept, actor=ana) == 2
    searches.look(actor=ana, search=kept)
    kept.refresh_from_db()
    assert searches.new(kept, actor=ana) == 0
    assert searches.new(kept, actor=bo) is None


def test_only_its_owner_and_the_team_it_is_shared_with_know_of_it(ana, bo, lab, kept):
    with pytest.raises(NoSuchSearch):
        searches.find(str(kept.pk), actor=bo)
    searches.save(actor=ana, name="Curves", query="curve", team=lab)
    assert searches.find(str(kept.pk), actor=bo) == kept
    for number in ("0", "x", "9" * 30, "٣"):
        with pytest.raises(NoSuchSearch):
            searches.find(number, actor=ana)
    with pytest.raises(NoSuchSearch):
        searches.remove(actor=bo, search=kept)
    other = teams.found(actor=None, slug="other", name="Other", admin=None)
    with pytest.raises(Forbidden):
        searches.save(actor=ana, name="Curves", query="curve", team=other)


def test_who_keeps_very_many_is_asked_to_remove_one(ana, monkeypatch):
    monkeypatch.setattr(searches, "MOST", 2)
    for name in "ab":
        searches.save(actor=ana, name=name, query="curve")
    searches.save(actor=ana, name="a", query="line")
    with pytest.raises(Validation, match="remove one"):
        searches.save(actor=ana, name="c", query="curve")


def test_who_is_forgotten_leaves_none(ana, kept):
    people.erase(actor=ana, user=ana.login)
    assert not SavedSearch.objects.exists()


def test_pages_keep_ask_and_remove(ana, kept, claim, client):
    client.force_login(ana.login)
    assert "1 new" in client.get(f"/me/searches/{kept.pk}/new").content.decode()
    page = client.get("/me/searches?q=term:curve").content.decode()
    assert "curve -straight" in page
    assert 'value="term:curve"' in page
    assert client.post(f"/me/searches/{kept.pk}/run")["Location"] == "/search?q=curve+-straight"
    assert "nothing new" in client.get(f"/me/searches/{kept.pk}/new").content.decode()
    wrong = client.post("/me/searches", {"name": "Wrong", "query": "kind:descripton"})
    assert wrong.status_code == 422
    assert "Did you mean description?" in wrong.content.decode()
    client.post("/me/searches", {"name": "Links", "query": "kind:link", "team": "lab"})
    assert [one["name"] for one in client.get("/me/searches.json").json()["items"]] == ["Curves", "Links"]
    client.post(f"/me/searches/{kept.pk}/remove")
    assert SavedSearch.objects.get().name == "Links"
