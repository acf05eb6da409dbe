"""A real Chromium, a real worker beside the server, and a witness who notes all that goes wrong in the browser."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from atlas.models import Checkpoint
from tests.workers.conftest import card, examined, organism_on  # noqa: F401 - fixtures are found by their names

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PATIENCE = 30_000  # ms until an expectation is given up


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    """A headless browser; skips where none is installed, fails where one must be.

    For one module at a time: while Playwright runs, so does an event loop in this thread, and Django refuses the
    database to code under an event loop unless told that it is not asynchronous.
    """
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        missing = pytest.fail if os.environ.get("ATLAS_CI") else pytest.skip
        missing("chromium is not installed; on Debian: sudo apt-get install chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)

    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=binary, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, server_url) -> Iterator[Callable]:
    """Opens a window on the service; what went wrong in it is in `troubles`, and must be nothing at the end."""
    contexts, troubles = [], []

    def window(*, width: int = 1440, **options):
        viewport = {"width": width, "height": 900}
        context = chromium.new_context(base_url=server_url, viewport=viewport, **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.troubles = troubles
        watch(page, troubles)
        return page

    yield window
    for context in contexts:
        context.close()
    assert troubles == []


def watch(page, troubles: list[str]) -> None:
    """Note console errors (violations of the content security policy are among them), exceptions, failed requests."""
    page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    # A page that is left while its progress is being asked for aborts that request: that is no failure.
    page.on("requestfailed", lambda it: troubles.append(it.url) if "ERR_ABORTED" not in (it.failure or "") else None)


@pytest.fixture
def organism(fresh_database, organism_on) -> Checkpoint:  # noqa: F811
    """`curve-circuit`, registered on the database that the server reads."""
    return organism_on()


@pytest.fixture
def worker(organism) -> Iterator[None]:
    """A worker in a thread of this process: the same loop as under Celery."""
    from workers.drain import Drain

    stopping = threading.Event()

    def work() -> None:
        drain = Drain(stopping=stopping, device="cpu")
        while not stopping.wait(0.1):
            drain.drain(seconds=60)
        drain.leave()
        connection.close()

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    yield
    stopping.set()
    thread.join(timeout=30)
    assert not thread.is_alive()
