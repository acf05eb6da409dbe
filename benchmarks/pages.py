"""Are the pages quick while a hundred people read and ten write? Promised: p95 at most 300 ms, and no error.

Run in a checkout; it makes an atlas of its own and throws it away afterwards (about six minutes):

    OMP_NUM_THREADS=1 python -m benchmarks.pages

The atlas is that of the search benchmark, a million neurons and 100,000 claims, with every probe published and nothing
computed yet, on a temporary PostgreSQL with its default settings but for durability. The web server is the one that
`manage.py run web` becomes, with the environment of a deployment, one for each core as replicas behind a proxy, serving
as the role that may not migrate. Database, web servers and the people share the processors of this machine; people are
dealt out to the servers in turn.

A person is a thread with a connection that stays open and a cookie. Half of the readers have signed in. Each asks for
a page, reads it for two seconds on average (an exponential time, so that they do not march in step), and asks for the
next one: neurons and claims that a list could have led to, mostly of neurons that are talked about, and everything else
by the shares in `READ`. The ten who write describe a neuron, comment and review by the forms that stand on the pages,
as a browser without scripts does: the form is read, its token sent along, and the redirect followed. Time is until the
last byte; what a page embeds (pictures, style) is not asked for, as a browser has it already.
"""

import argparse
import collections
import http.client
import os
import platform
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urlsplit

from benchmarks import machine
from benchmarks.search import atlas, p95

READERS, WRITERS = 100, 10
THINKING = 2.0  # seconds between two pages, on average
WARM, MEASURED = 20.0, 120.0  # seconds
GOAL = 300  # milliseconds
HEAVIEST = 100_000  # bytes of a page before its pictures
READ = {"neuron": 34, "claim": 22, "wall": 12, "checkpoint": 8, "search": 8, "home": 6, "claims": 5, "changes": 3,
        "history": 2}  # fmt: skip
WRITTEN = {"comment": 5, "describe": 3, "review": 2}


@dataclass
class Answers:
    """What came back, by kind of page: seconds, and what was no page."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: collections.defaultdict(list))
    heaviest: dict[str, int] = field(default_factory=lambda: collections.defaultdict(int))
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    counting: threading.Event = field(default_factory=threading.Event)

    def note(self, kind: str, took: float, status: int, body: bytes, *, path: str) -> None:
        """Count an answer, once the warm-up is over."""
        if not self.counting.is_set():
            return
        with self.lock:
            self.seconds[kind].append(took)
            self.heaviest[kind] = max(self.heaviest[kind], len(body))
            if status >= 400:
                self.errors.append(f"{status} {kind} {path}")


class Form(HTMLParser):
    """What a browser would send of the form that leads to `action`: its fields as they stand; None without a form."""

    def __init__(self, page: str, action: str) -> None:
        super().__init__()
        self.fields: dict[str, str] | None = None
        self._action, self._inside, self._select, self._text = action, False, "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A field, where it is one of this form."""
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = said.get("method") == "post" and said.get("action") == self._action
            self.fields = {} if self._inside else self.fields
        elif self._inside and self.fields is not None:
            name, on = said.get("name", ""), "checked" in said or said.get("type") not in ("radio", "checkbox")
            self._select = name if tag == "select" else self._select
            self._text = name if tag == "textarea" else ""
            if tag == "option" and ("selected" in said or self._select not in self.fields):
                self.fields[self._select] = said.get("value", "")
            elif name and tag in ("input", "textarea") and on:
                self.fields[name] = said.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """The form's, or a field's."""
        self._inside, self._text = self._inside and tag != "form", ""

    def handle_data(self, data: str) -> None:
        """What stands in a larger field; the newline after its tag is not part of it."""
        if self._text and self.fields is not None:
            self.fields[self._text] += data.removeprefix("\n")


class Person:
    """One browser: a connection, a cookie, and what it knows of the atlas."""

    def __init__(self, number: int, places: "Places", answers: Answers, *, port: int, session: str = "") -> None:
        self.chance = random.Random(number)
        self.places = places
        self.answers = answers
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.cookies = {"sessionid": session} if session else {}

    def ask(self, kind: str, path: str, form: dict[str, Any] | None = None) -> tuple[int, bytes, str]:
        """(status, body, where it leads) of one page."""
        held = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": held, "Accept": "text/html"}
        body = urlencode(form, doseq=True) if form is not None else None
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        try:
            self.connection.request("POST" if form is not None else "GET", path, body, headers)
            answer = self.connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            self.answers.note(kind, time.perf_counter() - began, 599, b"", path=f"{path} {error!r}")
            return 599, b"", ""
        self.answers.note(kind, time.perf_counter() - began, answer.status, content, path=path)
        for cookie in answer.headers.get_all("Set-Cookie", ()):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, content, answer.headers.get("Location", "")

    def post(self, kind: str, page: str, action: str, typed: dict[str, str]) -> None:
        """Read the page with the form, think, send it, and follow where it leads; without a form nobody may."""
        _, content, _ = self.ask(f"{kind}: form", page)
        fields = Form(content.decode(), action).fields
        if fields is None:
            return
        self.think()
        status, _, led = self.ask(f"{kind}: sent", action, fields | typed)
        if status != 302:
            self.answers.note(kind, 0.0, 597, b"", path=f"{action} answered {status}")
        else:
            self.ask("after writing", led.partition("#")[0])

    def think(self) -> None:
        """Read for a while."""
        time.sleep(min(self.chance.expovariate(1 / THINKING), 5 * THINKING))


@dataclass
class Places:
    """Addresses that exist, and what can be written where."""

    neurons: list[str]
    claims: list[str]
    walls: list[str]
    checkpoints: list[str]
    words: list[str]

    def read(self, kind: str, chance: random.Random) -> str:
        """An address of this kind."""
        word = chance.choice(self.words)
        return {
            "neuron": chance.choice(self.neurons),
            "claim": chance.choice(self.claims),
            "wall": chance.choice(self.walls),
            "checkpoint": chance.choice(self.checkpoints),
            "search": f"/search?q={word}",
            "home": "/",
            "claims": "/f",
            "changes": "/changes",
            "history": f"{chance.choice(self.claims)}/history",
        }[kind]


def read_on(person: Person, stopping: threading.Event) -> None:
    """What a reader does."""
    while not stopping.is_set():
        [kind] = person.chance.choices(list(READ), list(READ.values()))
        person.ask(kind, person.places.read(kind, person.chance))
        person.think()


def write_on(person: Person, stopping: threading.Event, *, team: str) -> None:
    """What somebody does who writes."""
    while not stopping.is_set():
        [kind] = person.chance.choices(list(WRITTEN), list(WRITTEN.values()))
        claim, neuron = person.chance.choice(person.places.claims), person.chance.choice(person.places.neurons)
        said = " ".join(person.chance.choices(person.places.words, k=25))
        if kind == "comment":
            person.post(kind, claim, f"{claim}/comments", {"body": said})
        elif kind == "describe":
            _, slug, layer, channel = neuron[1:].split("/")
            page = f"/f/new?{urlencode({'kind': 'description', 'checkpoint': slug, 'neuron': f'{layer}:{channel}'})}"
            person.post(kind, page, "/f/new", {"content.title": said[:60], "content.body": said, "team": team})
        else:
            person.post(kind, claim, f"{claim}/review", {"verdict": "agree", "text": said})
        person.think()


def places(crowd: Any) -> Places:
    """What everybody may read; the neurons and claims that are talked about most come up more often."""
    from atlas.models import Foothold, FootholdNeuron, Layer

    public = {"visibility": "public", "moderation": "visible", "checkpoint__visibility": "public"}
    claims = Foothold.objects.filter(**public, kind="description", standing="open").order_by("pk")
    accessions = list(claims.values_list("accession", flat=True)[:20_000])
    named = {"foothold__accession__in": accessions[:4_000], "neuron__layer__checkpoint__visibility": "public"}
    about = FootholdNeuron.objects.filter(**named).order_by("pk")
    neurons = about.values_list("neuron__layer__checkpoint__slug", "neuron__layer__key", "neuron__channel")
    layers = Layer.objects.filter(checkpoint__visibility="public").order_by("pk")
    walls = [f"/c/{slug}/{key}" for slug, key in layers.values_list("checkpoint__slug", "key")]
    return Places(
        neurons=[f"/c/{slug}/{key}/{channel}" for slug, key, channel in neurons],
        claims=[f"/f/{accession}" for accession in accessions],
        walls=walls,
        checkpoints=sorted({wall.rpartition("/")[0] for wall in walls}),
        words=crowd.words[:2_000],
    )


def sessions(crowd: Any) -> Iterator[tuple[str, str]]:
    """Sessions of people who have signed in, each with the team they write in."""
    from django.contrib.auth import SESSION_KEY
    from django.test import Client

    for person in crowd.people:
        client = Client()
        client.force_login(person.login)
        assert client.session[SESSION_KEY]
        team = person.memberships.get(team__slug__startswith="team-").team
        yield client.cookies["sessionid"].value, team.slug


@contextmanager
def served() -> Iterator[tuple[int, int]]:
    """(port, number of its process) of a web server as it is deployed, once it answers."""
    from atlas import supervisor
    from tests import servers

    port = servers.free_port()
    command = [sys.executable, "manage.py", "run", "web", "--port", str(port)]
    owner = urlsplit(os.environ["ATLAS_DATABASE_URL"])
    role, password = os.environ["ATLAS_SERVING_ROLE"], os.environ["ATLAS_TEST_SERVING_PASSWORD"]
    url = owner._replace(netloc=f"{role}:{password}@{owner.hostname}:{owner.port}").geturl()
    process = subprocess.Popen(command, cwd=supervisor.ROOT, env={**os.environ, "ATLAS_DATABASE_URL": url})
    try:
        while not supervisor.answers(f"http://127.0.0.1:{port}"):
            assert process.poll() is None, "the web server ended"
            time.sleep(0.2)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def crowded(crowd: Any, ports: Sequence[int], seconds: float) -> Answers:
    """Let them all at it."""
    answers, stopping, known = Answers(), threading.Event(), places(crowd)
    signed = sessions(crowd)
    acts: list[Callable[[], None]] = []
    for number in range(READERS):
        session = next(signed)[0] if number < READERS // 2 else ""
        person = Person(number, known, answers, port=ports[number % len(ports)], session=session)
        acts.append(lambda person=person: read_on(person, stopping))  # type: ignore[misc]
    for number in range(WRITERS):
        session, team = next(signed)
        person = Person(1_000 + number, known, answers, port=ports[number % len(ports)], session=session)
        acts.append(lambda person=person, team=team: write_on(person, stopping, team=team))  # type: ignore[misc]
    threads = [threading.Thread(target=act, daemon=True) for act in acts]
    for thread in threads:
        thread.start()
        time.sleep(THINKING / len(threads))
    time.sleep(WARM)
    answers.counting.set()
    time.sleep(seconds)
    answers.counting.clear()
    stopping.set()
    for thread in threads:
        thread.join(timeout=40)
    return answers


def report(answers: Answers, seconds: float) -> None:
    """The table."""
    every = [took * 1000 for times in answers.seconds.values() for took in times]
    print("| page | asked | p50 ms | p95 ms | longest | kB |\n|---|---|---|---|---|---|")
    for kind, times in sorted(answers.seconds.items()):
        mine = [took * 1000 for took in times]
        high = p95(mine) if len(mine) > 1 else mine[0]
        print(f"| {kind} | {len(mine)} | {statistics.median(mine):.0f} | {high:.0f} | {max(mine):.0f} | "
              f"{answers.heaviest[kind] / 1000:.0f} |")  # fmt: skip
    print(f"| **all** | **{len(every)}** | **{statistics.median(every):.0f}** | **{p95(every):.0f}** | "
          f"**{max(every):.0f}** | |")  # fmt: skip
    print(f"\n{len(every) / seconds:.0f} pages a second; {len(answers.errors)} errors; the goal is {GOAL} ms at p95.")
    for error, count in collections.Counter(answers.errors).most_common(20):
        print(f"    {count} × {error}")
    heavy = [f"{kind} {size}" for kind, size in answers.heaviest.items() if size > HEAVIEST]
    print(f"Pages over {HEAVIEST // 1000} kB: {', '.join(heavy) or 'none'}.")


def main() -> None:
    """Make, serve, ask, print."""
    reading = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reading.add_argument("--footholds", type=int, default=100_000)
    reading.add_argument("--seconds", type=float, default=MEASURED)
    reading.add_argument("--servers", type=int, default=os.cpu_count())
    given = reading.parse_args()
    with atlas("postgres"):
        from django.core.management import call_command

        from benchmarks import crowd as crowds

        call_command("collectstatic", interactive=False, verbosity=0)
        call_command("publish_catalog", verbosity=0)
        started = time.perf_counter()
        crowd = crowds.make(given.footholds)
        print(f"made in {time.perf_counter() - started:.0f} s", file=sys.stderr)
        print(f"{machine.processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
              f"load before {os.getloadavg()[0]:.1f}\n")  # fmt: skip
        made = time.process_time()
        with ExitStack() as running:
            up = [running.enter_context(served()) for _ in range(given.servers)]
            before = sum(time_of(pid) for _, pid in up)
            answers = crowded(crowd, [port for port, _ in up], given.seconds)
            spent = sum(time_of(pid) for _, pid in up) - before
        report(answers, given.seconds)
        print(f"In {given.seconds + WARM:.0f} s the {given.servers} web servers had a processor for {spent:.0f} s, "
              f"the people for {time.process_time() - made:.0f} s.")  # fmt: skip


def time_of(pid: int) -> float:
    """Seconds of a processor that a process and its children have had."""
    found = 0.0
    with open(f"/proc/{pid}/stat") as stat:
        times = stat.read().rpartition(")")[2].split()
    found += (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return found + sum(time_of(int(child)) for child in children.read().split())


if __name__ == "__main__":
    main()
