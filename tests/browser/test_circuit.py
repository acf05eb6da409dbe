"""A circuit under somebody's hands: gone through and moved by keyboard and pointer, saved, and fit for everybody."""

import pytest
from playwright.sync_api import Page, expect

from atlas.models import Arrangement, Foothold, Membership, Role
from atlas.services import footholds, people, teams
from tests.browser.test_argument import PASSWORD, sign_in
from tests.browser.test_looks import seen

pytestmark = pytest.mark.browser
NEURONS = ("gabor:0", "gabor:8", "line:0", "curve:2")
PLACE = "it => [it.transform.baseVal[0].matrix.e, it.transform.baseVal[0].matrix.f].map(Math.round)"
ENDS = "it => { const end = it.getPointAtLength(it.getTotalLength()); return [end.x, end.y].map(Math.round) }"
WORK = {"rests_on": {"reference": {"title": "Curve Circuits", "doi": "10.23915/distill.00024.006"}}}


@pytest.fixture
def circuit(organism) -> Foothold:
    """Ana's, of links that she claims."""
    ana = people.join(username="ana", password=PASSWORD).contributor
    team = teams.found(actor=None, slug="lab", name="The lab", admin=None)
    Membership.objects.create(team=team, contributor=ana, role=Role.ANNOTATOR)
    edges = []
    for source, target in (("gabor:0", "line:0"), ("gabor:8", "line:0"), ("line:0", "curve:2"), ("gabor:0", "curve:2")):
        said = {"source": source, "target": target, "relation": "excites", "sign": "+", **WORK}
        link = footholds.create(actor=ana, kind="link", checkpoint=organism, team=team, content=said)
        edges.append({"source": source, "target": target, "link": link.accession})
    content = {"title": "A curve", "nodes": [{"unit": it} for it in NEURONS], "edges": edges}
    return footholds.create(actor=ana, kind="circuit", checkpoint=organism, team=team, content=content)


def neuron(page: Page, unit: str):
    """It, in the figure."""
    return page.locator(f'.spots a[data-unit="{unit}"]')


def test_a_figure_is_gone_through_moved_and_saved(opened, circuit):
    page = opened()
    sign_in(page, "ana")
    page.goto(f"/f/{circuit.accession}")
    neuron(page, "gabor:0").focus()
    expect(page.locator(".ties .lit")).to_have_count(2)  # its edges stand out
    page.keyboard.press("Tab")
    expect(neuron(page, "gabor:8")).to_be_focused()  # by depth, from top to bottom
    page.keyboard.press("Tab")
    before, reached = neuron(page, "line:0").evaluate(PLACE), page.locator(".ties path").first.evaluate(ENDS)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    moved = [before[0] + 40, before[1] + 8]
    assert neuron(page, "line:0").evaluate(PLACE) == moved
    assert page.locator(".ties path").first.evaluate(ENDS) == [reached[0] + 40, reached[1] + 8]
    expect(page.locator(".moves")).to_contain_text(f"line:0 is at {moved[0]}, {moved[1]} now. Not saved yet.")
    box = neuron(page, "curve:2").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 20, box["y"] + 90, steps=3)
    page.mouse.up()
    assert page.url.endswith(circuit.accession)  # what is dragged is not followed
    lower = neuron(page, "curve:2").evaluate(PLACE)
    page.get_by_role("button", name="Save this layout").click()
    expect(page.get_by_text("The layout is saved, for everybody.")).to_be_visible()
    assert Arrangement.objects.get().places["curve:2"] == lower
    reader = opened(width=390, java_script_enabled=False)
    reader.goto(f"/f/{circuit.accession}")
    one, two = (neuron(reader, unit).evaluate(PLACE) for unit in ("line:0", "curve:2"))
    assert [two[0] - one[0], two[1] - one[1]] == [lower[0] - moved[0], lower[1] - moved[1]]
    expect(reader.get_by_role("button", name="Whole")).to_be_hidden()
    page.keyboard.press("Tab")
    assert seen(page) == []
    neuron(page, "line:0").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/c/curve-circuit/line/0")


def test_zoom_changes_what_is_seen_and_nothing_else(opened, circuit):
    page = opened()
    page.goto(f"/f/{circuit.accession}")
    wide = "document.querySelector('.graph svg').viewBox.baseVal.width"
    first, place = page.evaluate(wide), neuron(page, "line:0").evaluate(PLACE)
    page.locator(".graph").hover()
    page.mouse.wheel(0, -120)
    assert page.evaluate(wide) == first  # the page's own wheel, until the figure has the focus
    page.locator(".graph").focus()
    page.keyboard.press("+")
    assert page.evaluate(wide) == pytest.approx(first / 1.25, rel=1e-3)
    page.mouse.wheel(0, -120)
    page.wait_for_function(f"{wide} < {first / 1.3}")
    page.get_by_role("button", name="Whole").click()
    assert page.evaluate(wide) == pytest.approx(first, rel=1e-3)
    assert neuron(page, "line:0").evaluate(PLACE) == place
