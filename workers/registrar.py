"""Answers the one question that is about a file: what an upload is, found out in the sandbox, then published."""

import logging
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from atlas.acting import acting
from atlas.errors import LeaseLost, RegisteredElsewhere, UploadReplaced
from atlas.models import Checkpoint, Job
from atlas.services import artifacts, drafts
from atlas.services.checkpoints import Registration
from workers import examination, registration, translate
from workers.interp.probe import Progress
from workers.registration import Refused

if TYPE_CHECKING:
    from workers.drain import Batch

log = logging.getLogger(__name__)
STEPS = examination.STEPS + 1  # the last is the publication


def answer(batch: "Batch") -> None:
    """Examine the upload and publish its draft; a refusal fails the job by the name of what is wrong.

    Raises Unwanted, from the glance at the watch, when nobody wants it any more: the child is gone by then.
    """
    [job] = batch.claimed
    started = time.time()
    try:
        draft = _draft(job)
        with tempfile.TemporaryDirectory(prefix="atlas-registration-") as name, acting(lambda: draft.registered_by_id):
            facts = _examined(draft, batch, folder=Path(name))
            drafts.publish(
                job,
                facts=facts,
                weights=Path(name) / registration.CANONICAL,
                provenance=translate.made(started),
                acting_for=draft.registered_by,
            )
        batch.answered(job)
    except LeaseLost as error:  # superseded, or cancelled at the last moment: the batch is given back
        log.warning("%s", error)
    except (Refused, RegisteredElsewhere, UploadReplaced) as error:
        batch.fail(job, error)


def _draft(job: Job) -> Checkpoint:
    draft = drafts.current(job).select_related("upload", "registered_by").first()
    if draft is None:
        raise UploadReplaced(slug=job.checkpoint.slug)
    return draft


def _examined(draft: Checkpoint, batch: "Batch", *, folder: Path) -> Registration:
    """What the child says of the file, each of its lines a step; the watch is looked at while it is silent."""
    assert draft.upload is not None  # current drafts have both
    assert draft.card is not None
    said: list[str] = []

    def glance() -> None:
        batch.observe(Progress(done=len(said), of=STEPS, snapshots=()))

    with artifacts.on_disk(draft.upload) as file:
        return registration.examined(
            file,
            architecture=draft.architecture,
            card=draft.card,
            folder=folder,
            progress=said.append,
            glance=glance,
        )
