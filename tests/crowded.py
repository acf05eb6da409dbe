"""A great many jobs at once, by one statement of the database's own, and how it finds the next of them."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from atlas.models import Contributor, Job, Share

MATES = 8  # jobs that one pass answers together


def fill(template: Job, persons: list[Contributor], *, count: int, state: str, seed: int) -> None:
    """So many jobs in this state like `template`, of these people in turn; `seed` tells their fingerprints apart.

    What has ended has no lease and no place in the queue. Their history is left out.
    """
    for person in persons:
        Share.objects.get_or_create(person=person)
    first = min(person.pk for person in persons)
    assert {person.pk for person in persons} == set(range(first, first + len(persons)))
    hexadecimal = "printf('%%062x', {})" if connection.vendor == "sqlite" else "lpad(to_hex({}), 62, '0')"
    other = {
        "fingerprint": f"'{seed:02x}' || {hexadecimal.format('i')}",
        "batch_key": f"'{seed:02x}' || {hexadecimal.format(f'i / {MATES}')}",
        "state": f"'{state}'",
        "priority": f"(i / {len(persons)}) %% 2",
        "asker_id": f"{first} + i %% {len(persons)}",
    }
    columns = [field.column for field in Job._meta.concrete_fields if not field.primary_key]
    taken = ", ".join(other.get(name, f'"{name}"') for name in columns)
    named = ", ".join(f'"{name}"' for name in columns)
    numbers = f"WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < {count - 1})"
    select = f"{numbers} SELECT {taken} FROM atlas_job, numbers WHERE atlas_job.id = %s"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO atlas_job ({named}) {select}", [template.pk])
        cursor.execute("ANALYZE")


def plans(act: Any) -> list[str]:
    """Each step by which the database does what `act` asks of it, for what reads or writes jobs."""
    with CaptureQueriesContext(connection) as captured:
        act()
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    found = []
    with connection.cursor() as cursor:
        for query in captured.captured_queries:
            if query["sql"].startswith(("SELECT", "UPDATE")) and "atlas_job" in query["sql"]:
                cursor.execute(f"{explain} {query['sql']}")
                found += [" ".join(map(str, line)) for line in cursor.fetchall()]
    return found


def sorts(step: str) -> bool:
    """Whether a step of a plan sorts what it read."""
    return "Sort Key" in step or "TEMP B-TREE" in step


def reads_everything(step: str) -> bool:
    """Whether a step of a plan reads the jobs from end to end."""
    scans = "SCAN" in step and ("atlas_job" in step.split() or " U0" in step or " V0" in step)
    return "Seq Scan on atlas_job " in f"{step} " or (scans and "INDEX" not in step)
