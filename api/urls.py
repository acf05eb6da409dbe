"""The addresses of the API, version 1."""

from django.urls import path, re_path

from api import artifacts, changes, checkpoints, documents, jobs, nowhere, people, probes, teams

urlpatterns = [
    path("checkpoints", checkpoints.Checkpoints.as_view()),
    path("checkpoints/<str:slug>", checkpoints.OneCheckpoint.as_view()),
    path("checkpoints/<str:slug>/cite", checkpoints.CiteCheckpoint.as_view()),
    path("checkpoints/<str:slug>/layers", checkpoints.Layers.as_view()),
    path("checkpoints/<str:slug>/layers/<str:layer>", checkpoints.OneLayer.as_view()),
    path("checkpoints/<str:slug>/layers/<str:layer>/neurons", checkpoints.Neurons.as_view()),
    path("checkpoints/<str:slug>/layers/<str:layer>/neurons/<str:channel>", checkpoints.OneNeuron.as_view()),
    path("checkpoints/<str:slug>/layers/<str:layer>/neurons/<str:channel>/cite", checkpoints.CiteNeuron.as_view()),
    path("probes", probes.Probes.as_view()),
    path("probes/<str:name>", probes.OneProbe.as_view()),
    path("jobs", jobs.Jobs.as_view()),
    path("jobs/<str:fingerprint>", jobs.OneJob.as_view()),
    path("jobs/<str:fingerprint>/cancel", jobs.Cancel.as_view()),
    path("jobs/<str:fingerprint>/requeue", jobs.Requeue.as_view()),
    path("requests/<str:request_id>", jobs.OneRequest.as_view()),
    path("artifacts/<str:sha256>", artifacts.OneArtifact.as_view()),
    path("me", people.Me.as_view()),
    path("me/memberships", people.Memberships.as_view()),
    path("tokens", people.Tokens.as_view()),
    path("tokens/<str:prefix>", people.OneToken.as_view()),
    path("teams", teams.Teams.as_view()),
    path("teams/<str:team>", teams.OneTeam.as_view()),
    path("teams/<str:team>/members", teams.Members.as_view()),
    path("teams/<str:team>/members/<str:handle>", teams.OneMember.as_view()),
    path("teams/<str:team>/invitations", teams.Invitations.as_view()),
    path("teams/<str:team>/invitations/<str:prefix>", teams.OneInvitation.as_view()),
    path("changes", changes.Changes.as_view()),
    path("schema", documents.Document.as_view(), name="api-schema"),
    path("docs", documents.Pages.as_view()),
    re_path(r"", nowhere.Nowhere.as_view()),
]
