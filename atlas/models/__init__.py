"""One file per noun, in dependency order; what never changes is said in guards.py."""

from atlas.models.artifacts import Artifact
from atlas.models.changes import ChangeSet
from atlas.models.checkpoints import Checkpoint, Layer, LayerAlias, Neuron, Visibility
from atlas.models.datasets import Dataset, DatasetItem
from atlas.models.findings import Finding, FindingArtifact
from atlas.models.jobs import (
    Job,
    JobEvent,
    ProbeKind,
    Request,
    RequestedJob,
    ResponseReport,
    Snapshot,
    Worker,
)
from atlas.models.people import Contributor, InstanceRole, Membership, Role, Team, User

__all__ = [
    "Artifact",
    "ChangeSet",
    "Checkpoint",
    "Contributor",
    "Dataset",
    "DatasetItem",
    "Finding",
    "FindingArtifact",
    "InstanceRole",
    "Job",
    "JobEvent",
    "Layer",
    "LayerAlias",
    "Membership",
    "Neuron",
    "ProbeKind",
    "Request",
    "RequestedJob",
    "ResponseReport",
    "Role",
    "Snapshot",
    "Team",
    "User",
    "Visibility",
    "Worker",
]
