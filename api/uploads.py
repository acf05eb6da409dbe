"""Files over HTTP: who may send one is known before a byte of it is read, and it is judged as strictly as JSON is."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import QueryDict

from api.endpoint import Endpoint
from api.parsers import NotYet
from atlas import uploads, validation
from atlas.errors import DigestMismatch, Validation
from atlas.models import Visibility
from atlas.services import drafts
from atlas.uploads import Received

FILE = "weights"
OWNER: Mapping[str, Any] = {
    "type": "string",
    "maxLength": 40,
    "description": "Which team is to own it, by slug. A curator of one team need not say; the operator may "
    "leave it out for what is the atlas's own.",
}
WANTED: Mapping[str, Any] = {
    "type": "object",
    "description": "A safetensors file, and what people have to know of it. Each part is sent once.",
    "additionalProperties": False,
    "required": ["slug", "architecture", "card", FILE],
    "properties": {
        "slug": {
            "type": "string",
            "pattern": "^[a-z0-9][a-z0-9-]{1,39}$",
            "description": "Its name in addresses, for ever.",
        },
        "architecture": {"type": "string", "minLength": 1, "maxLength": 100, "description": "A known architecture."},
        "card": {"type": "string", "minLength": 1, "description": "JSON: title, input, licence, labels …"},
        FILE: {"type": "string", "format": "binary", "description": "A safetensors file of at most 2 GiB."},
        "team": OWNER,
        "visibility": {
            "type": "string",
            "enum": Visibility.values,
            "description": "Who may read it once it is published; a team's is the team's unless this says otherwise.",
        },
        "sha256": {
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
            "description": "Of the file: another one than this is refused.",
        },
    },
}


class UploadEndpoint(Endpoint):
    """A resource that is made by sending a file."""

    parser_classes = [NotYet]
    counted = {"POST": "import"}
    _given: dict[str, Any] | None = None

    def identity(self) -> Any:
        """The fields, and the file by its bytes."""
        return {name: str(value) for name, value in self.received().items() if name != FILE}

    def received(self) -> dict[str, Any]:
        """What is uploaded, as `drafts.upload` takes it; read once, and only from who may upload at all.

        Raises Forbidden, UnsupportedMediaType, TooLarge, Malformed, DigestMismatch, Validation with all that is wrong.
        """
        if self._given is None:
            drafts.owners(self.person)
            uploads.receive(self.request._request, name=FILE)
            self._given = self._judged(self.request._request.POST, self.request._request.FILES.get(FILE))
        return self._given

    def _judged(self, fields: QueryDict, file: Received | None) -> dict[str, Any]:
        given = {name: values[-1] for name, values in fields.lists()}
        card, faults = _card(given.get("card"))
        whole = {**given, FILE: ""} if file is not None and FILE not in given else given
        errors = [*unreadable(fields), *validation.faults(whole, dict(WANTED)), *faults]
        if FILE in given:
            errors.append({"pointer": f"/{FILE}", "code": "not-a-file", "detail": "Send it as a file, with a name."})
        if errors or file is None:
            raise Validation(errors=errors[: validation.MOST_ERRORS])
        declared = given.get("sha256", file.sha256)
        if declared != file.sha256:
            raise DigestMismatch(found=file.sha256, declared=declared)
        return {
            "slug": given["slug"],
            "architecture": given["architecture"],
            "card": card,
            FILE: file.file,
            "sha256": file.sha256,
            "team": drafts.owner(given.get("team"), actor=self.person),
            "visibility": given.get("visibility"),
        }


def _card(text: str | None) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The card, or what is wrong with it, by pointers into the body."""
    try:
        return ({} if text is None else drafts.read_card(text)), []
    except Validation as error:
        return {}, error.errors


def unreadable(fields: QueryDict) -> Iterator[dict[str, str]]:
    """Fields that are sent twice, or hold no text."""
    for name, values in fields.lists():
        if len(values) > 1:
            yield {"pointer": f"/{name[:80]}", "code": "repeated", "detail": uploads.TWICE}
        if any("\x00" in text or "\ufffd" in text for text in (name, *values)):
            yield {"pointer": f"/{name[:80]}", "code": "unreadable", "detail": "Is not text in UTF-8."}
