"""What bodies look like, for the schema: serializers that follow the dossiers' own fields, so they cannot drift."""

import dataclasses
import types
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Union, get_args, get_origin

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from atlas.citing import Citation as Cited
from atlas.dossiers import (
    agreement,
    changes,
    checkpoints,
    comments,
    comparisons,
    connections,
    datasets,
    footholds,
    imports,
    jobs,
    neurons,
    notifications,
    people,
    pictures,
    recordings,
    requests,
    resolving,
    search,
    searches,
    terms,
    unsaved,
    verdicts,
    walls,
)
from atlas.dossiers.bodies import members
from atlas.graphs import facts as graphs


@extend_schema_field({"description": "Any JSON value."})
class AnyField(serializers.JSONField):
    """What only its own record can say: a number, a text, a list …"""


@extend_schema_field({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "maxItems": 2})
class WeightedUnit(serializers.Field):
    """A unit and its weight."""


PLAIN: Mapping[Any, type[serializers.Field]] = {
    str: serializers.CharField,
    int: serializers.IntegerField,
    float: serializers.FloatField,
    bool: serializers.BooleanField,
    datetime: serializers.DateTimeField,
    tuple[str, float]: WeightedUnit,
    Any: AnyField,
}
# A thing as lists show it, where its own address shows more.
IN_BRIEF = {
    checkpoints.CheckpointFacts: "CheckpointInBrief",
    neurons.NeuronFacts: "NeuronInBrief",
    jobs.JobFacts: "JobInBrief",
    footholds.FootholdFacts: "FootholdInBrief",
    footholds.RevisionFacts: "RevisionInBrief",
    comments.CommentFacts: "CommentInThread",
    imports.ImportFacts: "ImportInBrief",
    imports.RowFacts: "ImportRow",
    datasets.DatasetFacts: "DatasetInBrief",
    datasets.AddedDossier: "AddedDataset",
    searches.SavedSearchFacts: "SavedSearchInBrief",
}


@cache
def shape(dossier: type) -> type[serializers.Serializer]:
    """The serializer class with a dataclass's fields."""
    fields = {name: _field(member.hint) for name, member in members(dossier).items()}
    name = IN_BRIEF.get(dossier, dossier.__name__.removesuffix("Dossier").removesuffix("Facts"))
    return type(name, (serializers.Serializer,), {"__doc__": dossier.__doc__, **fields})


def listed(dossier: type) -> serializers.Serializer:
    """A page of them."""
    item = shape(dossier)
    fields = {
        "__doc__": "A page of a list.",
        "items": item(many=True),
        "next": serializers.CharField(allow_null=True, help_text="Address of the next page, null on the last."),
    }
    return type(f"{item.__name__}Page", (serializers.Serializer,), fields)()


def _field(hint: Any, **options: Any) -> serializers.Field:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in PLAIN:
        return PLAIN[hint](**options)
    if origin in (Union, types.UnionType):
        [inner] = [argument for argument in arguments if argument is not type(None)]
        return _field(inner, allow_null=True)
    if dataclasses.is_dataclass(hint):
        return shape(hint)(**options)
    if origin is dict:
        return serializers.DictField(child=AnyField(), **options)
    [item, *_] = arguments
    if dataclasses.is_dataclass(item):
        return shape(item)(many=True, **options)
    return serializers.ListField(child=_field(item), **options)


class ProblemEntry(serializers.Serializer):
    """Where in the body the fault lies."""

    pointer = serializers.CharField(help_text="JSON pointer (RFC 6901).")
    code = serializers.CharField()
    detail = serializers.CharField()


class Problem(serializers.Serializer):
    """RFC 9457: what went wrong, by a stable type; further members are the facts of the case."""

    type = serializers.CharField(help_text="/problems/{slug}: stable, with a page that explains it.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField(help_text="The id of the request, as in X-Request-ID.")
    errors = ProblemEntry(many=True, required=False)


Checkpoint = shape(checkpoints.CheckpointDossier)
CheckpointPage = listed(checkpoints.CheckpointFacts)
Agreement = shape(agreement.AgreementDossier)
Layer = shape(checkpoints.LayerFacts)
LayerPage = listed(checkpoints.LayerFacts)
Neuron = shape(neurons.NeuronDossier)
PlatePage = listed(walls.Plate)
Comparison = shape(comparisons.ComparisonDossier)
ConnectionPage = listed(connections.ConnectionFacts)
StatisticsPage = listed(recordings.StatisticsFacts)
Citation = shape(Cited)
Probe = shape(neurons.ProbeFacts)
ProbePage = listed(neurons.ProbeFacts)
Job = shape(jobs.JobDossier)
JobPage = listed(jobs.JobFacts)
Request = shape(requests.RequestDossier)
Artifact = shape(pictures.ArtifactFacts)
Dataset = shape(datasets.DatasetDossier)
DatasetPage = listed(datasets.DatasetFacts)
ItemPage = listed(datasets.ItemFacts)
Added = shape(datasets.AddedDossier)
Me = shape(people.MeFacts)
Team = shape(people.TeamFacts)
TeamPage = listed(people.TeamFacts)
Member = shape(people.MemberFacts)
MemberPage = listed(people.MemberFacts)
InvitationPage = listed(people.InvitationFacts)
NewInvitation = shape(people.NewInvitationFacts)
TokenPage = listed(people.TokenFacts)
NewToken = shape(people.NewTokenFacts)
ChangePage = listed(changes.ChangeFacts)
Foothold = shape(footholds.FootholdDossier)
FootholdPage = listed(footholds.FootholdFacts)
Revision = shape(footholds.RevisionDossier)
RevisionPage = listed(footholds.RevisionFacts)
Graph = shape(graphs.Graph)
SupportPage = listed(footholds.SupportFacts)
ReviewPage = listed(verdicts.ReviewFacts)
Import = shape(imports.ImportDossier)
ImportPage = listed(imports.ImportFacts)
ImportRowPage = listed(imports.RowFacts)
Term = shape(terms.TermFacts)
Search = shape(search.SearchDossier)
SavedSearch = shape(searches.SavedSearchDossier)
SavedSearchPage = listed(searches.SavedSearchFacts)
Resolved = shape(resolving.ResolveDossier)
Unsaved = shape(unsaved.UnsavedFacts)
UnsavedPage = listed(unsaved.UnsavedFacts)
TermPage = listed(terms.TermFacts)
Comment = shape(comments.CommentDossier)
ThreadPage = listed(comments.ThreadFacts)
CommentVersionPage = listed(comments.CommentVersionFacts)
Watch = shape(notifications.WatchFacts)
WatchPage = listed(notifications.WatchFacts)
NotificationPage = listed(notifications.NotificationFacts)
Read = shape(notifications.ReadFacts)
Asked = PolymorphicProxySerializer(component_name="Asked", serializers=[Job, Request], resource_type_field_name=None)
