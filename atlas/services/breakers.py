"""A probe that crashes on a checkpoint, whatever it is asked: its questions wait, and then are tried one by one."""

from datetime import timedelta

from django.db.models.functions import Now

from atlas.models import Breaker, Job, JobEvent
from atlas.services.instants import from_now

WINDOW = timedelta(minutes=10)
DIFFERENT = 3  # questions that crashed within the window, each by itself: the others of a pass may be innocent


def crashed(job: Job) -> None:
    """A worker died of this question: open the breaker when others of its probe and checkpoint did that, too."""
    pair = {"probe": job.probe_id, "checkpoint": job.checkpoint_id}
    of_pair = {f"job__{name}": pk for name, pk in pair.items()}
    recent = JobEvent.objects.filter(kind="reap", at__gte=from_now(-WINDOW.total_seconds()), **of_pair)
    different = recent.filter(data__crashed=True, data__together=1).order_by().values("job").distinct().count()
    known = Breaker.objects.filter(probe=job.probe_id, checkpoint=job.checkpoint_id)
    if different >= DIFFERENT and not known.update(until=from_now(WINDOW.total_seconds())):
        Breaker.objects.get_or_create(
            probe_id=job.probe_id,
            checkpoint_id=job.checkpoint_id,
            defaults={"until": from_now(WINDOW.total_seconds())},
        )


def answered(job: Job) -> None:
    """A question of the pair was answered once the breaker had let it through: it is closed."""
    Breaker.objects.filter(probe=job.probe_id, checkpoint=job.checkpoint_id, until__lte=Now()).delete()


def is_watched(job: Job) -> bool:
    """Whether questions like this are claimed singly for now."""
    return Breaker.objects.filter(probe=job.probe_id, checkpoint=job.checkpoint_id).exists()
