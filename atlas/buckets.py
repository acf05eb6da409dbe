"""The same immutable files in a bucket that speaks S3: an upload is whole or it is not, so nothing is renamed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

IN_MEMORY = 8 << 20  # bytes of an object that is read; what is larger goes to a temporary file


class ObjectStore(S3Storage):
    """A bucket of files named by their hashes. What goes wrong with it is an OSError, as with a folder."""

    def get_default_settings(self) -> dict[str, Any]:
        """Nothing is public, nothing is rewritten, and nobody waits for ever."""
        patient = Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"max_attempts": 3, "mode": "standard"},
            s3={"addressing_style": "path"},  # a server of one's own has no name for each bucket
            signature_version="s3v4",
        )
        ours = {"max_memory_size": IN_MEMORY, "client_config": patient, "default_acl": None, "file_overwrite": True}
        return {**super().get_default_settings(), **ours}

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: content addressing leaves no other."""
        return name

    def _save(self, name: str, content: "File[bytes]") -> str:
        with spoken():
            return name if super().exists(name) else str(super()._save(name, content))

    def _open(self, name: str, mode: str = "rb") -> Any:
        with spoken():
            return super()._open(name, mode)

    def exists(self, name: str) -> bool:
        """Whether there is an object of this name."""
        with spoken():
            return bool(super().exists(name))

    def delete(self, name: str) -> None:
        """Remove an object."""
        with spoken():
            super().delete(name)

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        """(folders, objects) directly below a name."""
        with spoken():
            folders, objects = super().listdir(name)
            return folders, objects


@contextmanager
def spoken() -> Iterator[None]:
    """Within, what the client library raises is an OSError: everybody who keeps files knows what to do with one."""
    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise OSError(5, str(error)) from error
