"""What is cited answers in every format, says so to machines before the page, and never says anything else."""

import re
from dataclasses import replace

import pytest

from atlas.citing import FORMATS
from atlas.citing.signposting import Link
from atlas.models import Checkpoint
from tests.atlas.citing.test_signposting import parsed
from tests.atlas.citing.works import HOSTILE
from tests.atlas.web.reading import page_of, read
from tests.conftest import registration

pytestmark = pytest.mark.django_db
CITED = ("/c/toy", "/c/toy/edges/0", "/c/toy/mixed/11")
SIGNPOSTS = {
    "cite-as", "describedby", "item", "author", "license", "type", "collection", "version-history", "latest-version",
}  # fmt: skip
BIBTEX = """\
@misc{footholds:toy/edges:0,
  key = {Neuron edges:0 of toy (hand-made)},
  title = {{Neuron edges:0 of toy (hand-made)}},
  publisher = {testserver Atlas},
  howpublished = {\\url{http://testserver/c/toy/edges/0}},
  url = {http://testserver/c/toy/edges/0},
  note = {checkpoint sha256:DIGEST}
}
"""


def every_form(client, address):
    """The bytes of an address in every format."""
    return {suffix: client.get(f"{address}{suffix}").content for suffix in FORMATS}


def test_every_format_by_suffix_and_by_accept(client, checkpoint):
    for address in CITED:
        for suffix, form in FORMATS.items():
            by_suffix = client.get(f"{address}{suffix}", headers={"accept": "text/html"})
            by_accept = client.get(address, headers={"accept": f"text/rtf, {form.media_type};q=0.9"})
            assert by_suffix.content == by_accept.content != b""
            for response in (by_suffix, by_accept):
                assert response.status_code == 200
                assert response["Content-Type"].partition(";")[0] == form.media_type
                assert {"Accept", "Cookie"} <= {name.strip() for name in response["Vary"].split(",")}
                assert response["X-Content-Type-Options"] == "nosniff"


def test_a_browser_gets_the_page_and_a_script_json(client, checkpoint):
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
    for accept, kind in ((browser, "text/html"), ("*/*", "text/html"), ("application/json", "application/json")):
        assert client.get("/c/toy/edges/0", headers={"accept": accept})["Content-Type"].startswith(kind)


def test_the_exact_bytes(client, checkpoint):
    assert client.get("/c/toy/edges/0.bib").content.decode() == BIBTEX.replace("DIGEST", checkpoint.digest)
    registered = checkpoint.created_at
    assert client.get("/c/toy.txt").content.decode() == (
        f"Checkpoint toy (hand-made). testserver Atlas, {registered.day} {registered:%B %Y}. "
        f"http://testserver/c/toy (checkpoint sha256:{checkpoint.digest}).\n"
    )


def test_the_bytes_stay_whatever_happens_to_what_may_change(client, checkpoint, answered):
    before = {address: every_form(client, address) for address in CITED}
    answered("edges:0")
    answered("mixed:11")
    Checkpoint.objects.update(
        title="Another", summary="x", licence="MIT", source="y", paper="z", labels=[], units={"edges": ["an edge"]},
        status="deprecated",
    )  # fmt: skip
    assert {address: every_form(client, address) for address in CITED} == before


def test_header_and_page_say_the_same_links(client, checkpoint, answered):
    answered("edges:0")
    for address in CITED:
        response = client.get(address)
        header = parsed(response["Link"])
        inside = page_of(response).all("link")
        assert header == tuple(Link(it["rel"], it["href"], it["type"]) for it in inside if it["rel"] in SIGNPOSTS)
        for suffix in (".json", ".html", *FORMATS):
            assert client.get(f"{address}{suffix}")["Link"] == response["Link"]
        assert client.head(address)["Link"] == response["Link"]


def test_every_link_leads_to_what_it_says(client, checkpoint, answered):
    answered("edges:0")
    for address in CITED:
        pictures = [image["src"] for image in read(client, address).all("img")]
        for link in parsed(client.get(address)["Link"]):
            path = link.href.removeprefix("http://testserver")
            if link.rel in ("type", "license"):
                assert link.href.startswith("https://")
            elif link.rel == "item":
                assert (path in pictures, link.type) == (True, "image/png")
            else:
                response = client.get(path)
                assert response.status_code == 200
                assert response["Content-Type"].partition(";")[0] == (link.type or "text/html")


def test_the_links_of_a_neuron(client, checkpoint, answered):
    job = answered("edges:0")
    links = parsed(client.get("/c/toy/edges/0")["Link"])
    found = {rel: [link.href for link in links if link.rel == rel] for rel in SIGNPOSTS}
    assert found["cite-as"] == ["http://testserver/c/toy/edges/0"]
    assert found["collection"] == ["http://testserver/c/toy"]
    assert found["license"] == ["https://creativecommons.org/publicdomain/zero/1.0/"]
    images = [shown.artifact_id for shown in job.finding.shown.filter(role="image")]
    assert found["item"] == [f"http://testserver/a/{sha256}.png" for sha256 in images]
    assert found["author"] == found["version-history"] == found["latest-version"] == []


def test_reference_managers_find_a_dataset(client, checkpoint):
    for address in CITED:
        named = {one["name"]: one["content"] for one in read(client, address).all("meta")}
        assert named["z:itemType"] == "dataset"
        assert named["DC.title"] == named["citation_title"]
        assert named["citation_public_url"] == named["DC.identifier"] == f"http://testserver{address}"
        assert not [name for name in named if "journal" in name]


def test_the_page_shows_every_format_and_tells_permalink_from_citation(client, checkpoint):
    for address in CITED:
        page = read(client, address)
        [details] = [one for one in page.all("details") if one["class"] == "citation"]
        shown = [pre.text for pre in page.all("pre")]
        assert shown == [client.get(f"{address}{suffix}").content.decode() for suffix in FORMATS]
        within = [link["href"] for link in page.all("a") if "details" in link.within]
        leads = [href for href in within if href.startswith(f"{address}.")]
        assert leads == [f"{address}{suffix}" for suffix in FORMATS]
        assert f"Permalink http://testserver{address} Copy permalink" in page.text
        assert details.text.split()[:2] == ["Cite", "it"]


def test_a_hostile_name_breaks_out_of_nothing(client, registered):
    """An architecture is the only free word in a citation: it stands in HTML, headers, TeX and RIS."""
    facts = replace(registration("b"), architecture=HOSTILE.replace("\x00", "")[:100])
    registered("hostile", facts=facts)
    page = read(client, "/c/hostile")
    assert not page.all("b")
    assert {one["name"]: one["content"] for one in page.all("meta")}["DC.title"].startswith("Checkpoint hostile (Car")
    assert client.get("/c/hostile.ris").content.decode().count("\r\n") == 8
    assert "\u202e" not in client.get("/c/hostile.txt").content.decode()


def test_where_the_atlas_is_known_wins_over_how_somebody_came(client, checkpoint, settings):
    settings.ADDRESS = "https://atlas.example.org"
    for address in CITED:
        for suffix, content in every_form(client, address).items():
            assert b"testserver" not in content, suffix
            assert f"https://atlas.example.org{address}".encode() in content
        assert "testserver" not in client.get(address)["Link"]
    assert b"publisher = {atlas.example.org Atlas}" in client.get("/c/toy.bib").content


def test_what_somebody_may_not_read_they_may_not_cite(client, checkpoint, operator):
    Checkpoint.objects.update(visibility="team")
    for address in CITED:
        for suffix in FORMATS:
            refused = client.get(f"{address}{suffix}")
            assert (refused.status_code, refused["Content-Type"]) == (404, "application/problem+json")
            assert "Link" not in refused
    client.force_login(operator.login)
    assert client.get("/c/toy/edges/0.bib").status_code == 200


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("/c/TOY.bib", "/c/toy.bib"),
        ("/c/Toy/edges/01.csl.json", "/c/toy/edges/1.csl.json"),
        ("/c/toy/mixed_5x5/2.ris", "/c/toy/mixed/10.ris"),
    ],
)
def test_another_spelling_leads_to_the_same_citation(client, checkpoint, spelling, canonical):
    response = client.get(spelling)
    assert (response.status_code, response["Location"]) == (308, canonical)


def test_a_form_is_posted_to_the_page_and_not_to_its_citation(signed_in, checkpoint, probe):
    refused = signed_in.post("/c/toy/edges/0.bib", {"probe": probe.name})
    assert refused.status_code == 406
    wrong = signed_in.post("/c/toy/edges/0", {"probe": probe.name, "steps": "many"})
    assert (wrong.status_code, len(page_of(wrong).all("pre"))) == (422, len(FORMATS))


def test_a_citation_that_is_not_there_is_refused_in_words_for_scripts(client, checkpoint):
    for path, headers in (("/c/toy/edges/9.bib", {}), ("/c/toy/edges/9", {"accept": "application/x-bibtex"})):
        refused = client.get(path, headers=headers)
        assert (refused.status_code, refused["Content-Type"]) == (404, "application/problem+json")
    listed = client.get("/c/toy.xml", headers={"accept": "application/json"}).json()["detail"]
    assert re.search(r"HTML and JSON \(\.json\), and as citations Text \(\.txt\), BibTeX \(\.bib\), ", listed)


def test_a_picture_more_or_less_is_a_matter_of_the_links(client, checkpoint, answered):
    for steps in range(1, 5):
        answered("edges:0", steps=steps)
    links = parsed(client.get("/c/toy/edges/0")["Link"])
    assert len([link for link in links if link.rel == "item"]) == 12  # of 24: the page's JSON has them all
