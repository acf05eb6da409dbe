"""One address, many forms: a suffix wins, then Accept; what does not exist is refused with the list of what does."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from atlas import redirects
from atlas.dossiers.bodies import body
from atlas.errors import MethodNotAllowed, NotAcceptable

HTML, JSON = "text/html", "application/json"
# All suffixes that any address has; a layer's key never ends in one.
SUFFIXES = (".jsonld", ".csl.json", ".json", ".bib", ".ris", ".txt", ".html")
FORMS = "HTML and JSON (.json)"
# Parts of an address in which no dot ever stands: what follows one asks for a form.
DOTLESS = ("suffix", "slug", "channel", "fingerprint", "handle")


@dataclass(frozen=True)
class Page:
    """What a view answers with: the dossier is the JSON, and with `more` the template's context."""

    template: str
    dossier: Any
    more: dict[str, Any] = field(default_factory=dict)
    status: int = 200


def negotiated(*methods: str) -> Callable[[Callable[..., Any]], Callable[..., HttpResponse]]:
    """A view of a thing with several forms. Its last argument may end in a suffix, which the view does not see."""

    def decorate(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answer(request: HttpRequest, **where: str) -> HttpResponse:
            require_method(request, *methods)
            bare, suffix = _split(where)
            request.form_of_answer = _form(request, suffix)  # type: ignore[attr-defined]
            found = view(request, **bare)
            return varying(found if isinstance(found, HttpResponse) else _rendered(request, found))

        return answer

    return decorate


def require_method(request: HttpRequest, *methods: str) -> None:
    """Raise MethodNotAllowed for any other."""
    allowed = [*(["GET", "HEAD"] if "GET" in methods else []), *(one for one in methods if one != "GET")]
    if request.method not in allowed:
        raise MethodNotAllowed(method=str(request.method)[:20], allowed=", ".join(allowed))


def prefers_page(request: HttpRequest) -> bool:
    """Whether to answer with HTML: as the address said, else as the browser does."""
    if request.path.endswith(".json") or request.path.startswith("/api/"):
        return False
    return request.get_preferred_type([HTML, JSON, "application/problem+json"]) in (HTML, None)


def moved(request: HttpRequest, to: str) -> redirects.Moved:
    """308 to the canonical address of the same thing, in the same form, with the same query."""
    suffix = next((it for it in SUFFIXES if request.path.endswith(it)), "")
    return redirects.moved(request, f"{to}{suffix}")


def varying(response: HttpResponse) -> HttpResponse:
    """The response, marked as depending on Accept and on who asks."""
    patch_vary_headers(response, ["Accept", "Cookie"])
    return response


def _split(where: dict[str, str]) -> tuple[dict[str, str], str]:
    """What the view is told, and the suffix: known ones anywhere, all where no dot belongs to the thing itself."""
    if not where:
        return where, ""
    last, text = list(where.items())[-1]
    known = next((it for it in SUFFIXES if text.endswith(it)), "")
    suffix = text[text.find(".") :] if last in DOTLESS and "." in text and not known else known
    rest = {name: value for name, value in where.items() if name != last}
    return (rest if last == "suffix" else {**rest, last: text.removesuffix(suffix)}), suffix


def _form(request: HttpRequest, suffix: str) -> str:
    if suffix:
        if suffix not in (".json", ".html"):
            raise NotAcceptable(forms=FORMS)
        return JSON if suffix == ".json" else HTML
    form = request.get_preferred_type([HTML, JSON])
    if form is None:
        raise NotAcceptable(forms=FORMS)
    return str(form)


def _rendered(request: HttpRequest, page: Page) -> HttpResponse:
    if request.form_of_answer == JSON:  # type: ignore[attr-defined]
        found = body(page.dossier)
        # A list is an object here as it is in the API, so that it can be told more about.
        return JsonResponse({"items": found} if isinstance(found, list) else found, status=page.status)
    return render(request, page.template, {"it": page.dossier, **page.more}, status=page.status)
