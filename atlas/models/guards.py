"""What may never change, said once and enforced by triggers of both engines: bulk writes and raw SQL meet them too."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from atlas.models.arrangements import Arrangement
from atlas.models.artifacts import Artifact
from atlas.models.changes import Change, ChangeSet
from atlas.models.checkpoints import IDENTITY, Checkpoint, Layer, LayerAlias, Neuron
from atlas.models.comments import Comment, CommentModeration, CommentVersion
from atlas.models.connections import Connection
from atlas.models.datasets import Dataset, DatasetItem, Spectrum
from atlas.models.findings import Finding, FindingArtifact
from atlas.models.footholds import Foothold, Revision, Support
from atlas.models.imports import Import, ImportRow
from atlas.models.jobs import Job, JobEvent, ProbeKind
from atlas.models.people import Contributor
from atlas.models.recordings import UnitStatistics
from atlas.models.reviews import ModerationEntry, Resolution, Review
from atlas.models.shares import LedgerEntry
from atlas.models.terms import Term
from atlas.models.trials import Trial
from atlas.models.uploads import FootholdArtifact, Upload

MESSAGE = "is a record: it is never"  # errors of both engines carry it, so that one place can recognise them


@dataclass(frozen=True)
class Guard:
    """Rows of a model keep `columns` (all when empty) for ever, and are deleted only where `deletable` holds of OLD.

    Where `open_while` holds of OLD, the columns in `once` may still be written: they are kept from then on.
    """

    model: type[models.Model]
    columns: tuple[str, ...] = ()
    deletable: str = ""
    once: tuple[str, ...] = ()
    open_while: str = "FALSE"

    @property
    def table(self) -> str:
        """The table's name in the database."""
        return self.model._meta.db_table

    @property
    def frozen(self) -> tuple[str, ...]:
        """The columns that never change, from the beginning or once they are written."""
        named = {*self.columns, *self.once}
        fields = [field for field in self.model._meta.concrete_fields if not named or field.name in named]
        return tuple(field.column for field in fields if field.column)

    def triggers(self) -> Iterator[tuple[str, str, str]]:
        """(name, event, condition on OLD and NEW under which the statement is refused)."""
        yield f"{self.table}_never_changed", "UPDATE", self._changed()
        yield f"{self.table}_never_deleted", "DELETE", f"NOT ({self.deletable})" if self.deletable else "TRUE"

    def _changed(self) -> str:
        later = {field.column for field in self.model._meta.concrete_fields if field.name in self.once}
        differs = {column: f'OLD."{column}" IS DISTINCT FROM NEW."{column}"' for column in self.frozen}
        always = " OR ".join(said for column, said in differs.items() if column not in later)
        settled = " OR ".join(said for column, said in differs.items() if column in later)
        return f"{always} OR (NOT ({self.open_while}) AND ({settled}))" if settled else always


QUESTION = ("fingerprint", "checkpoint", "probe", "subject", "subject_text", "site", "params", "dataset", "batch_key")
# Not by its status, which can be set back: what has no digest yet has never been published.
DRAFT = 'OLD."digest" IS NULL'

GUARDS = (
    Guard(ChangeSet),
    Guard(Change),
    # Collection deletes a row that it has marked before; foreign keys protect those that somebody refers to.
    Guard(Artifact, columns=("sha256", "media_type", "size", "created_at"), deletable='OLD."marked_at" IS NOT NULL'),
    Guard(Contributor, columns=("id", "created_at")),
    Guard(
        Checkpoint,
        columns=("slug", "created_at"),
        once=("architecture", *IDENTITY),
        open_while=DRAFT,
        deletable=DRAFT,
    ),
    Guard(Layer),
    Guard(LayerAlias),
    Guard(Neuron),
    Guard(Dataset, columns=("slug", "digest", "kind", "size", "created_at")),
    Guard(DatasetItem),
    Guard(Spectrum),
    Guard(ProbeKind),
    Guard(Job, columns=QUESTION),
    Guard(JobEvent),
    Guard(LedgerEntry),
    Guard(Finding),
    Guard(FindingArtifact),
    Guard(Connection),
    Guard(UnitStatistics),
    Guard(Foothold, columns=("id", "accession", "kind", "checkpoint", "created_by", "created_at")),
    Guard(Revision),
    # What nobody shows for long is discarded with its bytes.
    Guard(Upload, deletable="TRUE"),
    Guard(Arrangement, columns=("foothold", "version")),
    Guard(FootholdArtifact),
    Guard(Support, columns=("evidence", "claim", "claim_version", "role", "facet", "note", "by", "at")),
    Guard(Trial),
    Guard(Term, columns=("id", "slug", "created_at")),
    Guard(Review, columns=("foothold", "version", "reviewer", "team", "verdict", "reason", "text", "blind", "at")),
    Guard(Resolution),
    Guard(ModerationEntry),
    Guard(
        Comment, columns=("id", "foothold", "number", "thread", "reply_to", "version", "quote", "author", "created_at")
    ),
    Guard(CommentVersion),
    Guard(CommentModeration),
    Guard(
        Import,
        columns=("public_id", "team", "checkpoint", "source", "visibility", "by", "form", "sha256", "created_at"),
        deletable="OLD.\"state\" IN ('judging', 'staged')",
    ),
    # What became no version of anything was never anybody's but its author's; erasure forgets it.
    Guard(ImportRow, columns=("batch", "line", "external_id", "given"), deletable='OLD."version" IS NULL'),
)


def install(connection: BaseDatabaseWrapper) -> None:
    """(Re)install every trigger. Idempotent; Django's table remakes on SQLite drop them, so each migrate calls it."""
    execute(connection, _postgresql() if connection.vendor == "postgresql" else _sqlite())


def execute(connection: BaseDatabaseWrapper, statements: Iterator[str]) -> None:
    """Run statements one after the other."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of triggers that the database's own catalogue does not know."""
    known = present(connection)
    return [name for guard in GUARDS for name, _, _ in guard.triggers() if name not in known]


def present(connection: BaseDatabaseWrapper) -> set[str]:
    """The names of all triggers that are in force."""
    catalogue = (
        "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(catalogue)
        return {name for (name,) in cursor.fetchall()}


def grant(connection: BaseDatabaseWrapper, role: str) -> None:
    """Give the serving role of PostgreSQL the rows, but neither the tables nor their triggers."""
    name = connection.ops.quote_name(role)
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {name}")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}")


def _sqlite() -> Iterator[str]:
    for guard in GUARDS:
        for name, event, condition in guard.triggers():
            # IS DISTINCT FROM came with SQLite 3.39; IS NOT says the same in every version.
            when = condition.replace("IS DISTINCT FROM", "IS NOT")
            yield f'DROP TRIGGER IF EXISTS "{name}"'
            yield (
                f'CREATE TRIGGER "{name}" BEFORE {event} ON "{guard.table}" WHEN {when} '
                f"BEGIN SELECT RAISE(ABORT, '{_message(guard, event)}'); END"
            )


def _postgresql() -> Iterator[str]:
    yield (
        "CREATE OR REPLACE FUNCTION atlas_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for guard in GUARDS:
        for name, event, condition in guard.triggers():
            yield f'DROP TRIGGER IF EXISTS "{name}" ON "{guard.table}"'
            yield (
                f'CREATE TRIGGER "{name}" BEFORE {event} ON "{guard.table}" FOR EACH ROW WHEN ({condition}) '
                f"EXECUTE FUNCTION atlas_refuse('{_message(guard, event)}')"
            )
        yield f'DROP TRIGGER IF EXISTS "{guard.table}_never_truncated" ON "{guard.table}"'
        yield (
            f'CREATE TRIGGER "{guard.table}_never_truncated" BEFORE TRUNCATE ON "{guard.table}" '
            f"EXECUTE FUNCTION atlas_refuse('{guard.table} {MESSAGE} truncated')"
        )


def _message(guard: Guard, event: str) -> str:
    return f"{guard.table} {MESSAGE} {'changed' if event == 'UPDATE' else 'deleted'}"
