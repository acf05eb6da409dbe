"""What somebody typed and did not save: it outlives a closed tab, an expired session and a restarted server."""

from typing import Any

from django.db import transaction

from atlas import canonical
from atlas.errors import NotCanonical, Validation
from atlas.models import Contributor, UnsavedText
from atlas.permissions import require

LONGEST_ITEM, LARGEST, MOST = 200, 64 * 1024, 200  # characters; bytes; texts of one person


@transaction.atomic
def keep(*, actor: Contributor, item: str, content: Any, base_version: int | None = None) -> UnsavedText:
    """Keep what was typed for an item, in place of what was kept before; raises Validation for what cannot be kept.

    Whoever keeps very many loses the oldest.
    """
    require(actor, "unsaved.keep", None)
    errors = _of(item, content)
    if errors:
        raise Validation(errors=errors)
    kept, _ = UnsavedText.objects.update_or_create(
        contributor=actor, item=item, defaults={"content": content, "base_version": base_version}
    )
    old = UnsavedText.objects.filter(contributor=actor).order_by("-at", "-id").values_list("pk", flat=True)[MOST:]
    UnsavedText.objects.filter(pk__in=list(old)).delete()
    return kept


def find(*, actor: Contributor, item: str) -> UnsavedText | None:
    """What is kept for an item."""
    return UnsavedText.objects.filter(contributor=actor, item=item).first()


def discard(*, actor: Contributor, item: str) -> bool:
    """Throw it away; whether there was anything."""
    require(actor, "unsaved.keep", None)
    gone, _ = UnsavedText.objects.filter(contributor=actor, item=item).delete()
    return bool(gone)


def _of(item: str, content: Any) -> list[dict[str, str]]:
    if not 1 <= len(item) <= LONGEST_ITEM:
        return [{"pointer": "/item", "code": "not-length", "detail": f"Must have 1 to {LONGEST_ITEM} characters."}]
    try:
        size = len(canonical.encode(content))
    except NotCanonical as error:
        return [{"pointer": "/content", "code": "not-canonical", "detail": str(error)}]
    if size > LARGEST:
        return [{"pointer": "/content", "code": "not-length", "detail": f"Must have at most {LARGEST} bytes."}]
    return []
