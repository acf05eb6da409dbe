"""How often somebody did something within a minute, counted in the cache that all processes share."""

import logging
import math
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from atlas.errors import RateLimited

log = logging.getLogger(__name__)
WINDOW = 60  # seconds


@dataclass(frozen=True)
class Count:
    """How a principal stands in a category: `left` of `limit` until `reset` seconds from now."""

    category: str
    limit: int
    left: int
    reset: int


def count(who: str, category: str) -> Count:
    """Count one more; raises RateLimited when it is one too many."""
    limit, now = settings.RATES[category], time.time()
    window = int(now // WINDOW)
    used = _increment(f"rate:{category}:{who}:{window}")
    reset = math.ceil((window + 1) * WINDOW - now)
    if used > limit:
        raise RateLimited(category=category, limit=limit, window=WINDOW, retry_after=reset)
    return Count(category, limit, limit - used, reset)


def _increment(key: str) -> int:
    """How often so far, this time included; 0 when the cache is away: nobody is refused for that."""
    try:
        cache.add(key, 0, timeout=2 * WINDOW)
        return int(cache.incr(key))
    except ValueError:  # evicted between the two
        return 1
    except RedisError as error:
        log.warning("requests cannot be counted: %s", error)
        return 0
