"""Two neurons side by side; what the address does not name yet is asked for."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from atlas.dossiers.comparisons import comparison
from atlas.errors import AtlasError
from atlas.web.negotiation import HTML, Page, negotiated
from atlas.web.pairs import place
from atlas.web.people import actor_of

LONGEST = 300  # characters


@negotiated("GET")
def compare(request: HttpRequest) -> Page:
    """The comparison of `a` and `b`; a page with what is wrong, and the form, where one of them is no neuron."""
    asked = {name: request.GET.get(name, "")[:LONGEST].replace("\x00", "") for name in ("a", "b")}
    shown: dict[str, Any] = {"asked": asked, "query": urlencode(asked)}
    page = request.form_of_answer == HTML  # type: ignore[attr-defined]
    if page and not asked["b"]:
        return Page("compare.html", None, shown)
    try:
        a = place(asked["a"], parameter="a")
        b = place(asked["b"], parameter="b", beside=a[0])
        return Page("compare.html", comparison(a, b, actor=actor_of(request)), shown)
    except AtlasError as error:
        if not page or error.fault == "ours":
            raise
        return Page("compare.html", None, {**shown, "fault": str(error)}, error.status)
