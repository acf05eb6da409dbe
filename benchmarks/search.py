"""How long does the search box take over 100,000 footholds and a million neurons? Promised: 200 ms and 400 ms at p95.

Run in a checkout; it makes an atlas of its own and throws it away afterwards:

    OMP_NUM_THREADS=1 python -m benchmarks.search --database sqlite
    OMP_NUM_THREADS=1 python -m benchmarks.search --database postgres

(As a module, like all of them: of a script in this folder, `queue.py` beside it would hide Python's own.)

Making the atlas takes minutes. Then one client that has signed in (a reviewer of one team of twenty) asks over the API,
`GET /api/v1/search?limit=20`, one question after the other: each shape with several words, each question once to
warm up and then several times. Printed are p50 and p95 of each shape and of all, in milliseconds, and what a question
costs in time of a processor, client, server and database together: on a machine that has other things to do, the
former say more of these than of the search box. PostgreSQL is a temporary server with its default settings, but for
durability; on the same machine as the client. Its parallel workers are not in the processor's time.
"""

import argparse
import contextlib
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPEATS = 6
GOALS = {"sqlite": 400, "postgres": 200}


@contextlib.contextmanager
def atlas(database: str) -> Iterator[None]:
    """An empty atlas on this engine, with Django set up on it."""
    from tests import servers

    with contextlib.ExitStack() as running:
        os.environ["ATLAS_HOME"] = str(running.enter_context(servers.folder()))
        os.environ["ATLAS_RATES"] = "search=1000000"
        os.environ["ATLAS_HOSTS"] = "testserver,127.0.0.1"
        os.environ["ATLAS_LOG_LEVEL"] = "ERROR"
        if database == "postgres":
            os.environ |= running.enter_context(servers.postgres())
        os.environ["DJANGO_SETTINGS_MODULE"] = "atlas.settings"
        import django
        from django.conf import settings
        from django.core.management import call_command

        django.setup()
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # nobody signs in with one
        call_command("migrate", verbosity=0)
        yield
        from django.db import connections

        connections.close_all()


def shapes(crowd: Any) -> dict[str, list[str]]:
    """Questions by shape. The vocabulary is sorted by how often a word is said."""
    from benchmarks.crowd import FAMOUS

    word, term, layer = crowd.words, crowd.terms, crowd.layers[FAMOUS].key
    units = [f"{layer}:{channel}" for channel in (0, 10, 40)]
    return {
        "the commonest word": word[:3],
        "a common word": word[20:23],
        "a rare word": word[9_000:9_003],
        "two common words": [f"{word[n]} {word[n + 4]}" for n in range(3)],
        "common and rare": [f"{word[n]} {word[5_000 + n]}" for n in range(3)],
        "a phrase": [f'"{word[n]} {word[n + 1]}"' for n in range(3)],
        "beginning of words": [f"{one[:3]}*" for one in word[200:203]],
        "a word that names a term": [one.slug.partition("-")[0] for one in term[:3]],
        "one of several words": [f"{word[n]} OR {word[n + 50]} OR {word[n + 900]}" for n in range(3)],
        "without a word": [f"{word[n]} -{word[n + 1]}" for n in range(3)],
        "only without": [f"-{word[n]}" for n in range(3)],
        "fields only": ["kind:link state:accepted", "confidence:>=4 has:evidence", "method:AB rank:preferred"],
        "term and state": [f"detects:{one.slug} state:disputed" for one in term[:3]],
        "author and words": [f"author:person-{n} {word[n]}" for n in (1, 2, 3)],
        "layer and word": [f"layer:{layer} {word[n]}" for n in range(3)],
        "one checkpoint, dates": ["checkpoint:net-3 updated:>=2026", "checkpoint:net-4 created:<2020"],
        "a neuron": units,
        "upstream": [f"upstream({unit}, top=20)" for unit in units],
        "similar": [f"similar({unit})" for unit in units],
        "brackets": [f"({word[n]} OR {word[n + 9]}) -(kind:link OR {word[n + 3]})" for n in range(3)],
        "misspelt": [one[:-1] + "q" for one in word[300:303]],
        "nothing of that kind": ["xqzwk vvvkq", "state:merged rank:preferred", "author:person-5 created:<2020"],
        "the second page": word[:3],
    }


def measured(client: Any, queries: list[str], *, second: bool) -> list[float]:
    """Milliseconds of each question, warm."""
    found = []
    for query in queries:
        address = ask(client, query)[1]["next"] if second else None
        for repeat in range(REPEATS + 1):
            took, _ = ask(client, query, address)
            if repeat:
                found.append(took)
    return found


def ask(client: Any, query: str, address: str | None = None) -> tuple[float, dict[str, Any]]:
    """(milliseconds, answer) of one question."""
    started = time.perf_counter()
    answer = client.get(address) if address else client.get("/api/v1/search", {"q": query, "limit": 20})
    took = (time.perf_counter() - started) * 1000
    assert answer.status_code == 200, (query, answer.content[:300])
    return took, answer.json()


def p95(times: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


class Busy:
    """How long this process and the one that serves it have had a processor: a busy machine changes that little."""

    def __init__(self, connection: Any) -> None:
        self.server: int | None = None
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                [self.server] = cursor.fetchone()

    def seconds(self) -> float:
        """Of both, so far."""
        if self.server is None:
            return time.process_time()
        times = Path(f"/proc/{self.server}/stat").read_text().rpartition(")")[2].split()
        return time.process_time() + (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Make, ask, print."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("--database", choices=GOALS, default="sqlite")
    reading.add_argument("--footholds", type=int, default=100_000)
    given = reading.parse_args()
    with atlas(given.database):
        from django.db import connection
        from django.test import Client

        from benchmarks import crowd as crowds

        started = time.perf_counter()
        crowd = crowds.make(given.footholds)
        made = time.perf_counter() - started
        print(f"{given.footholds} footholds, made and indexed in {made:.0f} s", file=sys.stderr)
        client = Client()
        client.force_login(crowd.reader.login)
        version = connection.Database.sqlite_version if connection.vendor == "sqlite" else connection.pg_version
        print(f"{given.database} {version}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
        print(f"load before: {os.getloadavg()[0]:.1f}\n\n| shape | p50 ms | p95 ms | processor ms |\n|---|---|---|---|")
        every: list[float] = []
        busy = Busy(connection)
        spent = busy.seconds()
        for shape, queries in shapes(crowd).items():
            before = busy.seconds()
            times = measured(client, queries, second="second" in shape)
            every += times
            each = (busy.seconds() - before) * 1000 / (len(times) + len(queries))
            print(f"| {shape} | {statistics.median(times):.0f} | {p95(times):.0f} | {each:.0f} |", flush=True)
        each = (busy.seconds() - spent) * 1000 * REPEATS / (REPEATS + 1) / len(every)
        print(f"| **all** | **{statistics.median(every):.0f}** | **{p95(every):.0f}** | **{each:.0f}** |")
        print(f"\nThe goal is {GOALS[given.database]} ms at p95 over all.")


if __name__ == "__main__":
    main()
