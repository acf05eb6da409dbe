"""The real worker on a device whose memory holds two questions at once although it is planned for four.

    celery -A tests.chaos.hungry worker …

No machine here has a device whose memory runs out: the error is raised where torch would raise it, and all that
follows is the worker's own.
"""

from typing import Any

from celery.signals import worker_process_init

from workers.celery import app

__all__ = ["app"]
PLANNED, MOST = 4, 2


@worker_process_init.connect
def shrink(**_: Any) -> None:
    """In the child, before its first task."""
    import torch

    from workers import drain
    from workers.interp.plan import Plan

    Plan.units_for = staticmethod(lambda *, flops, device: PLANNED)  # type: ignore[method-assign]
    real = drain.PROBES["feature-visualization"]

    class Hungry:
        def run(self, lens: Any, subjects: Any, *arguments: Any, **more: Any) -> Any:
            if len(subjects) > MOST:
                raise torch.OutOfMemoryError(f"{len(subjects)} at once need too much memory")
            return real.run(lens, subjects, *arguments, **more)

    drain.PROBES = {**drain.PROBES, "feature-visualization": Hungry()}  # type: ignore[assignment]
