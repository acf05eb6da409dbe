"""Secrets that stand where they do not belong, in an address or a field, are not logged and not repeated in errors."""

import logging
import re
from typing import Any

# Tokens and invitations as `services.secrets` makes them: what stands before the second line is public.
SECRET = re.compile(r"\b(fh|inv)_([0-9a-z]{8})_[0-9a-z]{32}")


def discreet(value: Any) -> Any:
    """The same JSON value, its texts without what opens something."""
    if isinstance(value, str):
        return SECRET.sub(r"\1_\2_…", value)
    if isinstance(value, list):
        return [discreet(inner) for inner in value]
    if isinstance(value, dict):
        return {name: discreet(inner) for name, inner in value.items()}
    return value


class Formatter(logging.Formatter):
    """Lines of the log, tracebacks too."""

    def format(self, record: logging.LogRecord) -> str:
        """One entry."""
        return str(discreet(super().format(record)))
