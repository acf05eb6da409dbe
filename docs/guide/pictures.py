"""Makes every picture of the guide from a running demo, so that none shows a page as it was once.

Without an address it runs a demo of its own in a temporary folder first, which takes minutes. It signs in as the
operator, takes a role in the teams of the story, and writes a claim as the guide tells it: for a demo to throw away.
"""

import argparse
import io
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PASSWORD = "a guide for everybody 1"  # of the demo that is thrown away
SHOWN = "http://127.0.0.1:8000"  # in citations, whichever port is free
PATIENCE = 120_000  # ms until something is given up
MOST = 80 * 1024  # bytes of a picture
QUALITIES = (75, 60, 45)
TOLD = "curve-circuit: .*its story is told"
SECRET = r"one-time password (\S+)"
OPEN = "it => (it.open = true)"
SUBJECT = "/c/curve-circuit/curve/0"
TEAMS = (("demo-curves", "curator"), ("demo-lines", "reviewer"))
DESCRIBED = "/c/curve-circuit/curve/5"


def invited(team: str, role: str) -> str:
    """An invitation to a team of the story, from the command line of the home that the demo has."""
    command = [sys.executable, "manage.py", "invite", "--team", team, "--role", role]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return re.search(r"inv_\S+", said)[0]


@contextmanager
def demo() -> Iterator[tuple[str, str]]:
    """A demo of our own: its address and the operator's one-time password, once its story is told."""
    with tempfile.TemporaryDirectory(prefix="guide-") as home, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environ.update(ATLAS_HOME=home, ATLAS_ADDRESS=SHOWN)
        said = Path(home) / "said"
        with said.open("w") as output:
            served = subprocess.Popen([sys.executable, "manage.py", "demo", f"--port={port}"], cwd=ROOT, stdout=output)
        try:
            yield f"http://127.0.0.1:{port}", listened(served, said)
        finally:
            served.terminate()
            served.wait(timeout=60)


def listened(served: "subprocess.Popen[bytes]", said: Path) -> str:
    """The password among what the demo says, once its story is told."""
    while served.poll() is None:
        text = said.read_text()
        if re.search(TOLD, text):
            return re.search(SECRET, text)[1]
        time.sleep(1)
    raise SystemExit(f"The demo ended before its story was told:\n{said.read_text()}")


def sign_in(page: Page, *, password: str) -> str:
    """As the operator, whose password from then on is returned: one that was printed is exchanged first."""
    page.goto("/accounts/login")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/accounts/login" not in address)
    if "/accounts/password" in page.url:
        for field in page.locator("main form input[type=password]").all():
            field.fill(PASSWORD)
        page.get_by_role("button", name="Set this password").click()
        page.wait_for_url("**/")
        return PASSWORD
    return password


def asked(page: Page, neuron: str, probe: str, **params: str) -> None:
    """Ask a neuron something by its form, and wait for the answer; a known question has one at once."""
    submit(page, neuron, probe, **params)
    expect(page.locator(f'.live.open[data-said^="{probe.capitalize()}"]')).to_have_count(0)


def submit(page: Page, neuron: str, probe: str, **params: str) -> None:
    """Open the form of a probe on a neuron's page, fill it in, and send it."""
    page.goto(f"{neuron}?ask={probe}")
    form = page.locator(f'form.ask:has(input[value="{probe}"])')
    for rest in form.locator("details.rest").all():
        rest.evaluate(OPEN)
    for name, value in params.items():
        field = form.locator(f'[name="{name}"]')
        field.select_option(value) if field.evaluate("it => it.tagName") == "SELECT" else field.fill(value)
    with page.expect_navigation():
        form.get_by_role("button", name="Compute").click()


def take(page: Page, name: str, *parts: Locator, height: int = 4000) -> None:
    """Write what surrounds these parts of the page, at most so high, as small as it can be read."""
    for image in page.locator("img").all():
        image.evaluate("it => { it.loading = 'eager'; return it.decode().catch(() => null) }")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    clip = around([box for part in parts if (box := part.bounding_box())], page.viewport_size["width"], height)
    shot = Image.open(io.BytesIO(page.screenshot(full_page=bool(parts), clip=clip, animations="disabled")))
    for quality in QUALITIES:
        kept = io.BytesIO()
        shot.convert("RGB").save(kept, "WEBP", quality=quality, method=6)
        if len(kept.getvalue()) <= MOST:
            break
    else:
        raise SystemExit(f"{name} does not fit into {MOST} bytes: take less of the page.")
    (HERE / name).write_bytes(kept.getvalue())
    sys.stdout.write(f"{name}: {shot.width} × {shot.height} px, {len(kept.getvalue()) / 1024:.0f} KB\n")


def around(boxes: list[dict[str, float]], width: int, height: int, margin: int = 16) -> dict[str, float] | None:
    """The rectangle that holds all of these, within a page so wide; None for none."""
    if not boxes:
        return None
    left = max(min(box["x"] for box in boxes) - margin, 0)
    top = max(min(box["y"] for box in boxes) - margin, 0)
    right = min(max(box["x"] + box["width"] for box in boxes) + margin, width)
    bottom = max(box["y"] + box["height"] for box in boxes) + margin
    return {"x": left, "y": top, "width": right - left, "height": min(bottom - top, height)}


def section(page: Page, anchor: str) -> Locator:
    """The section that this heading names."""
    return page.locator(f'section[aria-labelledby="{anchor}"]')


def finding(page: Page, holds: str) -> Locator:
    """The first answer on the page that holds such a part."""
    return page.locator("section.finding").filter(has=page.locator(holds)).first


def read_a_neuron(page: Page) -> None:
    """The checkpoint, a wall, and one neuron from top to bottom."""
    page.goto("/c/curve-circuit")
    take(
        page,
        "checkpoint.webp",
        page.locator("nav.trail"),
        section(page, "layers"),
        section(page, "covered"),
        height=1000,
    )
    page.goto("/c/curve-circuit/line")
    take(page, "wall.webp", page.locator("nav.trail"), page.locator("form.filters"), page.locator("#wall"))
    asked(page, SUBJECT, "connections")
    asked(page, SUBJECT, "tuning")
    page.goto(SUBJECT)
    take(page, "neuron.webp", page.locator("nav.trail"), finding(page, ".gallery"), height=900)
    take(page, "tuning.webp", finding(page, ".curve"), height=700)
    take(page, "connections.webp", finding(page, ".strands"), height=800)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(SUBJECT)
    take(page, "phone.webp")
    page.set_viewport_size({"width": 1440, "height": 900})


def ask_something(page: Page) -> None:
    """The forms, the intervention editor, and a picture that forms."""
    page.goto(f"{SUBJECT}#ask")
    take(page, "asking.webp", section(page, "ask-title"), height=700)
    page.goto(f"{SUBJECT}?ask=intervention")
    form = page.locator('form.ask:has(input[value="intervention"])')
    form.get_by_role("button", name="Add an edit").click()
    row = form.locator("fieldset.edit").last
    row.locator('[data-member="op"]').select_option("scale")
    row.locator('[data-member="layer"]').fill("line")
    row.locator('[data-member="channels"]').fill("0, 4")
    row.locator('[data-member="factor"]').fill("0.5")
    take(page, "intervention.webp", form, height=900)
    submit(page, SUBJECT, "feature-visualization", steps="4000", seeds="0, 1")
    live = page.locator(".live.open")
    live.locator("figcaption", has_text=re.compile(r"step [1-9]\d\d")).first.wait_for()
    take(page, "live.webp", live, page.get_by_role("button", name="Cancel"), height=700)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def annotate(page: Page, second: Page) -> None:
    """A description, its evidence, and a second window that saves first."""
    page.goto(DESCRIBED)
    page.get_by_role("link", name="Describe it").click()
    page.get_by_label("Title").fill("Curves that open to the lower left")
    page.get_by_label("Body", exact=True).fill("Its pictures are **angles** that open to the lower left.")
    page.get_by_label("Whose it is").select_option("demo-curves")
    page.locator(".preview strong").wait_for()
    expect(page.locator("[data-keeping]")).to_have_text(re.compile("^kept"))
    take(page, "describe.webp", page.locator("nav.trail"), page.locator(".writing"), height=1000)
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile("/f/D"))
    accession = page.url.rpartition("/")[2].partition("#")[0][:10]
    page.goto(DESCRIBED)
    page.get_by_role("link", name="Use it as evidence").first.click()
    giving = page.locator("form.giving")
    giving.locator("input[name=claim]").first.check()
    giving.locator("input[name=role]").first.check()
    take(page, "evidence.webp", giving)
    giving.get_by_role("button", name="Give it as evidence").click()
    take(page, "undo.webp", page.locator(".notice").first)
    for window, title in ((page, "Angles that open to the lower left"), (second, "Curves towards 225°")):
        window.goto(f"/f/{accession}/edit")
        window.get_by_label("Title").fill(title)
    second.get_by_role("button", name=re.compile("Save version")).click()
    expect(second.get_by_text("is saved.").first).to_be_visible()
    page.get_by_role("button", name=re.compile("Save version")).click()
    take(page, "conflict.webp", page.locator("nav.trail"), section(page, "merge"), height=900)


def review(page: Page) -> None:
    """The queue, and why a claim stands as it does."""
    page.goto("/review")
    take(page, "review.webp", page.locator("header.title"), page.locator(".reviewing"), height=900)
    page.goto("/f?state=disputed")
    page.get_by_role("link", name=re.compile("Curves that open to the right")).first.click()
    take(page, "why.webp", section(page, "why"), height=700)


def draw_a_circuit(page: Page) -> None:
    """The figure, and the inputs that can be added to it."""
    for unit in ("line/0", "curve/2"):
        asked(page, f"/c/curve-circuit/{unit}", "connections")
    page.goto("/search?q=kind:circuit")
    page.locator("ol.hits a").first.click()
    take(page, "circuit.webp", page.locator("figure.circuit"))
    page.get_by_role("link", name="Add the strongest inputs of curve:2").click()
    take(page, "inputs.webp", page.locator("nav.trail"), page.locator("main form").first, height=800)


def find_and_cite(page: Page) -> None:
    """Search, palette, citation and a figure's page."""
    page.goto("/search?q=curve state:disputed")
    take(page, "search.webp", page.locator("h1"), section(page, "found"), height=700)
    page.goto("/c/curve-circuit")
    page.keyboard.press("Control+k")
    page.keyboard.type("curve")
    page.locator("#palette [role=option]").first.wait_for()
    take(page, "palette.webp", page.locator("#palette"), page.locator("#palette ul"))
    page.keyboard.press("Escape")
    page.goto(SUBJECT)
    page.locator("details.citation summary").click()
    take(page, "cite.webp", page.locator("section.cite"), height=600)
    page.locator("details.provenance").first.evaluate(OPEN)
    page.locator('details.provenance a[href^="/figures/"]').first.click()
    take(page, "figure.webp", page.locator("nav.trail"), page.locator("figure.sole"), section(page, "made"), height=800)


def list_the_keys(page: Page) -> None:
    """What the question mark shows where a claim is reviewed."""
    page.goto("/review")
    page.keyboard.press("?")
    take(page, "keys.webp", page.locator("#keys"))


WALK: tuple[Callable[[Page], None], ...] = (
    read_a_neuron, ask_something, review, draw_a_circuit, find_and_cite, list_the_keys,
)  # fmt: skip


def walk(browser: Browser, address: str, *, password: str) -> None:
    """All of it."""
    windows = []
    for _ in range(2):
        context = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900}, color_scheme="light")
        context.set_default_timeout(PATIENCE)
        windows.append(context.new_page())
        password = sign_in(windows[-1], password=password)
    for team, role in TEAMS:
        windows[0].goto("/teams")
        windows[0].locator("main form.narrow input:not([type=hidden])").fill(invited(team, role))
        with windows[0].expect_navigation():
            windows[0].get_by_role("button", name="Join").click()
    for step in WALK:
        step(windows[0])
    annotate(*windows)


def main() -> None:
    """By hand, or by `make guide`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?", help="of a running demo of this checkout; without it one is run")
    parser.add_argument("--password", default=PASSWORD, help="the operator's there, one-time or chosen")
    given = parser.parse_args()
    if given.address:
        made(given.address, password=given.password)
    else:
        with demo() as (address, password):
            made(address, password=password)


def made(address: str, *, password: str) -> None:
    """All pictures, from the demo at this address."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        walk(browser, address, password=password)
        browser.close()


if __name__ == "__main__":
    main()
