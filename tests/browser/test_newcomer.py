"""A newcomer's story from end to end in a real browser: from the first page to a finding with a permanent address."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from atlas.models import Job
from atlas.services import people

pytestmark = pytest.mark.browser

OWN = "a password that only I know"


@pytest.fixture
def one_time(fresh_database) -> str:
    """The operator's one-time password, as `make demo` prints it."""
    _, password = people.operator_with_password()
    return password


def walk_to_a_neuron(page: Page) -> None:
    """From the first page over checkpoint and layer to a neuron, by its links alone."""
    page.goto("/")
    page.get_by_role("link", name="Curve circuit, handwritten").click()
    page.get_by_role("region", name="What is known of each layer").get_by_role("link", name="gabor").click()
    page.locator("#tile-n2").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("gabor:2")
    expect(page.get_by_text("Nobody has asked this neuron anything yet.")).to_be_visible()


def sign_in(page: Page, password: str) -> None:
    """With a password that was printed; then with one of one's own; back to where it began."""
    page.locator("#ask").get_by_role("link", name="Sign in").click()
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose a password")
    page.get_by_label("New password", exact=True).fill(OWN)
    page.get_by_label("New password confirmation").fill(OWN)
    page.get_by_role("button", name="Set this password").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("gabor:2")


def form(page: Page) -> Locator:
    """Where pictures are asked for."""
    return page.get_by_role("form", name="Feature visualization")


def ask(page: Page, *, steps: int) -> None:
    """With parameters of one's own; of a neuron that was asked nothing yet, this form is open."""
    form(page).get_by_label("Steps", exact=True).fill(str(steps))
    page.get_by_label("Picture size").fill("32")
    page.get_by_label("Seeds").fill("0, 5")
    form(page).get_by_role("button", name="Compute").click()


def read_the_finding(page: Page, *, steps: int) -> None:
    """Pictures of both signs with seeds and what they reach, and how they were made."""
    pictures = page.locator(".pictures img")
    expect(pictures).to_have_count(4)
    for picture in pictures.all():
        expect(picture).to_have_js_property("complete", True)
        expect(picture).to_have_js_property("naturalWidth", 32)
    captions = page.locator(".pictures figcaption").all_text_contents()
    assert all(re.fullmatch(r"seed [05] reaches −?[\d.e+−]+.*", caption) for caption in captions), captions
    page.get_by_text("How this was made").click()
    provenance = page.locator(".provenance")
    expect(provenance).to_contain_text(f"steps = {steps}")
    expect(provenance).to_contain_text("torch")


def positions(page: Page) -> tuple[list[float], list[float]]:
    """Where the first picture lies on the page, and the field that is typed in on the screen; asked in one step,
    because the page may put a newer picture there at any moment."""
    picture, field = page.evaluate(
        """() => {
            const shown = document.querySelector('.pictures figure').getBoundingClientRect();
            const typed = document.activeElement.getBoundingClientRect();
            return [[shown.x, shown.y + scrollY, shown.width, shown.height], [typed.x, typed.y]];
        }"""
    )
    return picture, field


def test_from_the_first_page_to_a_finding(opened, worker, one_time):
    page = opened()
    walk_to_a_neuron(page)
    sign_in(page, one_time)
    ask(page, steps=300)
    expect(page.get_by_text("Asked. The answer appears here.")).to_be_visible()
    page.locator("#ask").get_by_role("link", name="Feature visualization").click()
    expect(page.get_by_role("heading", name="Feature visualization", exact=True)).to_be_focused()
    form(page).get_by_label("Steps", exact=True).focus()
    picture, field = positions(page)
    # What grows above the field is made up for by scrolling, in whole pixels, while heights are fractions of them.
    before = pytest.approx(picture, abs=0.01), pytest.approx(field, abs=1)
    expect(page.locator(".live .pictures img").first).to_be_visible()  # it forms
    assert positions(page) == before
    expect(page.get_by_text("How this was made")).to_be_visible()
    assert positions(page) == before  # nothing moved when the answer came
    assert page.evaluate("document.activeElement.name") == "steps"  # nor was the reader sent elsewhere
    read_the_finding(page, steps=300)
    address = page.locator(".permalink code").text_content()
    stranger = opened(width=390)
    stranger.goto(address)
    read_the_finding(stranger, steps=300)
    stranger.goto("/")
    stranger.locator("#newest a").click()
    expect(stranger.get_by_role("heading", level=1)).to_contain_text("gabor:2")


def test_the_same_without_scripts(opened, worker, one_time):
    page = opened(width=390, java_script_enabled=False)
    walk_to_a_neuron(page)
    sign_in(page, one_time)
    ask(page, steps=8)
    # The page asks again by itself every few seconds: the finding comes without a click.
    expect(page.get_by_text("How this was made")).to_be_visible()
    read_the_finding(page, steps=8)
    page.get_by_role("link", name=Job.objects.get().fingerprint[:12]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Feature visualization of gabor:2")
    expect(page.get_by_role("listitem").last).to_contain_text("Answered")


def test_by_keyboard(opened, organism, one_time):
    page = opened()
    page.goto("/c/curve-circuit/gabor/2")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("navigation", name="Where you are").get_by_role("link").first).to_be_focused()
    sign_in(page, one_time)
    page.goto("/c/curve-circuit/gabor/2")
    address = page.locator("#ask a[href*='ask=tuning']").get_attribute("href")
    page.goto(address)  # as without a script, or before it has begun
    expect(page.get_by_role("heading", name="Tuning", exact=True)).to_be_focused()
    for opened_one in ("Connections", "Feature visualization"):
        page.locator("#ask").get_by_role("link", name=opened_one).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=opened_one, exact=True)).to_be_focused()
    form(page).get_by_label("Steps", exact=True).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("9")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Asked. The answer appears here.")).to_be_visible()
    assert Job.objects.get().params["steps"] == 9


def test_a_fault_leads_back_to_the_field(opened, organism, one_time):
    page = opened()
    page.goto("/c/curve-circuit/gabor/2")
    sign_in(page, one_time)
    page.get_by_label("Seeds").fill("0, x")
    form(page).get_by_role("button", name="Compute").click()
    expect(page.get_by_role("alert")).to_contain_text("Not asked")
    expect(page.get_by_label("Seeds")).to_have_value("0, x")
    expect(page.get_by_label("Seeds")).to_have_accessible_description(re.compile("“x” is not a whole number"))
    page.troubles.clear()  # Chromium says on the console that the form was answered with 422
