"""The web server as a process: killed while it answers it forgets no promise, and streams leave room for pages."""

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest

from api import events
from atlas import supervisor
from atlas.models import Job, Scope
from atlas.services import people, tokens

LONG = 500  # questions of one person, more than are answered before the kill
ACKNOWLEDGED = 40  # after so many it is killed


@contextmanager
def served(port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    """The process that `manage.py run web` becomes, once it answers; it and what it started are gone afterwards."""
    command = supervisor.web_command(host="127.0.0.1", port=port)
    process = subprocess.Popen(
        command, cwd=supervisor.ROOT, env={**environment, "ATLAS_RATES": "compute=100000"}, start_new_session=True
    )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while not supervisor.answers(f"http://127.0.0.1:{port}"):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def asked(register_on, probe_on):
    """Somebody's token, and the body of their question of a number."""
    checkpoint, probe = register_on(), probe_on()
    made = tokens.create(owner=person("asker"), name="asking", scopes=Scope.values)[1]

    def body(number: int) -> dict:
        params = {"steps": number % 100 + 1, "seeds": [number // 100]}
        return {"checkpoint": checkpoint.slug, "probe": probe.name, "subject": "edges:0", "params": params}

    return made, body


def person(handle: str):
    """One who may sign in, and compute."""
    return people.join(username=handle, password="correct horse battery")


def connected(port: int) -> closing:
    """A connection, closed afterwards."""
    return closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30))


def post(connection: http.client.HTTPConnection, token: str, body: dict) -> tuple[int, dict]:
    """(status, body) of a question."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/jobs", json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_killed_while_it_answers_it_has_kept_what_it_promised(fresh_database, asked, free_port):
    token, body = asked
    promised: list[str] = []
    with served(free_port, fresh_database) as web:

        def ask(numbers: range) -> None:
            # Killed: whether the last one was kept, nobody has been told.
            with connected(free_port) as connection, suppress(OSError, http.client.HTTPException):
                for number in numbers:
                    status, job = post(connection, token, body(number))
                    assert status == 202, job
                    promised.append(job["fingerprint"])

        asking = [threading.Thread(target=ask, args=(range(first, LONG, 4),)) for first in range(4)]
        for thread in asking:
            thread.start()
        while len(promised) < ACKNOWLEDGED:
            assert any(thread.is_alive() for thread in asking)
            time.sleep(0.005)
        os.killpg(web.pid, signal.SIGKILL)
        for thread in asking:
            thread.join(timeout=30)
        assert web.wait() == -signal.SIGKILL
    assert ACKNOWLEDGED <= len(promised) < LONG
    assert set(promised) <= set(Job.objects.values_list("fingerprint", flat=True))
    with served(free_port, fresh_database), connected(free_port) as connection:
        known = {post(connection, token, body(number))[1]["fingerprint"]: number for number in range(ACKNOWLEDGED)}
    assert len(known) == ACKNOWLEDGED
    assert Job.objects.filter(fingerprint__in=known).count() == ACKNOWLEDGED


def test_with_every_stream_open_pages_are_answered(fresh_database, asked, free_port):
    token, body = asked
    readers = [tokens.create(owner=person(f"reader-{place}"), name="reading", scopes=["read"])[1]
               for place in range(events.MOST // events.EACH)]  # fmt: skip
    answered: list[int] = []

    def read() -> None:
        with connected(free_port) as connection:
            for _ in range(5):
                connection.request("GET", "/c/toy/edges/0", headers={"Accept": "text/html"})
                answer = connection.getresponse()
                answer.read()
                answered.append(answer.status)

    with served(free_port, fresh_database), ExitStack() as streams:
        with connected(free_port) as connection:
            status, job = post(connection, token, body(0))
        assert status == 202
        for reader in readers * events.EACH:
            connection = streams.enter_context(connected(free_port))
            headers = {"Authorization": f"Bearer {reader}", "Accept": "text/event-stream"}
            connection.request("GET", f"/api/v1/jobs/{job['fingerprint']}/events", headers=headers)
            stream = streams.enter_context(closing(connection.getresponse()))
            assert (stream.status, stream.readline()[:6]) == (200, b"retry:")
        reading = [threading.Thread(target=read) for _ in range(8)]
        for thread in reading:
            thread.start()
        for thread in reading:
            thread.join(timeout=60)
    assert answered == [200] * 40
