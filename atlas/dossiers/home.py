"""The first page: what there is, what is new, and whether anything can be computed right now."""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from atlas.dossiers.bodies import OnThePage
from atlas.dossiers.checkpoints import CheckpointFacts, checkpoints
from atlas.dossiers.footholds import FootholdFacts, newest
from atlas.dossiers.jobs import JobFacts, facts_of, with_answer
from atlas.models import Contributor, FindingArtifact, Job
from atlas.permissions import readable_jobs
from atlas.services import turns, workers

NEWEST = 20
CLAIMS = 6
CLAIMED = ("description", "link", "circuit", "collection")  # evidence is shown with what it speaks of


@dataclass(frozen=True, slots=True)
class HomeDossier:
    """Everything the home page shows."""

    checkpoints: tuple[CheckpointFacts, ...]
    newest: tuple[JobFacts, ...]  # latest answers with a picture
    claims: tuple[FootholdFacts, ...]  # the newest ones
    waiting: int
    running: int
    workers: OnThePage[int]

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
        newest=tuple(facts_of(job) for job in with_answer(answered.order_by("-finished_at", "-id"))[:NEWEST]),
        claims=tuple(newest(actor=actor, most=CLAIMS, kind__in=CLAIMED)),
        waiting=turns.waiting().filter(mine).count(),
        running=Job.objects.filter(mine, state=Job.State.RUNNING).count(),
        workers=workers.alive().count(),
    )
