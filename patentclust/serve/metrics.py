"""What the server counts, for Prometheus. No text, key or document number is ever a label."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_SIZES = (1, 2, 4, 8, 16, 32, 64)
CACHED = ("map", "passages")
CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        """Start at zero."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        own: dict[str, Any] = {"namespace": "patentclust", "registry": self.registry}
        self.requests = Counter("requests", "Requests by route and status.", ["route", "status"], **own)
        self.seconds = Histogram("request_seconds", "Time to answer.", ["route"], buckets=_SECONDS, **own)
        self.tokens = Counter("tokens", "Tokens that went through the model.", **own)
        self.texts = Counter("texts", "Texts that got a vector.", **own)
        self.cancelled = Counter("cancelled_texts", "Texts whose client had gone.", **own)
        self.refused = Counter("refused_requests", "Requests told to come again: the queue was full.", **own)
        self.queued_tokens = Gauge("queued_tokens", "Tokens that wait, by estimate.", **own)
        self.queued_requests = Gauge("queued_requests", "Requests that wait or are in work.", **own)
        self.wait = Histogram("queue_seconds", "Time from arrival to the model.", buckets=_SECONDS, **own)
        self.batch_texts = Histogram("batch_texts", "Texts run through the model together.", buckets=_SIZES, **own)
        self.batch_seconds = Histogram("batch_seconds", "Time in the model, by batch.", buckets=_SECONDS, **own)
        self.batch_fill = Histogram(
            "batch_fill", "Share of a batch's room that was used.", buckets=[n / 10 for n in range(1, 11)], **own
        )
        self.cache_hits = Counter("cache_hits", "Questions that found what they ask in memory.", ["what"], **own)
        self.cache_misses = Counter("cache_misses", "Questions that had it read from the workspace.", ["what"], **own)
        for what in CACHED:
            self.cache_hits.labels(what)
            self.cache_misses.labels(what)

    def saw_cached(self, what: str, hit: bool) -> None:
        """Count a look at the map or the passages that are kept in memory."""
        (self.cache_hits if hit else self.cache_misses).labels(what).inc()

    def page(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)
