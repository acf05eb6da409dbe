"""What refers to artifacts: every foreign key of every model, found and not listed, and texts that name one."""

import json
import re
from collections.abc import Collection, Iterator
from functools import reduce
from operator import and_
from typing import Any

from django.db.models import Exists, Field, ForeignKey, Model, OuterRef, Q, QuerySet, TextField
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.functions import Cast

from atlas.models import Artifact, CommentVersion, ImportRow, Job, ProbeKind, Revision, UnsavedText
from atlas.storage import SHA256

HASHES = re.compile(SHA256.pattern.strip("^$"))
# Where people, and questions, call an artifact by its hash without a foreign key.
TEXTS: tuple[tuple[type[Model], str], ...] = (
    (Revision, "content"),
    (UnsavedText, "content"),
    (CommentVersion, "body"),
    (ImportRow, "given"),
)


def fields() -> "tuple[ForeignKey[Any, Any], ...]":
    """The foreign keys to artifacts of all models, hidden and of tables between two models, too."""
    found = Artifact._meta.get_fields(include_hidden=True)
    keys = (it.field for it in found if isinstance(it, ForeignObjectRel) and not it.many_to_many)
    return tuple(key for key in keys if isinstance(key, ForeignKey))


def none_to(*, apart_from: Collection[type[Model]] = ()) -> Q:
    """Artifacts to which no row refers, or none but rows of these models."""
    others = [field for field in fields() if field.model not in apart_from]
    return reduce(and_, (~Q(Exists(_rows(field).filter(**{field.name: OuterRef("pk")}))) for field in others))


def named(hashes: Collection[str]) -> set[str]:
    """Those of these artifacts that a text or a question names.

    Whatever names one was written while something referred to it: who asks a day after the last reference went away
    misses nothing that is being written meanwhile.
    """
    wanted = set(hashes)
    found: set[str] = set()
    if wanted:
        for text in _texts():
            found |= wanted.intersection(HASHES.findall(text))
    return found


def _rows(field: "Field[Any, Any]") -> QuerySet[Any]:
    return field.model._base_manager.order_by()


def _texts() -> Iterator[str]:
    for model, column in TEXTS:
        text = Cast(column, TextField())
        rows = model._base_manager.order_by().annotate(text=text).exclude(text=None)
        yield from rows.values_list("text", flat=True).iterator()
    asked = Job.objects.filter(probe__in=shown_artifacts()).order_by().annotate(text=Cast("params", TextField()))
    yield from asked.values_list("text", flat=True).iterator()


def shown_artifacts() -> list[int]:
    """The probe versions that are handed artifacts by their parameters."""
    return [kind.pk for kind in ProbeKind.objects.all() if '"format": "artifact"' in json.dumps(kind.schema)]
