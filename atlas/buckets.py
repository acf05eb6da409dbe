"""The same immutable files in a bucket that speaks S3: an upload is whole or it is not, so nothing is renamed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
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
            return name if self._has(name, size=content.size) else str(super()._save(name, content))

    def _has(self, name: str, *, size: int) -> bool:
        """Whether the object is there, of this size; uploads are whole or are not, so nothing more is read of it."""
        try:
            return bool(super().size(name) == size)
        except FileNotFoundError:
            return False

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

    def size(self, name: str) -> int:
        """The bytes of an object; raises FileNotFoundError."""
        with spoken():
            return int(super().size(name))

    def get_modified_time(self, name: str) -> datetime:
        """When an object was written."""
        with spoken():
            found: datetime = super().get_modified_time(name)
            return found

    def unfinished(self, *, seconds: float) -> list[str]:
        """Uploads in parts that somebody began so long ago and never ended: they take room, and no list shows them."""
        until = datetime.now(UTC) - timedelta(seconds=seconds)
        with spoken():
            begun = self.bucket.multipart_uploads.filter(Prefix=f"{self.location}/" if self.location else "")
            return sorted(f"{it.object_key} {it.id}" for it in begun if it.initiated < until)

    def abandon(self, name: str) -> None:
        """Remove what `unfinished` named."""
        key, _, upload = name.rpartition(" ")
        with spoken():
            self.connection.meta.client.abort_multipart_upload(Bucket=self.bucket_name, Key=key, UploadId=upload)

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
    except OSError:  # such as FileNotFoundError, which says more
        raise
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise OSError(5, str(error)) from error
