"""Files, rows and hashes of artifacts have to agree; an orphan file is garbage, an orphan row would be a lie."""

from collections.abc import Iterator
from itertools import islice

from atlas.errors import AtlasError
from atlas.models import Artifact, Chore, Foothold, Job, Revision
from atlas.services import artifacts, leftovers, questions, references
from atlas.storage import SHA256, hash_of, path_of

FORGOTTEN = 3 * leftovers.UNFINISHED  # by then the janitor has been there
MARKS = "marks"  # the janitor's rule that sets them
AT_ONCE = 1_000


def missing_or_torn() -> Iterator[str]:
    """Artifacts whose bytes are not there, not of their size, or not what their name says."""
    for row in Artifact.objects.iterator():
        try:
            with artifacts.open_checked(row) as file:
                size = file.seek(0, 2)
        except AtlasError as error:
            yield str(error)
            continue
        if size != row.size:
            yield f"{row.sha256[:12]} has {size} bytes, its row says {row.size}"


def misnamed() -> Iterator[str]:
    """Files under a final name that are something else, whether or not a row knows them."""
    store = artifacts.store()
    for name in artifacts.stored():
        if not SHA256.fullmatch(name):
            yield f"{name[:80]} is no name of an artifact"
            continue
        with store.open(path_of(name)) as file:
            if hash_of(iter(lambda: file.read(1 << 20), b"")) != name:
                yield f"{name[:12]} is not what its name says"


def half_written() -> Iterator[str]:
    """Files that somebody began to write long ago, and the last round of the janitor left lying."""
    for name in artifacts.store().unfinished(seconds=FORGOTTEN):
        yield f"{name} was begun hours ago"


def marked_and_wanted() -> Iterator[str]:
    """Artifacts that something refers to, although they were marked before the janitor last looked for that."""
    looked = Chore.objects.filter(name=MARKS).values_list("whole_at", flat=True).first()
    if looked is not None:
        marked = Artifact.objects.filter(~references.none_to(), marked_at__lt=looked)
        yield from (f"{it[:12]} is marked, and something refers to it" for it in marked.values_list("pk", flat=True))


def named_and_gone() -> Iterator[str]:
    """Artifacts that a piece of evidence or a question names, and that are not there: no foreign key keeps these."""
    names = _named()
    while some := dict(islice(names, AT_ONCE)):
        known = set(Artifact.objects.filter(pk__in=some).values_list("pk", flat=True))
        yield from (f"{what} names {it[:12]}, which is not there" for it, what in some.items() if it not in known)


def _named() -> Iterator[tuple[str, str]]:
    """(hash, what names it)."""
    evidence = Revision.objects.filter(foothold__kind=Foothold.Kind.EVIDENCE).order_by()
    for accession, content in evidence.values_list("foothold__accession", "content").iterator():
        yield from ((sha256, accession) for sha256 in content.get("artifacts", ()))
    asked = Job.objects.filter(probe__in=references.shown_artifacts()).select_related("probe").order_by()
    for job in asked.iterator():
        yield from ((sha256, f"job {job.pk}") for _, sha256 in questions.materials(job.probe, job.params))
