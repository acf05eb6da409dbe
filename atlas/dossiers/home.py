"""The first page: what waits for its reader, what is new, where help is needed, and whether anything is computed."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from atlas.dossiers import notifications as inbox
from atlas.dossiers.bodies import OnThePage
from atlas.dossiers.checkpoints import CheckpointFacts, checkpoints
from atlas.dossiers.footholds import FootholdFacts, newest
from atlas.dossiers.jobs import JobFacts, answers, facts_of
from atlas.dossiers.notifications import NotificationFacts
from atlas.dossiers.wanting import CLAIMED, Wanting, of_mine, wanting
from atlas.models import Contributor, FindingArtifact, Foothold, Job, Review
from atlas.permissions import readable_footholds, readable_jobs
from atlas.services import standing, turns, workers

NEWEST = 10
CLAIMS = VERDICTS = 5
UNREAD = 4


@dataclass(frozen=True, slots=True)
class VerdictFacts:
    """That somebody gave a verdict on a claim."""

    reviewer: str
    verdict: str
    title: str  # of the claim
    url: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Awaiting:
    """What waits for one person: what they were told, what they may judge, and what of theirs is in doubt."""

    told: tuple[NotificationFacts, ...]
    to_review: tuple[FootholdFacts, ...]
    own: tuple[FootholdFacts, ...]

    @property
    def nothing(self) -> bool:
        """Whether nothing does."""
        return not (self.told or self.to_review or self.own)


@dataclass(frozen=True, slots=True)
class HomeDossier:
    """Everything the home page shows."""

    checkpoints: tuple[CheckpointFacts, ...]
    newest: tuple[JobFacts, ...]  # latest answers with a picture
    claims: tuple[FootholdFacts, ...]  # the newest ones
    verdicts: tuple[VerdictFacts, ...]
    wanting: Wanting
    waiting: int
    running: int
    workers: OnThePage[int]
    awaiting: OnThePage[Awaiting | None]

    @property
    def forming(self) -> bool:
        """Whether pictures are on their way and the page has room for them."""
        return len(self.newest) < NEWEST and self.workers > 0 and self.waiting + self.running > 0


def home(actor: Contributor | None) -> HomeDossier:
    """The dossier of the home page."""
    mine = readable_jobs(actor)
    pictured = FindingArtifact.objects.filter(finding__job=OuterRef("pk"), role="thumbnail")
    answered = Job.objects.filter(mine, Exists(pictured), state=Job.State.DONE)
    return HomeDossier(
        checkpoints=checkpoints(actor),
        newest=tuple(facts_of(job) for job in answers(answered.order_by("-finished_at", "-id")[:NEWEST])),
        claims=tuple(newest(actor=actor, most=CLAIMS, kind__in=CLAIMED)),
        verdicts=_verdicts(actor),
        wanting=wanting(actor),
        waiting=turns.waiting().filter(mine).count(),
        running=Job.objects.filter(mine, state=Job.State.RUNNING).count(),
        workers=workers.count(),
        awaiting=None if actor is None else _awaiting(actor),
    )


def _verdicts(actor: Contributor | None) -> tuple[VerdictFacts, ...]:
    """The newest verdicts on what this person may read, without those that a blind review keeps from them."""
    kept_back = Foothold.objects.filter(standing.hidden_from(actor), pk=OuterRef("foothold"))
    rows = Review.objects.filter(readable_footholds(actor, "foothold__"), ~Exists(kept_back), superseded_at=None)
    return tuple(
        VerdictFacts(it.reviewer.handle, it.verdict, it.foothold.title, f"/f/{it.foothold.accession}", it.at)
        for it in rows.select_related("reviewer", "foothold").order_by("-id")[:VERDICTS]
    )


def _awaiting(actor: Contributor) -> Awaiting:
    unread = inbox.told(actor).filter(read_at=None).order_by("-id")[:UNREAD]
    return Awaiting(tuple(inbox.facts_of(row) for row in unread), *of_mine(actor))
