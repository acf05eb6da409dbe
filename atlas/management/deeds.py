"""Commands that call one service: what it refuses is said in one sentence, never as a stack."""

from abc import ABC, abstractmethod
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from atlas.acting import acting
from atlas.errors import AtlasError


class Deed(BaseCommand, ABC):
    """A command whose `act` calls a service in the operator's name and returns what to say."""

    requires_system_checks = []

    @abstractmethod
    def act(self, options: dict[str, Any]) -> str:
        """Do it, and say what was done."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Act; a refusal ends the command with its sentence."""
        try:
            with acting(lambda: None):
                self.stdout.write(self.act(options))
        except AtlasError as error:
            raise CommandError(str(error)) from error
