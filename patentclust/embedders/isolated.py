"""The in-process embedder in a child process: when llama.cpp aborts, one text fails and the others go on.

The child says which texts are done; when it dies, a new one takes up the rest, one by one until it dies again: that
text gets no vector. A library that dies of the first few texts and does none is given up.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from patentclust.embedders import Embedder, Encoded, OnDone
from patentclust.errors import ModelError, PatentclustError
from patentclust.models import ModelSpec
from patentclust.params import EmbedParams, Resources

_GOODBYE_SECONDS = 10
_MOST_DEATHS_WITHOUT_A_VECTOR = 3


def _serve(pipe: Connection, path: Path, spec: ModelSpec, params: EmbedParams, resources: Resources) -> None:
    """Be the child: load, then answer until told to close. Ctrl-C is the parent's to handle."""
    from patentclust.embedders.inprocess import InProcessEmbedder

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(pipe, lambda: InProcessEmbedder(path, spec, params=params, resources=resources))


class IsolatedEmbedder:
    """Embed texts in a child process.

    Attributes:
        dim: length of a vector.
        packing: how texts are packed into model calls.
        process: the child, for whoever watches its memory.
    """

    child = staticmethod(_serve)

    def __init__(self, path: Path, spec: ModelSpec, *, params: EmbedParams, resources: Resources) -> None:
        """Start the child and load the model there.

        Raises:
            ModelError: the model cannot be loaded, or kills the child while it is.
        """
        self._arguments = (path, spec, params, resources)
        self._start()

    def _start(self) -> None:
        # A fresh interpreter: a fork would carry llama.cpp's threads and our open files along.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process = context.Process(target=self.child, args=(theirs, *self._arguments), daemon=True)
        self.process.start()
        theirs.close()
        kind, value = self._receive()
        if kind == "died":
            raise ModelError(f"{self._arguments[0].name} cannot be loaded: {value}")
        self.dim, self.packing = value

    def _receive(self) -> tuple[str, Any]:
        """Return the child's next word; its death is one too, its errors are raised here."""
        try:
            kind, value = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            return "died", _death(self.process.exitcode)
        if kind == "error":
            raise value
        return kind, value

    def encode_document(
        self, texts: Sequence[str], *, on_done: OnDone | None = None, upcoming: Sequence[str] = ()
    ) -> Encoded:
        """Return one unit-length row per text, in order; texts that kill the child are failures."""
        out = Encoded.empty(len(texts), self.dim)
        left = list(range(len(texts)))
        while left and self._try(texts, left, out, on_done, upcoming) is not None:
            # Whichever text it was is in the first call of those left; alone, each of them shows.
            left = self._one_by_one(texts, left, out, on_done)
            if len(out.failures) >= _MOST_DEATHS_WITHOUT_A_VECTOR and not out.vectors.any():
                out.failures.update(dict.fromkeys(left, next(iter(out.failures.values()))))
                break
        return out

    def encode_query(self, texts: Sequence[str]) -> Encoded:
        """Return one unit-length row per text under the query template.

        Raises:
            ModelError: the child died of them.
        """
        self._pipe.send(("query", (list(texts), [])))
        kind, value = self._receive()
        if kind == "died":
            self._start()
            raise ModelError(f"the model's process died of a query: {value}")
        encoded: Encoded = value
        return encoded

    def _try(
        self,
        texts: Sequence[str],
        left: list[int],
        out: Encoded,
        on_done: OnDone | None,
        upcoming: Sequence[str] = (),
    ) -> str | None:
        """Embed what is left, striking off what is done; return how the child died, or None."""
        mine = list(left)
        self._pipe.send(("document", ([texts[i] for i in mine], list(upcoming))))
        try:
            while (word := self._receive())[0] == "done":
                indices, part = word[1]
                done = [mine[i] for i in indices]
                out.put(done, part)
                left[:] = [i for i in left if i not in set(done)]
                if on_done:
                    on_done(done, part)
        except BaseException:
            self._stop()  # the child is in the middle of something that nobody waits for any more
            raise
        if word[0] == "died":
            self._start()
            return str(word[1])
        return None

    def _one_by_one(self, texts: Sequence[str], left: list[int], out: Encoded, on_done: OnDone | None) -> list[int]:
        """Embed the texts left one at a time, longest first as calls go, until the deadly one; return the others."""
        for i in sorted(left, key=lambda i: -len(texts[i])):
            reason = self._try(texts, [i], out, on_done)
            left = [j for j in left if j != i]
            if reason is not None:
                out.failures[i] = f"the model's process died of this text: {reason}"
                if on_done:
                    on_done([i], out.take([i]))
                return left
        return left

    def _stop(self) -> None:
        self.process.kill()
        self.process.join()

    def close(self) -> None:
        """End the child; a second call does nothing."""
        if self.process.is_alive():
            try:
                self._pipe.send(("close", None))
            except OSError:
                self._stop()
            self.process.join(_GOODBYE_SECONDS)
        if self.process.is_alive():
            self._stop()
        self._pipe.close()


def _death(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name
        return f"{name} ({'out of memory?' if name == 'SIGKILL' else 'llama.cpp aborted'})"
    return f"exit code {exitcode}"


def serve(pipe: Connection, opened: Callable[[], Embedder]) -> None:
    """Answer with an embedder until told to close; errors the user can fix go back as they are."""
    try:
        embedder = opened()
        pipe.send(("ready", (embedder.dim, dict(embedder.packing))))
        while (request := pipe.recv())[0] != "close":
            kind, (texts, upcoming) = request
            if kind == "query":
                pipe.send(("vectors", embedder.encode_query(texts)))
            else:
                embedder.encode_document(
                    texts, on_done=lambda indices, part: pipe.send(("done", (indices, part))), upcoming=upcoming
                )
                pipe.send(("all", None))
        embedder.close()
    except PatentclustError as error:
        pipe.send(("error", type(error)(str(error), hint=error.hint)))
    except (EOFError, BrokenPipeError):
        pass  # the parent is gone
