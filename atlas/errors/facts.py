"""What can go wrong with checkpoints, the questions asked of them, and what was found."""

from atlas.errors.pattern import AtlasError, NotFound


class NoSuchCheckpoint(NotFound):
    """There is no checkpoint {checkpoint}."""


class NoSuchLayer(NotFound):
    """{checkpoint} has no layer {layer}; its layers are {layers}."""


class NoSuchNeuron(NotFound):
    """{layer} of {checkpoint} has {width} neurons, 0 to {last}; there is no neuron {channel}."""


class NoSuchJob(NotFound):
    """There is no job {fingerprint}."""


class NoSuchArtifact(NotFound):
    """There is no artifact {sha256}."""


class NoSuchRequest(NotFound):
    """There is no request {request}."""


class NoSuchProbe(AtlasError):
    """No worker has published a probe {probe}; published are {probes}."""


class NoSuchDataset(NotFound):
    """There is no dataset {dataset}; registered are {datasets}."""


class RegisteredDifferently(AtlasError):
    """{slug} is registered already, with other content ({digest}); a slug is never reused."""

    status = 409


class RegisteredElsewhere(AtlasError):
    """This very content is registered already, as {slug}."""

    status = 409


class StillDraft(AtlasError):
    """{slug} is a draft: only the registration of its upload publishes it."""

    status = 409


class UploadReplaced(AtlasError):
    """What was uploaded as {slug} has been replaced, or is no longer kept: upload it again to register it."""

    status = 409


class CheckpointEmpty(AtlasError):
    """The file is empty."""


class DigestMismatch(AtlasError):
    """The file that arrived has the SHA-256 {found}, not {declared} as the request says."""


class BadSlug(AtlasError):
    """{slug} cannot name a checkpoint; a slug has 2 to 40 lower-case letters, digits and dashes, and is not new."""


class BadCard(AtlasError):
    """The card cannot be used: {summary}"""

    def __init__(self, *, errors: list[dict[str, str]]) -> None:
        summary = "; ".join(f"{error['pointer'] or '/'}: {error['detail']}" for error in errors[:5])
        super().__init__(errors=errors, summary=summary)


class PermissionRevoked(AtlasError):
    """Whoever asked this may not ask it any more; somebody who may can ask it again."""

    status = 403


class NoWorker(AtlasError):
    """For 24 hours no worker has been heard of that could answer this; ask again once there is one."""

    status = 503
    fault = "ours"


class OutOfMemory(AtlasError):
    """The memory of {device} does not hold this question about {checkpoint}, not even by itself."""

    status = 503
    fault = "ours"


class DeadlineExceeded(AtlasError):
    """This was started twice and took longer than {seconds} seconds each time; ask for less at once."""


class ProbeChangedWithoutVersion(AtlasError):
    """{probe} version {version} is published with another schema; a changed probe needs a new version."""

    status = 409
    fault = "ours"


class IllegalTransition(AtlasError):
    """This job is {state}; it cannot be {verb}."""

    status = 409


class LeaseLost(AtlasError):
    """The lease of job {fingerprint} was superseded; this result is discarded."""

    status = 409
    fault = "ours"


class ArtifactCorrupt(AtlasError):
    """The bytes stored for {sha256} are not the bytes it names; they are not served."""

    status = 500
    fault = "ours"


class ArtifactMissing(AtlasError):
    """The bytes of {sha256} are missing from the store; the operator has to restore them."""

    status = 500
    fault = "ours"


class NoOwnAddress(AtlasError):
    """This atlas does not know its own address, and links in a mail would lead nowhere: set ATLAS_ADDRESS."""

    status = 500
    fault = "ours"
