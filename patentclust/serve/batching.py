"""Requests that wait together go through the model together, on one thread, each in its turn.

Knows nothing of HTTP. The order within a batch, and how it becomes model calls, is the embedder's.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from patentclust.analysis.texts import estimate_tokens
from patentclust.embedders import Encoded
from patentclust.embedders.inprocess import InProcessEmbedder
from patentclust.errors import ModelError, PatentclustError
from patentclust.serve.metrics import Metrics

# Small enough that nobody waits long behind a batch, large enough to fill the model's calls.
BATCH_TEXTS, BATCH_TOKENS = 64, 2048
_FIRST_GUESS_TOKENS_A_SECOND = 1000.0
_MOST_RETRY_SECONDS = 300


class QueueFullError(PatentclustError):
    """More waits than the server takes on; `retry_seconds` says when to come again."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__("the server is busy", hint=f"try again in {retry_seconds} s")
        self.retry_seconds = retry_seconds


class StoppingError(PatentclustError):
    """The server no longer takes work on."""


@dataclass(eq=False)
class Job:
    """One request's texts, all under one template; `future` gets their rows, in order."""

    texts: Sequence[str]
    template: str
    out: Encoded
    tokens: list[float]
    future: Future[Encoded] = field(default_factory=Future)
    born: float = field(default_factory=time.monotonic)
    taken: int = 0
    done: int = 0

    @property
    def gone(self) -> bool:
        """Tell whether nobody waits for it any more."""
        return self.future.done()

    @property
    def left(self) -> float:
        """Return the tokens that were not taken yet, by estimate."""
        return sum(self.tokens[self.taken :])


class Batcher:
    """The one user of an embedder.

    Requests take turns, a text each, until a batch is full: a request of thousands of texts delays one of a single
    text by one batch. `Job.future.cancel()` takes a request out.
    """

    def __init__(self, embedder: InProcessEmbedder, metrics: Metrics, *, most_queued_tokens: int) -> None:
        """Start the thread."""
        self._embedder, self._metrics, self._limit = embedder, metrics, most_queued_tokens
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._speed = _FIRST_GUESS_TOKENS_A_SECOND
        self._thread = threading.Thread(target=self._work, name="patentclust-embedding", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Tell whether texts that come now will be embedded."""
        return self._thread.is_alive() and not self._stopping

    def submit(self, texts: Sequence[str], template: str) -> Job:
        """Put texts in the queue.

        Raises:
            QueueFullError: too much waits already; a queue that is empty takes anything.
            StoppingError: the server is going down.
        """
        tokens = [estimate_tokens(text) for text in texts]
        job = Job(texts, template, Encoded.empty(len(texts), self._embedder.dim), tokens)
        with self._changed:
            if not self.alive:
                raise StoppingError("the server is stopping", hint="try again when it is up")
            self._drop_gone()
            waiting = sum(other.left for other in self._jobs)
            if waiting and waiting + job.left > self._limit:
                self._metrics.refused.inc()
                raise QueueFullError(int(min(_MOST_RETRY_SECONDS, max(1, waiting / self._speed))))
            self._jobs.append(job)
            self._measure()
            self._changed.notify()
        return job

    def close(self) -> None:
        """Finish the batch in hand and stop; what still waits is told so. A second call does nothing."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        try:
            while batch := self._next():
                self._run(batch)
        finally:
            # Also when the embedder died of a bug of ours: nobody is left waiting for ever.
            with self._changed:
                self._stopping = True
                for job in self._jobs:
                    _fail(job, StoppingError("the server is stopping", hint="try again when it is up"))
                self._jobs.clear()

    def _next(self) -> list[tuple[Job, int]]:
        """Wait for work and return a batch of it as (job, index of text); none when it is time to stop."""
        with self._changed:
            while True:
                self._drop_gone()
                if self._stopping:
                    return []
                if any(job.left for job in self._jobs):
                    return self._batch()
                self._changed.wait()

    def _batch(self) -> list[tuple[Job, int]]:
        batch: list[tuple[Job, int]] = []
        tokens = 0.0
        waiting = [job for job in self._jobs if job.left]
        while waiting and len(batch) < BATCH_TEXTS:
            job = waiting.pop(0)
            if batch and tokens + job.tokens[job.taken] > BATCH_TOKENS:
                break
            if job.taken == 0:
                self._metrics.wait.observe(time.monotonic() - job.born)
            batch.append((job, job.taken))
            tokens += job.tokens[job.taken]
            job.taken += 1
            if job.taken < len(job.texts):
                waiting.append(job)
        # Whoever was served goes behind those who were not.
        served = {id(job) for job, _ in batch}
        self._jobs = deque(sorted(self._jobs, key=lambda job: id(job) in served))
        self._metrics.batch_texts.observe(len(batch))
        self._metrics.batch_fill.observe(min(1.0, max(tokens / BATCH_TOKENS, len(batch) / BATCH_TEXTS)))
        self._measure()
        return batch

    def _run(self, batch: Sequence[tuple[Job, int]]) -> None:
        start = time.monotonic()
        try:
            encoded = self._encode(batch)
        except PatentclustError as error:
            if len(batch) > 1:
                for one in batch:  # so that whoever's text it was fails alone
                    self._run([one])
            else:
                _fail(batch[0][0], error)
            return
        seconds = time.monotonic() - start
        n_tokens = int(encoded.n_tokens_used.sum())
        self._speed = 0.8 * self._speed + 0.2 * n_tokens / max(seconds, 1e-3)
        self._metrics.batch_seconds.observe(seconds)
        self._metrics.tokens.inc(n_tokens)
        self._metrics.texts.inc(len(batch))
        for row, (job, index) in enumerate(batch):
            job.out.put([index], encoded.take([row]))
            job.done += 1
            if job.done == len(job.texts):
                _finish(job)

    def _encode(self, batch: Sequence[tuple[Job, int]]) -> Encoded:
        texts = [job.texts[index] for job, index in batch]
        return self._embedder.encode_under(texts, [job.template for job, _ in batch])

    def _drop_gone(self) -> None:
        for job in [job for job in self._jobs if job.gone]:
            if job.future.cancelled():
                self._metrics.cancelled.inc(len(job.texts) - job.done)
            self._jobs.remove(job)
        self._measure()

    def _measure(self) -> None:
        self._metrics.queued_tokens.set(sum(job.left for job in self._jobs))
        self._metrics.queued_requests.set(len(self._jobs))


def encode(batcher: Batcher, texts: Sequence[str], template: str) -> np.ndarray:
    """Return unit vectors of texts, waiting for them.

    Raises:
        PatentclustError: the queue is full, or a text got no vector.
    """
    return batcher.submit(texts, template).future.result().vectors


def _finish(job: Job) -> None:
    if job.out.failures:
        index, reason = next(iter(job.out.failures.items()))
        _fail(job, ModelError(f"text {index}: {reason}"))
    elif job.future.set_running_or_notify_cancel():
        job.future.set_result(job.out)


def _fail(job: Job, error: PatentclustError) -> None:
    # A request that failed or was cancelled once has its answer; its other texts may still come by.
    if not job.future.done() and job.future.set_running_or_notify_cancel():
        job.future.set_exception(error)
