"""What somebody wants to hear of: whoever writes about a thing hears what becomes of it, until they say otherwise."""

from typing import Any

from django.db import transaction

from atlas.models import Contributor, Foothold, Neuron, Watch
from atlas.permissions import require


@transaction.atomic
def watch(*, actor: Contributor, foothold: Foothold, level: str) -> Watch:
    """Hear of everything that happens to a foothold, or of nothing, not even of being mentioned there."""
    require(actor, "watch.set", foothold)
    row, _ = Watch.objects.update_or_create(contributor=actor, foothold=foothold, defaults={"level": level})
    return row


def watch_neuron(*, actor: Contributor, neuron: Neuron) -> Watch:
    """Hear of whatever is newly claimed about a neuron."""
    require(actor, "watch.set", neuron)
    row, _ = Watch.objects.get_or_create(contributor=actor, neuron=neuron)
    return row


def stop(*, actor: Contributor, **on: Any) -> bool:
    """Watch it no more, and mute it no more; whether there was anything. `on` is a foothold or a neuron."""
    require(actor, "watch.set", None)
    gone, _ = Watch.objects.filter(contributor=actor, **on).delete()
    return bool(gone)


def begin(person: Contributor, foothold: Foothold) -> None:
    """Whoever writes hears what becomes of it, unless they have said what they want to hear."""
    Watch.objects.bulk_create([Watch(contributor=person, foothold=foothold)], ignore_conflicts=True)


def find(*, actor: Contributor, **on: Any) -> Watch | None:
    """What somebody wants to hear of a foothold or a neuron, where they have said so."""
    return Watch.objects.filter(contributor=actor, **on).first()
