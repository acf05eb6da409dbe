"""One line of JSON for each entry of the log, so that a machine can look for a request, a job or a kind of error."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from atlas.acting import current_request
from atlas.discretion import discreet

# What an entry may carry besides its message, by `extra=`; anything else is for whoever formats lines.
MEMBERS = ("job", "method", "path", "route", "status", "seconds")


class Structured(logging.Formatter):
    """Entries as JSON: when, how grave, who says what; of which request and which job, where that is known."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; secrets are taken out of every text in it."""
        said = record.__dict__
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request": str(current_request.get() or "") or None,
            "job": _job_of(record),
            **{name: said[name] for name in MEMBERS if name in said},
            "traceback": self.formatException(record.exc_info) if record.exc_info else None,
        }
        known = {name: value for name, value in entry.items() if value is not None}
        return json.dumps(discreet(known), ensure_ascii=False, default=str)


def _job_of(record: logging.LogRecord) -> str | None:
    """The fingerprint that an error of ours carries among its facts, when the entry is about one."""
    told = record.args if isinstance(record.args, tuple) else ()
    raised = record.exc_info[1] if record.exc_info else None
    facts = [getattr(one, "facts", None) for one in (*told, raised)]
    return next((one["fingerprint"] for one in facts if isinstance(one, dict) and "fingerprint" in one), None)
