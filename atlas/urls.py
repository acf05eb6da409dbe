"""Every address of the service."""

from django.urls import include, path

handler400 = "atlas.web.refusals.bad_request"
handler403 = "atlas.web.refusals.forbidden"
handler404 = "atlas.web.refusals.not_found"
handler429 = "atlas.web.refusals.too_many"
handler500 = "atlas.web.refusals.server_error"

urlpatterns = [
    path("api/v1/", include("api.urls")),
    path("", include("atlas.web.urls")),
]
