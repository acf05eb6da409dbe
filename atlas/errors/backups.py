"""What can go wrong with a backup: said to the operator, before anything is changed."""

from atlas.errors.pattern import AtlasError


class NoBackup(AtlasError):
    """{folder} holds no finished backup: {reason}."""

    status = 422


class BackupDamaged(AtlasError):
    """{file} of the backup is not what was written ({reason}); nothing was changed: restore another."""

    status = 422
    fault = "ours"


class BackupOfAnother(AtlasError):
    """The backup is of {theirs}, and this place has {ours}."""

    status = 422


class NotEmpty(AtlasError):
    """{place} is not empty ({found}); nothing was changed."""

    status = 409


class ToolFailed(AtlasError):
    """{tool} did not do its work: {detail}."""

    status = 500
    fault = "ours"
