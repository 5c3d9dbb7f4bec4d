"""How many answers of one kind are open at a time: event streams, requests that wait, exports that are sent."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.common.problems import Problem


class OpenAnswers:
    """At most `most` open answers, and at most `most_of_party` for one party: a key, or an address without one.

    `noun` names them in what is refused; without a number there is no bound.
    """

    def __init__(self, noun: str, *, most: int | None = None, most_of_party: int | None = None) -> None:
        self.noun, self.most, self.most_of_party = noun, most, most_of_party
        self._open: Counter[str] = Counter()

    def require_room(self, party: str) -> None:
        """Raise a `Problem` where one more for this party is too many: 429, or 503 where others have them all."""
        if self.most_of_party is not None and self._open[party] >= self.most_of_party:
            detail = f"At most {self.most_of_party} {self.noun} are open for one address or key."
            raise Problem("slow-down", detail, headers={"retry-after": "10"})
        if self.most is not None and self._open.total() >= self.most:
            raise Problem("too-busy", f"All {self.most} {self.noun} are open already.", headers={"retry-after": "30"})

    @contextmanager
    def opened(self, party: str) -> Iterator[None]:
        """Count an answer of this party for as long as the block runs."""
        self._open[party] += 1
        try:
            yield
        finally:
            self._open[party] -= 1
            if not self._open[party]:
                del self._open[party]
