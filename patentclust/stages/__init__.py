"""The story: ingest, embed, cluster, report. One module and one `run` each; they meet only in the workspace's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What a stage did.

    Attributes:
        stage: its name.
        current: True when its files were there already, with the same fingerprint, and nothing had to be done.
        facts: figures for the summary, in order, e.g. `{"documents": 120, "failures": 1}`.
        warnings: sentences the user must see.
        outputs: files it stands for.
        unit: what it counts as noise or left out: `family` or `document`.
    """

    stage: str
    current: bool
    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    outputs: tuple[Path, ...] = ()
    unit: str = "document"


@dataclass(frozen=True)
class StageState:
    """Where one stage of a workspace stands.

    Attributes:
        state: `missing`, `current`, `stale` or `damaged`.
        detail: why, in a few words.
        n_rows: rows of its main file.
        n_bytes: size of its files.
        fingerprint: of its main file, hex.
    """

    stage: str
    state: str
    detail: str = ""
    n_rows: int = 0
    n_bytes: int = 0
    fingerprint: str = ""
