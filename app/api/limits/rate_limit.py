"""How much one key, or one address without a key, may ask for: requests, bytes and time.

Each policy is a sliding window: what was used in the window before counts by the part of it that the sliding window
still covers (the approximation of "How we built rate limiting capable of scaling to millions of domains", Cloudflare,
2017). Counted in this process's memory, for a bounded number of parties, those not seen for longest forgotten first:
several processes each count their own. Answers that are kept in memory are no requests; large ones count by their
bytes. The `RateLimit` fields are those of draft-ietf-httpapi-ratelimit-headers.
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
"""Keys and addresses whose use is remembered; some 800 bytes each."""


class Policy(NamedTuple):
    """At most `most` of a unit within any `seconds`, and the problem of those who ask for more."""

    name: str
    problem: str
    unit: str
    most: int
    seconds: int

    @property
    def published(self) -> str:
        return f'"{self.name}";q={self.most};w={self.seconds}'


class Window:
    """The use of one policy by one party: the numbers of this window and of the one before it."""

    __slots__ = ("before", "current", "number")

    def __init__(self) -> None:
        self.number, self.before, self.current = 0, 0.0, 0.0

    def used(self, policy: Policy, now: float) -> float:
        """What was used within the last `policy.seconds`, by the weighted sum of both windows."""
        self._move_to(int(now // policy.seconds))
        return self.before * (1 - now % policy.seconds / policy.seconds) + self.current

    def add(self, policy: Policy, amount: float, now: float) -> None:
        self._move_to(int(now // policy.seconds))
        self.current += amount

    def wait(self, policy: Policy, now: float) -> int:
        """Seconds until one more may be used, at least 1."""
        passed = now % policy.seconds
        missing = self.used(policy, now) + 1 - policy.most
        if self.current < policy.most and self.before:
            return max(1, math.ceil(missing * policy.seconds / self.before))
        rest = policy.seconds - passed  # then this window is the one before, and its part shrinks
        over = self.current + 1 - policy.most
        return max(1, math.ceil(rest + max(0.0, over) * policy.seconds / max(1.0, self.current)))

    def _move_to(self, number: int) -> None:
        if number == self.number:
            return
        self.before = self.current if number == self.number + 1 else 0.0
        self.number, self.current = number, 0.0


class Verdict(NamedTuple):
    headers: Headers
    problem: Problem | None


def _policies(burst: int, quota: int, bytes_an_hour: int, seconds_a_minute: int) -> tuple[Policy, ...]:
    return (
        Policy("burst", "slow-down", "requests", burst, 10),
        Policy("day", "quota-spent", "requests", quota, 86_400),
        Policy("bytes", "slow-down", "bytes", bytes_an_hour, 3600),
        Policy("time", "slow-down", "milliseconds of work", seconds_a_minute * 1000, 60),
    )


class Limits:
    """The allowances of keys and addresses, and what each has used."""

    def __init__(self, settings: Settings) -> None:
        self.of_address = _policies(
            settings.address_burst, settings.address_quota, settings.address_bytes, settings.address_seconds
        )
        self.of_key = _policies(settings.key_burst, settings.key_quota, settings.key_bytes, settings.key_seconds)
        self.enabled = settings.limits
        self._used: OrderedDict[str, Sequence[Window]] = OrderedDict()

    def published(self) -> dict[str, dict[str, str]]:
        if not self.enabled:
            return {}
        parties = {"address": self.of_address, "key": self.of_key}
        return {party: {policy.name: policy.published for policy in policies} for party, policies in parties.items()}

    def take(self, *, key_id: str | None, address: str) -> Verdict:
        """Count one request, unless a policy is spent; the verdict says what is left of each."""
        policies, windows = self._of(key_id, address)
        now = time.time()
        spent = next((p for p, w in zip(policies, windows, strict=True) if w.used(p, now) + 1 > p.most), None)
        if spent is None:
            for policy, window in zip(policies[:2], windows, strict=False):
                window.add(policy, 1, now)
        problem = self._problem(spent, windows[policies.index(spent)], now) if spent else None
        return Verdict(_headers(policies, windows, now), problem)

    def charge(self, *, key_id: str | None, address: str, bytes_sent: int, seconds: float) -> None:
        """Count what an answer came to: its bytes, and the time that it took to make it."""
        policies, windows = self._of(key_id, address)
        now = time.time()
        windows[2].add(policies[2], bytes_sent, now)
        windows[3].add(policies[3], seconds * 1000, now)

    def has_bytes_left(self, address: str) -> bool:
        """Whether an address may be sent more bytes within this hour."""
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
