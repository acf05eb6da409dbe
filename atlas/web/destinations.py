"""Pages that somebody goes to by name: what the command palette offers besides what the record holds."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import Resolver404, resolve

from atlas.dossiers.suggestions import SuggestionFacts
from atlas.models import Contributor
from atlas.permissions import permits
from atlas.search.words import words

MOST = 5
NOBODY, ANYBODY, SIGNED_IN = "nobody", "anybody", "signed in"


@dataclass(frozen=True, slots=True)
class Destination:
    """A page, its name, and who is led there: everybody, who is signed in or is not, or who may do something."""

    name: str
    url: str
    whom: str = ANYBODY

    def leads(self, actor: Contributor | None) -> bool:
        """Whether this person gets there, and there is such a page."""
        if self.whom == NOBODY:
            return actor is None
        if self.whom in (ANYBODY, SIGNED_IN):
            return self.whom == ANYBODY or actor is not None
        return permits(actor, self.whom, None)


EVERY = (
    Destination("Home", "/"),
    Destination("Checkpoints", "/c"),
    Destination("Datasets", "/d"),
    Destination("Claims", "/f"),
    Destination("Terms: the vocabulary", "/t"),
    Destination("Search", "/search"),
    Destination("What changed lately", "/changes"),
    Destination("Keyboard shortcuts", "/keyboard"),
    Destination("API documentation", "/api/v1/docs"),
    Destination("Sign in", "/accounts/login", NOBODY),
    Destination("My account", "/me", SIGNED_IN),
    Destination("My tokens", "/me/tokens", SIGNED_IN),
    Destination("My notifications", "/me/notifications", SIGNED_IN),
    Destination("My saved searches", "/me/searches", SIGNED_IN),
    Destination("My teams", "/teams", SIGNED_IN),
    Destination("My imports", "/imports", SIGNED_IN),
    Destination("My password", "/accounts/password", SIGNED_IN),
    Destination("Review queue", "/review", SIGNED_IN),
    Destination("Claims that wait for a review", "/f?state=proposed", SIGNED_IN),
    Destination("New description", "/f/new?kind=description", SIGNED_IN),
    Destination("New circuit", "/f/new?kind=circuit", SIGNED_IN),
    Destination("New link", "/f/new?kind=link", SIGNED_IN),
    Destination("New collection", "/f/new?kind=collection", SIGNED_IN),
    Destination("Workers and the queue", "/workers", "worker.see"),
)


def named(text: str, *, actor: Contributor | None) -> list[SuggestionFacts]:
    """The pages of whose names these words are beginnings, in any order."""
    said = words(text)
    if not said or set(text) & set('():"'):
        return []
    return [*_of(said, actor)][:MOST]


def _of(said: list[str], actor: Contributor | None) -> Iterator[SuggestionFacts]:
    for one in EVERY:
        name = words(one.name)
        if all(any(word.startswith(begun) for word in name) for begun in said) and _is_here(one) and one.leads(actor):
            yield SuggestionFacts("page", one.name, one.name, one.url, "")


def _is_here(one: Destination) -> bool:
    """Whether this service has the page."""
    try:
        resolve(one.url.partition("?")[0])
    except Resolver404:
        return False
    return True
