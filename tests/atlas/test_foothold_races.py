"""Two people, one version: the database lets one win, every time."""

import threading
from contextlib import suppress

import pytest
from django.db import connection
from django.db.models import Count

from atlas.errors import EditConflict, Validation
from atlas.models import Foothold, Job, Membership, Revision, Role, Trial
from atlas.services import comments, evidence, footholds, jobs, predictions, reviews, teams, terms, workers
from tests.claims import PREDICTION, WORD, member, revise

ROUNDS, MIXED_ROUNDS = 500, 12


@pytest.fixture
def contested(fresh_database, register_on):
    """A claim on a database that commits, and the two who are about to edit it."""
    lab = teams.found(actor=None, slug="lab", name="The lab", admin=None)
    writers = [member(name, lab, Role.ANNOTATOR) for name in ("ana", "bo")]
    content = {"neuron": "mixed:9", "title": "A curve"}
    claim = footholds.create(actor=writers[0], kind="description", checkpoint=register_on(), team=lab, content=content)
    return claim, writers


def test_of_two_edits_of_one_version_one_wins_every_time(contested):
    claim, writers = contested
    together = threading.Barrier(len(writers), timeout=60)
    outcomes = {writer.handle: [] for writer in writers}

    def edit(writer):
        try:
            for turn in range(ROUNDS):
                outcomes[writer.handle].append(_outcome(claim, writer, turn, together))
        finally:
            connection.close()

    threads = [threading.Thread(target=edit, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rounds = list(zip(*outcomes.values(), strict=True))
    assert len(rounds) == ROUNDS
    assert {tuple(sorted(one)) for one in rounds} == {("1 behind", "won")}
    versions = list(Revision.objects.filter(foothold=claim).values_list("version", flat=True))
    assert versions == list(range(1, ROUNDS + 2))


def test_whoever_writes_of_one_claim_at_once_nobody_is_turned_away(contested):
    """Each verb waits for the others, and none for one that waits for it: PostgreSQL would end that with an error."""
    claim, [writer, reviewer] = contested
    Membership.objects.filter(contributor=reviewer, team=claim.team).update(role=Role.REVIEWER)
    proof = evidence.give(actor=writer, claim=claim, team=claim.team, content=WORD)
    verbs = (
        lambda row, turn: revise(row, writer, title=f"Number {turn}"),
        lambda row, turn: reviews.review(actor=reviewer, foothold=row, version=row.head_version, verdict="unsure"),
        lambda row, turn: comments.write(actor=reviewer, foothold=row, body="So it is."),
        lambda row, turn: (
            evidence.attach(actor=writer, evidence=proof, claim=row, facet="purity")
            and evidence.detach(actor=writer, evidence=proof, claim=row, role="supports", facet="purity")
        ),
    )
    assert at_once(verbs, claim) == []
    assert [*claim.comments.values_list("number", flat=True)] == [*range(1, MIXED_ROUNDS + 1)]


def test_a_claim_is_tested_answered_and_revised_at_once_and_its_flags_are_what_the_record_says(contested, probe_on):
    """Two ask, a worker answers and an author predicts anew: each locks jobs and claims, in one order."""
    claim, [writer, other] = contested
    probe, worker = probe_on(), workers.start(device="cpu", versions={})
    numbers = {"pictures": [{"maximum": 0.5}]}

    def foretell(row, turn):
        revise(row, writer, predictions=[{**PREDICTION, "params": {"seeds": [turn + 1]}, "least": turn % 2}])

    def answer(row, turn):
        while some := jobs.claim(worker, limit=lambda head: 8, probes=[probe]):
            for job in some:
                jobs.finish(job, numbers=numbers, provenance={}, shown=())

    foretell(claim, MIXED_ROUNDS)
    acts = (
        lambda row, turn: predictions.test(actor=writer, foothold=row),
        lambda row, turn: predictions.test(actor=other, foothold=row),
        foretell,
        answer,
    )
    assert at_once(acts, claim) == []
    claim.refresh_from_db()
    predictions.test(actor=writer, foothold=claim)
    answer(claim, 0)
    claim.refresh_from_db()
    falsified = footholds.revision(claim, claim.head_version).content["predictions"][0]["least"] == 1
    assert claim.flags == (["falsified"] if falsified else [])
    assert Job.objects.exclude(state="done").count() == 0
    assert not Trial.objects.values("job").annotate(asked=Count("pk")).filter(asked__gt=1).exists()


def test_of_two_who_make_one_word_at_once_one_is_told_that_it_is_in_use(contested):
    _, writers = contested
    together, outcomes = threading.Barrier(len(writers), timeout=60), []

    def make(writer):
        try:
            for turn in range(MIXED_ROUNDS):
                together.wait()
                try:
                    terms.create(actor=writer, slug=f"word-{turn}", label="word")
                    outcomes.append((turn, "made"))
                except Validation as refused:
                    outcomes.append((turn, refused.errors[0]["code"]))
        finally:
            connection.close()

    threads = [threading.Thread(target=make, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted((turn, it) for turn in range(MIXED_ROUNDS) for it in ("made", "not-free"))


def at_once(verbs, claim):
    """Do all of these about a claim at the same moment, again and again; what went wrong but for edit conflicts."""
    together, failed = threading.Barrier(len(verbs), timeout=60), []

    def write(verb):
        try:
            for turn in range(MIXED_ROUNDS):
                together.wait()
                row = Foothold.objects.select_related("checkpoint", "team").get(pk=claim.pk)
                with suppress(EditConflict):
                    verb(row, turn)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failed.append(error)
            together.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def _outcome(claim, writer, turn, together):
    """Both read the same version, then both write."""
    seen = Foothold.objects.select_related("checkpoint", "team").get(pk=claim.pk)
    version = seen.head_version
    together.wait()
    content = {"neuron": "mixed:9", "title": f"{writer.handle} {turn}"}
    try:
        footholds.revise(actor=writer, foothold=seen, content=content, based_on=version)
        outcome = "won"
    except EditConflict as refused:
        behind = refused.facts["theirs"]["version"] - version
        outcome = f"{behind} behind"
    together.wait()
    return outcome
