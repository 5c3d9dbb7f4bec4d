"""Refusals of one minute, summed by client: whoever is refused again and again must not fill the audit."""

from collections import Counter
from dataclasses import dataclass, field, replace

from app.auth.audit import Event, Who
from app.common.ip_addresses import network_of

MOST_CLIENTS = 10_000
"""Clients that are told apart in one minute; what others are refused makes one sum."""

MOST_SINGLE = 30
"""Refusals a minute that the holder of a key has as entries of their own."""

LONGEST_FIRST = 200
"""Characters of the first refusal's method and path that a sum shows."""

Client = tuple[str | None, str | None]
"""The name of the key, if there was one, and the network. Neither: all clients beyond those that are told apart."""

OTHERS: Client = (None, None)


@dataclass(slots=True)
class _Sum:
    first: Event
    statuses: Counter[int] = field(default_factory=Counter)

    def event(self, client: Client) -> Event:
        """One refusal as it was; of several, how many of which status, and the first of them."""
        number = self.statuses.total()
        if number == 1 and client != OTHERS:
            return self.first
        counts = ", ".join(f"{count} of {status}" for status, count in sorted(self.statuses.items()))
        whose = f" of others than the first {MOST_CLIENTS} clients" if client == OTHERS else ""
        detail = f"{number} in one minute{whose} ({counts}), first {self.first.detail or ''}"
        status = next(iter(self.statuses)) if len(self.statuses) == 1 else None
        who = Who(self.first.who.actor, client[1], self.first.who.request_id)
        return replace(self.first, who=who, status=status, detail=detail)


class Refusals:
    def __init__(self) -> None:
        self._sums: dict[Client, _Sum] = {}
        self._singles: Counter[str] = Counter()

    def add(self, event: Event, *, is_known: bool) -> bool:
        """Counts a refusal; says no where it is to be an entry of its own, as those of known keys are at first."""
        actor = event.who.actor
        if is_known:
            self._singles[actor] += 1
            if self._singles[actor] <= MOST_SINGLE:
                return False
        client = (actor if is_known else None, network_of(event.who.address or ""))
        self._sum_of(client, event).statuses[event.status or 0] += 1
        return True

    def _sum_of(self, client: Client, event: Event) -> _Sum:
        found = self._sums.get(client)
        if found is None:
            if len(self._sums) >= MOST_CLIENTS:
                client = OTHERS
            first = replace(event, detail=event.detail and event.detail[:LONGEST_FIRST])
            found = self._sums.setdefault(client, _Sum(first))
        return found

    def __len__(self) -> int:
        return len(self._sums)

    def end(self) -> list[Event]:
        """The sums of the minute that is over, in the order of their first refusals; a new minute begins."""
        sums, self._sums = self._sums, {}
        self._singles.clear()
        return [found.event(client) for client, found in sums.items()]
