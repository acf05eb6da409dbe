"""What can go wrong with what people claim."""

from atlas.errors.pattern import AtlasError, NotFound, Validation


class NoSuchFoothold(NotFound):
    """There is no foothold {accession} here."""

    structured = ("did_you_mean",)


class NoSuchVersion(NotFound):
    """{accession} has versions 1 to {last}; there is no version {version}."""


class NoSuchSupport(NotFound):
    """{evidence} does not speak of {claim} so."""


class NoSuchTerm(NotFound):
    """There is no term {term}."""


class NoSuchComment(NotFound):
    """{accession} has no comment {number}."""


class CommentClosed(AtlasError):
    """Comment {number} on {accession} was taken back or hidden; it cannot be {verb}."""

    status = 409


class NoSuchImport(NotFound):
    """There is no import {batch} here."""


class WrongStage(AtlasError):
    """This import is {state}; it cannot be {verb} now."""

    status = 409


class TooMuchStaged(AtlasError):
    """What you have sent and not committed may be {most} imports with {most_rows} rows at most; you have {imports}
    with {rows} already: commit or discard some of it first.
    """

    status = 409


class Gone(AtlasError):
    """{accession} was removed by a moderator; its address stays, and is given to nothing else."""

    status = 410


class SelfReview(AtlasError):
    """You wrote {accession}, or a part of it: your own verdict never counts."""

    status = 409


class IllegalStanding(AtlasError):
    """{accession} is {standing}; it cannot be {verb}."""

    status = 409


class TextPolicy(Validation):
    """This text would mislead whoever reads it: {summary}"""
