"""One round over everything that is left behind: by a worker now and then, or by `manage.py tidy`.

Every rule may be broken off anywhere and run again, alone or by two at once. What has to stay is not here on purpose:
notifications, because nobody is told an event twice; invitations and tokens, because an old one is refused by what it
was; questions, findings and drafts, because they are the record.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Now

from atlas.models import Chore
from atlas.services import collection, leftovers
from atlas.services.leftovers import Removed

log = logging.getLogger(__name__)
ROUND = "round"  # the chore of all rules together


@dataclass(frozen=True)
class Rule:
    """What is removed, under a name for measures, and how."""

    name: str
    says: str
    act: Callable[[bool], Removed]


# What refers to artifacts goes first, then what is not referred to any more.
RULES = (
    Rule("answers", "kept under an Idempotency-Key for a day", leftovers.kept_answers),
    Rule("sessions", "that are over", leftovers.sessions),
    Rule("imports", "staged and never committed", leftovers.staged_imports),
    Rule("uploads", "sent and never shown", leftovers.uploads),
    Rule("refused", "files of checkpoints that were not registered", leftovers.refused_files),
    Rule("snapshots", "of starts that were superseded", leftovers.snapshots),
    Rule("scratch", "of computations that have ended", leftovers.scratch),
    Rule("strays", "temporary folders of killed processes", leftovers.strays),
    Rule("unfinished", "files that nobody goes on writing", leftovers.unfinished),
    Rule("marks", "set on artifacts that nothing refers to", leftovers.marked),
    Rule(collection.NAME, "marked for long enough", leftovers.unreferenced),
    Rule("orphans", "files that no row knows", leftovers.orphans),
)


def tidy(*, dry: bool = False) -> Iterator[tuple[Rule, Removed]]:
    """Go through all rules in order, and keep account; with `dry` only say what would go."""
    Chore.objects.get_or_create(name=ROUND)
    if not dry:
        Chore.objects.filter(name=ROUND).update(begun_at=Now())
    for rule in RULES:
        yield rule, _done(rule, dry)
    if not dry:
        Chore.objects.filter(name=ROUND).update(whole_at=F("begun_at"))


def is_due() -> bool:
    """Whether a round has to be made now; of several who ask at once, one is told so."""
    if not settings.TIDY_SECONDS:
        return False
    Chore.objects.get_or_create(name=ROUND)
    late = collection.before(timedelta(seconds=settings.TIDY_SECONDS))
    return bool(Chore.objects.filter(Q(begun_at=None) | Q(begun_at__lt=late), name=ROUND).update(begun_at=Now()))


def _done(rule: Rule, dry: bool) -> Removed:
    if dry:
        return rule.act(True)
    Chore.objects.get_or_create(name=rule.name)
    mine = Chore.objects.filter(name=rule.name)
    mine.update(begun_at=Now())
    found = rule.act(False)
    mine.update(whole_at=F("begun_at"), removed=F("removed") + found.count, freed=F("freed") + found.bytes)
    if found.count:
        log.info("%s: %d, %d bytes (%s)", rule.name, found.count, found.bytes, rule.says)
    return found
