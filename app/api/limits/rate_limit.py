"""Rate limits of one key, or of one address without a key: requests, bytes sent, and seconds of work.

Each policy has a sliding window. It is approximated by two fixed windows: the use in the earlier one counts by the part
of it that the sliding window still covers ("How we built rate limiting capable of scaling to millions of domains",
Cloudflare, 2017). The use is counted in the memory of this process, so several processes each count their own, and for
a bounded number of parties, of which the least recently seen is forgotten first. Responses from the cache do not count
as requests, but large ones count by their bytes. The `RateLimit` header fields are those of
draft-ietf-httpapi-ratelimit-headers.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from app.common.ip_addresses import network_of
from app.common.problems import Problem
from app.settings import Settings

Headers = list[tuple[bytes, bytes]]

MOST_PARTIES = 4096
"""The most keys and addresses whose use is remembered; each takes some 800 bytes."""


class Policy(NamedTuple):
    """At most `most` of a unit within any `seconds`; `problem` is the kind of problem that answers further requests."""

    name: str
    problem: str
    unit: str
    most: int
    seconds: int

    @property
    def published(self) -> str:
        """The policy as a member of the `RateLimit-Policy` header."""
        return f'"{self.name}";q={self.most};w={self.seconds}'


class Window:
    """The use of one policy by one party, in the current fixed window and in the one before it."""

    __slots__ = ("before", "current", "number")

    def __init__(self) -> None:
        self.number, self.before, self.current = 0, 0.0, 0.0

    def used(self, policy: Policy, now: float) -> float:
        """Return the use within the last `policy.seconds`, as the weighted sum of both windows."""
        self._move_to(int(now // policy.seconds))
        return self.before * (1 - now % policy.seconds / policy.seconds) + self.current

    def add(self, policy: Policy, amount: float, now: float) -> None:
        """Add an amount to the use in the current window."""
        self._move_to(int(now // policy.seconds))
        self.current += amount

    def wait(self, policy: Policy, now: float) -> int:
        """Return the seconds, at least 1, until one more unit may be used."""
        passed = now % policy.seconds
        missing = self.used(policy, now) + 1 - policy.most
        if self.current < policy.most and self.before:
            return max(1, math.ceil(missing * policy.seconds / self.before))
        rest = policy.seconds - passed  # by then this window is the earlier one, and its weight shrinks
        over = self.current + 1 - policy.most
        return max(1, math.ceil(rest + max(0.0, over) * policy.seconds / max(1.0, self.current)))

    def _move_to(self, number: int) -> None:
        if number == self.number:
            return
        self.before = self.current if number == self.number + 1 else 0.0
        self.number, self.current = number, 0.0


class Verdict(NamedTuple):
    """Whether a request is admitted: the `RateLimit` headers of its response, and the problem that refuses it."""

    headers: Headers
    problem: Problem | None


def _policies(burst: int, quota: int, bytes_an_hour: int, seconds_a_minute: int) -> tuple[Policy, ...]:
    return (
        Policy("burst", "slow-down", "requests", burst, 10),
        Policy("day", "quota-spent", "requests", quota, 86_400),
        Policy("bytes", "slow-down", "bytes", bytes_an_hour, 3600),
        Policy("time", "slow-down", "milliseconds of work", seconds_a_minute * 1000, 60),
    )


class RateLimiter:
    """The policies for keys and for addresses, and the use of each party."""

    def __init__(self, settings: Settings) -> None:
        self.of_address = _policies(
            settings.address_burst, settings.address_quota, settings.address_bytes, settings.address_seconds
        )
        self.of_key = _policies(settings.key_burst, settings.key_quota, settings.key_bytes, settings.key_seconds)
        self.enabled = settings.limits
        self._used: OrderedDict[str, Sequence[Window]] = OrderedDict()

    def published(self) -> dict[str, dict[str, str]]:
        """Return the policies by party (`address`, `key`) and name, for the service document; empty if off."""
        if not self.enabled:
            return {}
        parties = {"address": self.of_address, "key": self.of_key}
        return {party: {policy.name: policy.published for policy in policies} for party, policies in parties.items()}

    def take(self, *, key_id: str | None, address: str) -> Verdict:
        """Count one request of a party, or refuse it without counting if a policy is spent."""
        policies, windows = self._of(key_id, address)
        now = time.time()
        spent = next((p for p, w in zip(policies, windows, strict=True) if w.used(p, now) + 1 > p.most), None)
        if spent is None:
            for policy, window in zip(policies[:2], windows, strict=False):
                window.add(policy, 1, now)
        problem = self._problem(spent, windows[policies.index(spent)], now) if spent else None
        return Verdict(_headers(policies, windows, now), problem)

    def charge(self, *, key_id: str | None, address: str, bytes_sent: int, seconds: float) -> None:
        """Add the bytes of a response, and the seconds that it took to make it, to the use of its party."""
        policies, windows = self._of(key_id, address)
        now = time.time()
        windows[2].add(policies[2], bytes_sent, now)
        windows[3].add(policies[3], seconds * 1000, now)

    def has_bytes_left(self, address: str) -> bool:
        """Return whether an address may be sent more bytes within this hour."""
        if not self.enabled:
            return True
        policies, windows = self._of(None, address)
        return windows[2].used(policies[2], time.time()) + 1 <= policies[2].most

    def _of(self, key_id: str | None, address: str) -> tuple[tuple[Policy, ...], Sequence[Window]]:
        party = f"key {key_id}" if key_id else network_of(address)
        windows = self._used.get(party)
        if windows is None:
            windows = self._used[party] = tuple(Window() for _ in self.of_key)
            if len(self._used) > MOST_PARTIES:
                self._used.popitem(last=False)
        else:
            self._used.move_to_end(party)
        return self.of_key if key_id else self.of_address, windows

    def _problem(self, policy: Policy, window: Window, now: float) -> Problem:
        detail = f"At most {policy.most} {policy.unit} in {policy.seconds} seconds are answered."
        return Problem(policy.problem, detail, headers={"retry-after": str(window.wait(policy, now))})


def _headers(policies: Sequence[Policy], windows: Sequence[Window], now: float) -> Headers:
    left = ", ".join(
        f'"{policy.name}";r={max(0, math.floor(policy.most - window.used(policy, now)))}'
        f";t={max(1, math.ceil(policy.seconds - now % policy.seconds))}"
        for policy, window in zip(policies, windows, strict=True)
    )
    published = ", ".join(policy.published for policy in policies)
    return [(b"ratelimit-policy", published.encode()), (b"ratelimit", left.encode())]
