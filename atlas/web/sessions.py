"""Sessions that a stolen copy of the database does not open: the row is named by the hash of the key in the cookie."""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

LENGTH = 40  # characters of the column; as hexadecimal digits 160 bits


class SessionStore(db.SessionStore):
    """Django's sessions in the database, less the key. The service is synchronous, and so is this."""

    def load(self) -> dict[str, Any]:
        """What the session holds; a session that is none, or is over, holds nothing and loses its key."""
        found = Session.objects.filter(session_key=_named(self.session_key), expire_date__gt=timezone.now()).first()
        if found is None:
            self._session_key = None
            return {}
        return dict(self.decode(found.session_data))

    def exists(self, session_key: str) -> bool:
        """Whether there is a session of this key."""
        return Session.objects.filter(session_key=_named(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """The row that keeps this session."""
        row: Session = super().create_model_instance(data)
        row.session_key = _named(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """End a session, this one unless told otherwise."""
        Session.objects.filter(session_key=_named(session_key or self.session_key)).delete()


def _named(session_key: str | None) -> str:
    return hashlib.sha256((session_key or "").encode()).hexdigest()[:LENGTH]
