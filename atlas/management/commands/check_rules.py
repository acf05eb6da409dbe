"""Every night: which claims break a rule, because the rules or what they name have changed since they were written."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from atlas.errors import Validation
from atlas.models import Foothold, Revision
from atlas.services import rules
from atlas.services.settling import settle


class Command(BaseCommand):
    """Judge the newest version of every claim that stands."""

    help = (
        "List the claims that break a numbered rule, a line each; exits with 1 when one breaks a rule that is an error."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """A line for each: accession and version, rule, severity, place, what is wrong."""
        severities = set()
        for foothold in Foothold.objects.filter(standing=Foothold.Standing.OPEN).order_by("pk").iterator():
            head = foothold.revisions.get(version=foothold.head_version)
            for code, severity, pointer, detail in judged(foothold, head):
                severities.add(severity)
                self.stdout.write(f"{foothold.version_tag} {code} {severity} {pointer} {detail}")
        if "error" in severities:
            raise SystemExit(1)


def judged(foothold: Foothold, head: Revision) -> Iterator[tuple[str, str, str, str]]:
    """(code, severity, pointer, detail) of everything that is wrong with a version today."""
    try:
        settled = settle(head.content, kind=foothold.kind, checkpoint=foothold.checkpoint, actor=None)
    except Validation as error:  # something that it names is gone
        yield from ((it["code"], "error", it["pointer"], it["detail"]) for it in error.errors)
        return
    for it in rules.broken(settled):
        yield it.rule.code, it.rule.severity, f"/content{it.pointer}", it.detail
