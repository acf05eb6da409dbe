"""A claim in a real browser: made, shown, disputed, mended and cited; and its pages fit for everybody."""

import re

import pytest
from playwright.sync_api import Page, expect

from atlas.models import Foothold, Membership, Role
from atlas.services import people, teams
from tests.browser.test_looks import seen

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
DISPUTE = "It also answers to straight lines, see its third seed."
PAGES = (
    "/f", "/f/new?kind=circuit&checkpoint=curve-circuit", "/f/{it}", "/f/{it}/edit", "/f/{it}/history",
    "/f/{it}/diff/1..2", "/f/{it}/v1", "/t", "/search?q=light", "/agreement?checkpoint=curve-circuit", "/imports",
    "/imports/new", "/c/curve-circuit/gabor/0", "/f/new?kind=description&checkpoint=curve-circuit&neuron=gabor:0",
    "/review?at={it}",
)  # fmt: skip


@pytest.fixture
def lab(organism) -> None:
    """Ana, who annotates, and Bo, who reviews."""
    team = teams.found(actor=None, slug="lab", name="The lab", admin=None)
    for handle, role in (("ana", Role.ANNOTATOR), ("bo", Role.REVIEWER)):
        person = people.join(username=handle, password=PASSWORD).contributor
        Membership.objects.create(team=team, contributor=person, role=role)


def sign_in(page: Page, handle: str) -> None:
    """As one of them."""
    page.goto("/accounts/login")
    page.get_by_label("Username").fill(handle)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def describe(page: Page) -> None:
    """From the neuron's page to a claim of the lab; what was typed is there again after the tab was closed."""
    page.goto("/c/curve-circuit/gabor/0")
    page.get_by_role("link", name="Describe it").click()
    expect(page.get_by_label("Neuron", exact=True)).to_have_value("gabor:0")
    page.get_by_label("Title").fill("Light level lines")
    page.get_by_text("More, if you have it").click()
    page.get_by_role("button", name="Add to parameters").click()
    for column, typed in (("name", "orientation"), ("value", "0"), ("unit", "°"), ("tolerance", "10")):
        page.get_by_label(f"Parameters 1: {column}").fill(typed)
    expect(page.locator("[data-keeping]")).to_have_text(re.compile("^kept [0-9]+ s ago"))
    page.goto("about:blank")
    page.goto("/f/new?kind=description&checkpoint=curve-circuit&neuron=gabor:0")
    expect(page.get_by_label("Parameters 1: tolerance")).to_have_value("10")
    page.get_by_label("Whose it is").select_option("lab")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Light level lines")


def give_ones_word(page: Page) -> None:
    """Give one's word for it."""
    page.get_by_text("Say what speaks for it or against it").click()
    page.get_by_label("Or what you read or did").select_option("AU")
    page.get_by_label("What it says of the claim").fill("I looked at all of its pictures.")
    page.get_by_role("button", name="Add evidence").click()
    expect(page.get_by_text("I looked at all of its pictures.")).to_be_visible()


def dispute(page: Page) -> None:
    """From the queue, saying what is wrong with it; the first try does not say enough."""
    page.get_by_role("link", name="Review", exact=True).click()
    expect(page.get_by_role("heading", level=2, name="Light level lines")).to_be_visible()
    page.get_by_label("Dispute it, because").select_option("too-narrow")
    page.get_by_label("In your words").fill("No.")
    page.get_by_role("button", name="Dispute", exact=True).click()
    expect(page.get_by_text("Must have 20 to 4000 characters.")).to_be_visible()
    page.get_by_label("In your words").fill(DISPUTE)
    page.get_by_role("button", name="Dispute", exact=True).click()
    expect(page.get_by_text("Nothing awaits your review")).to_be_visible()


def edit(page: Page, accession: str, *, title: str) -> None:
    """Open the form for the next version, and type another title."""
    page.goto(f"/f/{accession}/edit")
    page.get_by_label("Title").fill(title)


def test_a_claim_is_made_disputed_mended_by_two_and_cited(opened, lab):
    """Ana has scripts; Bo has none, and a narrow window."""
    ana, bo = opened(), opened(width=390, java_script_enabled=False)
    sign_in(ana, "ana")
    describe(ana)
    give_ones_word(ana)
    claim = Foothold.objects.get(kind="description")
    sign_in(bo, "bo")
    dispute(bo)
    ana.reload()
    expect(ana.get_by_role("heading", name="Why it is disputed")).to_be_visible()
    expect(ana.get_by_text(DISPUTE)).to_be_visible()
    edit(ana, claim.accession, title="Light level lines and edges")
    edit(bo, claim.accession, title="Light bars")
    bo.get_by_label("What this version changes").fill("Shorter.")
    bo.get_by_role("button", name="Save version 2").click()
    ana.get_by_role("button", name="Save version 2").click()
    expect(ana.get_by_text("Both of you changed title.")).to_be_visible()
    expect(ana.get_by_label("Mine, as it stands in the form")).to_be_checked()
    assert seen(ana) == []
    ana.get_by_role("button", name="Save version 3").click()
    expect(ana.get_by_text("Version 3 is saved.")).to_be_visible()
    expect(ana.get_by_text("stale-reviews")).to_be_visible()
    expect(ana.get_by_role("heading", level=1)).to_contain_text("Light level lines and edges")
    assert ana.evaluate("localStorage.length") == 0  # what is saved stands in no browser
    ana.troubles.clear()  # Chromium says on the console which forms came back with 412 and 422
    stranger = opened()
    stranger.goto(f"/f/{claim.accession}")
    stranger.get_by_text("Cite it").click()
    expect(stranger.get_by_text(f"@misc{{footholds:{claim.accession}.3,")).to_be_visible()


def test_the_pages_of_claims_are_fit_for_everybody(opened, lab):
    page, faults = opened(), {}
    sign_in(page, "ana")
    describe(page)
    claim = Foothold.objects.get()
    page.goto(f"/f/{claim.accession}/edit")
    page.get_by_label("Body", exact=True).fill("A *light* line.\n\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    page.get_by_role("button", name="Save version 2").click()
    give_ones_word(page)
    for address in PAGES:
        page.goto(address.format(it=claim.accession))
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        faults[address] = seen(page)
    assert {address: fault for address, fault in faults.items() if fault} == {}
