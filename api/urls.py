"""The addresses of the API, version 1."""

from django.urls import path, re_path

from api import artifacts, checkpoints, documents, jobs, nowhere, probes

urlpatterns = [
    path("checkpoints", checkpoints.Checkpoints.as_view()),
    path("checkpoints/<str:slug>", checkpoints.OneCheckpoint.as_view()),
    path("checkpoints/<str:slug>/layers", checkpoints.Layers.as_view()),
    path("checkpoints/<str:slug>/layers/<str:layer>", checkpoints.OneLayer.as_view()),
    path("checkpoints/<str:slug>/layers/<str:layer>/neurons", checkpoints.Neurons.as_view()),
    path("checkpoints/<str:slug>/layers/<str:layer>/neurons/<str:channel>", checkpoints.OneNeuron.as_view()),
    path("probes", probes.Probes.as_view()),
    path("probes/<str:name>", probes.OneProbe.as_view()),
    path("jobs", jobs.Jobs.as_view()),
    path("jobs/<str:fingerprint>", jobs.OneJob.as_view()),
    path("jobs/<str:fingerprint>/cancel", jobs.Cancel.as_view()),
    path("jobs/<str:fingerprint>/requeue", jobs.Requeue.as_view()),
    path("requests/<str:request_id>", jobs.OneRequest.as_view()),
    path("artifacts/<str:sha256>", artifacts.OneArtifact.as_view()),
    path("schema", documents.Document.as_view(), name="api-schema"),
    path("docs", documents.Pages.as_view()),
    re_path(r"", nowhere.Nowhere.as_view()),
]
