"""Laws over every page: whole, small, named, reachable in its forms, and read in a fixed number of queries."""

import re
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from atlas import problems, web
from atlas.citing import FORMATS
from atlas.dossiers import home
from atlas.services import jobs
from atlas.services.checkpoints import LayerFacts
from atlas.services.questions import ask
from atlas.web.prose import prose
from tests.atlas.web.conftest import picture
from tests.atlas.web.reading import faults, read
from tests.conftest import registration

pytestmark = pytest.mark.django_db

ADDRESSES = (
    "/", "/c", "/c/toy", "/c/toy/edges", "/c/toy/mixed", "/c/toy/edges/0", "/c/toy/edges/1", "/c/toy/edges/2",
    "/c/toy/edges/3", "/c/toy/mixed/0", "/c/toy/mixed/1", "/c/toy/mixed/11", "/j/done", "/j/failed", "/j/quarantined",
    "/j/cancelled", "/j/running", "/j/queued", "/problems", "/problems/no-such-neuron",
    "/search", "/search?q=curve", "/search?q=edges:1+-x", "/search?q=curv",
)  # fmt: skip
WITH_FORMS = tuple(address for address in ADDRESSES[1:] if not address.startswith("/problems") and "?" not in address)


@pytest.fixture
def at(every_state):
    """The address with the fingerprint of the job in that state."""
    return lambda address: re.sub(r"^/j/(\w+)", lambda found: f"/j/{every_state[found[1]].fingerprint}", address)


def found(check) -> dict[str, object]:
    """What a check finds on each address, where it finds anything: laws go over all at once, as rows cost time."""
    every = {address: check(address) for address in ADDRESSES}
    return {address: fault for address, fault in every.items() if fault}


@pytest.mark.parametrize("reader", ["anybody", "alice"])
def test_a_page_is_whole(client, user, at, reader):
    if reader == "alice":
        client.force_login(user)
    pages = {address: read(client, at(address)) for address in ADDRESSES}
    assert found(lambda address: faults(pages[address])) == {}
    for page in pages.values():
        assert page.one("html")["lang"] == "en"
        assert "Footholds" in page.one("title").text
        assert page.all("a")[0]["href"] == f"#{page.one('main')['id']}"  # the skip link comes first


@pytest.mark.parametrize("address", ["/accounts/login", "/accounts/password"])
def test_the_account_pages_are_whole(client, user, address):
    if address.endswith("password"):
        client.force_login(user)
    assert faults(read(client, address)) == []


MISSING = (
    ("/c/nope", 404, "There is no checkpoint nope."),
    ("/c/toy/nope", 404, "toy has no layer nope; its layers are edges, mixed."),
    ("/c/toy/edges/4", 404, "edges of toy has 4 neurons, 0 to 3; there is no neuron 4."),
    ("/c/toy/edges/-1", 404, "0 to 3; there is no neuron -1."),
    ("/c/toy/edges/one", 404, "0 to 3; there is no neuron one."),
    ("/c/toy/edges/٣", 404, "0 to 3; there is no neuron ٣."),
    ("/c/toy/edges/99999999999999999999", 404, "0 to 3"),
    ("/c/toy/mixed_5x5/4", 404, "0 to 3; there is no neuron 4."),
    ("/c/toy/edges?start=4", 400, "must be a channel from 0 to 3"),
    ("/c/toy/edges?start=-1", 400, "must be a channel from 0 to 3"),
    ("/c/toy/edges?start=²", 400, "must be a channel from 0 to 3"),
    ("/j/nope", 404, "There is no job nope."),
    (f"/a/{'0' * 64}.png", 404, f"There is no artifact {'0' * 64}."),
    ("/problems/nope", 404, "There is nothing at /problems/nope."),
    ("/nowhere", 404, "There is nothing at /nowhere."),
)


def test_what_is_not_there_says_what_is(client, checkpoint):
    for address, status, says in MISSING:
        page = read(client, address, status)
        assert says in page.text
        assert faults(page) == []
        document = client.get(address, headers={"accept": "application/json"})
        assert (document.status_code, document["Content-Type"]) == (status, problems.MEDIA_TYPE)
        assert says in document.json()["detail"]


def test_every_kind_of_problem_has_a_page_that_explains_it(client):
    for kind in problems.kinds():
        page = read(client, f"/problems/{kind.slug()}")
        assert page.one("h1").text == kind.title()
        assert f"/problems/{kind.slug()}" in page.text


def test_one_address_many_forms(client, at):
    for address in map(at, WITH_FORMS):
        by_suffix = client.get(f"{address}.json", headers={"accept": "text/html"})
        by_accept = client.get(address, headers={"accept": "application/json"})
        for response in (by_suffix, by_accept, client.get(address)):
            assert response.status_code == 200
            assert {"Accept", "Cookie"} <= {name.strip() for name in response["Vary"].split(",")}
        assert by_suffix.json() == by_accept.json() != {}
        html = client.get(f"{address}.html", headers={"accept": "application/json"})
        assert html["Content-Type"].startswith("text/html")


def test_a_form_that_is_not_there_is_refused_with_those_that_are(client, at):
    for address in map(at, WITH_FORMS):
        # A layer's key may hold dots: what follows one is a form only where it is a form's name.
        unknown = [] if address in ("/c/toy/edges", "/c/toy/mixed") else [".xml", ".tar.gz"]
        for form in (*(() if is_cited(address) else FORMATS), *unknown):
            refused = client.get(f"{address}{form}")
            assert (address, form, refused.status_code) == (address, form, 406)
            said = refused.content.decode()
            assert "HTML and JSON (.json)" in said
            assert all((form in said) == is_cited(address) for form in FORMATS)
        assert client.get(address, headers={"accept": "image/png"}).status_code == 406


def is_cited(address: str) -> bool:
    """Whether what stands at an address can be cited: checkpoints and neurons."""
    return address.startswith("/c/") and address.count("/") != 3


def test_other_methods_are_refused_by_name(client, at):
    for address in map(at, ADDRESSES):
        refused = client.delete(address)
        assert refused.status_code == 405
        assert refused["Allow"].startswith("GET, HEAD")


SPELLINGS = {
    "/c/TOY": "/c/toy",
    "/c/TOY.json": "/c/toy.json",
    "/c/toy/": "/c/toy",
    "/c/toy.json/": "/c/toy.json",
    "/c/": "/c",
    "/c/Toy/edges": "/c/toy/edges",
    "/c/toy/edges/?start=1": "/c/toy/edges?start=1",
    "/c/Toy/edges?start=1": "/c/toy/edges?start=1",
    "/c/Toy/edges/1": "/c/toy/edges/1",
    "/c/toy/edges/1/": "/c/toy/edges/1",
    "/c/toy/edges/001": "/c/toy/edges/1",
    "/c/toy/edges/000": "/c/toy/edges/0",
    "/c/toy/edges/01.json": "/c/toy/edges/1.json",
    "/c/toy/edges:3": "/c/toy/edges/3",
    "/c/toy/edges:03.json": "/c/toy/edges/3.json",
    "/c/toy/mixed_5x5": "/c/toy/mixed",
    "/c/toy/mixed_5x5/2": "/c/toy/mixed/10",
    "/c/toy/mixed_5x5:2": "/c/toy/mixed/10",
    "/c/toy/mixed_5x5/2.json": "/c/toy/mixed/10.json",
}


def test_other_spellings_lead_to_the_one_address(client, checkpoint):
    for spelling, canonical in SPELLINGS.items():
        response = client.get(spelling)
        assert (spelling, response.status_code, response["Location"]) == (spelling, 308, canonical)
        assert client.get(canonical).status_code == 200


@pytest.mark.parametrize("address", ["//evil.example/c/", "//evil.example/%2e%2e/"])
def test_a_slash_too_many_leads_to_no_other_host(client, address):
    response = client.get(f"http://testserver{address}")
    assert response.status_code == 404


def test_many_rows_cost_no_more_queries_than_two(client, answered, registered):
    job = answered("edges:0")
    answered("edges:0", steps=11)
    addresses = ("/", "/c", "/c/toy", "/c/toy/edges", "/c/toy/edges/0", f"/j/{job.fingerprint}")
    both = [(address, form) for address in addresses for form in ("text/html", "application/json")]
    few = {one: queries(client, *one) for one in both}
    for number in range(2, 6):
        answered("edges:0", steps=10 + number)
        answered(f"mixed:{number}")
    for name in "bcd":
        registered(f"another-{name}", name=name)
    assert {one: queries(client, *one) for one in both} == few


def queries(client, address: str, form: str) -> int:
    """As who comes first asks: nothing is remembered."""
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address, headers={"accept": form}).status_code == 200
    return len(captured)


@pytest.fixture
def wide(registered, probe, alice, worker):
    """A layer of 120 neurons with long names, the first hundred with a picture."""
    facts = registration("wide")
    facts.layers[:] = [LayerFacts("features.0.wide", "conv", 120, [1, 1], [3, 3], [32, 32], ["post_relu"])]
    facts.aliases[:] = []
    units = {"features.0.wide": [f"an edge between light and dark at {degrees}°" for degrees in range(120)]}
    row = registered("a-checkpoint-with-quite-a-long-name", facts=facts, units=units)
    asked = [f"features.0.wide:{channel}" for channel in range(100)]
    questions = ask(checkpoint=row, probe=probe.name, subjects=asked, site=None, params={}, many=True)
    jobs.request(actor=alice, checkpoint=row, questions=questions)
    for job in jobs.claim(worker, limit=lambda head: 100, probes=[probe]):
        jobs.finish(job, numbers={}, provenance={}, shown=[picture("positive", 0, role="thumbnail")])
    return row


def test_a_wall_of_a_hundred_pictures_is_small(client, wide):
    page = read(client, f"/c/{wide.slug}/features.0.wide")
    assert len([image for image in page.all("img") if image["src"].startswith("/a/")]) == 100
    assert faults(page) == []
    assert "120 neurons, 1–100 shown" in page.text
    assert "120 neurons, 101–120 shown" in read(client, f"/c/{wide.slug}/features.0.wide?start=100").text


def test_nothing_on_a_page_is_active_and_nobody_may_frame_it(client, at):
    for address in map(at, (*ADDRESSES, "/nowhere", "/accounts/login", "/j/running/progress")):
        response = client.get(address)
        policy = dict(rule.strip().partition(" ")[::2] for rule in response["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert re.fullmatch(r"[0-9a-f-]{36}", response["X-Request-ID"])


@pytest.mark.parametrize("path", ["/c/a%00b", "/c/toy/a%00b", "/c/toy/edges/%00", "/j/%00", "/a/%00.png", "/%00"])
def test_an_address_no_database_could_be_asked_for_is_nowhere(client, checkpoint, path):
    assert client.get(path).status_code == 404


def test_the_home_page_counts_what_its_reader_may_read(checkpoint, asked, bob, operator):
    asked("edges:0")
    assert [home.home(reader).waiting for reader in (None, bob, operator)] == [1, 1, 1]
    type(checkpoint).objects.update(visibility="team")
    assert [home.home(reader).waiting for reader in (None, bob, operator)] == [0, 0, 1]


def test_every_table_is_moved_to_the_side_by_itself_and_has_a_name():
    """By the keyboard, too; in what people wrote as well."""
    framed = re.compile(r'<div class="scrolled" tabindex="0" role="region" aria-label(?:ledby)?="[^"]+"><table')
    pages = {path.name: path.read_text() for path in (Path(web.__file__).parent / "templates").rglob("*.html")}
    pages["prose"] = prose("|a|b|\n|-|-|\n|1|2|\n\n`<table>` [x](https://a.b '<table>')")
    closed = {name: re.sub(r">\s+<", "><", html) for name, html in pages.items()}
    assert [name for name, html in closed.items() if html.count("<table") != len(framed.findall(html))] == []


def test_what_is_saved_is_saved_by_one_word():
    """To keep is something else: what is typed and not saved yet is kept, and so is what somebody does not change."""
    pages = [path.read_text() for path in (Path(web.__file__).parent / "templates").rglob("*.html")]
    kept = {text for html in pages for text in re.findall(r"<(?:button|a|h2)[^>]*>(Keep[^<]*)<", html)}
    assert kept == {"Keep it for later", "Keep the old one"}
