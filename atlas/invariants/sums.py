"""Tables that have to agree with each other, each as the rows that do not."""

from collections.abc import Iterator

from django.db.models import Count, Exists, F, OuterRef, Q

from atlas.models import Finding, FindingArtifact, Job, LedgerEntry, Request, RequestedJob

State, Kind = Job.State, LedgerEntry.Kind


def one_job_per_question() -> Iterator[str]:
    """Fingerprints of several jobs."""
    twice = Job.objects.order_by().values("fingerprint").annotate(n=Count("pk")).filter(n__gt=1)
    yield from (f"{it['fingerprint'][:12]} has {it['n']} jobs" for it in twice)


def done_exactly_with_a_finding() -> Iterator[str]:
    """Done without an answer, or answered without being done."""
    answered = Exists(Finding.objects.filter(job=OuterRef("pk")))
    for pk, state in Job.objects.filter(Q(state=State.DONE) ^ Q(answered)).values_list("pk", "state"):
        yield f"job {pk} is {state}, and has {'no' if state == State.DONE else 'a'} finding"


def leased_exactly_while_running() -> Iterator[str]:
    """Leases of what does not run, and the reverse."""
    leased = Q(lease_until__isnull=False, owner__isnull=False)
    for pk, state in Job.objects.filter(Q(state=State.RUNNING) ^ leased).values_list("pk", "state"):
        yield f"job {pk} is {state}, and its lease says otherwise"


def holds_and_closings() -> Iterator[str]:
    """Holds of ended jobs that are open, of open jobs that are closed, and closings of nothing."""
    same = LedgerEntry.objects.filter(job=OuterRef("job"), generation=OuterRef("generation"))
    closed, held = Exists(same.exclude(kind=Kind.HOLD)), Exists(same.filter(kind=Kind.HOLD))
    holds = LedgerEntry.objects.filter(kind=Kind.HOLD)
    current = Q(generation=F("job__generation"), job__state__in=Job.OPEN)
    for pk in holds.filter(~current & ~Q(closed)).values_list("job", flat=True):
        yield f"job {pk} has ended, and its hold is open"
    for pk in holds.filter(current & Q(closed)).values_list("job", flat=True):
        yield f"job {pk} has not ended, and its hold is closed"
    for pk in LedgerEntry.objects.exclude(kind=Kind.HOLD).filter(~Q(held)).values_list("job", flat=True):
        yield f"job {pk} was paid for without a hold"
    payable = Job.objects.filter(payer__isnull=False)
    opened = Exists(LedgerEntry.objects.filter(kind=Kind.HOLD, job=OuterRef("pk"), generation=OuterRef("generation")))
    yield from (
        f"job {pk} is paid for by somebody, and nothing was held"
        for pk in payable.filter(~opened).values_list("pk", flat=True)
    )


def negative() -> Iterator[str]:
    """Lines of less than nothing, and releases that cost something."""
    wrong = Q(seconds__lt=0) | Q(kind=Kind.RELEASE, seconds__gt=0)
    for pk, kind, seconds in LedgerEntry.objects.filter(wrong).values_list("job", "kind", "seconds"):
        yield f"job {pk}: {kind} of {seconds:g} s"


def wishes_without_a_job() -> Iterator[str]:
    """Requests that want nothing, and open jobs that nobody wants."""
    empty = Request.objects.filter(~Exists(RequestedJob.objects.filter(request=OuterRef("pk"))))
    yield from (f"request {pk} asks for nothing" for pk in empty.values_list("pk", flat=True))
    unasked = Job.objects.filter(~Exists(RequestedJob.objects.filter(job=OuterRef("pk"))))
    yield from (f"job {pk} was asked for by nobody" for pk in unasked.values_list("pk", flat=True))


def findings_without_artifacts() -> Iterator[str]:
    """Positions that a finding's artifacts leave out."""
    shown = FindingArtifact.objects.order_by("finding", "position").values_list("finding", "position")
    expected: dict[int, int] = {}
    for finding, position in shown.iterator():
        if position != expected.get(finding, 0):
            yield f"finding {finding} shows a {position}th artifact, and no {expected.get(finding, 0)}th"
        expected[finding] = position + 1
