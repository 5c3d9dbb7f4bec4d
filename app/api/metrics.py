"""Counters, gauges and timings for Prometheus; each application has a registry of its own."""

from collections import Counter as Counts
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("method", "route", "status")
        self.requests = Counter("http_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram(
            "http_request_seconds", "Time to answer", ("route",), buckets=BUCKETS, registry=self.registry
        )
        self.revision = Gauge("evidence_revision", "Revision of the database", registry=self.registry)
        self.records = Gauge("evidence_records", "Records by type", ("type",), registry=self.registry)

        self.cached_requests = Counter("http_kept_answers", "Requests answered from memory", registry=self.registry)
        self.cache_hits: Counts[tuple[str, str, int]] = Counts()
        """Responses from the cache by method, route and status since the last `page`. They are counted in a plain
        Counter because a Prometheus counter costs as much as such a response does."""
        self._children = lru_cache(maxsize=4096)(self._labelled)

    def _labelled(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        return self.requests.labels(method, route, str(status)), self.seconds.labels(route)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request and the seconds that its response took."""
        requests, took = self._children(method, route, status)
        requests.inc()
        took.observe(seconds)

    def page(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        for labels, number in self.cache_hits.items():
            self._children(*labels)[0].inc(number)
            self.cached_requests.inc(number)
        self.cache_hits.clear()
        return generate_latest(self.registry)
