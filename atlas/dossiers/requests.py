"""A request: what somebody asked for at once, and how much of it is answered."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from atlas.errors import NoSuchRequest
from atlas.models import Contributor, Job, Request
from atlas.permissions import readable_jobs


@dataclass(frozen=True, slots=True)
class RequestedFacts:
    """One of its jobs."""

    fingerprint: str
    url: str
    subject: str
    state: str


@dataclass(frozen=True, slots=True)
class RequestDossier:
    """A request and its jobs, in the order in which they were asked for."""

    id: str
    url: str
    created_at: datetime
    cancelled_at: datetime | None
    ended: int
    jobs: tuple[RequestedFacts, ...]


def request(request_id: str, *, actor: Contributor | None) -> RequestDossier:
    """The dossier of a request, of its jobs as far as this person may read them; raises NoSuchRequest."""
    row = Request.objects.filter(pk=_uuid(request_id)).first()
    jobs = Job.objects.filter(readable_jobs(actor), asked__request=row).order_by("asked__id")
    if row is None or not jobs:
        raise NoSuchRequest(request=request_id[:80])
    return RequestDossier(
        id=str(row.id),
        url=f"/api/v1/requests/{row.id}",
        created_at=row.created_at,
        cancelled_at=row.cancelled_at,
        ended=sum(job.state in Job.ENDED for job in jobs),
        jobs=tuple(
            RequestedFacts(job.fingerprint, f"/j/{job.fingerprint}", job.subject_text, job.state) for job in jobs
        ),
    )


def _uuid(text: str) -> uuid.UUID | None:
    """The id, when it is written as ids are: no other spelling of it is an address."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    return found if str(found) == text else None
