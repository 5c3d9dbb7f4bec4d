"""The refusals of one minute, summed by client, so that a client that is refused often does not fill the audit."""

from collections import Counter
from dataclasses import dataclass, field, replace

from app.auth.audit import Event, Who
from app.common.ip_addresses import network_of

MOST_CLIENTS = 10_000
"""Clients that have a sum of their own in one minute. The refusals of all others make one sum."""

MOST_SINGLE = 30
"""Refusals in a minute, of one valid key, that become entries of their own."""

LONGEST_FIRST = 200
"""Characters of the first refusal's detail (its method and path) that a sum shows."""

Client = tuple[str | None, str | None]
"""The name of the valid key, if there was one, and the network. `OTHERS` has neither."""

OTHERS: Client = (None, None)


@dataclass(slots=True)
class _Sum:
    first: Event
    statuses: Counter[int] = field(default_factory=Counter)

    def event(self, client: Client) -> Event:
        """The sum's entry: a single refusal as it was, or the number of refusals by status and the first of them."""
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
    """Sums the refusals of the current minute."""

    def __init__(self) -> None:
        self._sums: dict[Client, _Sum] = {}
        self._singles: Counter[str] = Counter()

    def add(self, event: Event, *, is_known: bool) -> bool:
        """Add a refusal to its client's sum, and return whether that was done.

        The first `MOST_SINGLE` refusals of a valid key (`is_known`) are not added, since they are to be single entries.
        """
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
        """End the minute: return the entries of its sums, in the order of their first refusals, and reset."""
        sums, self._sums = self._sums, {}
        self._singles.clear()
        return [found.event(client) for client, found in sums.items()]
