"""What is looked up when somebody searches: derived from the record, never cited, rebuilt by `manage.py reindex`.

The words are ours on both engines (atlas/search/words.py). PostgreSQL keeps them as `tsvector` under GIN, SQLite as
text under FTS5, whose tables triggers keep in step.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

from atlas.models.footholds import Foothold
from atlas.models.guards import execute
from atlas.search.matching import fts5, is_rare, tsquery

MOST_POSITIONS = 16_000  # in a tsvector; what stands further behind is found, but in no phrase

RARE = {
    "title": "SELECT foothold_id FROM atlas_indexentry WHERE title @@ %s::tsquery",
    "words": "SELECT foothold_id FROM atlas_indexentry WHERE words @@ %s::tsquery",
}


class WordsField(models.Field):  # type: ignore[type-arg]
    """Words in order: a `tsvector` where there is one, else text of words with spaces between."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"

    def get_placeholder(self, value: Any, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> str:
        return "%s::tsvector" if connection.vendor == "postgresql" else "%s"

    def get_db_prep_value(self, value: Sequence[str], connection: BaseDatabaseWrapper, prepared: bool = False) -> str:
        if connection.vendor != "postgresql":
            return " ".join(value)
        return " ".join(f"'{word}':{min(place, MOST_POSITIONS)}" for place, word in enumerate(value, start=1))


@WordsField.register_lookup
class Matches(models.Lookup):
    """`words__matches=match`, where a match is of atlas/search/matching.py."""

    lookup_name = "matches"
    prepare_rhs = False

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        said, params = self.process_lhs(compiler, connection)
        if not is_rare(self.rhs):
            return f"{said} @@ %s::tsquery", [*params, tsquery(self.rhs)]
        # A number of which the statistics know nothing is taken for more frequent than it is, and all entries would be
        # read in their order to find a page of what two of them have. An array is taken for a short one.
        alias = compiler.quote_name_unless_alias(self.lhs.alias)
        return f'{alias}."foothold_id" = ANY(ARRAY({RARE[self.lhs.target.column]}))', [*params, tsquery(self.rhs)]

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, Any]:
        """SQLite finds the rows of a text once, and then only looks whether one is among them."""
        alias, column = compiler.quote_name_unless_alias(self.lhs.alias), self.lhs.target.column
        found = "SELECT rowid FROM atlas_text WHERE atlas_text MATCH %s"
        return f'{alias}."foothold_id" IN ({found})', [fts5(self.rhs, column="title" if column == "title" else "")]


class IndexEntry(models.Model):
    """The newest version of a foothold as it is searched. `place` orders all of them: weight first, then the newest."""

    foothold = models.OneToOneField(Foothold, on_delete=models.CASCADE, primary_key=True, related_name="entry")
    version = models.PositiveIntegerField()
    place = models.BigIntegerField(unique=True)
    title = WordsField()
    words = WordsField(help_text="All of it: title, text, accession; terms, authors and neurons by number.")
    method = models.CharField(max_length=2, blank=True)
    relation = models.CharField(max_length=20, blank=True)
    confidence = models.PositiveSmallIntegerField(null=True)
    revised_at = models.DateTimeField(help_text="When its newest version was written.")

    class Meta:
        indexes = [
            models.Index(fields=["method"], name="entries_by_method"),
            models.Index(fields=["relation"], name="entries_by_relation"),
            models.Index(fields=["confidence", "place"], name="entries_by_confidence"),
            models.Index(fields=["revised_at"], name="entries_by_revision"),
        ]

    def __str__(self) -> str:
        return f"{self.foothold_id}.{self.version}"


class KnownWord(models.Model):
    """A word that some text has or had, for who misspells it. It is offered only where it finds something."""

    word = models.CharField(max_length=60, unique=True)

    def __str__(self) -> str:
        return self.word


class NameWord(models.Model):
    """A word in the names of a term or a person as they are now: a new name is searched at once, an erased one gone."""

    what = models.CharField(max_length=1, help_text="The mark by which texts refer to it: a term's, a person's.")
    of = models.BigIntegerField()
    word = models.CharField(max_length=60)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["word", "what", "of"], name="a_name_has_a_word_once")]
        indexes = [
            models.Index(fields=["what", "of"], name="words_of_a_name"),
            # The beginnings of words, which PostgreSQL finds by this class alone.
            models.Index(fields=["word"], name="beginnings_of_names", opclasses=["varchar_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.of}: {self.word}"


def install(connection: BaseDatabaseWrapper) -> None:
    """(Re)make what Django's own migrations cannot say. Idempotent, as for the guards."""
    execute(connection, iter(POSTGRESQL) if connection.vendor == "postgresql" else _sqlite())


def like(word: str, *, connection: BaseDatabaseWrapper, most: int) -> list[str]:
    """Known words with many of the same three letters in a row; the most alike first, as far as trigrams can tell."""
    threes = [f"  {word} "[place : place + 3] for place in range(len(word) + 1)]
    if connection.vendor == "postgresql":
        found = "SELECT word FROM atlas_knownword WHERE word %% %s ORDER BY similarity(word, %s) DESC, word LIMIT %s"
        params: list[Any] = [word, word, most]
    else:
        found = "SELECT trim(word) FROM atlas_trigrams WHERE atlas_trigrams MATCH %s ORDER BY rank LIMIT %s"
        params = [" OR ".join(f'"{three}"' for three in threes), most]
    with connection.cursor() as cursor:
        cursor.execute(found, params)
        return [found for (found,) in cursor.fetchall()]


POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX IF NOT EXISTS entries_by_title ON atlas_indexentry USING gin (title) WITH (fastupdate = off)",
    "CREATE INDEX IF NOT EXISTS entries_by_words ON atlas_indexentry USING gin (words) WITH (fastupdate = off)",
    "CREATE INDEX IF NOT EXISTS known_words_by_trigrams ON atlas_knownword USING gin (word gin_trgm_ops)",
    # How common a word is decides the plan, so many words are counted.
    "ALTER TABLE atlas_indexentry ALTER COLUMN words SET STATISTICS 500",
)
COPIED = "rowid, title, words) VALUES"
FORGET = f"INSERT INTO atlas_text(atlas_text, {COPIED} ('delete', OLD.foothold_id, OLD.title, OLD.words);"
LEARN = f"INSERT INTO atlas_text({COPIED} (NEW.foothold_id, NEW.title, NEW.words);"


def _sqlite() -> Iterator[str]:
    # `ascii` takes every character beyond ASCII for a letter, and parts by spaces only: the words are made elsewhere.
    yield (
        "CREATE VIRTUAL TABLE IF NOT EXISTS atlas_text USING fts5(title, words, content='atlas_indexentry', "
        "content_rowid='foothold_id', tokenize='ascii', prefix='2 3')"
    )
    yield "CREATE VIRTUAL TABLE IF NOT EXISTS atlas_trigrams USING fts5(word, tokenize='trigram')"
    told = {
        "atlas_indexentry_added": ("INSERT ON atlas_indexentry", LEARN),
        "atlas_indexentry_removed": ("DELETE ON atlas_indexentry", FORGET),
        "atlas_indexentry_changed": ("UPDATE OF title, words ON atlas_indexentry", FORGET + LEARN),
        # Spaces around it let the beginning and the end of a word count, as they do in pg_trgm.
        "atlas_knownword_added": (
            "INSERT ON atlas_knownword",
            "INSERT INTO atlas_trigrams(rowid, word) VALUES (NEW.id, '  ' || NEW.word || ' ');",
        ),
        "atlas_knownword_removed": (
            "DELETE ON atlas_knownword", "DELETE FROM atlas_trigrams WHERE rowid = OLD.id;"
        ),
    }  # fmt: skip
    for name, (event, statement) in told.items():
        yield f"DROP TRIGGER IF EXISTS {name}"
        yield f"CREATE TRIGGER {name} AFTER {event} BEGIN {statement} END"
