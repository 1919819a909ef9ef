"""The folder of a run; the only module that knows file names. Knows nothing of what is in the files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from patentclust.errors import ArtifactError

DEFAULT_FOLDER = "patentclust-out"


@dataclass(frozen=True)
class Workspace:
    """Name every file of a run below `root`."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))

    @property
    def documents(self) -> Path:
        """Where ingest puts documents."""
        return self.root / "documents.parquet"

    @property
    def failures(self) -> Path:
        """Where ingest puts what it could not read."""
        return self.root / "failures.parquet"

    @property
    def readings(self) -> Path:
        """Where ingest keeps what it read from each file, to read only new and changed ones; may be deleted."""
        return self.root / "readings"

    def embeddings(self, task: str) -> Path:
        """Return the folder of one task's shards."""
        return self.root / "embeddings" / task

    def shard(self, task: str, index: int) -> Path:
        """Return the path of one shard."""
        return self.embeddings(task) / f"part-{index:05d}.parquet"

    def shards(self, task: str) -> list[Path]:
        """Return the shards that exist, in order."""
        return sorted(self.embeddings(task).glob("part-*.parquet"))

    @property
    def clusters(self) -> Path:
        """Where cluster puts memberships and map positions."""
        return self.root / "clusters.parquet"

    @property
    def names(self) -> Path:
        """Where the answers of a chat server are kept; may be deleted."""
        return self.root / "names.jsonl"

    @property
    def topics(self) -> Path:
        """Where cluster puts the clusters' names and figures."""
        return self.root / "topics.parquet"

    @property
    def report(self) -> Path:
        """Where report puts the page."""
        return self.root / "report.html"

    @property
    def documents_csv(self) -> Path:
        """Where report puts one row per document."""
        return self.root / "documents.csv"

    @property
    def clusters_csv(self) -> Path:
        """Where report puts one row per cluster."""
        return self.root / "clusters.csv"

    def cross_csv(self, name: str) -> Path:
        """Return where report puts clusters against another column, such as `year`."""
        return self.root / f"clusters_by_{name}.csv"

    @property
    def texts_csv(self) -> Path:
        """Where report puts the whole of the texts that its page cuts, if it cuts any."""
        return self.root / "texts.csv"

    @property
    def workbook(self) -> Path:
        """Where report puts the tables as sheets."""
        return self.root / "report.xlsx"

    @property
    def graph_files(self) -> dict[str, Path]:
        """Where graph puts nodes, edges, and the same in the formats of other programs."""
        names = {"nodes": "nodes.parquet", "edges": "edges.parquet", "graphml": "graph.graphml"}
        names |= {"jsonld": "graph.jsonld", "vos_map": "vosviewer-map.txt", "vos_network": "vosviewer-network.txt"}
        return {key: self.root / "graph" / name for key, name in names.items()}

    @property
    def search(self) -> Path:
        """Where search keeps its indices, made from the passages; may be deleted."""
        return self.root / "search"

    def exports(self, store: str) -> Path:
        """Return the folder that export fills for a store."""
        return self.root / "export" / store

    @property
    def scores(self) -> Path:
        """Where cluster puts the scores of the map."""
        return self.root / "scores.json"

    @property
    def curation(self) -> Path:
        """Where the analyst corrects the map."""
        return self.root / "curation.toml"

    @property
    def thesaurus(self) -> Path:
        """Where the analyst says which assignees are one."""
        return self.root / "assignees.toml"

    @property
    def keys(self) -> Path:
        """Where the hashes of the keys to its server lie."""
        return self.root / "keys"

    @property
    def params(self) -> Path:
        """Where a run leaves its resolved parameters."""
        return self.root / "params.toml"

    @property
    def log(self) -> Path:
        """Where a run notes when and where it ran."""
        return self.root / "run.jsonl"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the workspace for writing, so that two runs never write one file; freed by the system when we die.

        A folder that was made for a run which leaves nothing goes again.

        Raises:
            ArtifactError: another process holds it, or the folder cannot be made.
        """
        made, lock = not self.root.exists(), self.root / ".lock"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle = lock.open("a+")
        except OSError as error:
            raise ArtifactError(
                f"cannot use the workspace {self.root}: {error.strerror or error}",
                hint="choose another folder with --workspace",
            ) from error
        try:
            with handle:
                if not _try_lock(handle.fileno()):
                    raise ArtifactError(
                        f"another patentclust run is writing to {self.root}",
                        hint="wait for it to end, or choose another folder with --workspace",
                    )
                self._sweep()
                yield
        finally:
            if made and list(self.root.iterdir()) == [lock]:
                with suppress(OSError):  # somebody else began to use it
                    lock.unlink()
                    self.root.rmdir()

    def _sweep(self) -> None:
        # We hold the lock, so a leftover of an interrupted write belongs to nobody.
        for leftover in self.root.rglob("*.tmp-*"):
            leftover.unlink(missing_ok=True)


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def default_workspace() -> Path:
    """Return the workspace that commands use when none is given."""
    return Path(os.environ.get("PATENTCLUST_WORKSPACE") or DEFAULT_FOLDER)
