"""One who asks: a few questions at a time, some of them twice, some withdrawn; every promise goes into the ledger.

python -m tests.chaos.asker PROMISES HANDLE FIRST LAST
"""

import sys
import time
from pathlib import Path

import django

django.setup()

from django.conf import settings
from django.db import Error, connection

from atlas.errors import AtlasError
from atlas.models import Checkpoint, Contributor, Job
from atlas.services import jobs
from atlas.services.questions import ask
from tests.chaos import clock, reference
from tests.chaos.promises import Promises


def main(promises: Promises, handle: str, first: int, last: int) -> None:
    """Ask the questions of these numbers, one request each."""
    actor, checkpoint = Contributor.objects.get(handle=handle), Checkpoint.objects.get()
    for number in range(first, last):
        for again in range(1 + (number % 10 == 0)):
            request(promises, actor, checkpoint, number, again=bool(again))
        if number % 25 == 7:
            withdraw(promises, actor, number)


def request(promises: Promises, actor: Contributor, checkpoint: Checkpoint, number: int, *, again: bool) -> None:
    """Ask about every unit with this number."""
    try:
        questions = ask(
            checkpoint=checkpoint,
            probe=reference.NAME,
            subjects=list(reference.UNITS),
            site=None,
            params={"number": number},
            many=True,
        )
        asked = jobs.request(actor=actor, checkpoint=checkpoint, questions=questions, bulk=number % 3 == 0)
    except AtlasError as error:
        promises.add("ask", "fail", number=number, why=error.slug())
    except Error as error:
        promises.add("ask", "info", number=number, why=str(error)[:200])
        connection.close()
        time.sleep(0.2)
    else:
        promises.add("ask", "ok", number=number, again=again, jobs=[job.fingerprint for job in asked.jobs])


def withdraw(promises: Promises, actor: Contributor, number: int) -> None:
    """Want the first of them no more."""
    fingerprint = ""
    try:
        job = Job.objects.filter(params={"number": number}).order_by("id").first()
        if job is None:
            return
        fingerprint = job.fingerprint
        jobs.cancel(actor=actor, job=job)
    except AtlasError as error:
        promises.add("cancel", "fail", job=fingerprint, why=error.slug())
    except Error:
        promises.add("cancel", "info", job=fingerprint)
        connection.close()
    else:
        promises.add("cancel", "ok", job=fingerprint)


if __name__ == "__main__":
    clock.follow(settings.HOME)
    main(Promises(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
