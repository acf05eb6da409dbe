"""The same thing at its canonical address: what pages and API answer to another spelling of it."""

from django.http import HttpRequest, HttpResponsePermanentRedirect, HttpResponseRedirect


class Moved(HttpResponsePermanentRedirect):
    """308: the same request at the canonical address."""

    status_code = 308


class Again(HttpResponseRedirect):
    """307: send the same form to another address."""

    status_code = 307


def moved(request: HttpRequest, to: str) -> Moved:
    """308 to `to`, with the query of this request."""
    query = request.META.get("QUERY_STRING", "")
    return Moved(f"{to}{'?' if query else ''}{query}")
