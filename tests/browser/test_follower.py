"""Somebody follows what they asked: told by one stream, by polling where there is none, and announced in few words."""

import re
import time

import pytest
from django.conf import settings as configured
from django.test import Client
from playwright.sync_api import expect

from api import events
from atlas.errors import NoStreamLeft
from atlas.models import Job
from atlas.services import people

pytestmark = pytest.mark.browser
HEARD = """() => {
    window.heard = [];
    const region = document.querySelector('body > .unseen[role=status]');
    new MutationObserver(() => window.heard.push(region.textContent)).observe(region, {childList: true});
}"""


@pytest.fixture
def at_a_neuron(opened, worker, settings):
    """Alice's window on a neuron, and what it asks the server for."""
    settings.STREAM_SECONDS = 60.0
    alice = people.join(username="alice", password="correct horse battery")
    browser = Client()
    browser.force_login(alice)
    page = opened()
    page.goto("/")
    cookie = browser.cookies[configured.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": page.url}])
    page.asked = []
    page.on("request", lambda it: page.asked.append(it.url))
    page.goto("/c/curve-circuit/gabor/3")
    return page


def ask(page, **params):
    """For pictures, as the form asks."""
    given = {"size": 32, "seeds": "0", **params}
    page.goto("/c/curve-circuit/gabor/3?ask=feature-visualization")
    page.asked.clear()
    submit = """given => {
            const form = document.querySelector('form input[value="feature-visualization"]').form;
            for (const [name, value] of Object.entries(given)) form.elements[name].value = value;
            form.requestSubmit();
        }"""
    with page.expect_navigation():
        page.evaluate(submit, given)


def streams(page):
    return [address for address in page.asked if address.endswith("/events")]


def take_every_place():
    """As others would, once the streams that have ended have given theirs back."""
    taken, until = 0, time.monotonic() + 20
    while taken < events.MOST:
        try:
            events.places.take(f"user:other-{taken}")
            taken += 1
        except NoStreamLeft:
            assert time.monotonic() < until
            time.sleep(0.1)


def test_a_question_is_followed_cancelled_and_answered(at_a_neuron):
    page = at_a_neuron
    ask(page, steps=4000)
    expect(page.get_by_text(re.compile("Computing, step [0-9]+ of 4000"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"About \d+\s(s|min|h) more"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("gabor:3: cancelled.", exact=False).first).to_be_visible()  # in place
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    assert len(streams(page)) == 1

    ask(page, steps=24)
    page.evaluate(HEARD)
    expect(page.get_by_text("How this was made")).to_be_visible()  # without a reload
    heard = page.evaluate("window.heard")
    assert heard[-1] == "Feature visualization of gabor:3: done."
    assert len(heard) <= 2  # computing, where that was seen, and done; never a step
    assert len(streams(page)) == 1

    take_every_place()
    try:
        ask(page, steps=25)
        expect(page.get_by_text("How this was made")).to_have_count(2)  # by polling alone
        assert len(streams(page)) == 1
    finally:
        for place in range(events.MOST):
            events.places.give_back(f"user:other-{place}")
    assert Job.objects.filter(state="done").count() == 2
    page.troubles.clear()  # Chromium says on the console that the stream was answered with 503
