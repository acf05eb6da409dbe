"""`If-Match`: whoever changes a thing says which version they saw."""

from rest_framework.request import Request

from atlas.errors import EditConflict, Malformed, PreconditionRequired


def version_seen(request: Request, *, current: str) -> str:
    """The version tag in If-Match, unquoted.

    Raises PreconditionRequired without one, and for `*`, which would say that one does not care; EditConflict for a
    weak tag, which names no version; Malformed for anything that is not one quoted tag.
    """
    given = request.headers.get("If-Match", "").strip()
    if given in ("", "*"):
        raise PreconditionRequired()
    if given.startswith("W/"):
        raise EditConflict(seen=given[:80], current=current)
    tag = given[1:-1]
    if len(given) < 3 or given[0] != '"' or given[-1] != '"' or '"' in tag or len(tag) > 200:
        raise Malformed(detail='If-Match takes one version tag in quotes, as in "curves.3".')
    return tag
