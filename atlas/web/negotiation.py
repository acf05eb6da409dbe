"""One address, many forms: a suffix wins, then Accept; what does not exist is refused with the list of what does."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from atlas import redirects
from atlas.citing import FORMATS, citation, signposting
from atlas.citing.facts import Work
from atlas.citing.meta import elements
from atlas.dossiers.bodies import body
from atlas.errors import MethodNotAllowed, NotAcceptable

HTML, JSON = "text/html", "application/json"
READING = ("GET", "HEAD")
# All suffixes that any address has; a layer's key never ends in one.
SUFFIXES = (".jsonld", ".csl.json", ".json", ".bib", ".ris", ".txt", ".html")
BOTH = "HTML and JSON (.json)"
EVERY = f"{BOTH}, and as citations {', '.join(f'{it.name} ({it.suffix})' for it in FORMATS.values())}"
MEDIA_TYPES = {it.media_type: it for it in FORMATS.values()}
# Parts of an address in which no dot ever stands: what follows one asks for a form.
DOTLESS = (
    "suffix", "slug", "channel", "fingerprint", "handle", "accession", "version", "term", "import_id", "digest",
    "sha256",
)  # fmt: skip


@dataclass(frozen=True)
class Page:
    """What a view answers with: the dossier is the JSON, with `more` the template's context; `work` is for citing."""

    template: str
    dossier: Any
    more: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    work: Work | None = None


def negotiated(*methods: str, cited: bool = False) -> Callable[[Callable[..., Any]], Callable[..., HttpResponse]]:
    """A view of a thing with several forms. Its last argument may end in a suffix, which the view does not see.

    With `cited` its pages hold a work, which also answers as a citation to whoever reads.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answer(request: HttpRequest, **where: str) -> HttpResponse:
            require_method(request, *methods)
            bare, suffix = _split(where)
            request.form_of_answer = _form(request, suffix, cited=cited and request.method in READING)  # type: ignore[attr-defined]
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
    if request.path.endswith((".json", *FORMATS)) or request.path.startswith("/api/"):
        return False
    return request.get_preferred_type([HTML, JSON, "application/problem+json", *MEDIA_TYPES]) in (HTML, None)


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


def _form(request: HttpRequest, suffix: str, *, cited: bool) -> str:
    """The media type of the answer; raises NotAcceptable with those there are."""
    by_suffix = {".html": HTML, ".json": JSON} | {it.suffix: it.media_type for it in FORMATS.values() if cited}
    form = by_suffix.get(suffix) if suffix else request.get_preferred_type([*by_suffix.values()])
    if form is None:
        raise NotAcceptable(forms=EVERY if cited else BOTH)
    return str(form)


def _rendered(request: HttpRequest, page: Page) -> HttpResponse:
    form = request.form_of_answer  # type: ignore[attr-defined]
    if page.work is None:
        return _json(page) if form == JSON else _html(request, page, {})
    links = signposting.links(page.work)
    if form in MEDIA_TYPES:
        response = HttpResponse(MEDIA_TYPES[form].write(page.work), content_type=_charset(form))
    elif form == JSON:
        response = _json(page)
    else:
        response = _html(request, page, {"cite": citation(page.work), "links": links, "meta": elements(page.work)})
    response["Link"] = signposting.header(links)
    return response


def _html(request: HttpRequest, page: Page, more: dict[str, Any]) -> HttpResponse:
    return render(request, page.template, {"it": page.dossier, **page.more, **more}, status=page.status)


def _json(page: Page) -> JsonResponse:
    """A list is an object here as it is in the API, so that it can be told more about."""
    found = body(page.dossier)
    return JsonResponse({"items": found} if isinstance(found, list) else found, status=page.status)


def _charset(media_type: str) -> str:
    """The media type with its charset, which JSON does not have: it is UTF-8 by definition."""
    return media_type if media_type.endswith("+json") else f"{media_type}; charset=utf-8"
