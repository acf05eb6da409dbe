"""All of it without a pointer: sign in, find, describe, attach evidence, review, cite; and keys that can be off."""

import pytest
from playwright.sync_api import Page, expect

from atlas.models import Checkpoint, Contributor, Foothold, Team
from atlas.services import footholds
from tests.browser.test_argument import PASSWORD, lab  # noqa: F401 - a fixture

pytestmark = pytest.mark.browser

MOST = 150  # presses of Tab to get anywhere on a page
NAME = """() => {
  const one = document.activeElement;
  const label = one.labels?.length ? one.labels[0].innerText : one.getAttribute("aria-label") || one.innerText || "";
  return label.trim();
}"""


def reach(page: Page, name: str) -> None:
    """Tab to what is called so."""
    met = []
    for _ in range(MOST):
        page.keyboard.press("Tab")
        met.append(page.evaluate(NAME))
        if met[-1] == name:
            return
    pytest.fail(f"Tab reaches no {name}, but {met}")


def do(page: Page, name: str) -> None:
    """Tab to what is called so, and press Enter."""
    reach(page, name)
    page.keyboard.press("Enter")


def choose(page: Page, name: str, value: str) -> None:
    """Tab to a list, and walk down to a value."""
    reach(page, name)
    for _ in range(40):
        if page.evaluate("document.activeElement.value") == value:
            return
        page.keyboard.press("ArrowDown")
    pytest.fail(f"{name} has no {value}")


def fill(page: Page, name: str, text: str) -> None:
    """Tab to a field, and type."""
    reach(page, name)
    page.keyboard.type(text)


def sign_in(page: Page, handle: str) -> None:
    """The first field has the focus already."""
    page.goto("/accounts/login")
    page.keyboard.type(handle)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/")


def find(page: Page, name: str, leads: str) -> None:
    """By the search box, which leads to what is named."""
    page.keyboard.press("/")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{leads}")


def describe(page: Page) -> Foothold:
    """A claim of the lab with somebody's word for it."""
    do(page, "Describe it")
    page.wait_for_url("**/f/new?**")
    fill(page, "Title", "Light level lines")
    choose(page, "Whose it is", "lab")
    do(page, "Save")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Light level lines")
    do(page, "Say what speaks for it or against it")
    choose(page, "Or what you read or did", "AU")
    fill(page, "What it says of the claim", "I looked at all of its pictures.")
    do(page, "Add evidence")
    expect(page.get_by_text("I looked at all of its pictures.")).to_be_visible()
    return Foothold.objects.get(kind="description")


def agree(page: Page) -> None:
    """A verdict, in the same way."""
    do(page, "Review this version")
    reach(page, "agree")
    page.keyboard.press("Space")
    do(page, "Record my verdict")
    expect(page.get_by_text("1 agree, 0 dispute")).to_be_visible()


def test_a_claim_is_found_made_reviewed_and_cited_by_keys_alone(opened, lab):  # noqa: F811
    ana, bo = opened(), opened()
    sign_in(ana, "ana")
    find(ana, "gabor:0", "/c/curve-circuit/gabor/0")
    claim = describe(ana)
    sign_in(bo, "bo")
    find(bo, claim.accession.lower(), f"/f/{claim.accession}")
    agree(bo)
    bo.keyboard.press("r")
    expect(bo.get_by_text(f"@misc{{footholds:{claim.accession}.1,")).to_be_visible()


def test_the_palette_goes_anywhere_and_single_keys_can_be_off(opened, organism):
    page = opened()
    page.goto("/c/curve-circuit/gabor")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/c/curve-circuit/gabor/1"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys on this page")).to_contain_text("Next item")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("keyb")
    expect(page.get_by_role("option", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/keyboard")
    do(page, "Switch them off in this browser")
    page.keyboard.press("?")
    expect(page.get_by_role("button", name="Switch them on in this browser")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_j_and_k_go_along_the_queue_and_nowhere_else_on_its_page(opened, lab):  # noqa: F811
    """Not to the pictures of the claim, at the ends of the queue neither."""
    ana, team = (
        model.objects.get(**named) for model, named in ((Contributor, {"handle": "ana"}), (Team, {"slug": "lab"}))
    )
    checkpoint = Checkpoint.objects.get()
    first, last = (
        footholds.create(
            actor=ana, kind="description", checkpoint=checkpoint, team=team,
            content={"neuron": f"gabor:{channel}", "title": f"A line {channel}"},
        )
        for channel in (0, 1)
    )  # fmt: skip
    page = opened()
    sign_in(page, "bo")
    page.goto("/review#claim")
    for key, leads in (("k", first), ("j", last), ("j", last), ("k", first)):
        page.keyboard.press(key)
        expect(page.locator("#claim")).to_contain_text(leads.title)
        assert page.evaluate("document.activeElement.className") != "tile"
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys on this page")
    expect(keys).to_contain_text("The next claim")
    expect(keys).not_to_contain_text("Item before")
