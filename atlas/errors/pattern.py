"""What every error of the record is: its docstring is the message, its name the contract, its facts travel."""

import re
from typing import Any, ClassVar, Literal

Fault = Literal["yours", "ours"]


class AtlasError(Exception):
    """Something went wrong."""

    status: ClassVar[int] = 422
    fault: ClassVar[Fault] = "yours"
    # Facts that are JSON of ours, and are handed on as they are; all others are shortened to a line.
    structured: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        said = (self.__doc__ or "").strip().format(**facts)
        super().__init__(said[:-1] if said.endswith("..") else said)  # a reason may be a sentence itself

    @classmethod
    def slug(cls) -> str:
        """The stable name of this kind of problem: `NoSuchLayer` is `no-such-layer`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def title(cls) -> str:
        """The slug as a person reads it."""
        return cls.slug().replace("-", " ").capitalize()

    @property
    def errors(self) -> list[dict[str, str]]:
        """Where in the input the fault lies: pointer (RFC 6901), code and detail of each."""
        return list(self.facts.get("errors", ()))


class NotCanonical(AtlasError):
    """This value cannot be recorded: {reason}."""


class NotFound(AtlasError):
    """There is no {kind} {name} here."""

    status = 404


class Validation(AtlasError):
    """The request is well-formed, but {count} of its fields cannot be accepted: {summary}"""

    def __init__(self, *, errors: list[dict[str, str]]) -> None:
        summary = "; ".join(f"{error['pointer'] or '/'}: {error['detail']}" for error in errors[:3])
        super().__init__(errors=errors, count=len(errors), summary=summary)


class Immutable(AtlasError):
    """{table} is a record: its rows are never changed or deleted."""

    status = 409


class EditConflict(AtlasError):
    """This was changed since you read it: it is at {current} now, and you sent {seen}."""

    status = 412
    structured = ("base", "mine", "theirs", "fields", "merge")


class Internal(AtlasError):
    """Something went wrong on our side. It has been logged under the id of this request."""

    status = 500
    fault = "ours"
