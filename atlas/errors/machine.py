"""What the machine lacks while nobody has done anything wrong: room, a disk that can be used, a database."""

from atlas.errors.pattern import AtlasError


class InsufficientStorage(AtlasError):
    """There is no room left to keep this, and nothing of it was kept. The operator has to make some; try again."""

    status = 507
    fault = "ours"


class StorageUnusable(AtlasError):
    """The disk that this is kept on cannot be used now ({reason}); nothing of it was kept. Try again later."""

    status = 503
    fault = "ours"


class DatabaseAway(AtlasError):
    """The database cannot be asked at the moment ({reason}). Send the same again in {retry_after} seconds."""

    status = 503
    fault = "ours"


class ReadOnly(AtlasError):
    """The atlas can only be read now, and nothing can be written: try again in {retry_after} seconds."""

    status = 503
    fault = "ours"
