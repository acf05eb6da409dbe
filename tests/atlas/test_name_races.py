"""A name that two take at the same moment goes to one of them, and the other is told so."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from atlas.errors import Validation
from atlas.models import Contributor, Team
from atlas.services import people, teams

ROUNDS = 15


def of_two(take: Callable[[], object]) -> list[Validation]:
    """What they were told who came too late, of two who do the same at once; anything else is raised."""
    barrier = threading.Barrier(2, timeout=60)

    def attempt() -> Validation | None:
        try:
            barrier.wait()
            take()
        except Validation as error:
            return error
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(2) as both:
        told = [one.result() for one in [both.submit(attempt), both.submit(attempt)]]
    return [error for error in told if error]


def test_a_team(fresh_database):
    for round_ in range(ROUNDS):
        slug = f"team{round_}"
        [late] = of_two(lambda slug=slug: teams.found(actor=None, slug=slug, name="Team"))
        assert [(it["pointer"], it["code"]) for it in late.facts["errors"]] == [("/slug", "not-free")]
        assert Team.objects.filter(slug=slug).count() == 1


def signing_up(username: str, email: str) -> None:
    """As the form of the entrance does."""
    people.sign_up(username=username, password="correct horse battery", citation_name="Ada", email=email, agreed=True)


def test_a_person(fresh_database):
    for round_ in range(ROUNDS):
        name = f"ada{round_}"
        emails = iter([f"{name}@one.example", f"{name}@two.example"])
        [late] = of_two(lambda name=name, emails=emails: signing_up(name, next(emails)))
        assert [(it["pointer"], it["code"]) for it in late.facts["errors"]] == [("/username", "not-free")]
        assert Contributor.objects.filter(handle=name).count() == 1
