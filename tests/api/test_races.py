"""What only shows on a database that commits: many who ask at once, and one who waits for the answer."""

import threading

from django.db import connection

from atlas.models import Request
from atlas.services import people
from tests.api.conftest import Api, question


def test_of_many_at_once_one_is_done(fresh_database, register_on, probe_on):
    """Twelve threads send one request under one key: one does it, the others get its answer or are told to wait."""
    register_on(), probe_on()
    login = people.join(username="racer", password="correct horse battery")
    body, found = question(subject="edges:3"), []

    def send() -> None:
        try:
            found.append(Api(login).post("jobs", body, headers={"Idempotency-Key": "k-1"}).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) <= {202, 409}
    assert 202 in found
    assert Request.objects.count() == 1
    assert Api(login).post("jobs", body, headers={"Idempotency-Key": "k-1"})["Idempotent-Replay"] == "true"


def test_who_prefers_to_wait_gets_the_answer(fresh_database, register_on, probe_on, answer_jobs_on):
    register_on(), probe_on()
    api = Api(people.join(username="waiter", password="correct horse battery"))
    worker = threading.Timer(0.5, answer_jobs_on)
    worker.start()
    answer = api.post("jobs", question(), headers={"Prefer": "respond-async, wait=20"})
    worker.join()
    assert (answer.status_code, answer.json()["state"]) == (200, "done")
    assert answer["Preference-Applied"] == "wait=20"
