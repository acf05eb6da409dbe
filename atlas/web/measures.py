"""The measures of the whole atlas in Prometheus' text form: counted in the database, so every process says the same."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from atlas.dossiers import operation
from atlas.services import artifacts, tallies
from atlas.web.watching import REGISTRY

FRESH = 15  # seconds for which counts of the whole history are good enough
SELDOM = 3600  # seconds for which a walk over the store is
QUARANTINED, REAP = "quarantined", "reap"


class Atlas:
    """What one scrape reads."""

    def collect(self) -> Iterator[Metric]:
        """Every measure."""
        yield from queue()
        yield from history()
        yield from tidying()
        yield gauge("orphan_artifacts", "Files in the store that no row knows, as of the last hour.", orphans())


def queue() -> Iterator[Metric]:
    """How the queue stands now."""
    found = operation.queue()
    jobs = GaugeMetricFamily("atlas_jobs", "Questions by state.", labels=["state"])
    for state, count in found.states.items():
        jobs.add_metric([state], count)
    yield jobs
    yield gauge("jobs_waiting", "Questions that may be claimed now.", found.waiting)
    yield gauge("oldest_waiting_seconds", "How long the oldest of them has waited.", found.oldest_seconds)
    workers = GaugeMetricFamily("atlas_workers", "Living workers by device.", labels=["device"])
    for device, count in operation.devices().items():
        workers.add_metric([device], count)
    yield workers
    latency = GaugeMetricFamily(
        "atlas_claim_latency_seconds",
        f"From when a question could be claimed to its claim, of the latest {operation.LATEST}.",
        labels=["quantile"],
    )
    for quantile, seconds in operation.claim_latency().items():
        latency.add_metric([str(quantile)], seconds)
    yield latency


def history() -> Iterator[Metric]:
    """What has happened to questions since there is a record of it."""
    counted, splits = tallies.remembered("history", _history, seconds=FRESH)
    events = CounterMetricFamily("atlas_job_events", "Transitions of questions.", labels=["kind", "to"])
    for (kind, to), count in counted.items():
        events.add_metric([kind, to], count)
    yield events

    def total(*, kind: str = "", to: str = "") -> int:
        return sum(count for (one, led), count in counted.items() if one == (kind or one) and led == (to or led))

    stale = tallies.counted(tallies.STALE)
    yield counter("lease_expiries", "Leases that lapsed, or whose worker was seen to be dead.", total(kind=REAP))
    yield counter("quarantines", "Questions given up after too many starts or crashes.", total(to=QUARANTINED))
    yield counter("stale_writes_refused", "Results of superseded workers that were refused.", stale)
    yield counter("memory_splits", "Batches that went back because the device had no room for them.", splits)


def tidying() -> Iterator[Metric]:
    """What the janitor has removed, and when it last went round."""
    removed = CounterMetricFamily("atlas_tidied", "Leftovers that were removed.", labels=["rule"])
    freed = CounterMetricFamily("atlas_tidied_bytes", "Bytes of leftovers that were removed.", labels=["rule"])
    for chore in operation.chores():
        removed.add_metric([chore.name], chore.removed)
        freed.add_metric([chore.name], chore.freed)
    yield removed
    yield freed
    at = operation.last_round()
    yield gauge("tidied_timestamp_seconds", "When the last whole round of the janitor began.", at)


def gauge(name: str, says: str, value: float) -> Metric:
    """One number that rises and falls."""
    return GaugeMetricFamily(f"atlas_{name}", says, value=value)


def counter(name: str, says: str, value: float) -> Metric:
    """One number that only rises."""
    return CounterMetricFamily(f"atlas_{name}", says, value=value)


def orphans() -> int:
    """How many files no row knows; looked up at most once an hour."""
    return tallies.remembered("orphans", lambda: len(artifacts.orphans()), seconds=SELDOM)


def _history() -> tuple[dict[tuple[str, str], int], int]:
    return operation.events(), operation.memory_splits()


EVERYWHERE = CollectorRegistry(auto_describe=False)
EVERYWHERE.register(Atlas())


def text() -> bytes:
    """All of it: what the database says, and what passed through this process."""
    return generate_latest(EVERYWHERE) + generate_latest(REGISTRY)
