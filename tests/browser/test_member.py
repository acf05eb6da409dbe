"""A member's story in a real browser: invited, signed up, address proved, a key made, the team's page read."""

import re

import pytest
from django.core import mail
from django.core.cache import cache
from playwright.sync_api import expect

from atlas.services import people, teams, tokens

pytestmark = pytest.mark.browser

PASSWORD = "a password that only I know"


@pytest.fixture
def invitation(fresh_database) -> str:
    """One into the team `curves`, as annotator."""
    cache.clear()  # how often mail went to one address is counted there
    ada = people.join(username="ada", password="x", citation_name="Ada Byron").contributor
    team = teams.found(actor=None, slug="curves", name="The curve detectors", admin=ada)
    return teams.invite(actor=ada, team=team, role=20)[1]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_from_an_invitation_to_a_key(opened, invitation, scripts):
    page = opened(width=1440 if scripts else 390, java_script_enabled=scripts)
    page.goto(f"/accounts/signup?invitation={invitation}")
    for label, typed in (
        ("Handle", "dora"),
        ("Name", "Dora Marsh"),
        ("E-mail", "dora@example.org"),
        ("Password", PASSWORD),
    ):
        page.get_by_label(label, exact=True).fill(typed)
    page.get_by_label("licensed CC BY 4.0").check()
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Verify")
    page.goto(re.search(r"http://\S+", mail.outbox[-1].body)[0])
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Username or e-mail").fill("dora")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="dora", exact=True).click()
    page.get_by_role("link", name="The curve detectors").click()
    expect(page.get_by_role("row", name="Dora Marsh annotator")).to_be_visible()
    expect(page.get_by_role("button", name="Make an invitation")).to_have_count(0)
    page.goto("/me/tokens")
    page.get_by_label("Name", exact=True).fill("nightly")
    page.get_by_label("read", exact=True).check()
    page.get_by_role("button", name="Make a token").click()
    assert tokens.recognise(page.locator(".secret").text_content()).owner.username == "dora"
