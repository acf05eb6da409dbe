"""One file per noun, in dependency order; what never changes is said in guards.py."""

from atlas.models.answers import KeptAnswer
from atlas.models.arrangements import Arrangement
from atlas.models.artifacts import Artifact
from atlas.models.changes import Change, ChangeSet
from atlas.models.checkpoints import Checkpoint, Layer, LayerAlias, Neuron, Visibility
from atlas.models.chores import Chore
from atlas.models.comments import Comment, CommentModeration, CommentVersion
from atlas.models.connections import Connection
from atlas.models.datasets import Dataset, DatasetItem, Spectrum
from atlas.models.findings import Finding, FindingArtifact
from atlas.models.footholds import Foothold, FootholdNeuron, Reference, Revision, Support, UnsavedText
from atlas.models.imports import Import, ImportRow
from atlas.models.index import IndexEntry, KnownWord, NameWord
from atlas.models.jobs import Job, JobEvent, ProbeKind, Request, RequestedJob, ResponseReport, Snapshot, Worker
from atlas.models.notifications import Notification, Watch
from atlas.models.people import (
    Byline,
    Contributor,
    DigestChoice,
    InstanceRole,
    Invitation,
    Membership,
    Role,
    Team,
    User,
)
from atlas.models.recordings import UnitStatistics
from atlas.models.reviews import ModerationEntry, Resolution, Review
from atlas.models.searches import SavedSearch
from atlas.models.shares import Breaker, LedgerEntry, Quota, Share
from atlas.models.terms import FootholdTerm, Term
from atlas.models.tokens import Scope, Token
from atlas.models.trials import Trial
from atlas.models.uploads import FootholdArtifact, Upload

__all__ = [
    "Arrangement",
    "Artifact",
    "Breaker",
    "Byline",
    "Change",
    "ChangeSet",
    "Checkpoint",
    "Chore",
    "Comment",
    "CommentModeration",
    "CommentVersion",
    "Connection",
    "Contributor",
    "Dataset",
    "DatasetItem",
    "DigestChoice",
    "Finding",
    "FindingArtifact",
    "Foothold",
    "FootholdArtifact",
    "FootholdNeuron",
    "FootholdTerm",
    "Import",
    "ImportRow",
    "IndexEntry",
    "InstanceRole",
    "Invitation",
    "Job",
    "JobEvent",
    "KeptAnswer",
    "KnownWord",
    "Layer",
    "LayerAlias",
    "LedgerEntry",
    "Membership",
    "ModerationEntry",
    "NameWord",
    "Neuron",
    "Notification",
    "ProbeKind",
    "Quota",
    "Reference",
    "Request",
    "RequestedJob",
    "Resolution",
    "ResponseReport",
    "Review",
    "Revision",
    "Role",
    "SavedSearch",
    "Scope",
    "Share",
    "Snapshot",
    "Spectrum",
    "Support",
    "Team",
    "Term",
    "Token",
    "Trial",
    "UnitStatistics",
    "UnsavedText",
    "Upload",
    "User",
    "Visibility",
    "Watch",
    "Worker",
]
