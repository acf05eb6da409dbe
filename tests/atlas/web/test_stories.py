"""What pages tell: how a question stands and whose fault it is, who computes, and people's words as words only."""

import pytest

from atlas.models import Worker
from atlas.services import workers as presence
from atlas.web import figures
from tests.atlas.web.reading import Page, faults, read

pytestmark = pytest.mark.django_db

HOSTILE = '<script>alert("x")</script>"\'><img src=x onerror=alert(1)>{{ 7|add:"1" }}'


class TestAFinding:
    def test_shows_each_picture_with_sign_seed_and_what_it_reached(self, client, answered):
        answered("edges:0")
        page = read(client, "/c/toy/edges/0")
        captions = [one.text for one in page.all("figcaption") if one.text.startswith("seed")]
        assert captions == [f"seed {seed} reaches {reached}" for reached in ("2.25", "−1.75") for seed in (0, 1, 2)]
        assert [one.text.strip() for one in page.all("h3")][:2] == ["+ Excites", "− Inhibits"]
        assert "read after the ReLU (+), before the ReLU (−)" in page.text

    def test_says_how_it_was_made(self, client, answered):
        job = answered("edges:0")
        page = read(client, "/c/toy/edges/0")
        for said in (
            job.fingerprint[:12],
            "in 1.5 s on cpu",
            "float32",
            "torch 2.0",
            "seeds = 0, 1, 2",
            "algorithms on",
        ):
            assert said in page.text

    def test_draws_the_objective_with_its_axes(self, client, answered):
        answered("edges:0")
        html = client.get("/c/toy/edges/0").content.decode()
        assert html.count("<polyline") == 6
        assert 'aria-label="The objective over 10 steps, from 0 to 1.25"' in html

    def test_that_no_neuron_answers_to_is_said_to_be_silent(self, client, answered):
        answered("edges:0", silent=True)
        for address in ("/c/toy", "/c/toy/edges", "/c/toy/edges/0"):
            assert "silent" in [one.text for one in read(client, address).all("span") if one["class"] == "flag"]

    def test_is_new_on_the_first_page(self, client, answered):
        answered("edges:0")
        page = read(client, "/")
        assert "/c/toy/edges/0" in {link["href"] for link in page.all("a")}
        assert "1 visualized" in page.text


class TestAQuestion:
    def test_that_waits_says_for_what(self, client, every_state):
        page = read(client, f"/j/{every_state['queued'].fingerprint}")
        assert "Waiting" in page.text
        # One worker, which has a question of about 1 s in its hands.
        assert "It begins in about 1 s and takes about 1 s." in page.text

    def test_nobody_works_on_is_said_to_wait_for_a_worker(self, client, signed_in, every_state):
        Worker.objects.update(stopped_at="2026-01-01T00:00:00Z")
        for address in ("/", f"/j/{every_state['queued'].fingerprint}", "/c/toy/mixed/1"):
            assert "No worker is running" in read(client, address).text

    def test_has_a_place_for_every_picture_before_it_comes(self, client, every_state):
        page = read(client, "/c/toy/mixed/1")
        assert len([one for one in page.all("span") if one["class"] == "blank"]) == 6

    def test_that_runs_shows_how_far_it_is_and_the_picture_forming(self, client, every_state):
        response = client.get(f"/j/{every_state['running'].fingerprint}/progress")
        live = Page(f"<body>{response.content.decode()}</body>")
        assert "Computing, step 4 of 10" in live.text
        assert live.one("progress")["value"] == "4"
        assert len(live.all("img")) == 1
        assert len([one for one in live.all("span") if one["class"] == "blank"]) == 5

    @pytest.mark.parametrize(
        ("state", "goes_on"), [("queued", True), ("running", True), ("done", False), ("failed", False)]
    )
    def test_is_asked_after_only_while_something_may_change(self, client, every_state, state, goes_on):
        response = client.get(f"/j/{every_state[state].fingerprint}/progress", headers={"hx-request": "true"})
        assert response.status_code == (200 if goes_on else 286)
        assert (b"hx-get" in response.content) == goes_on

    @pytest.mark.parametrize(
        ("state", "says"),
        [
            ("failed", ["cannot be answered", "The unit is broken.", "Ask with other parameters"]),
            ("quarantined", ["given up", "The fault is on our side", "a curator can queue it again"]),
            ("cancelled", ["cancelled", "Ask again, and it starts over."]),
        ],
    )
    def test_without_an_answer_says_whose_fault_it_is_and_what_to_do(self, client, every_state, state, says):
        job = every_state[state]
        for address in (f"/j/{job.fingerprint}", f"/c/toy/{job.subject_text.replace(':', '/')}"):
            page = read(client, address)
            assert [word for word in says if word not in page.text] == []

    def test_tells_its_history_in_words(self, client, every_state):
        said = [one.text for one in read(client, f"/j/{every_state['quarantined'].fingerprint}").all("li")]
        assert [line.partition(" ")[2].partition(" ")[2] for line in said[:2] + said[-1:]] == [
            "Asked",
            "Taken by a worker",
            "Given up (our fault)",
        ]


def test_a_worker_that_computes_another_function_is_said_to(client, checkpoint, worker, probe):
    presence.report(worker, checkpoint, passed=False, detail="mixed differs by 0.5 standard deviations")
    for address in ("/c/toy", "/c/toy/edges/0"):
        page = read(client, address)
        [alert] = [one for one in page.all("p") if one["role"] == "alert"]
        assert "does not reproduce" in alert.text
        assert "mixed differs by 0.5" in alert.text
    presence.report(worker, checkpoint, passed=True)
    assert "does not reproduce" not in read(client, "/c/toy").text


def test_before_a_worker_has_said_what_can_be_asked_there_is_no_form(signed_in, checkpoint):
    page = read(signed_in, "/c/toy/edges/0")
    assert "No worker has said yet what can be asked." in page.text
    assert "Compute" not in page.text


def test_an_empty_atlas_says_how_to_fill_it(client, db):
    for address in ("/", "/c"):
        page = read(client, address)
        assert "make demo" in page.text
        assert faults(page) == []


@pytest.fixture
def hostile(registered):
    """A checkpoint whose card means harm."""
    measured = {"metric": HOSTILE, "value": 1, "n": 2, "dataset": HOSTILE}
    words = {"summary": HOSTILE, "labels": [HOSTILE], "paper": HOSTILE, "units": {"edges": [HOSTILE]}}
    return registered(
        "hostile", title=HOSTILE[:100], licence=HOSTILE[:100], source=f"see {HOSTILE}", figures=[measured], **words
    )


def test_peoples_words_are_words_only(client, hostile):
    for address in ("/", "/c", "/c/hostile", "/c/hostile/edges", "/c/hostile/edges/0"):
        html = client.get(address).content.decode()
        page = Page(html)
        assert faults(page) == []
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert all(one["href"].startswith(("/", "#", "https://", "http://")) for one in page.all("a", "link"))


def test_a_summary_is_markdown(client, registered):
    summary = "Reads *curves*.\n\n# How\n\n- see [Zoom In](https://distill.pub/2020/circuits/zoom-in/)\n- or `edges`"
    registered("written", summary=summary)
    page = read(client, "/c/written")
    assert faults(page) == []
    [link] = [one for one in page.all("a") if one.text == "Zoom In"]
    assert (link["href"], "nofollow" in link["rel"]) == ("https://distill.pub/2020/circuits/zoom-in/", True)
    assert page.all("h2")[0].text == "How"
    assert "Reads curves. How see Zoom In or edges" in read(client, "/c").text


@pytest.mark.parametrize(
    ("source", "linked"),
    [
        ("https://example.org/a", True),
        ("http://example.org", True),
        ("javascript:alert(1)", False),
        (" https://example.org", False),
        ("HTTPS:alert(1)", False),
        ("https://example.org/ onclick=x", False),
        ("data:text/html,x", False),
    ],
)
def test_only_web_addresses_become_links(source, linked):
    assert figures.is_web(source) is linked


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: figures.figure(-0.123456), "−0.123"),
        (lambda: figures.figure(1234567.0), "1.23e+06"),
        (lambda: figures.figure(-1674.2), "−1,670"),
        (lambda: figures.figure(999.9), "1,000"),
        (lambda: figures.figure(None), "–"),
        (lambda: figures.million(23_500_000), "23.5 million"),
        (lambda: figures.million(46_000), "46 thousand"),
        (lambda: figures.million(999), "999"),
        (lambda: figures.thousands(3944), "3,944"),
        (lambda: figures.share(1, 3), 33.3),
        (lambda: figures.share(0, 0), 0.0),
        (lambda: figures.plain([0, 1, True, 0.05]), "0, 1, yes, 0.05"),
        (lambda: figures.by([15, 1000]), "15 × 1,000"),
    ],
)
def test_numbers_read_as_people_read_them(call, says):
    found = call()
    assert (found.replace("\N{NO-BREAK SPACE}", " ") if isinstance(found, str) else found) == says


def test_a_drawing_of_what_is_seen_is_to_scale(checkpoint):
    from atlas.dossiers.checkpoints import layers

    edges, mixed = layers(checkpoint)
    drawn = figures.field_of_view(edges, [32, 32])
    assert drawn["patch"]["width"] / drawn["plate"]["width"] == pytest.approx(3 / 32, abs=0.01)
    assert not drawn["everything"]
    assert figures.field_of_view(mixed, [8, 9])["everything"]
    assert (
        figures.field_of_view(mixed, [8, 9])["patch"]["height"]
        == figures.field_of_view(mixed, [8, 9])["plate"]["height"]
    )
