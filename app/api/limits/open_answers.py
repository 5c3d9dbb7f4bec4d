"""A bound on long-lived responses that are open at a time: event streams, requests that wait, and exports."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.common.problems import Problem


class OpenAnswers:
    """Counts open responses: at most `most` in all, and `most_of_party` for one party.

    A party is a key, or an address without one. `noun` names the responses in the text of a refusal. None as a number
    means no bound.
    """

    def __init__(self, noun: str, *, most: int | None = None, most_of_party: int | None = None) -> None:
        self.noun, self.most, self.most_of_party = noun, most, most_of_party
        self._open: Counter[str] = Counter()

    def require_room(self, party: str) -> None:
        """Raise a `Problem` if a party may open no further response: 429 for its own share, 503 if all are taken."""
        if self.most_of_party is not None and self._open[party] >= self.most_of_party:
            detail = f"At most {self.most_of_party} {self.noun} are open for one address or key."
            raise Problem("slow-down", detail, headers={"retry-after": "10"})
        if self.most is not None and self._open.total() >= self.most:
            raise Problem("too-busy", f"All {self.most} {self.noun} are open already.", headers={"retry-after": "30"})

    @contextmanager
    def opened(self, party: str) -> Iterator[None]:
        """Count one open response of a party while the block runs."""
        self._open[party] += 1
        try:
            yield
        finally:
            self._open[party] -= 1
            if not self._open[party]:
                del self._open[party]
