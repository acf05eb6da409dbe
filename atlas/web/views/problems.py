"""What each kind of problem means: the page at its type's address."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from atlas import problems as every
from atlas.errors import AtlasError, NoSuchAddress
from atlas.web.negotiation import require_method


def problems(request: HttpRequest) -> HttpResponse:
    """Every kind of problem."""
    require_method(request, "GET")
    return render(request, "problems.html", {"kinds": [_facts(kind) for kind in every.kinds()]})


def problem(request: HttpRequest, slug: str) -> HttpResponse:
    """One kind of problem."""
    require_method(request, "GET")
    for kind in every.kinds():
        if kind.slug() == slug:
            return render(request, "kind.html", {"kind": _facts(kind)})
    raise NoSuchAddress(address=request.path[:200])


def _facts(kind: type[AtlasError]) -> dict[str, object]:
    says = (kind.__doc__ or "").strip().replace("{", "⟨").replace("}", "⟩")
    return {"slug": kind.slug(), "title": kind.title(), "status": kind.status, "fault": kind.fault, "says": says}
