"""What bodies look like, for the schema: serializers that follow the dossiers' own fields, so they cannot drift."""

import dataclasses
import types
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from rest_framework import serializers

from atlas.dossiers import checkpoints, jobs, neurons, pictures, requests
from atlas.dossiers.bodies import ON_THE_PAGE

PLAIN: Mapping[Any, type[serializers.Field]] = {
    str: serializers.CharField,
    int: serializers.IntegerField,
    float: serializers.FloatField,
    bool: serializers.BooleanField,
    datetime: serializers.DateTimeField,
    Any: serializers.JSONField,
}


@cache
def shape(dossier: type) -> type[serializers.Serializer]:
    """The serializer class with a dataclass's fields."""
    hints = get_type_hints(dossier)
    names = [field.name for field in dataclasses.fields(dossier) if field.name not in ON_THE_PAGE]
    fields = {name: _field(hints[name]) for name in names}
    name = dossier.__name__.removesuffix("Dossier").removesuffix("Facts")
    return type(name, (serializers.Serializer,), {"__doc__": dossier.__doc__, **fields})


def listed(dossier: type) -> serializers.Serializer:
    """A page of them."""
    item = shape(dossier)
    fields = {
        "items": item(many=True),
        "next": serializers.CharField(allow_null=True, help_text="Address of the next page, null on the last."),
    }
    return type(f"{item.__name__}Page", (serializers.Serializer,), fields)()


def _field(hint: Any, **options: Any) -> serializers.Field:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        [inner] = [argument for argument in arguments if argument is not type(None)]
        return _field(inner, allow_null=True)
    if dataclasses.is_dataclass(hint):
        return shape(hint)(**options)
    if origin is tuple and arguments[-1] is not Ellipsis:
        return serializers.ListField(child=serializers.JSONField(), **options)
    if origin in (tuple, list):
        [item, *_] = arguments
        return (
            shape(item)(many=True)
            if dataclasses.is_dataclass(item)
            else serializers.ListField(child=_field(item), **options)
        )
    if origin is dict or hint is dict:
        return serializers.DictField(child=serializers.JSONField(allow_null=True), **options)
    return PLAIN[hint](**options)


class ProblemEntry(serializers.Serializer):
    """Where in the body the fault lies."""

    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901).")
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer):
    """RFC 9457: what went wrong, by a stable type."""

    type = serializers.CharField(help_text="/problems/{slug}: stable, with a page that explains it.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    errors = ProblemEntry(many=True, required=False)


Checkpoint = shape(checkpoints.CheckpointDossier)
CheckpointPage = listed(checkpoints.CheckpointFacts)
Layer = shape(checkpoints.LayerFacts)
LayerPage = listed(checkpoints.LayerFacts)
Neuron = shape(neurons.NeuronDossier)
TilePage = listed(checkpoints.Tile)
Probe = shape(neurons.ProbeFacts)
ProbePage = listed(neurons.ProbeFacts)
Job = shape(jobs.JobDossier)
JobPage = listed(jobs.JobFacts)
Request = shape(requests.RequestDossier)
Artifact = shape(pictures.ArtifactFacts)
