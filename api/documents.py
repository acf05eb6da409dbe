"""The API's own description: for machines, and for people to read and try."""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from api import query
from api.endpoint import Endpoint


class Document(Endpoint, SpectacularAPIView):
    """The OpenAPI document, in YAML or JSON as Accept says."""


class Pages(Endpoint, SpectacularSwaggerSplitView):
    """The document as pages; `script` is what starts them, at an address of its own so that no script is inline."""

    url_name = "api-schema"
    parameters = {"script": query.one_of("The script of the page.", "")}
