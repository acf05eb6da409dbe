"""How much one principal may ask for in a minute, by kind of request, and the headers that say so."""

from rest_framework.request import Request

from atlas import rates
from atlas.rates import WINDOW, Count


def count(request: Request, category: str) -> Count:
    """Count this request; raises RateLimited when it is one too many."""
    return rates.count(principal(request), category)


def headers(counted: Count) -> dict[str, str]:
    """The RateLimit header fields (draft-ietf-httpapi-ratelimit-headers)."""
    return {
        "RateLimit-Policy": f'"{counted.category}";q={counted.limit};w={WINDOW}',
        "RateLimit": f'"{counted.category}";r={max(counted.left, 0)};t={counted.reset}',
    }


def principal(request: Request) -> str:
    """Whose requests are counted together: a person's, by session and all their tokens; else those of an address."""
    user = request.user
    return f"user:{user.pk}" if user.is_authenticated else f"address:{request.META.get('REMOTE_ADDR', '')}"
