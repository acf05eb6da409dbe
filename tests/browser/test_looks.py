"""Every kind of page in a real browser: fit for everybody (axe), for any width and scheme, and without complaint."""

import io
import itertools
import threading

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from atlas.models import Job
from atlas.services import drafts, jobs, people, searches, teams, tokens
from atlas.services import workers as presence
from atlas.services.checkpoints import read_card
from atlas.services.questions import ask

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
QUICK = {"size": 32, "steps": 4, "seeds": [0], "polarity": "both"}
# Every width under every scheme: what is shown at one width only has its colours, too. A page is loaded once.
CONDITIONS = tuple(itertools.product((1440, 390), ("light", "dark")))
# Of those that share a name one would be open; what is looked at is all.
OPENED = "document.querySelectorAll('details').forEach(one => (one.removeAttribute('name'), one.open = true))"
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SERIOUS = """async () => (await axe.run({resultTypes: ["violations"], preload: false})).violations
  .filter(it => ["serious", "critical"].includes(it.impact)).map(it => `${it.id}: ${it.nodes[0].target}`)"""
PAGES = (
    "/", "/c", "/c/new", "/c/our-curves",
    "/c/curve-circuit", "/c/curve-circuit/gabor", "/c/curve-circuit/gabor/0", "/c/curve-circuit/gabor/1",
    "/c/curve-circuit/gabor/2", "/c/curve-circuit/readout/7", "/compare?a=curve-circuit/gabor/0&b=gabor:1",
    "/firing?checkpoint=curve-circuit", "/j/done", "/j/failed", "/j/running", "/j/cancelled",
    "/problems", "/problems/validation", "/accounts/login", "/accounts/password",
    "/accounts/email", "/accounts/2fa", "/accounts/reauthenticate", "/me", "/me/notifications", "/me/tokens",
    "/me/erase", "/teams", "/teams/curves", "/u/alice", "/changes", "/keyboard", "/resolve", "/me/searches",
    "/figures/done", "/d", "/review", "/unsent", "/j/done/evidence", "/search?q=curve",
)  # fmt: skip


@pytest.fixture
def people_and_jobs(organism) -> dict[str, Job]:
    """Alice, and a question of hers in every state, one of them really answered."""
    from workers.drain import Drain

    alice = people.join(username="alice", password=PASSWORD).contributor
    team = teams.found(actor=None, slug="curves", name="The curve detectors", admin=alice)
    teams.invite(actor=alice, team=team, role=20)
    tokens.create(owner=alice.login, name="nightly", scopes=["read", "compute"], team=team)
    searches.save(actor=alice, name="Curves", query="curve -straight", team=team)
    found = {}
    sent = {"slug": "our-curves", "architecture": "curve-circuit", "weights": io.BytesIO(b"w"), "sha256": "0" * 64}
    card = read_card({"title": "Curves of ours", "input": {}, "licence": "CC0-1.0"})

    def asked(state: str, channel: int) -> Job:
        about = {"subjects": [f"gabor:{channel}"], "site": None, "params": QUICK, "many": False}
        questions = ask(checkpoint=organism, probe="feature-visualization", **about)
        found[state] = jobs.request(actor=alice, checkpoint=organism, questions=questions).jobs[0]
        return found[state]

    asked("done", 0)
    weights = ask(checkpoint=organism, probe="connections", subjects=["gabor:0"], site=None, params={}, many=False)
    jobs.request(actor=alice, checkpoint=organism, questions=weights)
    for params in ({"steps": 8}, {"steps": 8, "second": "radius", "second_steps": 2}):
        tuning = ask(
            checkpoint=organism, probe="tuning", subjects=["gabor:0"], site=None, params=params, many=False
        )  # fmt: skip
        jobs.request(actor=alice, checkpoint=organism, questions=tuning)
    drain = Drain(stopping=threading.Event(), device="cpu")
    drain.drain(seconds=60)
    drain.leave()
    watching = presence.start(device="cpu", versions={})
    for state, channel in (("failed", 1), ("running", 2)):
        asked(state, channel)
        [found[state]] = jobs.claim(watching, limit=lambda head: 1, probes=[found[state].probe])
    jobs.fail(found["failed"], error={"slug": "broken", "detail": "It is broken.", "facts": {}, "fault": "yours"})
    jobs.cancel(actor=alice, job=asked("cancelled", 3))
    drafts.upload(actor=alice, card=card, team=team, **sent)
    return found


@pytest.fixture
def addresses(people_and_jobs) -> dict[str, str]:
    """The pages, with the fingerprint of the job in each state."""
    jobs_at = {f"/j/{state}": f"/j/{job.fingerprint}" for state, job in people_and_jobs.items()}
    shown = people_and_jobs["done"].finding.shown.filter(role="image").first()
    jobs_at["/j/done/evidence"] = f"{jobs_at['/j/done']}/evidence"
    jobs_at["/figures/done"] = f"/figures/{shown.artifact_id}"
    return {name: jobs_at.get(name, name) for name in PAGES}


def serious(page) -> list[str]:
    """What axe, which stands in the page, finds to be serious or critical, and where."""
    return page.evaluate(SERIOUS)


def sign_in(page) -> None:
    """As Alice."""
    page.goto("/accounts/login")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def test_every_page_is_fit_for_everybody_at_any_width(opened, addresses):
    page = opened()
    faults = {}
    for address in ("/accounts/login", "/accounts/signup", "/accounts/password/reset", "/accounts/inactive"):
        page.goto(address)
        faults[address] = seen(page)
    sign_in(page)
    for name, address in addresses.items():
        page.goto(address)
        page.evaluate(OPENED)
        faults[name] = seen(page)
    assert {name: fault for name, fault in faults.items() if fault} == {}


def seen(page) -> list[str]:
    """What is wrong with the page under any of the conditions."""
    found = []
    page.evaluate(Axe().axe_script)
    for width, scheme in CONDITIONS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        found += [f"{width} {scheme}: {fault}" for fault in serious(page)]
        found += [f"{width}: scrolls sideways" for beyond in [page.evaluate(OVERFLOW)] if beyond > 0]
    return found


def test_what_is_not_there_is_fit_too(opened, organism):
    page = opened()
    for address in ("/c/curve-circuit/gabor/16", "/nowhere"):
        page.goto(address)
        assert seen(page) == []
    page.troubles.clear()  # Chromium says on the console that the page was answered with 404


def test_the_documentation_of_the_api_breaks_no_rule_of_ours(opened, organism):
    page = opened()
    page.goto("/api/v1/docs")
    page.get_by_role("heading", name="Footholds").first.wait_for()


def test_nothing_moves_for_those_who_do_not_want_it(opened, people_and_jobs):
    moving = "() => getComputedStyle(document.querySelector('.pulse')).animationName"
    still, lively = (opened(reduced_motion=choice) for choice in ("reduce", "no-preference"))
    for page in (still, lively):
        page.goto("/c/curve-circuit/gabor")
    assert (still.evaluate(moving), lively.evaluate(moving)) == ("none", "breathe")


def test_a_table_that_goes_on_to_the_side_shows_that_it_does(opened, organism):
    """A shadow at its edge, under either scheme, until its end is reached; the keyboard takes one there."""
    page = opened(width=390)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto("/c/curve-circuit")
        region = page.get_by_role("region", name="What is known of each layer")
        region.focus()
        edge = region.bounding_box() | {"width": 6}
        edge["x"] += region.evaluate("it => it.clientWidth") - 6
        begins = page.screenshot(clip=edge)
        while region.evaluate("it => it.scrollLeft + it.clientWidth < it.scrollWidth - 1"):
            page.keyboard.press("ArrowRight")
        assert contrast(begins) > 2 * contrast(page.screenshot(clip=edge))


def contrast(png: bytes) -> float:
    """How much a row of pixels changes from side to side: the middle one of all, which holds no letter."""
    with Image.open(io.BytesIO(png)) as opened_image:
        grey = np.asarray(opened_image.convert("L"), dtype=float)
    return float(np.median(abs(np.diff(grey, axis=1)).sum(axis=1)))
