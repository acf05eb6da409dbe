"""Asked twice, done once: `Idempotency-Key` on whatever creates or computes."""

import hashlib
import json
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from api.endpoint import Endpoint
from atlas.errors import BadKey
from atlas.services import answers

KEY = re.compile(r"[!-~]{1,200}")
KEPT_HEADERS = ("Location",)
Method = Callable[..., Response]


def idempotent(method: Method) -> Method:
    """The same request under the same key is answered as the first time, with `Idempotent-Replay: true`.

    What it does and the answer that is kept are one transaction: both are there, or neither. Not for answers that hold
    a secret: a kept answer would keep it in clear.
    """

    @wraps(method)
    def once(self: Endpoint, request: Request, **where: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None or self.actor is None:
            return method(self, request, **where)
        if not KEY.fullmatch(key):
            raise BadKey()
        # Under the credential, too: what one may ask for, another token of the same person may not.
        asked = json.dumps([str(request.auth), self.identity()], sort_keys=True)
        body = hashlib.sha256(asked.encode()).hexdigest()
        kept = answers.begin(
            actor=self.actor, key=key, route=f"{request.method} {request.path}"[:300], body_sha256=body
        )
        if kept.status is not None:
            return Response(kept.body, kept.status, headers={**kept.headers, "Idempotent-Replay": "true"})
        try:
            with transaction.atomic():
                response = method(self, request, **where)
                found = {name: response[name] for name in KEPT_HEADERS if name in response}
                answers.complete(kept, status=response.status_code, body=response.data, headers=found)
            return response
        finally:
            answers.abandon(kept)  # nothing, once it is complete

    return once
