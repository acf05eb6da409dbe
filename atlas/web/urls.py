"""The addresses of the pages; permanent, without a trailing slash."""

from django.urls import path, re_path

from atlas.web.views import accounts, artifacts, checkpoints, home, jobs, neurons, problems

urlpatterns = [
    path("", home.home),
    re_path(r"^c(?P<suffix>\.[a-z.]+)?$", checkpoints.checkpoints),
    path("c/<str:slug>", checkpoints.checkpoint),
    path("c/<str:slug>/<str:layer>", checkpoints.wall),
    path("c/<str:slug>/<str:layer>/<str:channel>", neurons.neuron),
    path("j/<str:fingerprint>", jobs.job),
    path("j/<str:fingerprint>/progress", jobs.progress),
    path("j/<str:fingerprint>/cancel", jobs.cancel),
    path("j/<str:fingerprint>/requeue", jobs.requeue),
    path("a/<str:name>", artifacts.artifact),
    path("accounts/login", accounts.login),
    path("accounts/logout", accounts.logout),
    path("accounts/password", accounts.password),
    path("problems", problems.problems),
    path("problems/<str:slug>", problems.problem),
    path("healthz", home.healthz),
    path("robots.txt", home.robots),
]
