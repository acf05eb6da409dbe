"""Asked twice, done once: the answer to a request with a key is kept, and given again to the same request."""

import re
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from atlas.errors import KeyInFlight, KeyReused
from atlas.models import Contributor, KeptAnswer

KEPT = timedelta(hours=24)
ABANDONED = timedelta(seconds=60)  # after which an unanswered request counts as crashed, and may be made again


def begin(*, actor: Contributor, key: str, route: str, body_sha256: str) -> KeptAnswer:
    """The answer kept under this key, or a new row to be completed: `status` tells which.

    Raises KeyReused for another request under the same key, KeyInFlight while the first is being answered.
    """
    now = timezone.now()
    KeptAnswer.objects.filter(created_at__lt=now - KEPT).delete()
    given = {"route": route, "body_sha256": body_sha256}
    row, new = KeptAnswer.objects.get_or_create(
        contributor=actor, key=key, defaults={**given, "created_at": now}
    )  # fmt: skip
    if new:
        return row
    if (row.route, row.body_sha256) != (route, body_sha256):
        raise KeyReused()
    if row.status is None:
        # Whoever moves the time has taken it over; of several that try, one.
        crashed = KeptAnswer.objects.filter(pk=row.pk, status=None, created_at=row.created_at)
        if row.created_at > now - ABANDONED or not crashed.update(created_at=now):
            raise KeyInFlight()
    return row


def complete(row: KeptAnswer, *, status: int, body: Any, headers: dict[str, str]) -> None:
    """Keep the answer; in the transaction of what it answers, so that both are there or neither."""
    KeptAnswer.objects.filter(pk=row.pk).update(status=status, body=body, headers=headers)


def rename(person: Contributor, *, handle: str, names: Collection[str]) -> None:
    """Let every answer that is kept call an erased person as they are called now, who had this handle and these names.

    Others asked for these answers, and may ask again: they have to stay.
    """
    called = dict.fromkeys(names, person.citation_name) | {handle: person.handle}
    pointed = re.compile(rf"(@|/u/|/teams/){re.escape(handle)}(?![\w-])", re.IGNORECASE)

    def anew(value: Any) -> Any:
        if isinstance(value, str):
            return called.get(value) or pointed.sub(rf"\g<1>{person.handle}", value)
        if isinstance(value, list):
            return [anew(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        forgotten = {"orcid": "", "erased": True} if value.get("handle") == handle else {}
        found = {name: anew(inner) for name, inner in value.items()}
        return found | {name: known for name, known in forgotten.items() if name in value}

    for row in KeptAnswer.objects.exclude(status=None).iterator():
        body, headers = anew(row.body), anew(row.headers)
        if (body, headers) != (row.body, row.headers):
            KeptAnswer.objects.filter(pk=row.pk).update(body=body, headers=headers)


def abandon(row: KeptAnswer) -> None:
    """Nothing was done: the key is free again."""
    KeptAnswer.objects.filter(Q(status=None), pk=row.pk).delete()
