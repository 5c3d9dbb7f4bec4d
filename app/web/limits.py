"""How much one key, or one address without a key, may ask: a little at a time, and so much a day.

Counted in this process's memory: several processes each count their own. Answers that are kept in memory cost nothing,
and are not counted. The `RateLimit` fields are those of draft-ietf-httpapi-ratelimit-headers.
"""

import math
import time
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter

from app.errors import Problem
from app.settings import Settings

Headers = list[tuple[bytes, bytes]]


@lru_cache(maxsize=10_000)
def household_of(address: str) -> str:
    """One subscriber has at least a whole /64 of IPv6, and would be somebody else with each address of it."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{found}/64", strict=False)) if found.version == 6 else address


class Policy(NamedTuple):
    name: str
    problem: str
    item: RateLimitItem
    counter: RateLimiter

    @property
    def told(self) -> str:
        return f'"{self.name}";q={self.item.amount};w={self.item.get_expiry()}'


class Verdict(NamedTuple):
    headers: Headers
    problem: Problem | None


class Limits:
    def __init__(self, settings: Settings) -> None:
        storage = MemoryStorage()
        burst, quota = SlidingWindowCounterRateLimiter(storage), FixedWindowRateLimiter(storage)

        def policies(most: int, a_day: int) -> tuple[Policy, Policy]:
            return (
                Policy("burst", "slow-down", RateLimitItemPerSecond(most, 10), burst),
                Policy("day", "quota-spent", RateLimitItemPerDay(a_day), quota),
            )

        self.of_address = policies(settings.address_burst, settings.address_quota)
        self.of_key = policies(settings.key_burst, settings.key_quota)
        self.enabled = settings.limits

    def published(self) -> dict[str, dict[str, str]]:
        if not self.enabled:
            return {}
        told = {"address": self.of_address, "key": self.of_key}
        return {who: {policy.name: policy.told for policy in policies} for who, policies in told.items()}

    def take(self, *, key_id: str | None, address: str) -> Verdict:
        """Counts one request; the verdict tells what is left of the policy that is nearest to its end."""
        policies = self.of_key if key_id else self.of_address
        who = f"key {key_id}" if key_id else household_of(address)
        for policy in policies:
            if not policy.counter.hit(policy.item, who):
                return self._refused(policies, policy, who)
        return Verdict(self._headers(policies, who), None)

    def _headers(self, policies: tuple[Policy, Policy], who: str) -> Headers:
        left = [(policy, policy.counter.get_window_stats(policy.item, who)) for policy in policies]
        now = time.time()
        told = ", ".join(
            f'"{policy.name}";r={stats.remaining};t={max(0, math.ceil(stats.reset_time - now))}'
            for policy, stats in left
        )
        policy_told = ", ".join(policy.told for policy in policies)
        return [(b"ratelimit-policy", policy_told.encode()), (b"ratelimit", told.encode())]

    def _refused(self, policies: tuple[Policy, Policy], policy: Policy, who: str) -> Verdict:
        reset = policy.counter.get_window_stats(policy.item, who).reset_time
        wait = max(1, math.ceil(reset - time.time()))
        detail = f"At most {policy.item.amount} requests in {policy.item.get_expiry()} seconds are answered."
        problem = Problem(policy.problem, detail, headers={"retry-after": str(wait)})
        return Verdict(self._headers(policies, who), problem)
