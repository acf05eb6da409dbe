"""Somebody drops a picture on the page: it is shown, what is wrong is said, and the answer comes where they are."""

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
