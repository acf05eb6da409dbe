"""The API cites what the pages cite, byte for byte."""

import pytest

from atlas.citing import FORMATS

pytestmark = pytest.mark.django_db
ROOT = "checkpoints/toy"
CITED = {f"{ROOT}/cite": "/c/toy", f"{ROOT}/layers/edges/neurons/1/cite": "/c/toy/edges/1"}


@pytest.mark.parametrize("path", CITED)
def test_all_formats_in_one_body(checkpoint, anybody, client, path):
    cited = anybody.get(path).json()
    assert cited["url"] == f"http://testserver{CITED[path]}"
    assert [it["suffix"] for it in cited["formats"]] == list(FORMATS)
    for it in cited["formats"]:
        page = client.get(it["url"].removeprefix("http://testserver"))
        assert it["text"] == page.content.decode()
        assert it["media_type"] == page["Content-Type"].partition(";")[0]


def test_an_alias_leads_to_the_citation_of_what_it_names(checkpoint, anybody):
    moved = anybody.get(f"{ROOT}/layers/mixed_5x5/neurons/2/cite")
    assert (moved.status_code, moved["Location"]) == (308, f"/api/v1/{ROOT}/layers/mixed/neurons/10/cite")


def test_where_the_atlas_is_known_stands_in_it(checkpoint, anybody, settings):
    settings.ADDRESS = "https://atlas.example.org"
    cited = anybody.get(f"{ROOT}/cite").json()
    assert (cited["key"], cited["url"]) == ("footholds:toy", "https://atlas.example.org/c/toy")
    assert "testserver" not in str(cited)
