"""How much one principal may ask for in a minute, by kind of request, counted in the cache that all processes share."""

import logging
import math
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
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

    @property
    def headers(self) -> dict[str, str]:
        """The RateLimit header fields (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Policy": f'"{self.category}";q={self.limit};w={WINDOW}',
            "RateLimit": f'"{self.category}";r={max(self.left, 0)};t={self.reset}',
        }


def count(request: HttpRequest, category: str) -> Count:
    """Count this request; raises RateLimited when it is one too many."""
    limit, now = settings.RATES[category], time.time()
    window = int(now // WINDOW)
    key = f"rate:{category}:{principal(request)}:{window}"
    used = _increment(key)
    reset = math.ceil((window + 1) * WINDOW - now)
    if used > limit:
        raise RateLimited(category=category, limit=limit, window=WINDOW, retry_after=reset)
    return Count(category, limit, limit - used, reset)


def principal(request: HttpRequest) -> str:
    """Whose requests are counted together: a person's, by session and all their tokens; else those of an address."""
    user = request.user
    return f"user:{user.pk}" if user.is_authenticated else f"address:{request.META.get('REMOTE_ADDR', '')}"


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
