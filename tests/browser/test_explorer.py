"""Somebody drops a picture, or types a question: what is wrong and what it costs is said where they are."""

import base64

import pytest

from atlas.services import people
from tests.atlas.web.conftest import png
from tests.browser.test_looks import PASSWORD, sign_in

pytestmark = pytest.mark.browser

CARRIED = """text => {
  const carried = new DataTransfer();
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  carried.items.add(new File([bytes], "flag.png", { type: "image/png" }));
  return carried;
}"""


def test_a_picture_is_dropped_and_answered_in_place(opened, organism):
    from playwright.sync_api import expect

    people.join(username="alice", password=PASSWORD)
    page = opened()
    sign_in(page)
    page.goto("/firing?checkpoint=curve-circuit")
    carried = page.evaluate_handle(CARRIED, base64.b64encode(png((200, 40, 40), size=40)).decode())
    page.dispatch_event("body", "drop", {"dataTransfer": carried})
    expect(page.get_by_role("img", name="The picture flag.png, 40 × 40 px")).to_be_visible()
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#answer .live")).to_contain_text("Waiting")
    assert page.url.endswith("/firing?checkpoint=curve-circuit")


def test_the_cost_is_told_anew_while_somebody_types(opened, organism):
    from playwright.sync_api import expect

    people.join(username="alice", password=PASSWORD)
    page = opened()
    sign_in(page)
    page.goto("/c/curve-circuit/gabor/0?ask=feature-visualization")
    cost = page.locator(".send [role=status]")
    expect(cost).to_contain_text("on one core with the usual parameters")
    usual = cost.inner_text()
    page.get_by_label("Steps").fill("4096")
    expect(cost).to_contain_text("as it stands here")
    assert cost.inner_text().partition(",")[0] != usual.partition(" on")[0]
    page.get_by_label("Steps").fill("4097")
    expect(cost).to_contain_text("As it stands it cannot be asked: Must be at most 4096.")
