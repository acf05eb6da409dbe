"""What tests of collection share: a question that is shown an artifact by its hash alone."""

from atlas.models import Artifact, Upload
from atlas.services import catalog, jobs
from atlas.services.questions import ask


def ask_with(checkpoint, actor, picture: Artifact) -> None:
    """A question that is shown an artifact, which its sender then takes back."""
    schema = {"type": "object", "properties": {"picture": {"type": "string", "format": "artifact", "default": ""}}}
    kind = catalog.publish(
        name="firing", version=1, summary="Fires", description="What fires.", schema=schema, subjects=["unit"],
        site="pre_relu", example={}, seconds=1.0,
    )  # fmt: skip
    sent = Upload.objects.create(artifact=picture, uploaded_by=actor)
    questions = ask(
        checkpoint=checkpoint, probe=kind.name, subjects=["edges:0"], site=None, params={"picture": picture.sha256},
        many=False,
    )  # fmt: skip
    jobs.request(actor=actor, checkpoint=checkpoint, questions=questions)
    sent.delete()
