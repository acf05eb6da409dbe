"""Every write to people's tables leaves its trace by triggers of both engines, so that bulk writes and raw SQL do too.

Who acts and in which request reaches the triggers by connection functions on SQLite (`atlas_actor()`,
`atlas_request()`), and on PostgreSQL by `set_config` just before a statement that writes to a traced table. A writer
that passes by Django, such as `psql`, leaves its trace without a name; a bare `sqlite3` cannot write there at all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from atlas.acting import current_actor, current_request
from atlas.models.arrangements import Arrangement
from atlas.models.checkpoints import Checkpoint
from atlas.models.comments import Comment, CommentModeration, CommentVersion
from atlas.models.datasets import Dataset
from atlas.models.footholds import Foothold, Revision, Support
from atlas.models.guards import execute, present
from atlas.models.imports import Import
from atlas.models.people import Byline, Contributor, Invitation, Membership, Team, User
from atlas.models.reviews import ModerationEntry, Resolution, Review
from atlas.models.terms import Term
from atlas.models.tokens import Token
from atlas.models.trials import Trial
from atlas.models.uploads import Upload

LOCK = 0x61746C6173  # "atlas": the advisory lock under which PostgreSQL numbers changes
EVENTS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}


@dataclass(frozen=True)
class Trace:
    """A traced table. Of `kept` columns the values are recorded, of all others only that they changed: no secret and
    no name of a person stays behind in a record that nobody can erase.

    `team` and `public` are SQL over a row (`{row}`): whose it is, and whether everybody may read of it. An update of
    nothing but COMPUTED columns is for the operator alone where the row is `hushed`: that they changed tells what to.
    """

    model: type[models.Model]
    kept: tuple[str, ...]
    team: str = "NULL"
    public: str = "FALSE"
    hushed: str = ""

    @property
    def table(self) -> str:
        """The table's name in the database."""
        return self.model._meta.db_table

    @property
    def columns(self) -> tuple[str, ...]:
        """All of its columns."""
        return tuple(field.column for field in self.model._meta.concrete_fields if field.column)

    def name(self, event: str) -> str:
        """The trigger's name."""
        return f"{self.table}_traced_{event.lower()}"


OWNED = {
    "team": '{row}."team_id"',
    "public": "({row}.\"visibility\" = 'public')",
}
CLAIM = (
    "({row}.\"visibility\" = 'public' AND {row}.\"standing\" <> 'draft' AND {row}.\"moderation\" = 'visible' AND "
    '({row}."checkpoint_id" IS NULL OR EXISTS (SELECT 1 FROM "atlas_checkpoint" c WHERE c."id" = {row}."checkpoint_id" '
    "AND c.\"visibility\" = 'public' AND c.\"status\" <> 'draft')))"
)


def _of_claim(column: str) -> dict[str, str]:
    """Whose a row is, and whether everybody may read of it, by the foothold it belongs to."""
    owner = f'FROM "atlas_foothold" f WHERE f."id" = {{row}}."{column}"'
    return {
        "team": f'(SELECT f."team_id" {owner})',
        "public": f"EXISTS (SELECT 1 {owner} AND {CLAIM.replace('{row}', 'f')})",
    }


def _of_comment() -> dict[str, str]:
    """The same for what belongs to a comment, as long as no moderator hid that."""
    owner = (
        'FROM "atlas_comment" m JOIN "atlas_foothold" f ON f."id" = m."foothold_id" WHERE m."id" = {row}."comment_id"'
    )
    shown = f"m.\"moderation\" = 'visible' AND {CLAIM.replace('{row}', 'f')}"
    return {"team": f'(SELECT f."team_id" {owner})', "public": f"EXISTS (SELECT 1 {owner} AND {shown})"}


OF_CLAIM = _of_claim("foothold_id")
# As `services.standing.hidden_from` has it.
BLIND = (
    "({row}.\"standing\" = 'open' AND {row}.\"state\" IN ('proposed', 'disputed') AND "
    'EXISTS (SELECT 1 FROM "atlas_team" t WHERE t."id" = {row}."team_id" AND t."blind_review"))'
)
# A draft is its team's, even when it is to be public one day.
PUBLISHED = OWNED | {"public": f"({OWNED['public']} AND {{row}}.\"status\" <> 'draft')"}
TRACES = (
    Trace(Contributor, kept=("id", "erased_at"), public="TRUE"),
    Trace(Byline, kept=("id", "contributor_id")),
    Trace(User, kept=("id", "contributor_id", "instance_role", "is_active")),
    Trace(Team, kept=("id", "person_id"), team='{row}."id"'),
    Trace(Membership, kept=("id", "team_id", "contributor_id", "role"), team='{row}."team_id"'),
    Trace(Invitation, kept=("id", "team_id", "role", "uses_left", "revoked_at"), team='{row}."team_id"'),
    Trace(Token, kept=("id", "owner_id", "team_id", "scopes", "expires_at", "revoked_at")),
    Trace(Checkpoint, kept=("id", "slug", "digest", "team_id", "visibility", "status"), **PUBLISHED),
    Trace(Dataset, kept=("id", "slug", "digest", "team_id", "visibility"), **OWNED),
    Trace(
        Foothold,
        # Not its state: that tells a blind reviewer what others found.
        kept=("id", "accession", "kind", "team_id", "head_version", "standing", "rank", "visibility", "moderation",
              "replaced_by_id"),
        team='{row}."team_id"',
        public=CLAIM,
        hushed=BLIND,
    ),
    Trace(Revision, kept=("id", "foothold_id", "version", "author_id", "content_sha256"), **_of_claim("foothold_id")),
    Trace(Arrangement, kept=("id", "foothold_id", "version", "number"), **_of_claim("foothold_id")),
    Trace(Support, kept=("id", "evidence_id", "claim_id", "role", "facet", "withdrawn_at"), **_of_claim("evidence_id")),
    Trace(Trial, kept=("id", "foothold_id", "job_id"), **_of_claim("foothold_id")),
    # Not which: a hash is no key, but it is nobody's business before it is shown.
    Trace(Upload, kept=("id", "uploaded_by_id")),
    Trace(Review, kept=("id", "foothold_id", "version", "team_id"), team=_of_claim("foothold_id")["team"]),
    Trace(Resolution, kept=("id", "foothold_id", "version", "outcome"), **_of_claim("foothold_id")),
    Trace(ModerationEntry, kept=("id", "foothold_id", "was", "now")),
    Trace(
        Comment,
        kept=("id", "foothold_id", "number", "thread_id", "version", "head_version", "moderation"),
        team=OF_CLAIM["team"],
        public=f"({{row}}.\"moderation\" = 'visible' AND {OF_CLAIM['public']})",
    ),
    Trace(CommentVersion, kept=("id", "comment_id", "version"), **_of_comment()),
    Trace(CommentModeration, kept=("id", "comment_id", "was", "now")),
    Trace(Import, kept=("id", "team_id", "size", "state"), team='{row}."team_id"'),
    Trace(Term, kept=("id", "slug", "label", "broader_id", "replaced_by_id"), public="TRUE"),
)  # fmt: skip
# Columns that change by themselves while a person merely uses the service.
UNREMARKABLE = {"last_login", "last_used_at", "done"}
# Columns that follow from what others have said.
COMPUTED = {"state", "flags"}


def install(connection: BaseDatabaseWrapper) -> None:
    """(Re)install every trigger; idempotent, because Django's table remakes on SQLite drop them."""
    execute(connection, _postgresql() if connection.vendor == "postgresql" else _sqlite())


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of triggers that the database's own catalogue does not know."""
    known = present(connection)
    return [trace.name(event) for trace in TRACES for event in EVENTS if trace.name(event) not in known]


def introduce(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Teach a new connection who acts; called for each that is opened."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("atlas_actor", 0, _actor)
        connection.connection.create_function("atlas_request", 0, _request)
    elif tell not in connection.execute_wrappers:
        connection.execute_wrappers.append(tell)


def tell(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Say who acts before a statement that writes to a traced table; every time, because a rollback forgets it.

    Before one that locks rows of such a table, line up as a writer does: who has the rows would wait for who has the
    line, and the other way round.
    """
    if isinstance(sql, str) and _writes_people(sql):
        actor = _actor()
        with context["connection"].connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('atlas.actor', %s, false), set_config('atlas.request', %s, false)",
                ["" if actor is None else str(actor), _request() or ""],
            )
    elif isinstance(sql, str) and _locks_people(sql):
        with context["connection"].connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    return execute(sql, params, many, context)


def _writes_people(sql: str) -> bool:
    words = sql.lstrip()[:6].upper()
    return words in ("INSERT", "UPDATE", "DELETE") and _names_traced(sql)


def _locks_people(sql: str) -> bool:
    return " FOR UPDATE" in sql and sql.startswith("SELECT") and _names_traced(sql)


def _names_traced(sql: str) -> bool:
    return any(f'"{trace.table}"' in sql for trace in TRACES)


def _actor() -> int | None:
    return current_actor.get()()


def _request() -> str | None:
    request = current_request.get()
    return request.hex if request else None


def _plain(field: Any, value: str) -> str:
    return value


def _sqlite_json(field: Any, value: str) -> str:
    """SQLite keeps truth as 0 and 1 and JSON as text; both are meant as what they are."""
    if isinstance(field, models.BooleanField):
        return f"json(CASE {value} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END)"
    return f"json({value})" if isinstance(field, models.JSONField) else value


@dataclass(frozen=True)
class Dialect:
    """How an engine says what a trigger writes."""

    differs: str
    make_object: str
    now: str
    actor: str
    request: str
    json: Callable[[Any, str], str]

    def recording(self, trace: Trace, event: str) -> str:
        """The statement that records an event on a row of a traced table."""
        row = EVENTS[event][-1]
        written = {
            "number": '(SELECT COALESCE(MAX("number"), 0) + 1 FROM "atlas_change")',
            "at": self.now,
            "actor_id": self.actor,
            "request_id": self.request,
            "table": f"'{trace.table.removeprefix('atlas_')}'",
            "row": f'{row}."id"',
            "kind": f"'{event.lower()}'",
            "changed": self.changed(trace) if event == "UPDATE" else "''",
            "before": self.kept(trace, "OLD") if "OLD" in EVENTS[event] else "NULL",
            "after": self.kept(trace, "NEW") if "NEW" in EVENTS[event] else "NULL",
            "team_id": trace.team.format(row=row),
            "public": trace.public.format(row=row),
        }
        if event == "UPDATE" and trace.hushed:
            hushed = self.hushed(trace)
            written["team_id"] = f"CASE WHEN {hushed} THEN NULL ELSE {written['team_id']} END"
            written["public"] = f"({written['public']} AND NOT {hushed})"
        columns = ", ".join(f'"{column}"' for column in written)
        return f'INSERT INTO "atlas_change" ({columns}) VALUES ({", ".join(written.values())})'  # noqa: S608 - ours

    def changed(self, trace: Trace) -> str:
        """The names of the columns that an update changed."""
        cases = (f"CASE WHEN {self.differing(it)} THEN '{it} ' ELSE '' END" for it in trace.columns)
        return f"TRIM({' || '.join(cases)})"

    def hushed(self, trace: Trace) -> str:
        """Whether an update is for the operator alone."""
        others = " OR ".join(self.differing(column) for column in trace.columns if column not in COMPUTED)
        return f"({trace.hushed.format(row='NEW')} AND NOT ({others}))"

    def kept(self, trace: Trace, row: str) -> str:
        """A row's recorded values as a JSON object."""
        fields = {field.column: field for field in trace.model._meta.concrete_fields}
        values = (f"'{it}', " + self.json(fields[it], f'{row}."{it}"') for it in trace.kept)
        return f"{self.make_object}({', '.join(values)})"

    def remarkable(self, trace: Trace) -> str:
        """Whether an update is worth a trace."""
        return " OR ".join(self.differing(column) for column in trace.columns if column not in UNREMARKABLE)

    def differing(self, column: str) -> str:
        """Whether a column changed."""
        return f'OLD."{column}" {self.differs} NEW."{column}"'


SQLITE = Dialect(
    differs="IS NOT",
    make_object="json_object",
    now="strftime('%Y-%m-%d %H:%M:%f', 'now')",
    actor="atlas_actor()",
    request="atlas_request()",
    json=_sqlite_json,
)
POSTGRESQL = Dialect(
    differs="IS DISTINCT FROM",
    make_object="jsonb_build_object",
    now="clock_timestamp()",
    actor="NULLIF(current_setting('atlas.actor', true), '')::bigint",
    request="NULLIF(current_setting('atlas.request', true), '')::uuid",
    json=_plain,
)


def _sqlite() -> Iterator[str]:
    for trace, event in product(TRACES, EVENTS):
        when = f"WHEN {SQLITE.remarkable(trace)}" if event == "UPDATE" else ""
        yield f'DROP TRIGGER IF EXISTS "{trace.name(event)}"'
        yield (
            f'CREATE TRIGGER "{trace.name(event)}" AFTER {event} ON "{trace.table}" {when} '
            f"BEGIN {SQLITE.recording(trace, event)}; END"
        )


def _postgresql() -> Iterator[str]:
    # One writer at a time from its first traced statement to its commit: numbers then follow the order of commits and
    # leave no gap. The lock is taken before the statement locks rows, so that two writers do not wait for each other.
    yield (
        "CREATE OR REPLACE FUNCTION atlas_line_up() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NULL; END $$"
    )
    for trace in TRACES:
        yield f'DROP TRIGGER IF EXISTS "{trace.table}_lines_up" ON "{trace.table}"'
        yield (
            f'CREATE TRIGGER "{trace.table}_lines_up" BEFORE INSERT OR UPDATE OR DELETE ON "{trace.table}" '
            "FOR EACH STATEMENT EXECUTE FUNCTION atlas_line_up()"
        )
    for trace, event in product(TRACES, EVENTS):
        when = f"WHEN ({POSTGRESQL.remarkable(trace)})" if event == "UPDATE" else ""
        yield (
            f'CREATE OR REPLACE FUNCTION "{trace.name(event)}"() RETURNS trigger LANGUAGE plpgsql AS '
            f"$$ BEGIN {POSTGRESQL.recording(trace, event)}; RETURN NULL; END $$"
        )
        yield f'DROP TRIGGER IF EXISTS "{trace.name(event)}" ON "{trace.table}"'
        yield (
            f'CREATE TRIGGER "{trace.name(event)}" AFTER {event} ON "{trace.table}" '
            f'FOR EACH ROW {when} EXECUTE FUNCTION "{trace.name(event)}"()'
        )
