"""A question's name: equal questions share one fingerprint, so each is computed once."""

from typing import Any

from atlas import canonical


def of_question(
    *,
    checkpoint: str,
    probe: str,
    version: int,
    subject: Any,
    site: str,
    params: dict[str, Any],
    dataset: str | None = None,
) -> str:
    """Hex SHA-256 over checkpoint digest, probe, version, subject, site, parameters with defaults, and dataset."""
    return canonical.sha256(
        {
            "checkpoint": checkpoint,
            "probe": probe,
            "version": version,
            "subject": subject,
            "site": site,
            "params": params,
            "dataset": dataset,
        }
    )


def of_batch(*, checkpoint: str, probe: str, version: int, layers: list[str], site: str, params: dict[str, Any]) -> str:
    """Hex SHA-256 shared by the questions that one forward pass can answer together: all but the units."""
    return canonical.sha256(
        {
            "checkpoint": checkpoint,
            "probe": probe,
            "version": version,
            "layers": layers,
            "site": site,
            "params": params,
        }
    )
