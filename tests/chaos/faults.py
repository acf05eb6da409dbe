"""Every fault a campaign injects: what is done, on what ground, and how it is known to have struck.

A strike says whether it bit at once; what only the struck can notice, they write down (bites.py). The verdict counts
both, and a fault that was injected several times and never bit is as wrong as a lost job.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.chaos import backing, bites, clock, reference
from tests.chaos.campaign import Campaign, Ground

LEASE = 2.0  # seconds
AWAY = 4.0  # seconds without a bell
GRACE = 10.0  # seconds in which a worker that is asked to end has ended
CHILDREN = 2  # of the kills hit a child alone: three different questions that crash would open the breaker, rightly
DUPLICATES, PLANTED, REAPERS = 50, 5, 4
FORGED = ([-1], [2**63], ["x"], [{"job": 1}])


@dataclass(frozen=True)
class Fault:
    """One way to make things difficult."""

    name: str
    strike: Callable[[Campaign], bool]
    needs: Callable[[Ground], object] = lambda ground: True
    weight: int = 0  # among the kills; a fault with none comes a few times in each campaign


def kill_worker(campaign: Campaign) -> bool:
    """A worker with its child."""
    victim = campaign.chance.choice(campaign.workers)
    return kill(victim.pid, victim.wait)


def kill_child(campaign: Campaign) -> bool:
    """The child alone: it has crashed."""
    from atlas.models import Worker

    alive = Worker.objects.filter(stopped_at=None).order_by("-started_at").values_list("pid", flat=True)
    for pid in alive[:1]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def kill_asker(campaign: Campaign) -> bool:
    """One who asks, perhaps between the answer and the ledger."""
    for victim in list(campaign.askers.values())[:1]:
        return kill(victim.pid, victim.wait)
    return False


def kill(group: int, wait: Callable[[], int]) -> bool:
    """End a whole session at once; whether it still lived."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    return wait() == -signal.SIGKILL


def stop_and_go_on(campaign: Campaign) -> bool:
    """A worker that sleeps past its leases and wakes up as if nothing had happened, at best over something slow."""
    victim = campaign.busy() or campaign.chance.choice(campaign.workers)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(victim.pid, signal.SIGSTOP)
        time.sleep(LEASE + 0.5)
        os.killpg(victim.pid, signal.SIGCONT)
    return False  # whose answer is refused says so


def ask_to_end(campaign: Campaign) -> bool:
    """SIGTERM in the midst of a batch: it has ten seconds to hand back what it holds."""
    victim, before = campaign.busy(seconds=5, since=0.0) or campaign.chance.choice(campaign.workers), handed_back()
    os.killpg(victim.pid, signal.SIGTERM)
    try:
        status = victim.wait(timeout=GRACE)
    except subprocess.TimeoutExpired:
        status = None
    if status != 0:
        campaign.wrong.append(f"asked to end, a worker ended with {status}")
    return handed_back() > before


def flush(campaign: Campaign) -> bool:
    """FLUSHALL, of a Redis in which rings lie."""
    ring(duplicates=DUPLICATES)
    client = bell()
    lying = client.llen("celery")
    client.flushall()
    return bool(lying)


def silence(campaign: Campaign) -> bool:
    """Redis away for a while, in which somebody rings: nothing comes of it but a line in the log."""
    assert campaign.ground.bell is not None
    campaign.ground.bell.kill()
    time.sleep(AWAY)
    ring(duplicates=1)
    try:
        bell().ping()
    except backing.redis.RedisError:
        return True
    finally:
        campaign.ground.bell.start()
    return False


def ring_too_often(campaign: Campaign) -> bool:
    """The same ring many times, and rings that say something: none of it is work."""
    before = bell().llen("celery")
    ring(duplicates=DUPLICATES, forged=True)
    return before + bell().llen("celery") > 0


def restart_database(campaign: Campaign) -> bool:
    """PostgreSQL, killed or shut down in one of its ways, and started again."""
    from django.db import connection

    assert campaign.ground.database is not None
    campaign.ground.database.kill(campaign.chance.choice((signal.SIGKILL, signal.SIGQUIT, signal.SIGINT)))
    time.sleep(campaign.chance.uniform(0.0, 1.0))
    campaign.ground.database.start()
    connection.close()
    return False  # who asked it meanwhile says so


def fill_disk(campaign: Campaign) -> bool:
    """No room for any answer, until somebody has noticed and a second more."""
    assert campaign.ground.disk is not None
    before = campaign.noticed(bites.FULL)
    campaign.ground.disk.fill()
    campaign.seen(bites.FULL, before=before, seconds=10)
    time.sleep(1)
    campaign.ground.disk.empty()
    return False


def shut_disk(campaign: Campaign) -> bool:
    """The folder of answers may only be read, until somebody has noticed and a second more."""
    disk, before = campaign.ground.disk, campaign.noticed(bites.SHUT)
    assert disk is not None
    for _ in range(200):
        if disk.shut():
            campaign.seen(bites.SHUT, before=before, seconds=10)
            time.sleep(1)
            disk.open()
            return False
        time.sleep(0.02)
    return False


def tear(campaign: Campaign) -> bool:
    """Half of an answer under its final name, before anybody has given it, and half of one that was never finished."""
    from atlas.models import Job
    from atlas.storage import path_of

    store = backing.kept(campaign.home)
    for _ in range(50):
        waiting = Job.objects.filter(state="queued", probe__name=reference.NAME).order_by("-id")[: 4 * PLANTED]
        asked = [job for job in waiting if not reference.has_none(job.fingerprint) and job.params["number"] % 25 != 7]
        planted = 0
        for job in asked[:PLANTED]:
            answer = reference.answer(job.fingerprint)
            torn = store / path_of(reference.name(answer))
            torn.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError), torn.open("xb") as file:
                file.write(answer[: reference.SIZE // 2])
                planted += 1
        if planted:
            (store / "tmp" / f"torn-{time.monotonic_ns()}").write_bytes(answer[:100])
            return True
        time.sleep(0.1)
    return False


def move_clock(campaign: Campaign) -> bool:
    """An hour forth or back, and after a while right again; what is late or early then is so by an hour."""
    clock.move(campaign.home, campaign.chance.choice((clock.HOUR, -clock.HOUR)))
    time.sleep(LEASE)
    clock.move(campaign.home, 0)
    return False  # who believed it says so


def reap_together(campaign: Campaign) -> bool:
    """Several reapers at the same moment over a worker that has just died, besides those that every parent is."""
    from django.db import connection

    from atlas.services import jobs
    from atlas.services import workers as presence

    victim, before = campaign.busy(seconds=5) or campaign.chance.choice(campaign.workers), events("reap")
    kill(victim.pid, victim.wait)
    together = threading.Barrier(REAPERS)

    def reap() -> None:
        gone = presence.dead()
        together.wait()
        jobs.reap(dead=gone)
        connection.close()

    reapers = [threading.Thread(target=reap) for _ in range(REAPERS)]
    for one in reapers:
        one.start()
    for one in reapers:
        one.join()
    return events("reap") > before


FAULTS = (
    Fault("worker killed", kill_worker, weight=70),
    Fault("child killed", kill_child),
    Fault("asker killed", kill_asker, weight=12),
    Fault(bites.STALE, stop_and_go_on, weight=15),
    Fault("asked to end in a batch", ask_to_end),
    Fault("Redis flushed", flush, needs=lambda ground: ground.bell),
    Fault("Redis away", silence, needs=lambda ground: ground.bell),
    Fault("rings doubled and forged", ring_too_often, needs=lambda ground: ground.bell),
    Fault(bites.RESTART, restart_database, needs=lambda ground: ground.database),
    Fault(bites.FULL, fill_disk, needs=lambda ground: ground.disk),
    Fault(bites.SHUT, shut_disk, needs=lambda ground: ground.disk),
    Fault("artifact half-written", tear),
    Fault(bites.CLOCK, move_clock),
    Fault("reapers at one moment", reap_together),
)


def plan(campaign: Campaign, *, kills: int, each: int) -> list[Fault]:
    """So many kills and stops, and each other fault so many times among them."""
    child = next(it for it in FAULTS if it.strike is kill_child)
    often = [it for it in FAULTS if it.weight]
    struck = campaign.chance.choices(often, [it.weight for it in often], k=kills - CHILDREN)
    seldom = [it for it in FAULTS if not it.weight and it is not child and it.needs(campaign.ground)]
    for fault in seldom * each:  # in the first half: what comes later might find that all is done
        struck.insert(campaign.chance.randrange(len(struck) // 2 + 1), fault)
    return [child] * CHILDREN + struck


def missing(ground: Ground) -> Iterator[str]:
    """The faults that cannot be injected here."""
    yield from (it.name for it in FAULTS if not it.needs(ground))


def ring(*, duplicates: int, forged: bool = False) -> None:
    """Ring as the atlas does; and as somebody would who thinks that a message carries work."""
    from atlas import doorbell

    for _ in range(duplicates):
        doorbell.ring()
    for arguments in FORGED if forged else ():
        doorbell._sender().send_task("workers.drain", args=arguments, retry=False)


def bell() -> "backing.redis.Redis":
    """The bell from outside."""
    from django.conf import settings

    return backing.rings(settings.BROKER)


def events(kind: str) -> int:
    """How many transitions of a kind there have been."""
    from atlas.models import JobEvent

    return JobEvent.objects.filter(kind=kind).count()


def handed_back() -> int:
    """How many jobs were handed back by workers that were asked to end."""
    from atlas.models import JobEvent

    return JobEvent.objects.filter(kind="release", data__why="asked to stop").count()
